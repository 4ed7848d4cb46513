"""Says which hand belongs to which body; over arrays, in workers only."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from edged.vision.names import POSE

Floats = npt.NDArray[np.floating]

_WRISTS = (POSE.index("left_wrist"), POSE.index("right_wrist"))
_TRUNK = tuple(
    POSE.index(name) for name in ("left_shoulder", "right_shoulder", "left_hip", "right_hip")
)

NEAR = 0.5
"""Lengths of the trunk (or breadths of the shoulders, if longer): a hand whose wrist is farther from
a body's wrist is somebody else's. A forearm is about as long."""

_LEAST = 1e-9


def bodies_of(
    hands: Sequence[Floats], poses: Sequence[Floats], aspect: float = 1.0
) -> list[int | None]:
    """The index of the pose that each hand belongs to; None: of nobody here.

    The nearest pair of wrists first, measured in lengths of the body's own trunk; each of a body's
    two wrists has one hand. Which side it is does not count: models mistake left and right more
    often than places.

    Args:
        hands: points of each hand, x and y as fractions of the picture, shape (21, 2 or more).
        poses: points of each body, likewise, shape (33, 2 or more).
        aspect: width by height of the picture.
    """
    found: list[int | None] = [None] * len(hands)
    taken: set[tuple[int, int]] = set()
    for _, hand, body, wrist in sorted(_near(hands, poses, aspect)):
        if found[hand] is None and (body, wrist) not in taken:
            found[hand] = body
            taken.add((body, wrist))
    return found


def _near(
    hands: Sequence[Floats], poses: Sequence[Floats], aspect: float
) -> list[tuple[float, int, int, int]]:
    """Distance, hand, body and wrist of all that are near enough."""
    if not hands or not poses:
        return []
    scale = np.array([aspect, 1.0])
    wrists = np.stack([np.asarray(hand, np.float64)[0, :2] for hand in hands]) * scale
    bodies = np.stack([np.asarray(pose, np.float64)[:, :2] for pose in poses]) * scale
    away = wrists[:, None, None] - bodies[None, :, _WRISTS]
    distances = np.hypot(away[..., 0], away[..., 1]) / _sizes(bodies)[None, :, None]
    return [
        (float(distances[at]), int(at[0]), int(at[1]), int(at[2]))
        for at in np.ndindex(distances.shape)
        if distances[at] <= NEAR
    ]


def _sizes(bodies: Floats) -> Floats:
    """The length of each trunk, or the breadth of its shoulders where that is more (it leans to us)."""
    left, right, left_hip, right_hip = np.moveaxis(bodies[:, _TRUNK], 1, 0)
    trunk = (left + right - left_hip - right_hip) / 2
    sizes: Floats = np.maximum(np.hypot(*trunk.T), np.hypot(*(left - right).T))
    return np.maximum(sizes, _LEAST)
