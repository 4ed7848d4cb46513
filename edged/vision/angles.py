"""Angles at the joints of a body, from its world points; over arrays, in workers only."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from edged.messages.seeing import Angle
from edged.vision.names import POSE

Floats = npt.NDArray[np.floating]

_AT = {name: number for number, name in enumerate(POSE)}

_JOINTS = {
    "elbow": ("shoulder", "elbow", "wrist"),
    "shoulder": ("elbow", "shoulder", "hip"),
    "hip": ("shoulder", "hip", "knee"),
    "knee": ("hip", "knee", "ankle"),
    "ankle": ("knee", "ankle", "foot_index"),
}
"""From which point over which joint to which point."""

SHOULDERS = (_AT["left_shoulder"], _AT["right_shoulder"])
HIPS = (_AT["left_hip"], _AT["right_hip"])
EARS = (_AT["left_ear"], _AT["right_ear"])

UP = np.array([0.0, -1.0, 0.0])
"""World points count y downwards."""

LEAST_LENGTH = 1e-4
"""Metres: a bone that is shorter has no direction."""


def between(first: Floats, second: Floats) -> float | None:
    """Degrees between two directions, 0 to 180; None where one has no length or no value."""
    lengths = float(np.linalg.norm(first)), float(np.linalg.norm(second))
    if not min(lengths) > LEAST_LENGTH:
        return None
    cosine = float(np.dot(first, second)) / (lengths[0] * lengths[1])
    return float(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))


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
        visibility: of each point, [0, 1], shape (33,).

    Returns:
        By name (edged.vision.names.ANGLES); without those that have no direction.
    """
    points = np.asarray(world, np.float64)
    shown = np.nan_to_num(np.asarray(visibility, np.float64)).clip(0.0, 1.0)
    angles = {
        f"{side}_{joint}": _at_joint(points, shown, [_AT[f"{side}_{name}"] for name in three])
        for joint, three in _JOINTS.items()
        for side in ("left", "right")
    } | {"neck": _neck(points, shown), "trunk": _trunk(points, shown)}
    return {name: angle for name, angle in angles.items() if angle is not None}


def _at_joint(points: Floats, shown: Floats, three: Sequence[int]) -> Angle | None:
    first, joint, last = points[list(three)]
    return _angle(between(first - joint, last - joint), shown, three)


def _neck(points: Floats, shown: Floats) -> Angle | None:
    neck = middle(points, SHOULDERS)
    down = middle(points, HIPS) - neck
    return _angle(between(down, middle(points, EARS) - neck), shown, (*EARS, *SHOULDERS, *HIPS))


def _trunk(points: Floats, shown: Floats) -> Angle | None:
    trunk = middle(points, SHOULDERS) - middle(points, HIPS)
    return _angle(between(trunk, -UP), shown, (*SHOULDERS, *HIPS))


def _angle(degrees: float | None, shown: Floats, points: Sequence[int]) -> Angle | None:
    if degrees is None:
        return None
    return Angle(degrees=degrees, visibility=float(shown[list(points)].min()))
