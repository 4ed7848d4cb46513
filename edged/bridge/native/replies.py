"""What the daemon answers as JSON for the browser, while it comes in.

A reply's frames are turned into text as they arrive, so that one of hundreds of megabytes takes no
more memory here than a piece of it.
"""

import binascii
import json
import math
from collections.abc import Mapping
from itertools import count

import msgpack

from edged.bridge.native.pieces import PIECE_BYTES, Cutter
from edged.bridge.native.zmtp import Buffer, Chunk
from edged.errors import EdgedError, VersionSkew

PROTOCOL = 1
"""The version on the wire: that of edged.messages.envelope, which takes too long to import."""

LONGEST_ENVELOPE = 64 * 2**20
"""Bytes of a reply without its parts; the daemon's own stay far below."""

_THREE = 3
"""Bytes that make four characters of base64."""

_numbers = count(1)


class Replies:
    """Chunks of the daemon's frames to messages for the browser.

    running: ids of requests whose last reply has not come; kept by whoever asks, and here.
    """

    def __init__(self) -> None:
        self.running: set[str] = set()
        self._cutter = Cutter()
        self._envelope = bytearray()
        self._facts: dict[str, object] = {}
        self._parts = 0
        self._in_part = False
        self._odd = b""

    @property
    def midway(self) -> bool:
        """Whether a reply has begun and not ended."""
        return bool(self._envelope) or self._cutter.midway

    def feed(self, chunk: Chunk) -> list[bytes]:
        """Take what came and return the messages that are ready.

        Raises:
            VersionSkew: what came is no reply that can be read.
        """
        if self._cutter.midway:
            return self._part(chunk)
        if chunk.ends_message and not self._envelope:
            return self._whole(chunk.data)
        self._envelope += chunk.data
        if len(self._envelope) > LONGEST_ENVELOPE:
            raise VersionSkew("the daemon's reply is too long to be one")
        if not chunk.ends_frame:
            return []
        return self._begin(ends=chunk.ends_message)

    def abandon(self) -> None:
        """Forget a reply that will not go on: the daemon is gone."""
        self._envelope.clear()
        self._cutter.begin("")

    def _whole(self, envelope: Buffer) -> list[bytes]:
        """A reply that came at once and has no parts, as most are."""
        self._facts = _read(envelope)
        told = text(self._facts)
        if len(told) <= PIECE_BYTES:
            self._cross_off()
            return [told]
        self._cutter.begin(self._name())
        return self._cutter.add(told) + self._end()

    def _begin(self, *, ends: bool) -> list[bytes]:
        envelope = bytes(self._envelope)
        self._envelope.clear()
        if ends:
            return self._whole(envelope)
        self._facts = _read(envelope)
        self._cutter.begin(self._name())
        self._parts, self._odd, self._in_part = 0, b"", False
        return self._cutter.add(text(self._facts)[:-1] + b',"parts":[')

    def _name(self) -> str:
        return str(self._facts.get("id", "")) or "r"

    def _part(self, chunk: Chunk) -> list[bytes]:
        """A part's bytes as base64, in groups of three; the rest waits for what comes next."""
        told = self._opening()
        data = b"".join((self._odd, chunk.data))
        kept = 0 if chunk.ends_frame else len(data) % _THREE
        self._odd = data[len(data) - kept :]
        told += binascii.b2a_base64(data[: len(data) - kept], newline=False)
        if chunk.ends_frame:
            self._in_part = False
            told += b'"'
        ready = self._cutter.add(told + (b"]}" if chunk.ends_message else b""))
        return ready + self._end() if chunk.ends_message else ready

    def _opening(self) -> bytes:
        if self._in_part:
            return b""
        self._in_part = True
        self._parts += 1
        return b'"' if self._parts == 1 else b',"'

    def _end(self) -> list[bytes]:
        self._cross_off()
        return self._cutter.end()

    def _cross_off(self) -> None:
        """A request that got its last reply runs no longer."""
        if not self._facts.get("more"):
            self.running.discard(str(self._facts.get("parent_id", "")))


def error_reply(error: EdgedError, parent_id: str) -> bytes:
    """An error of the host's own as the last reply of a request."""
    return text(
        {
            "v": PROTOCOL,
            "id": f"h{next(_numbers)}",
            "parent_id": parent_id,
            "body": {"type": "error", **fields(error)},
        }
    )


def fields(error: EdgedError) -> dict[str, object]:
    """What the wire says of an error."""
    return {
        "code": error.code,
        "message": error.message,
        "fix": error.fix,
        "retryable": error.retryable,
        "details": dict(error.details),
    }


def _read(envelope: Buffer) -> dict[str, object]:
    try:
        found = msgpack.unpackb(envelope, strict_map_key=False)
    except (ValueError, TypeError, msgpack.UnpackException) as error:
        raise VersionSkew("the daemon's reply cannot be read") from error
    if not isinstance(found, dict):
        raise VersionSkew("the daemon's reply is no envelope")
    return found


def text(message: Mapping[str, object]) -> bytes:
    """A message as JSON in UTF-8, binary values as base64; numbers that JSON has not become null."""
    try:
        try:
            return _encoder.encode(message).encode()
        except ValueError:
            return _encoder.encode(_plain(message)).encode()
    except (TypeError, RecursionError) as error:
        raise VersionSkew("the daemon's reply holds what JSON cannot carry") from error


def _plain(value: object) -> object:
    match value:
        case dict():
            return {key: _plain(one) for key, one in value.items()}
        case list():
            return [_plain(one) for one in value]
        case float() if not math.isfinite(value):
            return None
    return value


def _base64(value: bytes) -> str:
    """A binary value in a body; nothing else comes out of MessagePack that JSON has no form for."""
    return binascii.b2a_base64(value, newline=False).decode()


_encoder = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, default=_base64, separators=(",", ":")
)
