"""Bodies of known geometry: limbs of an adult's length, joints bent by known degrees, seen from anywhere.

World points: metres from the middle of the hips, x to the picture's right, y down, z away. Before it
is turned, the body looks at the camera; its own left is on the picture's right.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from edged.vision.names import POSE

Floats = npt.NDArray[np.float64]

_AT = {name: number for number, name in enumerate(POSE)}
_FRONT = np.array([0.0, 0.0, -1.0])
_UP = np.array([0.0, -1.0, 0.0])

POSTURES: Mapping[str, Mapping[str, float]] = {
    "standing": {},
    "sitting": {"hip": 90.0, "knee": 90.0},
    "lying": {"lean": -90.0},
    "bending": {"lean": 70.0, "hip": 110.0},
    "arms_raised": {"shoulder": 170.0},
}
"""What drawn_body is told, for each posture."""


def drawn_body(
    *,
    lean: float = 0.0,
    hip: float = 180.0,
    knee: float = 180.0,
    shoulder: float = 10.0,
    elbow: float = 180.0,
    ankle: float = 100.0,
) -> Floats:
    """33 points, shape (33, 3); every joint's angle in degrees, as edged.vision.angles defines it.

    lean: of the trunk from upright, forward; less than 0: backward. shoulder: arms to the sides.
    """
    points = np.zeros((33, 3))
    trunk = _turned(_UP, lean)
    for side, sign in (("left", 1.0), ("right", -1.0)):
        out = np.array([sign, 0.0, 0.0])
        points[_AT[f"{side}_hip"]] = 0.16 * out
        points[_AT[f"{side}_shoulder"]] = 0.16 * out + 0.5 * trunk
        points[_AT[f"{side}_ear"]] = 0.08 * out + 0.72 * trunk
        _arm(points, side, (-trunk, out), shoulder, elbow)
        _leg(points, side, lean + hip, knee, ankle)
    points[_AT["nose"]] = 0.7 * trunk + 0.1 * _turned(_FRONT, lean)
    return points


def seen_from(points: Floats, *, yaw: float) -> Floats:
    """The body turned around the vertical, by degrees."""
    cosine, sine = np.cos(np.radians(yaw)), np.sin(np.radians(yaw))
    turn = np.array([[cosine, 0, sine], [0, 1, 0], [-sine, 0, cosine]])
    found: Floats = points @ turn.T
    return found


def _turned(direction: Floats, forward: float) -> Floats:
    """A direction in the plane from up to front, turned forward by degrees."""
    up, front = -direction[1], -direction[2]
    cosine, sine = np.cos(np.radians(forward)), np.sin(np.radians(forward))
    found: Floats = (up * cosine - front * sine) * _UP + (up * sine + front * cosine) * _FRONT
    return found


def _arm(
    points: Floats, side: str, axes: tuple[Floats, Floats], shoulder: float, elbow: float
) -> None:
    down, out = axes
    upper = _between(down, out, shoulder)
    lower = _between(down, out, shoulder + 180.0 - elbow)
    points[_AT[f"{side}_elbow"]] = points[_AT[f"{side}_shoulder"]] + 0.28 * upper
    points[_AT[f"{side}_wrist"]] = points[_AT[f"{side}_elbow"]] + 0.25 * lower


def _leg(points: Floats, side: str, thigh: float, knee: float, ankle: float) -> None:
    """thigh: degrees from straight up over the front; a knee bends back, an ankle to the front."""
    shin = thigh + 180.0 - knee
    foot = shin - (180.0 - ankle)
    at = points[_AT[f"{side}_hip"]]
    for name, length, degrees in (
        ("knee", 0.42, thigh),
        ("ankle", 0.4, shin),
        ("foot_index", 0.2, foot),
    ):
        at = at + length * _turned(_UP, degrees)
        points[_AT[f"{side}_{name}"]] = at


def _between(first: Floats, second: Floats, degrees: float) -> Floats:
    """A direction that lies so many degrees from the first one, on the second one's side."""
    found: Floats = np.cos(np.radians(degrees)) * first + np.sin(np.radians(degrees)) * second
    return found
