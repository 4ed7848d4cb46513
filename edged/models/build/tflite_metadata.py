"""Tells MediaPipe how a TFLite model wants its picture: metadata, added without repacking the model.

New tables go in front of the model's own bytes, which stay as they are: a new root that refers to
the old tables behind it. So the result depends on no version of any package.
Source: schema.fbs of TensorFlow Lite, metadata_schema.fbs of its support library.
"""

import struct
from collections.abc import Iterator, Sequence
from functools import partial

from edged.errors import CorruptModel
from edged.models.build.flatbuffer import (
    Behind,
    Bytes,
    Node,
    Number,
    Table,
    Vector,
    buffer,
    floats,
    text,
)

NAME = "TFLITE_METADATA"

_MODEL, _METADATA = b"TFL3", b"M001"
_ALIGNED = 16
"""What TensorFlow Lite wants the place of a buffer's content to be a multiple of."""

_FAR = 2**24
"""Further than the new tables reach."""

_VERSION, _BUFFERS, _ENTRIES = 0, 4, 6
_FIELDS = 8
"""Those of a model; a file with more is newer than this code."""

_NORMALIZATION = 1
"""Of the union ProcessUnitOptions."""
_IMAGE, _RGB = 2, 1
"""Of the union ContentProperties, and the first colour space."""


def with_normalization(model: bytes, *, mean: Sequence[float], deviation: Sequence[float]) -> bytes:
    """A TFLite model that says: (pixel - mean) / deviation, for RGB, one value or one per channel.

    Args:
        model: the file's content, checked by edged.models.graph_files.check_tflite.
        mean: in units of a pixel, 0 to 255.
        deviation: likewise; not 0.

    Raises:
        CorruptModel: it has metadata of its own, or fields that are unknown here.
    """
    old = _OldModel(model)
    if NAME in old.entries():
        raise CorruptModel("the model says already how it wants its picture")
    metadata = _normalization(mean, deviation)
    length = len(_front(old, metadata, shift=_FAR))
    return _front(old, metadata, shift=length) + model


def _front(old: "_OldModel", metadata: bytes, *, shift: int) -> bytes:
    """The new tables, when the old ones begin so many bytes later; their length is always one."""
    buffers = [Behind(at + shift) for at in old.vector(_BUFFERS)]
    entries = [Behind(at + shift) for at in old.vector(_ENTRIES)]
    new_buffer = Table({0: Bytes(metadata, len(metadata), aligned=_ALIGNED)})
    new_entry = Table({0: text(NAME), 1: Number("I", len(buffers))})
    fields: dict[int, Number | Node] = {
        number: Behind(at + shift) for number, at in old.references()
    }
    fields[_VERSION] = Number("I", old.version)
    fields[_BUFFERS] = Vector([*buffers, new_buffer])
    fields[_ENTRIES] = Vector([*entries, new_entry])
    return buffer(Table(fields), _MODEL)


def _normalization(mean: Sequence[float], deviation: Sequence[float]) -> bytes:
    """The metadata of a model with one input, a picture."""
    options = Table({0: floats(mean), 1: floats(deviation)})
    unit = Table({0: Number("B", _NORMALIZATION), 1: options})
    colours = Table({0: Number("b", _RGB)})
    content = Table({0: Number("B", _IMAGE), 1: colours})
    tensor = Table({0: text("image"), 3: content, 4: Vector([unit])})
    graph = Table({2: Vector([tensor])})
    return buffer(Table({3: Vector([graph])}), _METADATA)


class _OldModel:
    """The root table of a TFLite file."""

    def __init__(self, model: bytes) -> None:
        self._number = partial(self._unpacked, model)
        self._model = model
        self._root = self._number("<I", 0)
        self._vtable = self._root - self._number("<i", self._root)
        self._count = (self._number("<H", self._vtable) - 4) // 2
        if any(self._field(number) for number in range(_FIELDS, self._count)):
            raise CorruptModel("the model has fields of a newer kind of TFLite file")

    @property
    def version(self) -> int:
        """Of the schema."""
        at = self._field(_VERSION)
        return self._number("<I", at) if at else 0

    def references(self) -> Iterator[tuple[int, int]]:
        """Fields that refer to something, and where that lies."""
        for number in range(1, min(self._count, _FIELDS)):
            if at := self._field(number):
                yield number, self._follow(at)

    def vector(self, field: int) -> list[int]:
        """Where each table of a vector lies."""
        if not (at := self._field(field)):
            return []
        first = self._follow(at)
        return [self._follow(first + 4 * n) for n in range(1, self._number("<I", first) + 1)]

    def entries(self) -> set[str]:
        """The names of the metadata that it has."""
        return set(map(self._name, self.vector(_ENTRIES)))

    def _name(self, entry: int) -> str:
        if not (inside := self._inside(entry, 0)):
            return ""
        start = self._follow(entry + inside)
        size = self._number("<I", start)
        return self._model[start + 4 : start + 4 + size].decode("utf-8", "replace")

    def _field(self, number: int) -> int:
        inside = self._inside(self._root, number)
        return self._root + inside if inside else 0

    def _inside(self, table: int, number: int) -> int:
        vtable = table - self._number("<i", table)
        known = 4 + 2 * number < self._number("<H", vtable)
        return self._number("<H", vtable + 4 + 2 * number) if known else 0

    def _follow(self, at: int) -> int:
        return at + self._number("<I", at)

    @staticmethod
    def _unpacked(model: bytes, form: str, at: int) -> int:
        try:
            number: int = struct.unpack_from(form, model, at)[0]
        except struct.error as error:
            raise CorruptModel("the model's tables lead out of its file") from error
        return number
