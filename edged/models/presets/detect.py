"""image_detect: the things in a picture, from graphs that suppress overlaps and from those that do not.

`ssd`: four outputs, boxes, classes, scores and their number, as TFLite_Detection_PostProcess gives.
`yolo`: one output with a row (or a column) for each box: x, y, width, height of its middle, and a
score for each class, with or without one for the box itself before them.
`anchors`: two outputs, boxes relative to anchors and a score for each class; the anchors lie in the
metadata of the .tflite.
"""

from collections.abc import Mapping
from time import perf_counter_ns

import numpy as np
from msgspec import Struct

from edged.errors import CorruptModel
from edged.media import Picture
from edged.messages.records import DetectedObject
from edged.models.engines.graph import Array, Graph
from edged.models.engines.quantized import real
from edged.models.presets import labels, outputs, scores, seeing
from edged.models.presets.anchors import Anchors, anchors_in
from edged.models.presets.boxes import Classes, corners, strongest
from edged.models.presets.clock import since
from edged.models.presets.fitting import Boxes, Fit
from edged.models.presets.flat import BrokenTable
from edged.models.presets.metadata import Notes, notes_of
from edged.models.presets.parameters import check_known, flag_of, number_of, word_of, wrong
from edged.models.presets.scores import Scores
from edged.models.runtime import ClassifyOptions, Detected, ModelSpec

KINDS = ("ssd", "yolo", "anchors")

OVERLAP = 0.45
"""Source: the default of YOLOv5 and of torchvision's SSD."""

ROLES = ("boxes", "classes", "scores", "count")
_SIGNS = {
    "boxes": ("box", "location"),
    "classes": ("class", "categor"),
    "scores": ("score",),
    "count": ("num", "count"),
}
"""What names of outputs hold. Seen: in the metadata of TensorFlow's detectors, and in TF 2 exports."""

_CORNERS = 4


class Candidates(Struct, frozen=True):
    """Boxes in pixels of the graph's input, with the score and the class of each."""

    boxes: Boxes
    scores: Scores
    classes: Classes


class _Ssd:
    """Reads the outputs of a graph that has suppressed overlaps itself."""

    suppressed = True

    def __init__(self, graph: Graph, spec: ModelSpec, notes: Notes, size: tuple[int, int]) -> None:
        self._names = _roles(graph, spec, notes)
        self._order = word_of(spec, "box", "yxyx", among=("yxyx", "xyxy"))
        pixels = word_of(spec, "box_units", "fractions", among=("fractions", "pixels")) == "pixels"
        self._scale = np.array((1, 1) * 2 if pixels else size * 2, np.float32)

    def candidates(self, found: Mapping[str, Array], scale: scores.Scale) -> Candidates:
        boxes = found[self._names["boxes"]].reshape(-1, _CORNERS).astype(np.float32)
        values = scale.scores(found[self._names["scores"]].reshape(-1))
        classes = np.rint(found[self._names["classes"]].reshape(-1)).astype(np.int64)
        count = min(len(boxes), len(values), len(classes))
        if "count" in self._names:
            count = min(count, max(0, int(found[self._names["count"]].reshape(-1)[0])))
        ordered = boxes if self._order == "xyxy" else boxes[:, [1, 0, 3, 2]]
        return Candidates(ordered[:count] * self._scale, values[:count], classes[:count])


class _Yolo:
    """Reads the one output of a graph that leaves overlaps to us."""

    suppressed = False

    def __init__(
        self, graph: Graph, spec: ModelSpec, names: tuple[str, ...], size: tuple[int, int]
    ) -> None:
        self._model = spec.id
        self._name = outputs.Outcome(graph, spec).tensor.name
        self._corners = word_of(spec, "box", "xywh", among=("xywh", "xyxy")) == "xyxy"
        fractions = word_of(spec, "box_units", "pixels", among=("fractions", "pixels"))
        self._scale = np.array(size * 2 if fractions == "fractions" else (1, 1) * 2, np.float32)
        self._labels = len(names)
        self._objectness: bool | None = None
        if "objectness" in spec.parameters:
            self._objectness = flag_of(spec, "objectness", default=False)

    def candidates(self, found: Mapping[str, Array], scale: scores.Scale) -> Candidates:
        rows = self._rows(found[self._name])
        first = _CORNERS + self._has_objectness(rows.shape[1])
        values = scale.scores(rows[:, first:])
        if first > _CORNERS:
            values = values * scale.scores(rows[:, _CORNERS:first])
        classes = values.argmax(axis=1)
        boxes = rows[:, :_CORNERS].astype(np.float32) * self._scale
        best = values[np.arange(len(values)), classes]
        return Candidates(boxes if self._corners else corners(boxes), best, classes)

    def _rows(self, values: Array) -> Array:
        """A row for each box: there are more boxes than numbers of one."""
        if values.shape[:1] != (1,) or len(values.shape) != len(("batch", "boxes", "numbers")):
            raise CorruptModel(f"what {self._model} gives are no boxes", model=self._model)
        rows: Array = values[0] if values.shape[1] >= values.shape[2] else values[0].T
        if rows.shape[1] <= _CORNERS + bool(self._objectness):
            raise CorruptModel(f"what {self._model} gives has no scores", model=self._model)
        return rows

    def _has_objectness(self, numbers: int) -> bool:
        """Whether a box has a score of its own: as stated, else as the number of labels says."""
        if self._objectness is not None:
            return self._objectness
        return bool(self._labels) and numbers == _CORNERS + 1 + self._labels


class _Anchored:
    """Reads the outputs of a graph that leaves anchors and overlaps to us."""

    suppressed = False

    def __init__(
        self, graph: Graph, spec: ModelSpec, anchors: Anchors, size: tuple[int, int]
    ) -> None:
        self._model = spec.id
        self._anchors = anchors
        self._scale = np.array(size * 2, np.float32)
        shapes = {one.name: one.shape for one in graph.signature().outputs}
        boxes = [name for name, shape in shapes.items() if shape[-1:] == (_CORNERS,)]
        others = [name for name in shapes if name not in boxes]
        if len(boxes) != 1 or len(others) != 1:
            raise CorruptModel(f"{spec.id} does not give boxes and scores", model=spec.id)
        self._boxes, self._scores = boxes[0], others[0]

    def candidates(self, found: Mapping[str, Array], scale: scores.Scale) -> Candidates:
        raw = found[self._boxes].reshape(-1, _CORNERS)
        count = len(self._anchors.places)
        values = found[self._scores]
        if len(raw) != count or values.size % count or not values.size:
            raise CorruptModel(f"{self._model} gives no box for each anchor", model=self._model)
        rows = values.reshape(count, -1)
        rows = scale.scores(scores.activated(rows, "sigmoid") if self._anchors.sigmoid else rows)
        classes = rows.argmax(axis=1)
        boxes = self._anchors.boxes(raw.astype(np.float32)) * self._scale
        return Candidates(boxes, rows[np.arange(count), classes], classes)


def _roles(graph: Graph, spec: ModelSpec, notes: Notes) -> dict[str, str]:
    """Which output has which part: as stated, as their names say, or in the usual order."""
    names = [one.name for one in graph.signature().outputs]
    stated = word_of(spec, "outputs", "").split()
    if stated:
        if len(stated) > len(names) or not set(stated) <= set(ROLES) or len(set(stated)) < 3:  # noqa: PLR2004 - the count may be absent
            raise wrong(spec, "outputs", f"the order of the outputs: {' '.join(ROLES)}")
        return dict(zip(stated, names, strict=False))
    noted = [notes.output(index).name for index in range(len(names))]
    for spoken in (noted, names):
        found = {
            role: names[index]
            for role, signs in _SIGNS.items()
            for index, name in enumerate(spoken)
            if any(sign in name.lower() for sign in signs)
        }
        if {"boxes", "classes", "scores"} <= found.keys() and len(set(found.values())) == len(
            found
        ):
            return found
    if len(names) != len(ROLES):
        raise CorruptModel(
            f"{spec.id} does not have the four outputs of an ssd",
            fix="set parameters.kind or parameters.outputs; see docs/PRESETS.md",
            model=spec.id,
        )
    return dict(zip(ROLES, names, strict=True))


def _head(
    graph: Graph, spec: ModelSpec, notes: Notes, names: tuple[str, ...], size: tuple[int, int]
) -> _Ssd | _Yolo | _Anchored:
    """What reads the graph's outputs: as stated, else by anchors where the file has them."""
    try:
        anchors = anchors_in(notes.detector)
    except BrokenTable as error:
        raise CorruptModel(f"the metadata of {spec.id} cannot be read", model=spec.id) from error
    kind = word_of(spec, "kind", "anchors" if anchors else "ssd", among=KINDS)
    if kind == "yolo":
        return _Yolo(graph, spec, names, size)
    if kind == "ssd":
        return _Ssd(graph, spec, notes, size)
    if anchors is None:
        raise CorruptModel(f"the file of {spec.id} holds no anchors", model=spec.id)
    return _Anchored(graph, spec, anchors, size)


class PictureDetector:
    """Fulfils ObjectDetector.

    Raises:
        CorruptModel: the graph takes no picture, gives no boxes, or a parameter is wrong.
    """

    def __init__(self, graph: Graph, spec: ModelSpec) -> None:
        check_known(spec)
        notes = notes_of(spec)
        names = labels.labels_of(spec, notes)
        self._graph = graph
        self._tensors = graph.signature().outputs
        self._eye = seeing.Eye(graph, spec, notes.input())
        self._scale = scores.Scale(spec, names)
        self._overlap = float(number_of(spec, "overlap", OVERLAP))
        self._head = _head(graph, spec, notes, names, self._eye.size)

    def detect(self, picture: Picture, options: ClassifyOptions) -> Detected:
        """The things in a picture, the greatest score first; errors as for ImageClassifier."""
        began = perf_counter_ns()
        inputs, fit = self._eye.tensor(picture)
        found = self._chosen(self._candidates(inputs), options)
        return Detected(
            objects=self._named(found, fit),
            width=fit.width,
            height=fit.height,
            computed_us=since(began),
        )

    def canary(self) -> str:
        """The class of the strongest box in a grey picture."""
        found = self._candidates(self._eye.tensor(seeing.GREY)[0])
        return str(int(found.classes[found.scores.argmax()])) if len(found.scores) else "none"

    def _candidates(self, inputs: Mapping[str, Array]) -> Candidates:
        found = real(self._tensors, self._graph.run(inputs))
        return self._head.candidates(found, self._scale)

    def _chosen(self, found: Candidates, options: ClassifyOptions) -> Candidates:
        """Those that are sure enough and not hidden by a surer one of their kind."""
        sure = (found.scores >= options.min_score) & np.isfinite(found.boxes).all(axis=1)
        found = Candidates(found.boxes[sure], found.scores[sure], found.classes[sure])
        overlap = 1.0 if self._head.suppressed else self._overlap
        places = strongest(
            found.boxes, found.scores, found.classes, overlap=overlap, most=options.top_k
        )
        return Candidates(found.boxes[places], found.scores[places], found.classes[places])

    def _named(self, found: Candidates, fit: Fit) -> tuple[DetectedObject, ...]:
        objects: list[DetectedObject] = []
        for box, score, index in zip(
            fit.back(found.boxes), found.scores, found.classes, strict=True
        ):
            label = self._scale.label(int(index))
            if label is not None and index >= 0:
                left, top, right, bottom = (float(one) for one in box)
                objects.append(
                    DetectedObject(
                        label=label,
                        score=float(score),
                        index=int(index),
                        left=left,
                        top=top,
                        width=max(0.0, right - left),
                        height=max(0.0, bottom - top),
                    )
                )
        return tuple(objects)
