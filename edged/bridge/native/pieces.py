"""Texts of any length as messages that a browser takes: cut, and each cut below 1 MiB.

Measured: Chromium 156 and Firefox 153 close the port at 1,048,577 bytes, and the host gets no error.
"""

import json

PIECE_BYTES = 768 * 1024
"""Longest text that goes as one message, and longest text in a piece."""

MOST_BYTES = 2**20 - 64
"""Longest message to a browser, without `sent`, for which there is room."""

_CONTINUES = 0b1000_0000
_CONTINUE_MASK = 0b1100_0000


class Cutter:
    """One text at a time to messages: whole when it is short, otherwise in pieces.

    Holds `PIECE_BYTES` and what was added last, whatever the length of the text.
    """

    def __init__(self) -> None:
        self._text = bytearray()
        self._of = ""
        self._index = 0

    @property
    def midway(self) -> bool:
        """Whether a text has begun and not ended."""
        return bool(self._of)

    def begin(self, of: str) -> None:
        """Begin a text, named by its message's id; one that has not ended is given up."""
        self._text.clear()
        self._of, self._index = of, 0

    def add(self, text: bytes) -> list[bytes]:
        """Add UTF-8 and return the messages that are ready; cuts within a character are ours to avoid."""
        self._text += text
        ready: list[bytes] = []
        while len(self._text) > PIECE_BYTES:
            ready.append(self._piece(last=False))
        return ready

    def end(self) -> list[bytes]:
        """End the text and return its last messages."""
        ready: list[bytes] = []
        if self._index == 0:
            ready.append(bytes(self._text))
        else:
            while self._text:
                ready.append(self._piece(last=True))
        self._of = ""
        self._text.clear()
        return ready

    def _piece(self, *, last: bool) -> bytes:
        """The next piece, taken from the front of the text; the last one only if it takes all."""
        size = min(len(self._text), PIECE_BYTES)
        while True:
            size = _whole(self._text, size)
            facts = {"of": self._of, "index": self._index, "last": last and size == len(self._text)}
            data = self._text[:size].decode()
            piece = json.dumps({"piece": facts, "data": data}, ensure_ascii=False).encode()
            if len(piece) <= MOST_BYTES:
                break
            size //= 2  # quotes and backslashes are doubled: at most twice the length
        del self._text[:size]
        self._index += 1
        return piece


def _whole(text: bytearray, size: int) -> int:
    """The largest length up to `size` that does not end within a character."""
    while size < len(text) and text[size] & _CONTINUE_MASK == _CONTINUES:
        size -= 1
    return size
