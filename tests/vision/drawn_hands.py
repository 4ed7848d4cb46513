"""Hands of known geometry: bones of an adult's length, joints turned by known degrees, seen from anywhere.

The palm looks at the camera, fingers up, thumb to the right; y up and z away while it is built.
"""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_ROOTS = ((0.025, 0.088), (0.003, 0.090), (-0.018, 0.083), (-0.037, 0.072))
_BONES = ((40, 23, 20), (45, 27, 21), (41, 26, 21), (32, 19, 18))
_SIDEWAYS = (9.0, -4.0, -9.0, -15.0)
"""Metres, millimetres, and degrees by which stretched fingers lean to the thumb's side."""

STRETCHED = (5.0, 8.0, 5.0)
FOLDED = (75.0, 100.0, 65.0)
"""Degrees at a finger's root, middle and last joint."""

_THUMB_ROOT = (0.020, 0.022, -0.008)
_THUMB_BONES = (0.045, 0.032, 0.027)
THUMB_OUT = ((0.75, 0.60, -0.25), (0.85, 0.50, -0.15), (0.90, 0.42, -0.10))
THUMB_IN = ((0.45, 0.75, -0.48), (-0.35, 0.70, -0.62), (-0.90, 0.40, -0.15))
"""Directions of the thumb's three bones."""

SHOWN = {
    "Closed_Fist": ("", False, 0.0),
    "Open_Palm": ("imrl", True, 0.0),
    "Pointing_Up": ("i", False, 0.0),
    "Thumb_Up": ("", True, 60.0),
    "Thumb_Down": ("", True, -120.0),
    "Victory": ("im", False, 0.0),
    "ILoveYou": ("il", True, 0.0),
    "four": ("imrl", False, 0.0),
    "call": ("l", True, 60.0),
    "three": ("imr", False, 0.0),
    "pointing sideways": ("i", False, 90.0),
    "thumb sideways": ("", True, -30.0),
}
"""Which fingers are stretched (by their first letter), whether the thumb is, and how far it is turned."""


def drawn_hand(
    fingers: str, *, thumb: bool, turned: float = 0.0, bent: float = 0.0, apart: float = 1.0
) -> Floats:
    """21 points in metres, y down, z away from the camera, shape (21, 3), around their middle.

    Args:
        fingers: those that are stretched, of `imrl`; the others are folded in.
        thumb: stretched out.
        turned: degrees against the clock, in the picture.
        bent: degrees more at every joint of a stretched finger, and less of a folded one.
        apart: 1: fingers are spread as usual; 0: not at all.
    """
    points = [(0.0, 0.0, 0.0), *_thumb(out=thumb)]
    for number, name in enumerate("imrl"):
        joints = STRETCHED if name in fingers else FOLDED
        more = bent if name in fingers else -bent
        points += _finger(number, [joint + more for joint in joints], apart)
    return turn(np.array(points) * (1.0, -1.0, 1.0), roll=turned)


def turn(points: Floats, *, roll: float = 0.0, yaw: float = 0.0, pitch: float = 0.0) -> Floats:
    """Points turned around their middle, by degrees: in the picture, sideways, and to and fro."""
    away: Floats = points - points.mean(axis=0)
    for degrees, (first, second) in ((yaw, (0, 2)), (pitch, (1, 2)), (roll, (0, 1))):
        cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        one, other = away[:, first].copy(), away[:, second].copy()
        away[:, first] = cosine * one + sine * other
        away[:, second] = cosine * other - sine * one
    return away


def in_picture(points: Floats, *, aspect: float = 4 / 3, size: float = 0.5) -> Floats:
    """Metres as fractions of a picture in which a hand of 20 cm is `size` high."""
    scale = size / 0.2
    found: Floats = points * (scale / aspect, scale, scale / aspect) + (0.5, 0.5, 0.0)
    return found


def _thumb(*, out: bool) -> list[tuple[float, ...]]:
    at = np.array(_THUMB_ROOT)
    points = [tuple(at)]
    for length, bone in zip(_THUMB_BONES, THUMB_OUT if out else THUMB_IN, strict=True):
        at = at + length * np.array(bone) / np.linalg.norm(bone)
        points.append(tuple(at))
    return points


def _finger(number: int, joints: list[float], apart: float) -> list[tuple[float, ...]]:
    at = np.array([*_ROOTS[number], 0.0])
    lean = np.radians(_SIDEWAYS[number] * apart)
    up = np.array([np.sin(lean), np.cos(lean), 0.0])
    points, turned = [tuple(at)], 0.0
    for length, joint in zip(_BONES[number], joints, strict=True):
        turned += np.radians(joint)
        at = at + length / 1000 * (np.cos(turned) * up + np.sin(turned) * np.array([0, 0, -1.0]))
        points.append(tuple(at))
    return points
