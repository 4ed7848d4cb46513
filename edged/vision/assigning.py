"""Says which hand belongs to which body; over arrays, in workers only."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]

_WRISTS = (15, 16)
_SHOULDERS_AND_HIPS = (11, 12, 23, 24)

NEAR = 0.5
"""Lengths of the trunk: a hand whose wrist is farther from a body's wrist is somebody else's."""


def bodies_of(
    hands: Sequence[Floats], poses: Sequence[Floats], aspect: float = 1.0
) -> list[int | None]:
    """The index of the pose that each hand belongs to; None: of nobody here.

    The nearest pair of wrists first; each wrist of a body has one hand.

    Args:
        hands: points of each hand, x and y as fractions of the picture, shape (21, 2 or more).
        poses: points of each body, likewise, shape (33, 2 or more).
        aspect: width by height of the picture.
    """
    found: list[int | None] = [None] * len(hands)
    taken: set[tuple[int, int]] = set()
    for distance, hand, body, wrist in sorted(_pairs(hands, poses, aspect)):
        if distance <= NEAR and found[hand] is None and (body, wrist) not in taken:
            found[hand] = body
            taken.add((body, wrist))
    return found


def _pairs(
    hands: Sequence[Floats], poses: Sequence[Floats], aspect: float
) -> list[tuple[float, int, int, int]]:
    scale = np.array([aspect, 1.0])
    pairs = []
    for body, pose in enumerate(poses):
        points = np.asarray(pose, np.float64)[:, :2] * scale
        trunk = _trunk(points)
        for hand, each in enumerate(hands):
            wrist = np.asarray(each, np.float64)[0, :2] * scale
            pairs += [
                (float(np.linalg.norm(points[side] - wrist)) / trunk, hand, body, side)
                for side in _WRISTS
            ]
    return pairs


def _trunk(points: Floats) -> float:
    left, right, left_hip, right_hip = points[list(_SHOULDERS_AND_HIPS)]
    long = float(np.linalg.norm((left + right) / 2 - (left_hip + right_hip) / 2))
    return max(long, float(np.linalg.norm(left - right)), 1e-9)
