"""Gives a TFLite model new tables without repacking it.

The new tables go in front of the model's own bytes, which stay as they are: a new root that refers
to the old tables behind it. So the result depends on no version of any package.
Source: schema.fbs of TensorFlow Lite.
"""

import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from edged.errors import CorruptModel
from edged.models.build.flatbuffer import Behind, Node, Number, Table, buffer

IDENTIFIER = b"TFL3"

VERSION, OPERATOR_KINDS, SUBGRAPHS, BUFFERS, ENTRIES = 0, 1, 2, 4, 6
"""Fields of the root; the last one holds metadata by name."""

MODEL_FIELDS = 8
MODEL_NUMBERS: Mapping[int, str] = {VERSION: "I"}

_FAR = 2**24
"""Further than new tables ever reach."""

Fields = dict[int, Number | Node]


@dataclass(frozen=True, slots=True)
class OldTable:
    """A table of the model as it is.

    content: the whole model. at: where the table lies. shift: how far the model moves back.
    """

    content: bytes
    at: int
    shift: int

    @property
    def behind(self) -> Behind:
        """The table itself, to refer to."""
        return Behind(self.at + self.shift)

    def number(self, field: int, form: str) -> int:
        """A number, `form` as for struct; 0 when it is absent."""
        place = self._place(field)
        return self._read(form, place) if place else 0

    def integers(self, field: int) -> tuple[int, ...]:
        """A vector of int32."""
        start, count = self._vector(field)
        return tuple(self._read("i", start + 4 * n) for n in range(count))

    def text(self, field: int) -> str:
        """A string; empty when it is absent."""
        start, count = self._vector(field)
        return self.content[start : start + count].decode("utf-8", "replace")

    def tables(self, field: int) -> list["OldTable"]:
        """A vector of tables."""
        start, count = self._vector(field)
        places = range(start, start + 4 * count, 4)
        return [OldTable(self.content, self._follow(one), self.shift) for one in places]

    def kept(self, known: int, numbers: Mapping[int, str]) -> Fields:
        """All fields as they are, for a new table.

        Args:
            known: how many fields the schema has.
            numbers: those that hold a number, with its form; the others refer to something.

        Raises:
            CorruptModel: the table has fields of a newer schema.
        """
        fields: Fields = {}
        for field, place in self._places():
            if field >= known:
                raise CorruptModel("the model has fields of a newer kind of TFLite file")
            if field in numbers:
                fields[field] = Number(numbers[field], self._read(numbers[field], place))
            else:
                fields[field] = Behind(self._follow(place) + self.shift)
        return fields

    def _places(self) -> Iterator[tuple[int, int]]:
        vtable = self.at - self._read("i", self.at)
        for field in range((self._read("H", vtable) - 4) // 2):
            if place := self._place(field):
                yield field, place

    def _place(self, field: int) -> int:
        """Where a field lies; 0 when it is absent."""
        vtable = self.at - self._read("i", self.at)
        offset = 4 + 2 * field
        inside = self._read("H", vtable + offset) if offset < self._read("H", vtable) else 0
        return self.at + inside if inside else 0

    def _vector(self, field: int) -> tuple[int, int]:
        """Where its first item lies, and how many there are."""
        if not (place := self._place(field)):
            return 0, 0
        start = self._follow(place)
        return start + 4, self._read("I", start)

    def _follow(self, place: int) -> int:
        return place + self._read("I", place)

    def _read(self, form: str, at: int) -> int:
        try:
            number: int = struct.unpack_from("<" + form, self.content, at)[0]
        except struct.error as error:
            raise CorruptModel("the model's tables lead out of its file") from error
        return number


def extended(model: bytes, change: Callable[[OldTable], Fields]) -> bytes:
    """The model with another root.

    Args:
        model: the file's content, checked by edged.models.graph_files.check_tflite.
        change: what the new root holds, from the old one; called twice.

    Raises:
        CorruptModel: the model is not what its tables say.
    """
    length = len(_front(model, change, shift=_FAR))
    return _front(model, change, shift=length) + model


def _front(model: bytes, change: Callable[[OldTable], Fields], *, shift: int) -> bytes:
    """The new tables, when the old ones begin so many bytes later; as many bytes for any shift."""
    start = OldTable(model, 0, shift)
    root = OldTable(model, start._follow(0), shift)  # noqa: SLF001 - the first offset of the file
    return buffer(Table(change(root)), IDENTIFIER)
