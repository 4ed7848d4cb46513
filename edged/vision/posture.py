"""Says how a body is held: standing, sitting, lying, bending, or with raised arms."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from edged.messages.seeing import Angle
from edged.vision.angles import HIPS, SHOULDERS, middle
from edged.vision.names import POSE

Floats = npt.NDArray[np.floating]

_AT = {name: number for number, name in enumerate(POSE)}

VISIBLE = 0.5
"""What is less visible counts as unseen. Source: MediaPipe's own drawing leaves out less visible points."""

LYING = 120.0
"""Degrees of the trunk (180 is upright): a trunk below it, on a straight hip, is lying down."""

UPRIGHT = 145.0
"""Degrees of the trunk: sitting and standing people lean no farther than 35 degrees."""

BENT_HIP = 130.0
"""Degrees at the hip: half way between a seat (about 90) and standing (about 170)."""


def posture_of(world: Floats, visibility: Floats, angles: Mapping[str, Angle]) -> str:
    """The posture (edged.vision.names.POSTURES); empty where too little is seen to tell.

    In this order: `lying` (trunk flatter than 60 degrees from the level, hips not bent), `bending`
    (the trunk leans more than 35 degrees, hips bent), `arms_raised` (a wrist above the head of an
    upright body), `sitting` (hips bent, thighs off the vertical), `standing`.

    Args:
        world: metres, y down, shape (33, 3); NaN where unseen.
        visibility: of each point, [0, 1], shape (33,).
        angles: as edged.vision.angles.joint_angles gives them.
    """
    trunk = _visible(angles, "trunk")
    if trunk is None:
        return ""
    hip = _mean(angles, "hip")
    if trunk < UPRIGHT:
        return _leaning(trunk, hip)
    if _arms_raised(np.asarray(world, np.float64), np.asarray(visibility, np.float64)):
        return "arms_raised"
    if hip is None:
        return ""
    return "sitting" if hip < BENT_HIP else "standing"


def _leaning(trunk: float, hip: float | None) -> str:
    if trunk < LYING and (hip is None or hip >= BENT_HIP):
        return "lying"
    return "bending" if hip is not None else ""


def _arms_raised(points: Floats, shown: Floats) -> bool:
    top = middle(points, SHOULDERS)[1] - 0.3 * abs(
        middle(points, HIPS)[1] - middle(points, SHOULDERS)[1]
    )
    wrists = [_AT["left_wrist"], _AT["right_wrist"]]
    return any(shown[wrist] >= VISIBLE and points[wrist, 1] < top for wrist in wrists)


def _visible(angles: Mapping[str, Angle], name: str) -> float | None:
    angle = angles.get(name)
    return angle.degrees if angle is not None and angle.visibility >= VISIBLE else None


def _mean(angles: Mapping[str, Angle], joint: str) -> float | None:
    both = [_visible(angles, f"{side}_{joint}") for side in ("left", "right")]
    seen = [degrees for degrees in both if degrees is not None]
    return sum(seen) / len(seen) if seen else None
