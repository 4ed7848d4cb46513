"""Detectors whose anchors lie in their own file, as MediaPipe writes them."""

import struct
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import pytest
from fake_graphs import FakeGraph, raw, spec, tensor

from edged.errors import CorruptModel
from edged.models.presets.anchors import anchors_in
from edged.models.presets.detect import PictureDetector
from edged.models.presets.flat import BrokenTable
from edged.models.runtime import ClassifyOptions

ANCHORS = ((0.25, 0.5, 0.2, 0.4), (0.75, 0.5, 0.2, 0.4), (0.76, 0.5, 0.2, 0.4))
"""Middle x, y, width, height."""


def table(builder: Any, *fields: tuple[str, Any]) -> int:
    """A table whose fields are (kind, value): an offset, a float32, an int32 or a bool."""
    builder.StartObject(len(fields))
    for number, (kind, value) in enumerate(fields):
        if kind == "offset" and value:
            builder.PrependUOffsetTRelativeSlot(number, value, 0)
        elif kind == "float":
            builder.PrependFloat32Slot(number, value, 0.0)
        elif kind == "int":
            builder.PrependInt32Slot(number, value, 0)
        elif kind == "bool":
            builder.PrependBoolSlot(number, value, 0)
    found: int = builder.EndObject()
    return found


def vector(builder: Any, offsets: list[int]) -> int:
    builder.StartVector(4, len(offsets), 4)
    for one in reversed(offsets):
        builder.PrependUOffsetTRelative(one)
    found: int = builder.EndVector()
    return found


def detector_options(
    *, scale: float = 1.0, exponential: bool = True, sigmoid: bool = True
) -> bytes:
    builder = flatbuffers.Builder(1024)
    places = [table(builder, *(("float", one) for one in anchor)) for anchor in ANCHORS]
    schema = table(builder, ("offset", vector(builder, places)))
    holder = table(builder, ("offset", schema))
    decoding = table(
        builder,
        ("int", 2), ("int", len(ANCHORS)), ("int", 4), ("int", 0), ("int", 0), ("int", 0),
        ("float", scale), ("float", scale), ("float", scale), ("float", scale),
        ("bool", exponential), ("bool", sigmoid),
    )  # fmt: skip
    version = builder.CreateString("1.0")
    builder.Finish(table(builder, ("offset", version), ("offset", holder), ("offset", decoding)))
    return bytes(builder.Output())


def with_metadata(path: Path, options: bytes) -> None:
    """A .tflite without a graph, with the description of a detector."""
    inner = flatbuffers.Builder(1024)
    custom = table(
        inner, ("offset", inner.CreateString("DETECTOR_METADATA")), ("offset", inner.CreateByteVector(options))
    )  # fmt: skip
    graph = table(inner, *[("offset", 0)] * 9, ("offset", vector(inner, [custom])))
    inner.Finish(table(inner, *[("offset", 0)] * 3, ("offset", vector(inner, [graph]))))
    outer = flatbuffers.Builder(1024)
    buffer = table(outer, ("offset", outer.CreateByteVector(bytes(inner.Output()))))
    entry = table(outer, ("offset", outer.CreateString("TFLITE_METADATA")), ("int", 0))
    buffers, entries = vector(outer, [buffer]), vector(outer, [entry])
    fields = [("offset", 0)] * 4 + [("offset", buffers), ("offset", 0), ("offset", entries)]
    outer.Finish(table(outer, *fields), file_identifier=b"TFL3")
    path.write_bytes(bytes(outer.Output()))


def detector(path: Path, boxes: Any, logits: Any) -> PictureDetector:
    graph = FakeGraph(
        [tensor("image", [1, 100, 200, 3])],
        [tensor("scores", np.shape(logits)), tensor("boxes", np.shape(boxes))],
        {"scores": np.array(logits, np.float32), "boxes": np.array(boxes, np.float32)},
    )
    described = spec("image_detect", files={"model.tflite": str(path)}, labels=("bee", "wasp"))
    return PictureDetector(graph, described)


def test_boxes_are_anchors_moved_and_stretched_and_their_overlaps_go(tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    with_metadata(path, detector_options())
    stretched = [[0.5, 0.0, np.log(0.5), 0.0], [0, 0, 0, 0], [0, 0, 0, 0]]
    logits = [[[np.log(9), -9], [-9, np.log(4)], [-9, np.log(3)]]]

    found = detector(path, [stretched], logits).detect(
        raw(np.zeros((100, 200, 3))), ClassifyOptions(min_score=0.5)
    )

    told = [
        (one.label, round(one.score, 4), *(round(at, 3) for at in (one.left, one.top, one.width, one.height)))
        for one in found.objects
    ]  # fmt: skip
    # The first is half as high and half its anchor's height lower; the third lies on the second.
    assert told == [("bee", 0.9, 30, 60, 40, 20), ("wasp", 0.8, 130, 30, 40, 40)]


def test_scales_divide_and_sizes_may_be_plain() -> None:
    anchors = anchors_in(detector_options(scale=2.0, exponential=False, sigmoid=False))

    assert anchors is not None
    assert not anchors.sigmoid
    found = anchors.boxes(np.array([[0, 2.0, 2.0, 2.0]] * 3, np.float32))
    assert found[0].tolist() == pytest.approx([0.35, 0.3, 0.55, 0.7])


def test_a_size_beyond_all_numbers_is_no_trouble() -> None:
    anchors = anchors_in(detector_options())

    assert anchors is not None
    assert np.isfinite(anchors.boxes(np.full((3, 4), 1e30, np.float32))).all()


def test_another_number_of_boxes_than_anchors_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    with_metadata(path, detector_options())
    model = detector(path, [[[0.0] * 4] * 5], [[[0.0, 0.0]] * 5])

    with pytest.raises(CorruptModel, match="no box for each anchor"):
        model.detect(raw(np.zeros((10, 10, 3))), ClassifyOptions())


def test_damaged_anchors_are_refused_when_loaded(tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    options = detector_options()
    with_metadata(path, struct.pack("<I", 2**30) + options[4:])

    with pytest.raises(CorruptModel, match="metadata of fake"):
        detector(path, [[[0.0] * 4] * 3], [[[0.0, 0.0]] * 3])
    with pytest.raises(BrokenTable):
        anchors_in(detector_options(scale=0.0))
    assert anchors_in(b"") is None
