"""How far eyes are open and where they look, from a face mesh; over arrays, in workers only.

An eye is taken for a ball behind its two corners; an iris has nearly the same size in everybody,
and so gives the scale. Seen without perspective, as a mesh is.
"""

import math
from collections.abc import Sequence
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
"""Degrees: from here on a gaze has a direction, or from its error on, where that is more."""

PERSON_ERROR = 6.0
"""Degrees: a corner or a pupil that sits 1 mm elsewhere than in the eye taken here."""

TURN_ERROR = 0.15
"""Of the angle by which the face is turned: its depths are guessed, and an eye hides its own corner."""

PIXEL_ERROR = 1.0
"""Pixels of the picture by which a pupil or a corner may be off. Measured: 2026-11, people who look at the
camera, irises of 3 to 5 pixels: off by 10 to 20 degrees."""

MOST_ERROR = 90.0
"""Degrees: then nothing is known."""

SCALE_ERROR = 0.5
"""Of the gaze: models that find an eye's edge let it follow the iris. Measured: 2026-11, four faces whose
irises were painted elsewhere: 3 to 12 degrees of 11, and 7 to 18 of 24 (once 29), are told."""

_RIGHT = (33, 133, 160, 144, 158, 153)
_LEFT = (263, 362, 387, 373, 385, 380)
"""Outer and inner corner; a point of the upper lid and the one below it, and once more.

Source: the six points of Soukupova and Cech, Real-Time Eye Blink Detection using Facial Landmarks,
2016, in MediaPipe's mesh.
"""

_TOP, _CHIN = 10, 152
_LEAST = 1e-9

Point = tuple[float, float, float]
Axes = tuple[Point, Point, Point]


def eyes_of(mesh: Floats, aspect: float, height: int = 0) -> Eyes:
    """How far both eyes are open, and, with irises, where they look relative to the face.

    Args:
        mesh: x, y, z as fractions of the picture, shape (468, 3), or (478, 3) with irises.
        aspect: width by height of the picture.
        height: of the picture, in pixels: a gaze of few pixels is less sure; 0: not known.
    """
    left, right = _points(mesh, _LEFT, aspect), _points(mesh, _RIGHT, aspect)
    if len(mesh) == MESH_POINTS:
        return Eyes(left=Eye(openness=_openness(left)), right=Eye(openness=_openness(right)))
    irises = _points(mesh, LEFT_IRIS, aspect), _points(mesh, RIGHT_IRIS, aspect)
    face = _face_axes(_points(mesh, (_TOP, _CHIN), aspect), left, right)
    return Eyes(
        left=_eye(left, irises[0], aspect),
        right=_eye(right, irises[1], aspect),
        gaze=_gaze((left, right), irises, face, height),
    )


def openness(mesh: Floats, aspect: float) -> float:
    """The mean openness of both eyes: heights of the openings by their widths; as eyes_of."""
    return sum(_openness(_points(mesh, eye, aspect)) for eye in (_LEFT, _RIGHT)) / 2


def _points(mesh: Floats, numbers: Sequence[int], aspect: float) -> list[Point]:
    """Some points, all axes in heights of the picture. Plain numbers: so few are quicker so."""
    return [(x * aspect, y, z * aspect) for x, y, z in mesh[list(numbers)].tolist()]


def _openness(eye: Sequence[Point]) -> float:
    outer, inner, *lids = eye
    heights = math.dist(lids[0], lids[1]) + math.dist(lids[2], lids[3])
    return heights / 2 / max(math.dist(outer, inner), _LEAST)


def _eye(eye: Sequence[Point], iris: Sequence[Point], aspect: float) -> Eye:
    x, y, _ = iris[0]
    return Eye(openness=_openness(eye), iris=(x / aspect, y), radius=_radius(iris) / aspect)


def _radius(iris: Sequence[Point]) -> float:
    """Half the iris's longer diameter, which no turn of the eye makes shorter."""
    _, right, top, left, bottom = iris
    return max(math.dist(right[:2], left[:2]), math.dist(top[:2], bottom[:2])) / 2


def _gaze(
    eyes: Sequence[Sequence[Point]], irises: Sequence[Sequence[Point]], face: Axes, height: int
) -> Gaze:
    unit = max(sum(_radius(iris) for iris in irises) / 2 / IRIS_RADIUS_MM, _LEAST)
    both = [_direction(eye, iris[0], face, unit) for eye, iris in zip(eyes, irises, strict=True)]
    yaw, pitch = (both[0][0] + both[1][0]) / 2, (both[0][1] + both[1][1]) / 2
    pixel = PIXEL_ERROR / (height * unit) / TURN_RADIUS_MM if height else 0.0
    error = min(math.hypot(_error(both, yaw, pitch, face), math.degrees(pixel)), MOST_ERROR)
    return Gaze(yaw=yaw, pitch=pitch, error=error, direction=_named(yaw, pitch, error))


def _face_axes(middle: Sequence[Point], left: Sequence[Point], right: Sequence[Point]) -> Axes:
    """The face's own directions: to the picture's right, down, and away from the camera."""
    across = _unit(_less(left[0], right[0]))
    down = _less(middle[1], middle[0])
    lean = _dot(down, across)
    down = _unit(
        (down[0] - lean * across[0], down[1] - lean * across[1], down[2] - lean * across[2])
    )
    away = (
        across[1] * down[2] - across[2] * down[1],
        across[2] * down[0] - across[0] * down[2],
        across[0] * down[1] - across[1] * down[0],
    )
    return across, down, away


def _direction(eye: Sequence[Point], pupil: Point, face: Axes, unit: float) -> tuple[float, float]:
    """Yaw and pitch of one eye relative to the face, in degrees; unit: of the mesh, of a millimetre."""
    outer, inner, *_ = eye
    _, down, away = face
    x, y = (
        (pupil[axis] - (outer[axis] + inner[axis]) / 2) / unit
        + REST_MM * down[axis]
        - CORNERS_MM * away[axis]
        for axis in (0, 1)
    )
    sideways = max(1.0, math.hypot(x, y) / TURN_RADIUS_MM)
    x, y = x / TURN_RADIUS_MM / sideways, y / TURN_RADIUS_MM / sideways
    looks = (x, y, -math.sqrt(max(0.0, 1.0 - x * x - y * y)))
    right, below, behind = (_dot(looks, axis) for axis in face)
    return math.degrees(math.atan2(right, -behind)), math.degrees(math.asin(_within(-below)))


def _error(both: Sequence[tuple[float, float]], yaw: float, pitch: float, face: Axes) -> float:
    """What is known of how far it may be off: of persons, scale, turned faces, and two eyes' dispute."""
    turned = math.degrees(math.acos(_within(face[2][2])))
    apart = math.dist(*both) / 2
    return math.hypot(
        PERSON_ERROR, SCALE_ERROR * math.hypot(yaw, pitch), TURN_ERROR * turned, apart
    )


def _named(yaw: float, pitch: float, error: float) -> Direction:
    if max(abs(yaw), abs(pitch)) < max(CENTRE, error):
        return "centre"
    if abs(yaw) >= abs(pitch):
        return "right" if yaw > 0 else "left"
    return "up" if pitch > 0 else "down"


def _less(one: Point, other: Point) -> Point:
    return one[0] - other[0], one[1] - other[1], one[2] - other[2]


def _dot(one: Point, other: Point) -> float:
    return one[0] * other[0] + one[1] * other[1] + one[2] * other[2]


def _unit(line: Point) -> Point:
    length = max(math.hypot(*line), _LEAST)
    return line[0] / length, line[1] / length, line[2] / length


def _within(cosine: float) -> float:
    return max(-1.0, min(1.0, cosine))
