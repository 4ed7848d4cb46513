"""Says how a body is held: standing, sitting, lying, bending, or with raised arms.

The borders lie half way between what people do; docs/SEEING.md says what was measured.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from edged.messages.seeing import Angle
from edged.vision.angles import EARS, SHOULDERS, middle
from edged.vision.names import POSE, Posture

Floats = npt.NDArray[np.floating]

_WRISTS = (POSE.index("left_wrist"), POSE.index("right_wrist"))

VISIBLE = 0.5
"""What is less visible counts as unseen. Source: MediaPipe's own drawing leaves out less visible points."""

LYING = 120.0
"""Degrees of the trunk (180 is upright, 90 level): one below it, on straight hips, is lying down."""

UPRIGHT = 145.0
"""Degrees of the trunk: sitting and standing people lean no farther than 35 degrees."""

BENT_HIP = 130.0
"""Degrees at the hip: half way between a seat (about 90) and standing (about 170)."""


def posture_of(world: Floats, visibility: Floats, angles: Mapping[str, Angle]) -> Posture:
    """The posture; empty where too little is seen to tell.

    In this order: `arms_raised` (a wrist is above the head of a body that does not lean),
    `lying` (the trunk is flatter than 30 degrees from the level, the hips are straight), `bending`
    (the trunk leans more than 35 degrees, the hips are bent), `sitting` (the hips are bent),
    `standing`. Hips are straight from 130 degrees on.

    Args:
        world: metres, y down, shape (33, 3); NaN where unseen.
        visibility: of each point, [0, 1], shape (33,).
        angles: as edged.vision.angles.joint_angles gives them.
    """
    trunk, hip = _visible(angles, "trunk"), _mean(angles, "hip")
    if trunk is not None and trunk < UPRIGHT:
        return _leaning(trunk, hip)
    if _arms_raised(np.asarray(world, np.float64), np.asarray(visibility, np.float64)):
        return "arms_raised"
    if trunk is None or hip is None:
        return ""
    return "sitting" if hip < BENT_HIP else "standing"


def _leaning(trunk: float, hip: float | None) -> Posture:
    if hip is None:
        return ""
    if hip < BENT_HIP:
        return "bending"
    return "lying" if trunk < LYING else ""


def _arms_raised(points: Floats, shown: Floats) -> bool:
    """Whether a wrist is higher than the ears by half as much as these are above the shoulders."""
    if not shown[[*EARS, *SHOULDERS]].min() >= VISIBLE:
        return False
    ears, shoulders = middle(points, EARS)[1], middle(points, SHOULDERS)[1]
    top = ears - max(0.0, float(shoulders - ears)) / 2
    return any(shown[wrist] >= VISIBLE and points[wrist, 1] < top for wrist in _WRISTS)


def _visible(angles: Mapping[str, Angle], name: str) -> float | None:
    angle = angles.get(name)
    return angle.degrees if angle is not None and angle.visibility >= VISIBLE else None


def _mean(angles: Mapping[str, Angle], joint: str) -> float | None:
    """Of the left and the right one, those that are visible."""
    both = [_visible(angles, f"{side}_{joint}") for side in ("left", "right")]
    seen = [degrees for degrees in both if degrees is not None]
    return sum(seen) / len(seen) if seen else None
