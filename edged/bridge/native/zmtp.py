"""ZeroMQ's wire as a DEALER speaks it, without I/O: ZMTP 3.1 with the NULL mechanism.

Why not libzmq here: it delivers a message only when all its frames are there (a picture of 64 MB
would be 64 MB in the host), reads ahead as much as its high-water mark allows, cannot say whose
process listens, and its import takes 30 of the 60 ms in which the browser gets its first reply
(measured: 2026-11-21, Python 3.11, pyzmq 27, two cores). The daemon's side is libzmq.

Source: rfc.zeromq.org/spec/23 (frames, commands) and /37 (3.1: PING and PONG).
"""

import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from edged.errors import VersionSkew

Buffer = bytes | memoryview

MORE = 0b001
LONG = 0b010
COMMAND = 0b100

GREETING_BYTES = 64
GREETING = (
    b"\xff" + bytes(8) + b"\x7f"  # signature
    + b"\x03\x01" + b"NULL".ljust(20, b"\0") + b"\0" + bytes(31)  # version, mechanism, no server
)  # fmt: skip

LONGEST_SHORT = 0xFF
"""Bytes of a frame whose length takes one byte."""

LONGEST_COMMAND = 1024
"""Bytes. READY with its properties takes about 50, PING at most 23."""

PONG = b"\x04PONG"
_PING = b"\x04PING"
_TTL_BYTES = 2
_READY = b"\x05READY"
_MAJOR = 3
_LONG_SIZE = struct.Struct(">Q")
_SHORT_HEADER = 2
_LONG_HEADER = 9


class Chunk(NamedTuple):
    """Bytes of a frame, as they came; valid until the next ones are read."""

    data: Buffer
    ends_frame: bool
    ends_message: bool


def property_of(name: bytes, value: bytes) -> bytes:
    """One of the properties of READY."""
    return bytes([len(name)]) + name + struct.pack(">I", len(value)) + value


def command(body: bytes) -> bytes:
    """A command, framed; at most 255 bytes."""
    return bytes([COMMAND, len(body)]) + body


READY = command(_READY + property_of(b"Socket-Type", b"DEALER") + property_of(b"Identity", b""))


def message(frames: Iterable[Buffer]) -> list[Buffer]:
    """A message as buffers to be sent one after the other; long frames are not copied."""
    waiting = list(frames)
    out: list[Buffer] = []
    for index, frame in enumerate(waiting):
        flags = MORE if index < len(waiting) - 1 else 0
        if len(frame) <= LONGEST_SHORT:
            out.append(b"".join((bytes([flags, len(frame)]), frame)))
        else:
            out += [bytes([flags | LONG]) + _LONG_SIZE.pack(len(frame)), frame]
    return out


class Wire:
    """What the other side sends, after `GREETING` and `READY` were sent to it.

    ready: the other side agreed. answers: what has to be sent back; whoever sends it clears it.
    """

    def __init__(self) -> None:
        self.ready = False
        self.answers: list[bytes] = []
        self._greeting = bytearray()
        self._header = bytearray()
        self._command = bytearray()
        self._in_frame = False
        self._left = 0

    def feed(self, data: memoryview) -> Iterator[Chunk]:
        """Take what came; gives chunks of frames, in order. Commands are dealt with here.

        Raises:
            VersionSkew: the other side speaks something else.
        """
        at = self._greet(data)
        while at < len(data) or (self._in_frame and not self._left):
            if not self._in_frame:
                at += self._begin(data[at:])
                continue
            chunk = data[at : at + self._left]
            at += len(chunk)
            self._left -= len(chunk)
            self._in_frame = self._left > 0
            if self._header[0] & COMMAND:
                self._take(chunk)
            else:
                ends = not self._in_frame
                yield Chunk(chunk, ends, ends and not self._header[0] & MORE)
            if not self._in_frame:
                self._header.clear()

    def _greet(self, data: memoryview) -> int:
        """How much of the greeting was taken."""
        wanted = GREETING_BYTES - len(self._greeting)
        if wanted <= 0:
            return 0
        self._greeting += data[:wanted]
        got = self._greeting
        right = got.startswith(b"\xff")
        if right and len(got) == GREETING_BYTES:
            right = got[9] & 1 == 1 and got[10] >= _MAJOR and got[12:32].rstrip(b"\0") == b"NULL"
        if not right:
            raise VersionSkew("what listens at the socket is no daemon of edged")
        return min(wanted, len(data))

    def _begin(self, data: memoryview) -> int:
        """Take bytes of a frame's header; returns how many."""
        size = _LONG_HEADER if (self._header or data)[0] & LONG else _SHORT_HEADER
        step = min(size - len(self._header), len(data))
        self._header += data[:step]
        if len(self._header) == size:
            self._in_frame = True
            self._left = self._size()
            if not self.ready and not self._header[0] & COMMAND:
                raise VersionSkew("the daemon sent a message before it was ready")
        return step

    def _size(self) -> int:
        if self._header[0] & LONG:
            (size,) = _LONG_SIZE.unpack(self._header[1:])
            return int(size)
        return self._header[1]

    def _take(self, data: memoryview) -> None:
        self._command += data
        if len(self._command) + self._left > LONGEST_COMMAND:
            raise VersionSkew("the daemon sent a command that is too long")
        if self._in_frame:
            return
        if self._command.startswith(_READY):
            self.ready = True
        elif self._command.startswith(_PING):
            context = bytes(self._command[len(_PING) + _TTL_BYTES :])
            self.answers.append(command(PONG + context[:16]))
        elif not self.ready:
            raise VersionSkew("the daemon refused the connection")
        self._command.clear()
