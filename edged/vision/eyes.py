"""How far eyes are open and where they look, from a face mesh; over arrays, in workers only.

An eye is taken for a ball behind its two corners; an iris has nearly the same size in everybody,
and so gives the scale. Seen without perspective, as a mesh is.
"""

import math
from typing import Literal

import numpy as np
import numpy.typing as npt

from edged.messages.seeing import Eye, Eyes, Gaze
from edged.vision.names import LEFT_IRIS, MESH_POINTS, RIGHT_IRIS

Floats = npt.NDArray[np.floating]
Direction = Literal["left", "right", "up", "down", "centre"]

IRIS_RADIUS_MM = 5.85
"""Source: 11.7 +- 0.5 mm across in most people; Ablavatski et al., Real-time Pupil Tracking from
Monocular Video, 2020."""

TURN_RADIUS_MM = 9.9
"""From the point around which an eye turns to its pupil: 13.5 mm to the cornea's front, less 3.6 to
the iris. Source: the schematic eye of Gullstrand, and Fry and Hill, 1962."""

CORNERS_MM = 5.0
"""So far before that point lies the middle between the eye's corners: half way to the pupil."""

REST_MM = 1.0
"""So far above that middle is the pupil of somebody who looks straight ahead: the outer corner is
drawn upwards, and the upper lid's arch is the higher one."""

CENTRE = 10.0
"""Degrees: from here on a gaze has a direction; it is about as much as it may be off."""

PERSON_ERROR = 6.0
"""Degrees: a corner or a pupil that sits 1 mm elsewhere than in the eye taken here."""

TURN_ERROR = 0.15
"""Of the angle by which the face is turned: its depths are guessed, and an eye hides its own corner."""

SCALE_ERROR = 0.1
"""Of the gaze: irises, and the radius that they turn on, differ by 5 % each."""

_RIGHT = (33, 133, (160, 158), (144, 153))
_LEFT = (263, 362, (387, 385), (373, 380))
"""Outer and inner corner; two points of the upper lid, and those below them.

Source: the six points of Soukupova and Cech, Real-Time Eye Blink Detection using Facial Landmarks,
2016, in MediaPipe's mesh.
"""

_TOP, _CHIN = 10, 152
_LEAST = 1e-9


def eyes_of(mesh: Floats, aspect: float) -> Eyes:
    """How far both eyes are open, and, with irises, where they look relative to the face.

    Args:
        mesh: x, y, z as fractions of the picture, shape (468, 3), or (478, 3) with irises.
        aspect: width by height of the picture.
    """
    solid = np.asarray(mesh, np.float64) * (aspect, 1.0, aspect)
    irises = len(solid) > MESH_POINTS
    left = _eye(solid, _LEFT, LEFT_IRIS if irises else (), aspect)
    right = _eye(solid, _RIGHT, RIGHT_IRIS if irises else (), aspect)
    return Eyes(left=left, right=right, gaze=_gaze(solid) if irises else None)


def openness(mesh: Floats, aspect: float) -> float:
    """The mean openness of both eyes: heights of the openings by their widths; as eyes_of."""
    solid = np.asarray(mesh, np.float64) * (aspect, 1.0, aspect)
    return (_openness(solid, _LEFT) + _openness(solid, _RIGHT)) / 2


_Shape = tuple[int, int, tuple[int, int], tuple[int, int]]


def _openness(solid: Floats, shape: _Shape) -> float:
    outer, inner, upper, lower = shape
    heights = np.linalg.norm(solid[list(upper)] - solid[list(lower)], axis=1)
    return float(heights.mean() / max(float(np.linalg.norm(solid[inner] - solid[outer])), _LEAST))


def _eye(solid: Floats, shape: _Shape, iris: tuple[int, ...], aspect: float) -> Eye:
    opened = _openness(solid, shape)
    if not iris:
        return Eye(openness=opened)
    x, y = solid[iris[0], :2]
    place = (float(x) / aspect, float(y))
    return Eye(openness=opened, iris=place, radius=_radius(solid, iris) / aspect)


def _radius(solid: Floats, iris: tuple[int, ...]) -> float:
    """Half the iris's longer diameter, which no turn of the eye makes shorter."""
    across = solid[[iris[1], iris[2]], :2] - solid[[iris[3], iris[4]], :2]
    return float(np.linalg.norm(across, axis=1).max()) / 2


def _gaze(solid: Floats) -> Gaze:
    face = _face_axes(solid)
    unit = (_radius(solid, LEFT_IRIS) + _radius(solid, RIGHT_IRIS)) / 2 / IRIS_RADIUS_MM
    both = [
        _direction(solid, shape, iris[0], face, max(unit, _LEAST))
        for shape, iris in ((_LEFT, LEFT_IRIS), (_RIGHT, RIGHT_IRIS))
    ]
    yaw, pitch = (float(value) for value in np.mean(both, axis=0))
    return Gaze(
        yaw=yaw, pitch=pitch, error=_error(both, yaw, pitch, face), direction=_named(yaw, pitch)
    )


def _face_axes(solid: Floats) -> Floats:
    """The face's own directions as columns: to the picture's right, down, and away from the camera."""
    across = solid[_LEFT[0]] - solid[_RIGHT[0]]
    across = across / max(float(np.linalg.norm(across)), _LEAST)
    down = solid[_CHIN] - solid[_TOP]
    down = down - (down @ across) * across
    down = down / max(float(np.linalg.norm(down)), _LEAST)
    return np.column_stack([across, down, np.cross(across, down)])


def _direction(
    solid: Floats, shape: _Shape, iris: int, face: Floats, unit: float
) -> tuple[float, float]:
    """Yaw and pitch of one eye relative to the face, in degrees; unit: of the mesh, of a millimetre."""
    corners = (solid[shape[0]] + solid[shape[1]]) / 2
    turns_around = face @ (0.0, -REST_MM, CORNERS_MM)
    sideways = ((solid[iris] - corners)[:2] / unit - turns_around[:2]) / TURN_RADIUS_MM
    sideways = sideways / max(1.0, float(np.linalg.norm(sideways)))
    forward = -math.sqrt(max(0.0, 1.0 - float(sideways @ sideways)))
    x, y, z = face.T @ (*sideways, forward)
    return math.degrees(math.atan2(x, -z)), math.degrees(math.asin(max(-1.0, min(1.0, -y))))


def _error(both: list[tuple[float, float]], yaw: float, pitch: float, face: Floats) -> float:
    """What is known of how far it may be off: of persons, scale, turned faces, and two eyes' dispute."""
    turned = math.degrees(math.acos(max(-1.0, min(1.0, float(face[2, 2])))))
    apart = math.dist(*both) / 2
    return math.hypot(
        PERSON_ERROR, SCALE_ERROR * math.hypot(yaw, pitch), TURN_ERROR * turned, apart
    )


def _named(yaw: float, pitch: float) -> Direction:
    if max(abs(yaw), abs(pitch)) < CENTRE:
        return "centre"
    if abs(yaw) >= abs(pitch):
        return "right" if yaw > 0 else "left"
    return "up" if pitch > 0 else "down"
