"""Reads the few tables of a FlatBuffer that are asked for, from bytes that nobody vouches for.

Source: FlatBuffers internals (flatbuffers.dev/internals): a table begins with the signed distance
back to its vtable; a vtable holds, after two sizes, where each field lies, 0 when it is absent.
"""

import struct
from collections.abc import Iterator
from mmap import mmap

Content = bytes | mmap

MOST_ITEMS = 100_000
"""A longer list in a model's description is a mistake or an attack."""


class BrokenTable(Exception):
    """The bytes are no such table."""


class Table:
    """One table. Every reading is checked against the buffer's bounds.

    Args:
        content: the whole buffer.
        at: where the table begins.
    """

    def __init__(self, content: Content, at: int) -> None:
        self._content = content
        self._at = at
        self._fields = at - self._read("<i", at)
        self._size = self._read("<H", self._fields)

    @classmethod
    def root(cls, content: Content, *, identifier: bytes = b"") -> "Table":
        """The outermost table.

        Raises:
            BrokenTable: the buffer is too short, or of another kind than the identifier says.
        """
        if identifier and content[4:8] != identifier:
            raise BrokenTable
        return cls(content, _read(content, "<I", 0))

    def number(self, field: int, form: str) -> int:
        """A number, `form` as for struct; 0 when it is absent."""
        place = self._place(field)
        return self._read(form, place) if place else 0

    def real(self, field: int) -> float:
        """A float32; 0 when it is absent."""
        place = self._place(field)
        if not place:
            return 0.0
        if place + 4 > len(self._content):
            raise BrokenTable
        found: float = struct.unpack_from("<f", self._content, place)[0]
        return found

    def text(self, field: int) -> str:
        """A string; empty when it is absent."""
        return self.data(field).decode("utf-8", "replace")

    def data(self, field: int) -> bytes:
        """A vector of bytes; empty when it is absent."""
        start, count = self._vector(field)
        if start + count > len(self._content):
            raise BrokenTable
        return bytes(self._content[start : start + count])

    def floats(self, field: int) -> tuple[float, ...]:
        """A vector of float32."""
        start, count = self._vector(field)
        self._check_count(count)
        return tuple(
            struct.unpack_from(f"<{count}f", self._content, start)
            if start + 4 * count <= len(self._content)
            else self._refuse()
        )

    def table(self, field: int) -> "Table | None":
        """A table within this one."""
        place = self._place(field)
        return Table(self._content, place + self._read("<I", place)) if place else None

    def tables(self, field: int) -> Iterator["Table"]:
        """A vector of tables."""
        start, count = self._vector(field)
        self._check_count(count)
        for place in range(start, start + 4 * count, 4):
            yield Table(self._content, place + self._read("<I", place))

    def _vector(self, field: int) -> tuple[int, int]:
        """Where its first item lies, and how many there are."""
        place = self._place(field)
        if not place:
            return 0, 0
        start = place + self._read("<I", place)
        return start + 4, self._read("<I", start)

    def _place(self, field: int) -> int:
        offset = 4 + 2 * field
        found = self._read("<H", self._fields + offset) if offset + 2 <= self._size else 0
        return self._at + found if found else 0

    def _read(self, form: str, at: int) -> int:
        return _read(self._content, form, at)

    def _check_count(self, count: int) -> None:
        if count > MOST_ITEMS:
            self._refuse()

    def _refuse(self) -> tuple[float, ...]:
        raise BrokenTable


def _read(content: Content, form: str, at: int) -> int:
    if at < 0 or at + struct.calcsize(form) > len(content):
        raise BrokenTable
    number: int = struct.unpack_from(form, content, at)[0]
    return number
