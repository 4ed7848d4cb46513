"""Reads what the library's tasks find, straight from its memory into arrays.

Its own way makes an object of every point. Measured: 2026-11, 2 busy vCPU: 0.43 ms of a core
for a mesh, here 0.08, and in arrays.
"""

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np

from edged.errors import Unsupported
from edged.models.engines.mediapipe_library import landmarks, vision
from edged.models.engines.seeing.found import SEEN, XYZ, Floats, Found, boxes_around

_WORD = 4
"""Bytes of a float32."""


def _columns(struct: type[ctypes.Structure]) -> tuple[int, ...]:
    """Where the numbers of a point lie in the library's struct, counted in float32."""
    return tuple(getattr(struct, name).offset // _WORD for name in SEEN)


_COLUMNS = _columns(landmarks.MpNormalizedLandmarkC)
_POINT_BYTES = ctypes.sizeof(landmarks.MpNormalizedLandmarkC)


def _points(lists: Any, count: int, names: tuple[str, ...]) -> Floats:  # noqa: ANN401 - the library's
    """A copy of the points of several things, shape (count, points, names)."""
    if not count:
        return np.zeros((0, 0, len(names)), np.float32)
    each = int(lists[0].landmarks_count)
    held = [
        ctypes.string_at(lists[number].landmarks, each * _POINT_BYTES) for number in range(count)
    ]
    words = np.frombuffer(b"".join(held), np.float32).reshape(count, each, -1)
    return np.take(words, _COLUMNS[: len(names)], axis=2)


def _first(lists: Any, count: int) -> list[tuple[str, float]]:  # noqa: ANN401 - the library's struct
    """The likeliest category of each thing."""
    return [_likeliest(lists[number]) for number in range(count)]


def _likeliest(one: Any) -> tuple[str, float]:  # noqa: ANN401 - the library's struct
    if not one.categories_count:
        return "", 0.0
    first = one.categories[0]
    return (first.category_name or b"").decode(), float(first.score)


def _hands(result: Any) -> Found:  # noqa: ANN401 - the library's struct
    sides = _first(result.handedness, result.handedness_count)
    return Found(
        points=_points(result.hand_landmarks, result.hand_landmarks_count, XYZ),
        world=_points(result.hand_world_landmarks, result.hand_world_landmarks_count, XYZ),
        scores=tuple(score for _, score in sides),
        labels=tuple(label for label, _ in sides),
    )


def _gestures(result: Any) -> Found:  # noqa: ANN401 - the library's struct
    shown = _first(result.gestures, result.gestures_count)
    named = tuple((name, score) if name not in {"None", ""} else ("", 0.0) for name, score in shown)
    hands = _hands(result)
    return Found(
        points=hands.points,
        world=hands.world,
        scores=hands.scores,
        labels=hands.labels,
        gestures=named,
    )


def _bodies(result: Any) -> Found:  # noqa: ANN401 - the library's struct
    points = _points(result.pose_landmarks, result.pose_landmarks_count, SEEN)
    world = _points(result.pose_world_landmarks, result.pose_world_landmarks_count, XYZ)
    return Found(points=points, world=world, boxes=boxes_around(points))


def _meshes(result: Any) -> Found:  # noqa: ANN401 - the library's struct
    points = _points(result.face_landmarks, result.face_landmarks_count, XYZ)
    return Found(
        points=points,
        blendshapes=tuple(
            _scores(result.face_blendshapes[number])
            for number in range(result.face_blendshapes_count)
        ),
        transforms=tuple(
            tuple(result.facial_transformation_matrixes[number].to_numpy().ravel().tolist())
            for number in range(result.facial_transformation_matrixes_count)
        ),
    )


def _scores(one: Any) -> dict[str, float]:  # noqa: ANN401 - the library's struct
    rows = (one.categories[number] for number in range(one.categories_count))
    return {(row.category_name or b"").decode(): float(row.score) for row in rows}


_READERS: tuple[tuple[Any, Callable[[Any], Found]], ...] = (
    (vision.HandLandmarkerResult, _hands),
    (vision.GestureRecognizerResult, _gestures),
    (vision.PoseLandmarkerResult, _bodies),
    (vision.FaceLandmarkerResult, _meshes),
)


def take_over() -> None:
    """Let the library's tasks give Found instead of their own results.

    Raises:
        Unsupported: it is a version whose points lie in memory in another way.
    """
    if _columns(landmarks.MpLandmarkC) != _COLUMNS:
        raise Unsupported(
            "this version of mediapipe is not known", fix="pip install 'edged[vision]'"
        )
    for result, reader in _READERS:
        result.from_ctypes = staticmethod(reader)
