"""Frames to messages and back, without I/O: what may be read, and how a bad message is answered.

Frame 0 is an Envelope in MessagePack, frames 1.. are raw parts. The body is decoded in a second
step, so that a bad body can still be answered by its id.
"""

from collections.abc import Sequence
from itertools import count

import msgspec
from msgspec import Struct

from edged.errors import BadRequest, EdgedError, TooLarge, UnknownRequest, VersionSkew
from edged.media import AudioFormat
from edged.messages.access import Pairing
from edged.messages.envelope import (
    PROTOCOL,
    Envelope,
    decode_envelope,
    decode_reply,
    decode_request,
    encode,
)
from edged.messages.replies import (
    Accepted,
    AnyReply,
    Audio,
    Error,
    EventReply,
    FilePart,
    Loading,
    Overflow,
    Progress,
    Subscribed,
    Transcript,
)
from edged.messages.requests import AnyRequest
from edged.messages.seeing import FramesLost, FramesPart, Seen
from edged.messages.sessions import PartialText, StreamOpened
from edged.messages.voice import Denoised, Spoken, StemPart

Buffer = bytes | memoryview

UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, OverflowError)
"""What msgspec raises for hostile input. Measured: bad UTF-8 and depth bombs are no DecodeError."""

GOES_ON = (
    Accepted, Loading, Progress, Transcript, Audio, FilePart, Subscribed, EventReply, Overflow,
    StreamOpened, PartialText, StemPart, Spoken, Denoised, Seen, FramesLost,
    FramesPart, Pairing,
)  # fmt: skip
"""Replies that another one follows; every other reply ends its request."""

PART_BYTES = 4 * 2**20
"""Clients cut audio into parts of this size: half of what the daemon takes in one frame."""

_numbers = count(1)


class Incoming(Struct, frozen=True):
    """A request that could be read: its envelope, its body, its parts, and the size of all."""

    envelope: Envelope
    request: AnyRequest
    parts: tuple[Buffer, ...]
    size_bytes: int = 0


class Refused(Exception):
    """A message that cannot be taken, and the id under which to say so (empty: unknown)."""

    def __init__(self, error: EdgedError, request_id: str = "") -> None:
        super().__init__(error.message)
        self.error = error
        self.request_id = request_id


def read_request(frames: Sequence[Buffer], *, most_frames: int, most_bytes: int) -> Incoming:
    """The request that frames hold.

    Raises:
        Refused: too many frames or bytes, an unreadable envelope or body, another protocol.
    """
    envelope = _read_envelope(frames)
    if envelope.v != PROTOCOL:
        raise Refused(
            VersionSkew(f"protocol {envelope.v} asked, {PROTOCOL} spoken", spoken=PROTOCOL),
            envelope.id,
        )
    if len(frames) > most_frames:
        raise Refused(
            TooLarge(f"{len(frames)} frames in one request", limit=most_frames), envelope.id
        )
    size = sum(len(frame) for frame in frames)
    if size > most_bytes:
        raise Refused(TooLarge(f"request of {size} bytes", limit=most_bytes), envelope.id)
    return Incoming(envelope, _read_body(envelope), tuple(frames[1:]), size)


def _read_envelope(frames: Sequence[Buffer]) -> Envelope:
    if not frames:
        raise Refused(BadRequest("a message without frames"))
    try:
        return decode_envelope(frames[0])
    except UNDECODABLE as error:
        raise Refused(BadRequest(f"envelope cannot be read: {_why(error)}")) from error


def _read_body(envelope: Envelope) -> AnyRequest:
    try:
        request: AnyRequest = decode_request(envelope.body)
    except msgspec.ValidationError as error:
        kind = (
            UnknownRequest
            if "Invalid value" in str(error) and "$.type" in str(error)
            else BadRequest
        )
        raise Refused(kind(f"request refused: {error}"), envelope.id) from error
    except UNDECODABLE as error:
        raise Refused(BadRequest(f"body cannot be read: {_why(error)}"), envelope.id) from error
    return request


def _why(error: Exception) -> str:
    """What is wrong, without the sender's bytes."""
    if isinstance(error, RecursionError):
        return "nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return "text is not UTF-8"
    return str(error)


def pack_request(
    request: AnyRequest,
    parts: Sequence[Buffer] = (),
    *,
    request_id: str,
    deadline_ms: int = 0,
    token: str = "",
) -> list[Buffer]:
    """The frames of a request."""
    envelope = Envelope(
        v=PROTOCOL,
        id=request_id,
        deadline_ms=deadline_ms,
        token=token,
        body=msgspec.Raw(encode(request)),
    )
    return [encode(envelope), *parts]


def pack_reply(reply: AnyReply, parts: Sequence[Buffer] = (), *, request_id: str) -> list[Buffer]:
    """The frames of a reply."""
    envelope = Envelope(
        v=PROTOCOL,
        id=f"r{next(_numbers)}",
        parent_id=request_id,
        more=isinstance(reply, GOES_ON),
        body=msgspec.Raw(encode(reply)),
    )
    return [encode(envelope), *parts]


def read_reply(frames: Sequence[Buffer]) -> tuple[Envelope, AnyReply, tuple[Buffer, ...]]:
    """Envelope, body and parts of a reply.

    Raises:
        VersionSkew: the daemon answers with what this client cannot read.
    """
    try:
        envelope = decode_envelope(frames[0])
        return envelope, decode_reply(envelope.body), tuple(frames[1:])
    except UNDECODABLE as error:
        raise VersionSkew(f"the daemon's reply cannot be read: {_why(error)}") from error


def error_reply(error: EdgedError) -> Error:
    """An error as the last reply of its request."""
    return Error(
        code=error.code,
        message=error.message,
        fix=error.fix,
        retryable=error.retryable,
        details=dict(error.details),
    )


def split(data: bytes, audio: AudioFormat | None) -> tuple[memoryview, ...]:
    """Bytes as parts that pass the daemon's frame size; PCM is cut between samples."""
    step = PART_BYTES - PART_BYTES % (audio.frame_bytes if audio else 1)
    view = memoryview(data)
    return tuple(view[start : start + step] for start in range(0, len(view), step))
