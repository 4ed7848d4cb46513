"""What a .tflite file says about itself: how its input is prepared, and the lists it carries.

The description is a FlatBuffer in a buffer called TFLITE_METADATA, the lists are text files in a
zip that is appended to the model.
Source: TensorFlow Lite metadata_schema.fbs (Apache-2.0), the order of its fields.
"""

import mmap
import os
import zipfile
import zlib
from collections.abc import Iterator

from msgspec import Struct

from edged.errors import CorruptModel
from edged.models.presets.flat import BrokenTable, Table
from edged.models.runtime import ModelSpec

MODEL_FILE = "model.tflite"
LARGEST_LIST = 16 * 2**20
"""Bytes of one list of words; a vocabulary of 250,000 words has 4 MB."""

_NORMALIZATION, _REGEX_TOKENIZER = 1, 6
_LABELS = frozenset({2, 3})
"""Types of an associated file: labels of an axis, and of values."""

_BROKEN_ZIP = (
    zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError, ValueError
)  # fmt: skip


class TensorNotes(Struct, frozen=True, kw_only=True):
    """What is said of one input or output.

    mean, deviation: real = (value - mean) / deviation, one number or one per channel.
    labels: member that names the entries of its last axis. delimiter, vocabulary: how text is cut
        into words, and the member that numbers them.
    """

    name: str = ""
    mean: tuple[float, ...] = ()
    deviation: tuple[float, ...] = ()
    labels: str = ""
    delimiter: str = ""
    vocabulary: str = ""


class Notes(Struct, frozen=True, kw_only=True):
    """What a model's file says about itself; empty when it says nothing.

    detector: MediaPipe's description of a detector, a FlatBuffer of its own.
    """

    inputs: tuple[TensorNotes, ...] = ()
    outputs: tuple[TensorNotes, ...] = ()
    detector: bytes = b""

    def input(self, index: int = 0) -> TensorNotes:
        """Of one input."""
        return self.inputs[index] if index < len(self.inputs) else TensorNotes()

    def output(self, index: int = 0) -> TensorNotes:
        """Of one output."""
        return self.outputs[index] if index < len(self.outputs) else TensorNotes()


def notes_of(spec: ModelSpec) -> Notes:
    """What the model's file says about itself.

    Raises:
        CorruptModel: it has a description that cannot be read.
    """
    path = spec.files.get(MODEL_FILE)
    if path is None or not os.path.getsize(path):
        return Notes()
    try:
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as all_:
            return _notes(_description(Table.root(all_, identifier=b"TFL3")))
    except BrokenTable as error:
        raise CorruptModel(f"the metadata of {spec.id} cannot be read", model=spec.id) from error


def _description(model: Table) -> bytes:
    """The buffer that holds the metadata; empty when there is none."""
    for one in model.tables(6):
        if one.text(0) == "TFLITE_METADATA":
            wanted = one.number(1, "<I")
            for index, buffer in enumerate(model.tables(4)):
                if index == wanted:
                    return buffer.data(0)
    return b""


def _notes(description: bytes) -> Notes:
    if not description:
        return Notes()
    for graph in Table.root(description).tables(3):
        return Notes(
            inputs=tuple(_tensor(one) for one in graph.tables(2)),
            outputs=tuple(_tensor(one) for one in graph.tables(3)),
            detector=next(
                (one.data(1) for one in graph.tables(9) if one.text(0) == "DETECTOR_METADATA"), b""
            ),
        )
    return Notes()


def _tensor(table: Table) -> TensorNotes:
    labels = [file.text(0) for file in table.tables(6) if file.number(2, "<b") in _LABELS]
    steps = dict(_steps(table))
    scaling, cutting = steps.get(_NORMALIZATION), steps.get(_REGEX_TOKENIZER)
    vocabularies = [file.text(0) for file in cutting.tables(1)] if cutting else []
    return TensorNotes(
        name=table.text(0),
        mean=scaling.floats(0) if scaling else (),
        deviation=scaling.floats(1) if scaling else (),
        labels=labels[0] if labels else "",
        delimiter=cutting.text(0) if cutting else "",
        vocabulary=vocabularies[0] if vocabularies else "",
    )


def _steps(table: Table) -> Iterator[tuple[int, Table]]:
    """The process units of a tensor by their kind."""
    for unit in table.tables(4):
        options = unit.table(1)
        if options is not None:
            yield unit.number(0, "<B"), options


def members_of(spec: ModelSpec) -> tuple[str, ...]:
    """Names of the text files that the model's file carries."""
    path = spec.files.get(MODEL_FILE)
    if path is None or not zipfile.is_zipfile(path):
        return ()
    try:
        with zipfile.ZipFile(path) as archive:
            return tuple(name for name in archive.namelist() if name.endswith(".txt"))
    except _BROKEN_ZIP as error:
        raise CorruptModel(f"the lists of {spec.id} cannot be read", model=spec.id) from error


def member_lines(spec: ModelSpec, name: str) -> tuple[str, ...]:
    """The lines of one text file that the model's file carries.

    Raises:
        CorruptModel: it carries no such file, or one that is too large or damaged.
    """
    if name not in members_of(spec):
        raise CorruptModel(f"the file of {spec.id} carries no {name}", model=spec.id)
    try:
        with zipfile.ZipFile(spec.files[MODEL_FILE]) as archive, archive.open(name) as file:
            content = file.read(LARGEST_LIST + 1)
    except _BROKEN_ZIP as error:
        raise CorruptModel(f"{name} of {spec.id} cannot be read", model=spec.id) from error
    return lines_in(content, spec, name)


def lines_in(content: bytes, spec: ModelSpec, name: str) -> tuple[str, ...]:
    """The lines of a list, without the empty ones at its end.

    Raises:
        CorruptModel: it is larger than LARGEST_LIST, or not UTF-8.
    """
    if len(content) > LARGEST_LIST:
        raise CorruptModel(f"{name} of {spec.id} is too large for a list", model=spec.id)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CorruptModel(f"{name} of {spec.id} is not UTF-8", model=spec.id) from error
    return tuple(line.strip() for line in text.rstrip().split("\n")) if text.strip() else ()
