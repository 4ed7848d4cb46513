"""Faces of known geometry: a head turned by known degrees, whose eyes look where they are told.

Millimetres while it is built: x to the picture's right, y down, z away from the camera.
"""

import numpy as np
import numpy.typing as npt

from edged.vision.eyes import CORNERS_MM, IRIS_RADIUS_MM, REST_MM, TURN_RADIUS_MM
from edged.vision.names import LEFT_IRIS, RIGHT_IRIS

Floats = npt.NDArray[np.float64]

_EYES = {"right": (33, 133, (160, 158), (144, 153)), "left": (263, 362, (387, 385), (373, 380))}
_MIDDLES = {"right": np.array([-32.0, -30.0, 0.0]), "left": np.array([32.0, -30.0, 0.0])}
_HALF_EYE = 14.0


def drawn_face(
    *,
    gaze: tuple[float, float] = (0.0, 0.0),
    head: tuple[float, float, float] = (0.0, 0.0, 0.0),
    openness: float = 0.3,
    aspect: float = 4 / 3,
) -> Floats:
    """A mesh of 478 points as fractions of a picture, of which only those around the eyes are true.

    Args:
        gaze: yaw (to the picture's right) and pitch (up) relative to the face, degrees.
        head: likewise, and roll against the clock.
        openness: height of the eyes by their width.
        aspect: width by height of the picture.
    """
    points = np.zeros((478, 3))
    points[10], points[152] = (0.0, -80.0, 0.0), (0.0, 95.0, 0.0)
    for side, (outer, inner, upper, lower) in _EYES.items():
        middle = _MIDDLES[side]
        away = np.sign(middle[0]) * _HALF_EYE
        points[outer], points[inner] = (
            middle + np.array([away, 0, 3.0]),
            middle - np.array([away, 0, 3.0]),
        )
        half = openness * float(np.linalg.norm(points[outer] - points[inner])) / 2
        points[list(upper)] = [middle + np.array([x, -half, 0]) for x in (-5.0, 5.0)]
        points[list(lower)] = [middle + np.array([x, half, 0]) for x in (-5.0, 5.0)]
    turned = points @ _turn(*head).T
    _add_irises(turned, gaze, head)
    found: Floats = turned / 400.0 / (aspect, 1.0, aspect) + (0.5, 0.5, 0.0)
    return found


def _add_irises(
    points: Floats, gaze: tuple[float, float], head: tuple[float, float, float]
) -> None:
    """In the picture's own plane, as a model finds them: round, and as deep as the eye's corners."""
    looks = _turn(*head) @ _turn(*gaze, 0.0) @ (0.0, 0.0, -1.0)
    for side, iris in (("right", RIGHT_IRIS), ("left", LEFT_IRIS)):
        around = _turn(*head) @ (_MIDDLES[side] + (0.0, -REST_MM, CORNERS_MM))
        pupil = around + TURN_RADIUS_MM * looks
        corners = points[list(_EYES[side][:2])].mean(axis=0)
        points[iris[0]] = (*pupil[:2], corners[2])
        edge = [(1.0, 0.0, 0.0), (0.0, -1.0, 0.0), (-1.0, 0.0, 0.0), (0.0, 1.0, 0.0)]
        points[list(iris[1:])] = points[iris[0]] + IRIS_RADIUS_MM * np.array(edge)


def _turn(yaw: float, pitch: float, roll: float) -> Floats:
    """What turns a face that looks at the camera to the picture's right, up, and against the clock."""
    y, p, r = np.radians([yaw, pitch, roll])
    up = np.array([[1, 0, 0], [0, np.cos(p), np.sin(p)], [0, -np.sin(p), np.cos(p)]])
    right = np.array([[np.cos(y), 0, -np.sin(y)], [0, 1, 0], [np.sin(y), 0, np.cos(y)]])
    against = np.array([[np.cos(r), np.sin(r), 0], [-np.sin(r), np.cos(r), 0], [0, 0, 1]])
    found: Floats = against @ right @ up
    return found
