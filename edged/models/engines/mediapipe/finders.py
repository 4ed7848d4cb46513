"""One kind of thing in frames: a task of the library, opened for pictures or for one stream."""

import zipfile
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
from msgspec import Struct

from edged.errors import BadRequest, CorruptModel, Internal
from edged.models.engines.inputs import file_of, number_of
from edged.models.engines.mediapipe.iris import Irises
from edged.models.engines.mediapipe.library import ERRORS, Frame, open_task, running, vision
from edged.models.engines.mediapipe.results import Found, boxes_around
from edged.models.runtime import ModelSpec

MOST = 100
"""More things of a kind than any picture shows."""

KEY_POINTS = 6
"""Of a face without a mesh."""


class Settings(Struct, frozen=True, kw_only=True):
    """How a finder looks; see SeeOptions.

    video: it follows things from frame to frame. most: 0: as the manifest says.
    """

    video: bool = False
    most: int = 0
    detection: float = 0.5
    tracking: float = 0.5


class Finder(Protocol):
    """Finds things of one kind. One thread at a time."""

    def find(self, frame: Frame, at_ms: int) -> Found:
        """What is in the frame; at_ms: of a stream, greater than before. Raises Internal."""
        ...

    def close(self) -> None:
        """Free its memory. A graph that failed may never come back from this."""
        ...


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


class _Faces:
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


class _Meshes:
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


def _hands(spec: ModelSpec, file: str, settings: Settings) -> Finder:
    task = open_task(
        spec,
        file,
        vision.HandLandmarker,
        vision.HandLandmarkerOptions,
        **_of_hands(spec, settings),
    )
    return _detecting(task, settings)


def _gestures(spec: ModelSpec, file: str, settings: Settings) -> Finder:
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


def _bodies(spec: ModelSpec, file: str, settings: Settings) -> Finder:
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
    if not 1 <= value <= MOST or value != int(value):
        raise CorruptModel(f"most of {spec.id} is not a whole number from 1 to 100", model=spec.id)
    return int(value)


def checked(settings: Settings) -> Settings:
    """Settings that make sense.

    Raises:
        BadRequest: a confidence outside [0, 1], or more things than a picture can show.
    """
    if not (0 <= settings.detection <= 1 and 0 <= settings.tracking <= 1):
        raise BadRequest("a confidence is not in [0, 1]")
    if not 0 <= settings.most <= MOST:
        raise BadRequest(f"most is not from 0 to {MOST}")
    return settings


Opener = Callable[[ModelSpec, str, Settings], Finder]

OPENERS: Mapping[str, Opener] = {
    "faces": _Faces,
    "meshes": _Meshes,
    "hands": _hands,
    "gestures": _gestures,
    "bodies": _bodies,
}
