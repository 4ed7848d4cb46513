"""Faces, hands, bodies and who stands before the background, by MediaPipe's Tasks on the CPU.

Parameters of a manifest:
    most: so many faces, hands or bodies at most; 1, hands 2. Faces without a mesh: all.
    min_confidence: in [0, 1]; what is less sure is not told. 0.5.
    points: only so many of a thing's points, when a model fills in others that it does not know.

A picture at a time: nothing is followed from one to the next. The library holds code that reports
its use; a worker has no network, and gives it no id of the app.
"""

import sys
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from edged.errors import CorruptModel, Internal, ModelMissing, Unsupported
from edged.media import Picture
from edged.models.engines.drawn_face import drawn_face
from edged.models.engines.inputs import file_of, number_of, spec_from
from edged.models.engines.placement import note
from edged.models.presets.pictures import pixels
from edged.models.runtime import (
    FindOptions,
    Landmarks,
    Model,
    ModelSpec,
    Placement,
    Segmented,
)
from edged.workers.context import WorkerContext

_UNUSED = ("matplotlib", "matplotlib.pyplot", "cv2", "sounddevice")
"""What the library imports to draw and to listen, and what nobody here calls: matplotlib would want
a folder to write to. Measured: 2026-11: without them 72 MB and 2 s (cold) less."""


def _leave_out(packages: Sequence[str]) -> None:
    for name in packages:
        sys.modules.setdefault(name, types.ModuleType(name))
        parent, _, child = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], child, sys.modules[name])


_leave_out(_UNUSED)
from mediapipe.tasks.python import vision  # noqa: E402 - after what it must not import
from mediapipe.tasks.python.core.base_options import BaseOptions  # noqa: E402
from mediapipe.tasks.python.vision.core import image as images  # noqa: E402

ERRORS = (RuntimeError, ValueError, OSError, IndexError, NotImplementedError)
"""Everything that the library raises. Source: mediapipe_c_utils.py, convert_to_exception."""

MOST_CLASSES = 256
"""A pixel of a mask is one byte."""

_XYZ = ("x", "y", "z")
_NOSE = 1
"""The tip of the nose in MediaPipe's mesh."""


def load(argument: bytes, context: WorkerContext) -> Model:
    """The model that a worker hosts; file `model.task` or `model.tflite`.

    Raises:
        ModelMissing: the file is not there. CorruptModel: the library refuses it, or a parameter
            is wrong. Unsupported: the adapter does not know the task.
    """
    del context  # a call is too short to give way
    spec = spec_from(argument)
    if spec.task not in _TASKS:
        raise Unsupported(f"MediaPipe does not know the task {spec.task}", model=spec.id)
    model = _TASKS[spec.task](spec)
    note(spec.id, model, _placement)
    return model


def _placement(model: Model) -> Placement:
    """The processor: the library is given no other delegate, and has no fallback to tell of."""
    del model
    return Placement(device="cpu")


def _open(spec: ModelSpec, task: Any, options: Any, **settings: object) -> Any:  # noqa: ANN401
    """One of the library's tasks over the model's file."""
    base = BaseOptions(model_asset_path=file_of(spec, "model"), delegate=BaseOptions.Delegate.CPU)
    try:
        return task.create_from_options(options(base_options=base, **settings))
    except FileNotFoundError as error:
        raise ModelMissing(
            f"a file of {spec.id} is not there, or its bundle lacks one", model=spec.id
        ) from error
    except ERRORS as error:
        raise CorruptModel(f"MediaPipe refuses the file of {spec.id}", model=spec.id) from error


def _run(call: Callable[[Any], Any], picture: Picture) -> tuple[Any, int, int]:
    """What a task finds in a picture, and the picture's width and height."""
    array = np.ascontiguousarray(pixels(picture))
    height, width = array.shape[:2]
    try:
        found = call(images.Image(image_format=images.ImageFormat.SRGB, data=array))
    except ERRORS as error:
        raise Internal("MediaPipe failed in a picture") from error
    return found, width, height


def _confidence(spec: ModelSpec) -> float:
    value = number_of(spec, "min_confidence", 0.5)
    if not 0 <= value <= 1:
        raise CorruptModel(f"min_confidence of {spec.id} is not in [0, 1]", model=spec.id)
    return value


def _most(spec: ModelSpec, default: int) -> int:
    value = number_of(spec, "most", default)
    if not 1 <= value <= 100 or value != int(value):  # noqa: PLR2004 - more than any picture shows
        raise CorruptModel(f"most of {spec.id} is not a whole number from 1 to 100", model=spec.id)
    return int(value)


def _floats(values: Sequence[Any], *names: str) -> npt.NDArray[np.float32]:
    """Points of several things, shape (things, points, names); (0,) when there is none."""
    rows = [[[getattr(point, name) or 0.0 for name in names] for point in one] for one in values]
    return np.array(rows, np.float32)


def _told(found: Landmarks, point: int) -> str:
    """How many there are, and where a point of the first one is."""
    points = np.frombuffer(found.points, np.float32).reshape(-1, len(found.values))
    place = "".join(f" {value:.1f}" for value in points[point, :2]) if found.found else ""
    return f"{found.found}{place}"


class FaceDetector:
    """Fulfils Landmarker: a box and six points of each face."""

    def __init__(self, spec: ModelSpec) -> None:
        self._task = _open(
            spec,
            vision.FaceDetector,
            vision.FaceDetectorOptions,
            min_detection_confidence=_confidence(spec),
        )

    def find(self, picture: Picture, options: FindOptions) -> Landmarks:
        """The faces of a picture: eyes, nose, mouth and ears; first the ones on the picture's left."""
        found, width, height = _run(self._task.detect, picture)
        faces = found.detections[: options.most or None]
        boxes = [one.bounding_box for one in faces]
        sides = [(box.origin_x, box.origin_y, box.width, box.height) for box in boxes]
        scale = np.array([width, height, width, height], np.float32)
        return Landmarks(
            points=_floats([one.keypoints for one in faces], "x", "y").tobytes(),
            values=("x", "y"),
            boxes=(np.array(sides, np.float32).reshape(-1, 4) / scale).tobytes(),
            scores=tuple(one.categories[0].score for one in faces),
            found=len(faces),
            width=width,
            height=height,
        )

    def canary(self) -> str:
        """The faces in a drawn face, and where the first one's right eye is, in tenths."""
        return _told(self.find(drawn_face(), FindOptions()), 0)


class FaceMesh:
    """Fulfils Landmarker: the mesh of each face."""

    def __init__(self, spec: ModelSpec) -> None:
        sure = _confidence(spec)
        self._points = int(number_of(spec, "points", 0)) or None
        self._task = _open(
            spec,
            vision.FaceLandmarker,
            vision.FaceLandmarkerOptions,
            num_faces=_most(spec, 1),
            min_face_detection_confidence=sure,
            min_face_presence_confidence=sure,
        )

    def find(self, picture: Picture, options: FindOptions) -> Landmarks:
        """The meshes of a picture's faces, in the order of MediaPipe's canonical face."""
        found, width, height = _run(self._task.detect, picture)
        faces = [one[: self._points] for one in found.face_landmarks[: options.most or None]]
        return Landmarks(
            points=_floats(faces, *_XYZ).tobytes(),
            values=_XYZ,
            found=len(faces),
            width=width,
            height=height,
        )

    def canary(self) -> str:
        """The faces in a drawn face, and where the first one's nose is, in tenths."""
        return _told(self.find(drawn_face(), FindOptions()), _NOSE)


class Hands:
    """Fulfils Landmarker: 21 points of each hand."""

    def __init__(self, spec: ModelSpec) -> None:
        sure = _confidence(spec)
        self._task = _open(
            spec,
            vision.HandLandmarker,
            vision.HandLandmarkerOptions,
            num_hands=_most(spec, 2),
            min_hand_detection_confidence=sure,
            min_hand_presence_confidence=sure,
        )

    def find(self, picture: Picture, options: FindOptions) -> Landmarks:
        """The hands of a picture; labels say which, for a picture that is mirrored as a selfie is."""
        found, width, height = _run(self._task.detect, picture)
        hands = found.hand_landmarks[: options.most or None]
        sides = [one[0] for one in found.handedness[: len(hands)]]
        return Landmarks(
            points=_floats(hands, *_XYZ).tobytes(),
            values=_XYZ,
            world=_floats(found.hand_world_landmarks[: len(hands)], *_XYZ).tobytes(),
            scores=tuple(one.score for one in sides),
            labels=tuple(one.category_name for one in sides),
            found=len(hands),
            width=width,
            height=height,
        )

    def canary(self) -> str:
        """The hands in a drawn face, and where the first one's wrist is, in tenths."""
        return _told(self.find(drawn_face(), FindOptions()), 0)


class Poses:
    """Fulfils Landmarker: 33 points of each body."""

    def __init__(self, spec: ModelSpec) -> None:
        sure = _confidence(spec)
        self._task = _open(
            spec,
            vision.PoseLandmarker,
            vision.PoseLandmarkerOptions,
            num_poses=_most(spec, 1),
            min_pose_detection_confidence=sure,
            min_pose_presence_confidence=sure,
        )

    def find(self, picture: Picture, options: FindOptions) -> Landmarks:
        """The bodies of a picture."""
        found, width, height = _run(self._task.detect, picture)
        bodies = found.pose_landmarks[: options.most or None]
        values = (*_XYZ, "visibility", "presence")
        return Landmarks(
            points=_floats(bodies, *values).tobytes(),
            values=values,
            world=_floats(found.pose_world_landmarks[: len(bodies)], *_XYZ).tobytes(),
            found=len(bodies),
            width=width,
            height=height,
        )

    def canary(self) -> str:
        """The bodies in a drawn face, and where the first one's nose is, in tenths."""
        return _told(self.find(drawn_face(), FindOptions()), 0)


class Segmenter:
    """Fulfils ImageSegmenter."""

    def __init__(self, spec: ModelSpec) -> None:
        self._model = spec.id
        self._task = _open(
            spec,
            vision.ImageSegmenter,
            vision.ImageSegmenterOptions,
            output_confidence_masks=True,
            output_category_mask=False,
        )
        self._labels = spec.labels or tuple(self._task.labels)

    def segment(self, picture: Picture) -> Segmented:
        """How sure it is of each pixel; or the likeliest class, where the model knows several."""
        found, width, height = _run(self._task.segment, picture)
        masks = [one.numpy_view().reshape(height, width) for one in found.confidence_masks]
        if not 1 <= len(masks) <= MOST_CLASSES:
            raise CorruptModel(f"{self._model} gives {len(masks)} masks", model=self._model)
        alone = len(masks) == 1
        mask = np.rint(masks[0] * 255) if alone else np.argmax(np.stack(masks), axis=0)
        return Segmented(
            data=mask.astype(np.uint8).tobytes(),
            kind="confidence" if alone else "category",
            width=width,
            height=height,
            labels=self._labels,
        )

    def canary(self) -> str:
        """How much of a drawn face it takes for somebody, in tenths."""
        mask = np.frombuffer(self.segment(drawn_face()).data, np.uint8)
        return f"{mask.mean() / 255:.1f}"


_TASKS: Mapping[str, Callable[[ModelSpec], Model]] = {
    "face_detect": FaceDetector,
    "face_landmarks": FaceMesh,
    "hand_landmarks": Hands,
    "pose_landmarks": Poses,
    "image_segment": Segmenter,
}
