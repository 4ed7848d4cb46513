"""Whether a model file is what it says, looked at before an engine opens it; standard library only.

ONNX: a bounded walk over the protobuf message, which steps over weights without reading them. Data
outside the file is refused wherever it may be named (subgraphs, functions, sparse tensors): an
engine would read any path that a model names. TFLite: identifier, tables, and buffers inside the file.
Both are for untrusted bytes: whatever they hold, the answer is facts or CorruptModel.
Source: onnx.proto3 of onnx 1.23 and schema.fbs of TensorFlow 2.19 for the field numbers.
"""

import mmap
import os
import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeVar

from msgspec import Struct

from edged.errors import CorruptModel

LARGEST: Final = 2**31 - 1
"""Bytes. Source: protobuf and flatbuffers, whose lengths and offsets have 31 bits."""

_T = TypeVar("_T")

_DEEPEST = 100
"""Messages in messages. Source: protobuf's own limit of recursion."""

_MOST_FIELDS = 5_000_000
"""A graph of 100 000 nodes has about 2 million."""

_FIX = "get the file again, or export the model anew as one file"


class OnnxFacts(Struct, frozen=True):
    """operators: the names of those that the graph uses."""

    operators: frozenset[str]


def check_onnx(path: str | os.PathLike[str], *, name: str) -> OnnxFacts:
    """What an ONNX file uses. Blocking; safe for any bytes.

    Args:
        path: of the file.
        name: what messages call the model.

    Raises:
        CorruptModel: it is no ONNX model, is cut off, or names data outside itself.
        OSError: it cannot be read.
    """
    return _mapped(path, name, lambda data: _Onnx(data, name).facts())


def check_tflite(path: str | os.PathLike[str], *, name: str) -> None:
    """Make sure that a TFLite file's tables and buffers lie in it. Blocking; safe for any bytes.

    Args:
        path: of the file.
        name: what messages call the model.

    Raises:
        CorruptModel: it is no TFLite model, is cut off, or its parts lead out of it.
        OSError: it cannot be read.
    """
    _mapped(path, name, lambda data: _TfLite(data, name).check())


def _mapped(path: str | os.PathLike[str], name: str, look: Callable[[memoryview], _T]) -> _T:
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if not 0 < size <= LARGEST:
            raise CorruptModel(f"the file of {name} is empty or larger than 2 GiB", model=name)
        with (
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapping,
            memoryview(mapping) as data,
        ):
            return look(data)


# --- ONNX ---

_LAST_FIELD = 2**29 - 1
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_INSIDE = 0
"""TensorProto.DataLocation: any other number may be cut to EXTERNAL by a reader of 32 bits."""

_OUTSIDE = frozenset({"EPContext"})
"""Operators whose content is a path of a file compiled for one accelerator."""

_FIELDS: Mapping[str, Mapping[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute", 4: "operator"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "external", 14: "location"},
}
"""By message: the fields that lead to a tensor, and what they hold. All others are stepped over."""


class _Onnx:
    """Walks a ModelProto."""

    def __init__(self, data: memoryview, name: str) -> None:
        self._data = data
        self._name = name
        self._fields = 0
        self._operators: set[str] = set()
        self._has_graph = False

    def facts(self) -> OnnxFacts:
        self._walk("model", 0, len(self._data), _DEEPEST)
        if not self._has_graph:
            raise self._corrupt("is no ONNX model")
        return OnnxFacts(frozenset(self._operators))

    def _corrupt(self, what: str) -> CorruptModel:
        return CorruptModel(f"the file of {self._name} {what}", fix=_FIX, model=self._name)

    def _walk(self, message: str, at: int, end: int, depth: int) -> None:
        if not depth:
            raise self._corrupt("is nested too deeply")
        kinds = _FIELDS[message]
        for number, start, stop in self._each(at, end):
            kind = kinds.get(number)
            if kind is None:
                continue
            if kind in _FIELDS:
                self._has_graph = self._has_graph or kind == "graph"
                self._walk(kind, start, stop, depth - 1)
            else:
                self._look(kind, start, stop)

    def _look(self, kind: str, start: int, stop: int) -> None:
        if kind == "operator":
            self._operators.add(str(self._data[start:stop], "utf-8", "replace"))
            if not self._operators.isdisjoint(_OUTSIDE):
                raise self._corrupt("names data outside itself")
        elif kind == "external" or self._varint(start, stop)[0] != _INSIDE:
            raise self._corrupt("names data outside itself")

    def _each(self, at: int, end: int) -> Iterator[tuple[int, int, int]]:
        """Number, start and end of every field's content."""
        data = self._data
        while at < end:
            self._fields += 1
            tag = data[at]
            if tag < 0x80:  # noqa: PLR2004 - one byte, as most are
                at += 1
            else:
                tag, at = self._varint(at, end)
            kind = tag & 7
            start = at
            if kind == _BYTES:
                size, start = self._varint(at, end)
                at = start + size
            elif kind == _VARINT:
                at = self._varint(at, end)[1]
            elif kind in (_FIXED32, _FIXED64):
                at += 4 if kind == _FIXED32 else 8
            else:
                raise self._corrupt("is no ONNX model")
            if at > end or not 0 < tag >> 3 <= _LAST_FIELD or self._fields > _MOST_FIELDS:
                raise self._corrupt("is cut off, or is no ONNX model")
            yield tag >> 3, start, at

    def _varint(self, at: int, end: int) -> tuple[int, int]:
        """A number of up to ten bytes, and where it ends."""
        value = 0
        for shift in range(0, 70, 7):
            if at >= end:
                break
            byte = self._data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:  # noqa: PLR2004 - the last byte of a number
                return value, at
        raise self._corrupt("is cut off, or is no ONNX model")


# --- TFLite ---

_IDENTIFIER = b"TFL3"
_MOST_ENTRIES = 2_000_000

_Reader = struct.Struct


class _TfLite:
    """Walks a flatbuffer of TensorFlow Lite. Offsets are from the file's start."""

    _OFFSET = struct.Struct("<I")
    _BACK = struct.Struct("<i")
    _SHORT = struct.Struct("<H")
    _LONG = struct.Struct("<Q")

    def __init__(self, data: memoryview, name: str) -> None:
        self._data = data
        self._name = name
        self._entries = 0

    def check(self) -> None:
        if bytes(self._data[4:8]) != _IDENTIFIER:
            raise self._corrupt("is no TFLite model")
        model = self._offset(0)
        self._number(self._OFFSET, self._field(model, 0))
        buffers, operators, subgraphs = (list(self._tables(model, n)) for n in (4, 1, 2))
        for one in buffers:
            self._buffer(one)
        for one in operators:
            self._text(one, 1)
        if not subgraphs:
            raise self._corrupt("holds no graph")
        for subgraph in subgraphs:
            self._subgraph(subgraph, len(buffers), len(operators))

    def _corrupt(self, what: str) -> CorruptModel:
        return CorruptModel(f"the file of {self._name} {what}", fix=_FIX, model=self._name)

    def _buffer(self, table: int) -> None:
        """Bytes inside the flatbuffer, or behind it (offset and size; 0 and 1 mean: not there)."""
        if at := self._field(table, 0):
            self._vector(at, 1)
        offset = self._number(self._LONG, self._field(table, 1))
        size = self._number(self._LONG, self._field(table, 2))
        if offset > 1 and offset + size > len(self._data):
            raise self._corrupt("leads out of itself")

    def _subgraph(self, table: int, buffers: int, operators: int) -> None:
        tensors = list(self._tables(table, 0))
        for tensor in tensors:
            self._integers(tensor, 0)
            self._text(tensor, 3)
            if self._number(self._OFFSET, self._field(tensor, 2)) >= max(1, buffers):
                raise self._corrupt("names a buffer that it has not")
        for owner, field in ((table, 1), (table, 2)):
            self._indexes(owner, field, len(tensors))
        for operator in self._tables(table, 3):
            if self._number(self._OFFSET, self._field(operator, 0)) >= operators:
                raise self._corrupt("names an operator that it has not")
            self._indexes(operator, 1, len(tensors))
            self._indexes(operator, 2, len(tensors))

    def _indexes(self, table: int, field: int, count: int) -> None:
        """Numbers of tensors; -1 stands for one that is left out."""
        if not all(-1 <= one < count for one in self._integers(table, field)):
            raise self._corrupt("names a tensor that it has not")

    # --- flatbuffers ---

    def _number(self, kind: _Reader, at: int) -> int:
        """A number at a place; 0 where the place is 0 (a field that is not there)."""
        if not at:
            return 0
        if not 0 < at <= len(self._data) - kind.size:
            raise self._corrupt("leads out of itself")
        found: int = kind.unpack_from(self._data, at)[0]
        return found

    def _offset(self, at: int) -> int:
        """Where the offset at a place leads."""
        if at > len(self._data) - self._OFFSET.size:
            raise self._corrupt("leads out of itself")
        target = at + int(self._OFFSET.unpack_from(self._data, at)[0])
        if not at < target < len(self._data):
            raise self._corrupt("leads out of itself")
        return target

    def _field(self, table: int, number: int) -> int:
        """Where a table's field lies; 0 when the table has it not."""
        vtable = table - self._number(self._BACK, table)
        size = self._number(self._SHORT, vtable) if vtable > 0 else -1
        if size < 4 or vtable + size > len(self._data):  # noqa: PLR2004 - its own two sizes
            raise self._corrupt("leads out of itself")
        if 6 + 2 * number > size:
            return 0
        inside = self._number(self._SHORT, vtable + 4 + 2 * number)
        return table + inside if inside else 0

    def _vector(self, at: int, entry_bytes: int) -> tuple[int, int]:
        """Where the entries of the vector that a field names begin, and how many there are."""
        start = self._offset(at)
        count = self._number(self._OFFSET, start)
        if start + 4 + count * entry_bytes > len(self._data):
            raise self._corrupt("leads out of itself")
        return start + 4, count

    def _tables(self, table: int, field: int) -> Iterator[int]:
        if not (at := self._field(table, field)):
            return
        start, count = self._vector(at, 4)
        self._count(count)
        for number in range(count):
            yield self._offset(start + 4 * number)

    def _integers(self, table: int, field: int) -> tuple[int, ...]:
        if not (at := self._field(table, field)):
            return ()
        start, count = self._vector(at, 4)
        self._count(count)
        return struct.unpack_from(f"<{count}i", self._data, start)

    def _text(self, table: int, field: int) -> None:
        if at := self._field(table, field):
            self._vector(at, 1)

    def _count(self, entries: int) -> None:
        self._entries += entries
        if self._entries > _MOST_ENTRIES:
            raise self._corrupt("has more entries than any model")
