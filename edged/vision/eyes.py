"""How far eyes are open and where they look, from a face mesh; over arrays, in workers only."""

import math
from typing import Literal

import numpy as np
import numpy.typing as npt

from edged.messages.seeing import Eye, Eyes, Gaze
from edged.vision.names import LEFT_IRIS, MESH_POINTS, RIGHT_IRIS

Floats = npt.NDArray[np.floating]
Direction = Literal["left", "right", "up", "down", "centre"]

_RIGHT = (33, 133, (160, 144), (158, 153))
_LEFT = (362, 263, (385, 380), (387, 373))
"""Corners, on the picture's left first for a face that looks at the camera; two pairs of lid points."""

IRIS_RADIUS_MM = 5.85
"""Source: horizontal visible iris diameter 11.7 mm +- 0.5 in most people (MediaPipe Iris)."""

TURN_RADIUS_MM = 9.9
"""From the eye's centre of rotation to the pupil: 13.5 mm to the cornea, less 3.6 to the iris."""


CENTRE = 10.0
"""Degrees: as far as gaze may be off."""


def eyes_of(mesh: Floats, aspect: float) -> Eyes:
    """How far both eyes are open, and, with irises, where they look relative to the face.

    Args:
        mesh: x, y, z as fractions of the picture, shape (468, 3), or (478, 3) with irises.
        aspect: width by height of the picture.
    """
    solid = np.asarray(mesh, np.float64) * (aspect, 1.0, aspect)
    irises = len(solid) > MESH_POINTS
    left, right = (
        _eye(mesh, solid, shape, iris if irises else ())
        for shape, iris in ((_LEFT, LEFT_IRIS), (_RIGHT, RIGHT_IRIS))
    )
    return Eyes(left=left, right=right, gaze=_gaze(solid) if irises else None)


def _eye(
    mesh: Floats,
    solid: Floats,
    shape: tuple[int, int, tuple[int, int], tuple[int, int]],
    iris: tuple[int, ...],
) -> Eye:
    inner, outer, *lids = shape
    width = float(np.linalg.norm(solid[inner] - solid[outer]))
    heights = [float(np.linalg.norm(solid[upper] - solid[lower])) for upper, lower in lids]
    openness = sum(heights) / len(heights) / max(width, 1e-9)
    if not iris:
        return Eye(openness=openness)
    centre = np.asarray(mesh)[iris[0], :2]
    radius = float(np.linalg.norm(solid[list(iris[1:]), :2] - solid[iris[0], :2], axis=1).mean())
    return Eye(openness=openness, iris=(float(centre[0]), float(centre[1])), radius=radius)


def _gaze(solid: Floats) -> Gaze:
    both = [_turned(solid, _LEFT, LEFT_IRIS), _turned(solid, _RIGHT, RIGHT_IRIS)]
    yaw = (both[0][0] + both[1][0]) / 2
    pitch = (both[0][1] + both[1][1]) / 2
    return Gaze(yaw=yaw, pitch=pitch, error=10.0, direction=_direction(yaw, pitch))


def _turned(
    solid: Floats,
    shape: tuple[int, int, tuple[int, int], tuple[int, int]],
    iris: tuple[int, ...],
) -> tuple[float, float]:
    first, last = solid[shape[0], :2], solid[shape[1], :2]
    across = (last - first) / max(float(np.linalg.norm(last - first)), 1e-9)
    upwards = np.array([across[1], -across[0]])
    away = solid[iris[0], :2] - (first + last) / 2
    radius = float(np.linalg.norm(solid[list(iris[1:]), :2] - solid[iris[0], :2], axis=1).mean())
    scale = IRIS_RADIUS_MM / max(radius, 1e-9) / TURN_RADIUS_MM
    return _degrees(float(away @ across) * scale), _degrees(float(away @ upwards) * scale)


def _degrees(sine: float) -> float:
    return math.degrees(math.asin(max(-1.0, min(1.0, sine))))


def _direction(yaw: float, pitch: float) -> Direction:
    if max(abs(yaw), abs(pitch)) < CENTRE:
        return "centre"
    if abs(yaw) >= abs(pitch):
        return "right" if yaw > 0 else "left"
    return "up" if pitch > 0 else "down"
