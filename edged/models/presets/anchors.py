"""Boxes of graphs that give them relative to anchors, as far as the .tflite itself holds these.

Source: MediaPipe, object_detector_metadata_schema.fbs (the order of its fields) and
tensors_to_detections_calculator.cc (what the numbers mean), Apache-2.0.
Not run by us on a published model: those that are known to need it cannot be had here.
"""

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from edged.models.engines.graph import Array
from edged.models.presets.fitting import Boxes
from edged.models.presets.flat import BrokenTable, Table

CENTRE_AND_SIZE = 4


class Anchors(Struct, frozen=True, kw_only=True):
    """places: middle x, y, width, height of each, as fractions of the input; shape (n, 4).

    scales: by which x, y, width, height are divided. exponential: sizes are logarithms.
    sigmoid: scores are logits.
    """

    places: npt.NDArray[np.float32]
    scales: tuple[float, float, float, float]
    exponential: bool
    sigmoid: bool

    def boxes(self, raw: Array) -> Boxes:
        """Corners, as fractions of the input, of a row for each anchor: y, x, height, width, ..."""
        x_scale, y_scale, width_scale, height_scale = self.scales
        middle = raw[:, [1, 0]] / np.array([x_scale, y_scale], np.float32)
        size = raw[:, [3, 2]] / np.array([width_scale, height_scale], np.float32)
        if self.exponential:
            size = np.exp(np.minimum(size, np.float32(80)))  # beyond, float32 ends
        anchors = self.places
        middle = middle * anchors[:, 2:] + anchors[:, :2]
        half = size * anchors[:, 2:] / 2
        found: Boxes = np.concatenate([middle - half, middle + half], axis=1).astype(np.float32)
        return found


def anchors_in(description: bytes) -> Anchors | None:
    """The anchors in the metadata of a detector; None when it has none.

    Raises:
        BrokenTable: the description is damaged.
    """
    if not description:
        return None
    options = Table.root(description)
    holder, decoding = options.table(1), options.table(2)
    schema = holder.table(0) if holder is not None else None
    if schema is None or decoding is None:
        return None
    places = [[one.real(field) for field in range(CENTRE_AND_SIZE)] for one in schema.tables(0)]
    if not places or decoding.number(2, "<i") != CENTRE_AND_SIZE:
        return None
    x_scale, y_scale, width_scale, height_scale = (decoding.real(field) for field in range(6, 10))
    if not (x_scale and y_scale and width_scale and height_scale):
        raise BrokenTable
    return Anchors(
        places=np.array(places, np.float32),
        scales=(x_scale, y_scale, width_scale, height_scale),
        exponential=bool(decoding.number(10, "<B")),
        sigmoid=bool(decoding.number(11, "<B")),
    )
