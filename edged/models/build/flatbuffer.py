"""Writes FlatBuffers from the front to the back; the same tables give the same bytes everywhere.

The flatbuffers package writes from the back, needs generated code, and promises no bytes. What is
written here may also point at tables that lie behind it: so a large buffer gets new fields without
being taken apart. Source: FlatBuffers internals (flatbuffers.dev/internals).
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

OFFSET_BYTES = 4
"""Of a reference, and of the sizes of strings and vectors."""


class Node(Protocol):
    """What a field can refer to."""

    def write(self, out: bytearray) -> int:
        """Append it, and what it refers to; returns where it is."""
        ...


@dataclass(frozen=True, slots=True)
class Number:
    """A number in a table, `form` as for struct, of at most 4 bytes."""

    form: str
    value: int


@dataclass(frozen=True, slots=True)
class Behind:
    """Something that is not written here, but lies behind it, at this place."""

    at: int

    def write(self, out: bytearray) -> int:
        """Where it is; nothing is appended."""
        del out
        return self.at


@dataclass(frozen=True, slots=True)
class Bytes:
    """A vector of plain items; aligned: what its first item's place is a multiple of.

    count: of the items.
    """

    content: bytes
    count: int
    aligned: int = OFFSET_BYTES

    def write(self, out: bytearray) -> int:
        """Append its size and its items, and a zero after them, as strings have it."""
        out.extend(bytes(-(len(out) + OFFSET_BYTES) % self.aligned))
        at = len(out)
        out.extend(struct.pack("<I", self.count) + self.content + b"\0")
        return at


def text(content: str) -> Bytes:
    """A string."""
    data = content.encode()
    return Bytes(data, len(data))


def floats(values: Sequence[float]) -> Bytes:
    """A vector of float32."""
    return Bytes(struct.pack(f"<{len(values)}f", *values), len(values))


def integers(values: Sequence[int]) -> Bytes:
    """A vector of int32."""
    return Bytes(struct.pack(f"<{len(values)}i", *values), len(values))


@dataclass(frozen=True, slots=True)
class Vector:
    """A vector of tables."""

    items: Sequence[Node]

    def write(self, out: bytearray) -> int:
        """Append its size, references, and what they refer to."""
        _align(out)
        at = len(out)
        out.extend(struct.pack("<I", len(self.items)) + bytes(OFFSET_BYTES * len(self.items)))
        for position, item in enumerate(self.items, 1):
            _refer(out, at + OFFSET_BYTES * position, item)
        return at


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its fields by their numbers in the schema; each takes 4 bytes."""

    fields: Mapping[int, Number | Node] = field(default_factory=dict)

    def write(self, out: bytearray) -> int:
        """Append its vtable, its fields, and what they refer to."""
        _align(out)
        slots = [0] * (max(self.fields, default=-1) + 1)
        for place, number in enumerate(sorted(self.fields), 1):
            slots[number] = OFFSET_BYTES * place
        head = struct.pack(
            f"<{len(slots) + 2}H", 4 + 2 * len(slots), 4 + 4 * len(self.fields), *slots
        )
        vtable = len(out)
        out.extend(head + bytes(-len(head) % OFFSET_BYTES))
        at = len(out)
        out.extend(struct.pack("<i", at - vtable) + bytes(OFFSET_BYTES * len(self.fields)))
        for number in sorted(self.fields):
            self._fill(out, at + slots[number], self.fields[number])
        return at

    @staticmethod
    def _fill(out: bytearray, place: int, value: Number | Node) -> None:
        if isinstance(value, Number):
            struct.pack_into("<" + value.form, out, place, value.value)
        else:
            _refer(out, place, value)


def buffer(root: Table, identifier: bytes) -> bytes:
    """A whole FlatBuffer, its length a multiple of 16.

    Args:
        root: the outermost table.
        identifier: four bytes that say what it is.
    """
    out = bytearray(OFFSET_BYTES) + identifier
    _refer(out, 0, root)
    out.extend(bytes(-len(out) % 16))
    return bytes(out)


def _align(out: bytearray) -> None:
    out.extend(bytes(-len(out) % OFFSET_BYTES))


def _refer(out: bytearray, place: int, node: Node) -> None:
    struct.pack_into("<I", out, place, node.write(out) - place)
