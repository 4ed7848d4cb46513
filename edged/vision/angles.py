"""Angles at the joints of a body, from its world points; over arrays, in workers only."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from edged.messages.seeing import Angle
from edged.vision.names import POSE

Floats = npt.NDArray[np.floating]

_AT = {name: number for number, name in enumerate(POSE)}

SHOULDERS = (_AT["left_shoulder"], _AT["right_shoulder"])
HIPS = (_AT["left_hip"], _AT["right_hip"])
EARS = (_AT["left_ear"], _AT["right_ear"])

_MIDDLES = np.array([SHOULDERS, HIPS, EARS])
_SHOULDERS, _HIPS, _EARS, _BELOW = range(len(POSE), len(POSE) + 4)
"""Points that are added: the middles of both shoulders, hips and ears, and one straight below the hips."""

_JOINTS = {
    "elbow": ("shoulder", "elbow", "wrist"),
    "shoulder": ("elbow", "shoulder", "hip"),
    "hip": ("shoulder", "hip", "knee"),
    "knee": ("hip", "knee", "ankle"),
    "ankle": ("knee", "ankle", "foot_index"),
}

_CORNERS: dict[str, tuple[int, ...]] = {
    **{
        f"{side}_{joint}": tuple(_AT[f"{side}_{name}"] for name in three)
        for joint, three in _JOINTS.items()
        for side in ("left", "right")
    },
    "neck": (_HIPS, _SHOULDERS, _EARS),
    "trunk": (_SHOULDERS, _HIPS, _BELOW),
}
"""From which point over which joint to which point."""

_POINTS = np.array(list(_CORNERS.values()))

UP = np.array([0.0, -1.0, 0.0])
"""World points count y downwards."""

LEAST_LENGTH = 1e-4
"""Metres: a bone that is shorter has no direction."""


def corner_of(name: str) -> int:
    """The number of the body's point at which an elbow, shoulder, hip, knee or ankle has its angle."""
    return _CORNERS[name][1]


def middle(points: Floats, of: Sequence[int]) -> Floats:
    """The point in the middle of some."""
    found: Floats = points[list(of)].mean(axis=0)
    return found


def joint_angles(world: Floats, visibility: Floats) -> dict[str, Angle]:
    """The angle at each joint; 180 is a straight limb, neck and trunk.

    elbow, shoulder, hip, knee, ankle: between the two bones that meet there; at the shoulder
    between upper arm and side, at the ankle between shin and foot.
    neck: between trunk and the line from the shoulders' middle to the ears' middle.
    trunk: between the line from the hips' middle to the shoulders' middle and straight down, so
    that upright is 180, bent forward or lying 90. Down is the picture's: of a tilted camera it is off.

    Args:
        world: metres, y down, shape (33, 3); NaN where unseen.
        visibility: of each point, [0, 1], shape (33,); NaN counts as 0.

    Returns:
        By name (edged.vision.names.ANGLES); without those that have no direction.
    """
    corners = _with_middles(np.asarray(world, np.float64))[_POINTS]
    first, last = corners[:, 0] - corners[:, 1], corners[:, 2] - corners[:, 1]
    lengths = np.sqrt((first * first).sum(axis=1)), np.sqrt((last * last).sum(axis=1))
    known = (lengths[0] > LEAST_LENGTH) & (lengths[1] > LEAST_LENGTH)
    cosines = (first * last).sum(axis=1) / np.where(known, lengths[0] * lengths[1], 1.0)
    degrees = np.degrees(np.arccos(cosines.clip(-1.0, 1.0))).tolist()
    shown = _visible(np.nan_to_num(np.asarray(visibility, np.float64)).clip(0.0, 1.0))
    return {
        name: Angle(degrees=degrees[number], visibility=shown[number])
        for number, name in enumerate(_CORNERS)
        if known[number]
    }


def _with_middles(points: Floats) -> Floats:
    """The body's points and the added ones, shape (37, 3)."""
    middles = points[_MIDDLES].mean(axis=1)
    below = middles[1:2] - UP
    return np.concatenate([points, middles, below])


def _visible(visibility: Floats) -> list[float]:
    """Of the least visible point of each angle."""
    middles = visibility[_MIDDLES].min(axis=1)
    shown: list[float] = np.concatenate([visibility, middles, [1.0]])[_POINTS].min(axis=1).tolist()
    return shown
