"""Tells MediaPipe how a TFLite model wants its picture, by metadata that is added to the model.

Source: metadata_schema.fbs of TensorFlow Lite's support library.
"""

from collections.abc import Sequence

from edged.errors import CorruptModel
from edged.models.build.flatbuffer import Bytes, Number, Table, Vector, buffer, floats, text
from edged.models.build.tflite_tables import (
    BUFFERS,
    ENTRIES,
    MODEL_FIELDS,
    MODEL_NUMBERS,
    Fields,
    OldTable,
    extended,
)

NAME = "TFLITE_METADATA"

_IDENTIFIER = b"M001"
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
    metadata = _normalization(mean, deviation)

    def change(root: OldTable) -> Fields:
        buffers, entries = root.tables(BUFFERS), root.tables(ENTRIES)
        if any(entry.text(0) == NAME for entry in entries):
            raise CorruptModel("the model says already how it wants its picture")
        more = Table({0: Bytes(metadata, len(metadata), aligned=16)})
        entry = Table({0: text(NAME), 1: Number("I", len(buffers))})
        fields = root.kept(MODEL_FIELDS, MODEL_NUMBERS)
        fields[BUFFERS] = Vector([*(one.behind for one in buffers), more])
        fields[ENTRIES] = Vector([*(one.behind for one in entries), entry])
        return fields

    return extended(model, change)


def _normalization(mean: Sequence[float], deviation: Sequence[float]) -> bytes:
    """The metadata of a model with one input, a picture."""
    options = Table({0: floats(mean), 1: floats(deviation)})
    unit = Table({0: Number("B", _NORMALIZATION), 1: options})
    colours = Table({0: Number("b", _RGB)})
    content = Table({0: Number("B", _IMAGE), 1: colours})
    tensor = Table({0: text("image"), 3: content, 4: Vector([unit])})
    graph = Table({2: Vector([tensor])})
    return buffer(Table({3: Vector([graph])}), _IDENTIFIER)
