"""The browser's framing, without I/O: a length in 4 bytes of the machine's order, and so much JSON.

A message is refused by its length before memory is taken for it; its bytes are then passed over.
"""

import struct

from edged.errors import BadRequest, EdgedError, TooLarge

MOST_BYTES = 8 * 2**20
"""Longest message that is taken, as one frame of the daemon is."""

READ_BYTES = 64 * 1024
"""Read at once while no long message is under way. Source: a pipe of Linux holds so much."""

_LENGTH = struct.Struct("=I")


def framed(message: bytes) -> bytes:
    """A message as the browser reads it."""
    return _LENGTH.pack(len(message)) + message


class Inlet:
    """Bytes to messages; what is read goes into `place()`, and `took` says how much it was.

    Args:
        most_bytes: longer messages are refused and passed over.

    Holds one message at most, and `READ_BYTES` beside it.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._scratch = bytearray(READ_BYTES)
        self._length = bytearray()
        self._body: bytearray | None = None
        self._filled = 0
        self._to_skip = 0

    @property
    def midway(self) -> bool:
        """Whether a message has begun and not ended."""
        return bool(self._length or self._to_skip or self._body is not None)

    def place(self) -> memoryview:
        """Where the next bytes go; release it before `took`."""
        if self._body is not None:
            return memoryview(self._body)[self._filled :]
        return memoryview(self._scratch)

    def took(self, count: int) -> list[bytearray | EdgedError]:
        """The messages that `count` new bytes completed, in order, and errors for those refused."""
        if self._body is None:
            with memoryview(self._scratch) as scratch:
                return self._divide(scratch[:count])
        self._filled += count
        return self._completed()

    def _divide(self, data: memoryview) -> list[bytearray | EdgedError]:
        found: list[bytearray | EdgedError] = []
        at = 0
        while at < len(data):
            if self._to_skip:
                step = min(self._to_skip, len(data) - at)
                self._to_skip -= step
            elif self._body is None:
                step = min(_LENGTH.size - len(self._length), len(data) - at)
                found += self._measure(data[at : at + step])
            else:
                step = min(len(self._body) - self._filled, len(data) - at)
                self._body[self._filled : self._filled + step] = data[at : at + step]
                self._filled += step
                found += self._completed()
            at += step
        return found

    def _measure(self, data: memoryview) -> list[BadRequest | TooLarge]:
        """Take bytes of a length; with its last one a body begins, or an error says why not."""
        self._length += data
        if len(self._length) < _LENGTH.size:
            return []
        (size,) = _LENGTH.unpack(self._length)
        self._length.clear()
        if not size:
            return [BadRequest("a message of no bytes")]
        if size > self._most_bytes:
            self._to_skip = size
            return [TooLarge(f"a message of {size} bytes", limit=self._most_bytes, size=size)]
        self._body, self._filled = bytearray(size), 0
        return []

    def _completed(self) -> list[bytearray | EdgedError]:
        if self._body is None or self._filled < len(self._body):
            return []
        body, self._body = self._body, None
        return [body]
