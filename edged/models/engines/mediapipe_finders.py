"""One kind of thing in frames: a task of the library, opened for pictures or for one stream."""

import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np

from edged.errors import CorruptModel, Internal
from edged.models.engines.inputs import file_of, number_of
from edged.models.engines.mediapipe_library import ERRORS, open_task, running, vision
from edged.models.engines.seeing.found import (
    MOST_THINGS,
    Finder,
    Found,
    Frame,
    Settings,
    boxes_around,
)
from edged.models.engines.seeing.iris import Irises
from edged.models.runtime import ModelSpec

KEY_POINTS = 6
"""Of a face without a mesh."""


class _TaskFinder:
    """Fulfils Finder over a task that has the methods `detect` and `detect_for_video`, or their like.

    Args:
        task: the library's.
        names: of these methods.
        video: which of them.
    """

    def __init__(self, task: Any, names: tuple[str, str], *, video: bool) -> None:  # noqa: ANN401
        self._task = task
        self._video = video
        self._call: Callable[..., Any] = getattr(task, names[video])

    def find(self, frame: Frame, at_ms: int) -> Found:
        """What the task finds."""
        try:
            found: Any = self._call(frame.image, at_ms) if self._video else self._call(frame.image)
        except ERRORS as error:
            raise Internal("MediaPipe failed in a picture") from error
        return found if isinstance(found, Found) else _detected(found, frame)

    def close(self) -> None:
        """Shut the graph down."""
        self._task.close()


def _detected(result: Any, frame: Frame) -> Found:  # noqa: ANN401 - the library's
    """Faces with a box and six points each; first the ones on the picture's left."""
    faces = result.detections
    points = [[(point.x, point.y) for point in one.keypoints] for one in faces]
    wide, high = frame.width, frame.height
    boxes = [one.bounding_box for one in faces]
    return Found(
        points=np.array(points, np.float32).reshape(-1, KEY_POINTS, 2),
        boxes=tuple(
            (box.origin_x / wide, box.origin_y / high, box.width / wide, box.height / high)
            for box in boxes
        ),
        scores=tuple(float(one.categories[0].score) for one in faces),
    )


class Faces:
    """Fulfils Finder: the surest faces of all that are found."""

    def __init__(self, spec: ModelSpec, file: str, settings: Settings) -> None:
        task = open_task(
            spec,
            file,
            vision.FaceDetector,
            vision.FaceDetectorOptions,
            running_mode=running(video=settings.video),
            min_detection_confidence=settings.detection,
        )
        self._most = settings.most
        self._finder = _detecting(task, settings)
        self.close = self._finder.close

    def find(self, frame: Frame, at_ms: int) -> Found:
        """The faces, from the picture's left to its right, or the surest of them."""
        found = self._finder.find(frame, at_ms)
        if not self._most or len(found.points) <= self._most:
            return found
        best = sorted(np.argsort(found.scores)[::-1][: self._most].tolist())
        return Found(
            points=found.points[best],
            boxes=tuple(found.boxes[one] for one in best),
            scores=tuple(found.scores[one] for one in best),
        )


class Meshes:
    """Fulfils Finder: meshes; with `iris.tflite` beside it also irises.

    The library answers 478 points of a mesh of 468 too: the parameter `points` says how many are known.
    """

    def __init__(self, spec: ModelSpec, file: str, settings: Settings) -> None:
        self._points = int(number_of(spec, "points", 0)) or None
        self._irises = Irises(spec) if spec.task == "iris_landmarks" else None
        entries = _entries(spec, file)
        task = open_task(
            spec,
            file,
            vision.FaceLandmarker,
            vision.FaceLandmarkerOptions,
            running_mode=running(video=settings.video),
            num_faces=_most(spec, settings, 1),
            min_face_detection_confidence=settings.detection,
            min_face_presence_confidence=_presence(settings),
            min_tracking_confidence=settings.tracking,
            output_face_blendshapes="face_blendshapes.tflite" in entries,
            output_facial_transformation_matrixes=_GEOMETRY in entries,
        )
        self._finder = _detecting(task, settings)
        self.close = self._finder.close

    def find(self, frame: Frame, at_ms: int) -> Found:
        """Meshes in the order of MediaPipe's canonical face, irises behind them."""
        found = self._finder.find(frame, at_ms)
        points = found.points[:, : self._points]
        if self._irises is not None:
            points = self._irises.added(frame.pixels, points)
        return Found(
            points=points,
            boxes=boxes_around(points),
            blendshapes=found.blendshapes,
            transforms=found.transforms,
        )


_GEOMETRY = "geometry_pipeline_metadata_landmarks.binarypb"
"""The part of a bundle that lets the library tell the transform."""


def _entries(spec: ModelSpec, file: str) -> set[str]:
    """What a bundle holds; nothing when it is none, which the library will say better."""
    try:
        with zipfile.ZipFile(file_of(spec, file)) as bundle:
            return set(bundle.namelist())
    except (OSError, zipfile.BadZipFile):
        return set()


def hands(spec: ModelSpec, file: str, settings: Settings) -> Finder:
    """21 points of each hand, and which it is."""
    task = open_task(
        spec,
        file,
        vision.HandLandmarker,
        vision.HandLandmarkerOptions,
        **_of_hands(spec, settings),
    )
    return _detecting(task, settings)


def gestures(spec: ModelSpec, file: str, settings: Settings) -> Finder:
    """Hands, and what they show."""
    task = open_task(
        spec,
        file,
        vision.GestureRecognizer,
        vision.GestureRecognizerOptions,
        **_of_hands(spec, settings),
    )
    return _TaskFinder(task, ("recognize", "recognize_for_video"), video=settings.video)


def _of_hands(spec: ModelSpec, settings: Settings) -> dict[str, object]:
    return {
        "running_mode": running(video=settings.video),
        "num_hands": _most(spec, settings, 2),
        "min_hand_detection_confidence": settings.detection,
        "min_hand_presence_confidence": _presence(settings),
        "min_tracking_confidence": settings.tracking,
    }


def bodies(spec: ModelSpec, file: str, settings: Settings) -> Finder:
    """33 points of each body."""
    task = open_task(
        spec,
        file,
        vision.PoseLandmarker,
        vision.PoseLandmarkerOptions,
        running_mode=running(video=settings.video),
        num_poses=_most(spec, settings, 1),
        min_pose_detection_confidence=settings.detection,
        min_pose_presence_confidence=_presence(settings),
        min_tracking_confidence=settings.tracking,
    )
    return _detecting(task, settings)


def _detecting(task: Any, settings: Settings) -> _TaskFinder:  # noqa: ANN401 - the library's
    return _TaskFinder(task, ("detect", "detect_for_video"), video=settings.video)


def _presence(settings: Settings) -> float:
    """How sure it must be of what it follows; below, it looks for it again."""
    return settings.tracking if settings.video else settings.detection


def _most(spec: ModelSpec, settings: Settings, default: int) -> int:
    value = settings.most or number_of(spec, "most", default)
    if not 1 <= value <= MOST_THINGS or value != int(value):
        raise CorruptModel(f"most of {spec.id} is not a whole number from 1 to 100", model=spec.id)
    return int(value)
