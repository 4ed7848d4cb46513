"""Boxes: which of those that overlap stays, in plain numpy."""

import numpy as np
import numpy.typing as npt

from edged.models.presets.fitting import Boxes
from edged.models.presets.scores import Scores

Classes = npt.NDArray[np.int64]
Places = npt.NDArray[np.int64]

MOST_CANDIDATES = 3000
"""Only so many boxes, those with the greatest scores, are compared with each other."""


def corners(centres: Boxes) -> Boxes:
    """Boxes given as centre x, centre y, width, height by their corners."""
    half = centres[:, 2:] / 2
    return np.concatenate([centres[:, :2] - half, centres[:, :2] + half], axis=1)


def overlaps(box: npt.NDArray[np.float32], others: Boxes) -> Scores:
    """Area of the intersection by that of the union, of one box with others; shape (n,)."""
    width = np.minimum(box[2], others[:, 2]) - np.maximum(box[0], others[:, 0])
    height = np.minimum(box[3], others[:, 3]) - np.maximum(box[1], others[:, 1])
    shared = np.maximum(width, 0) * np.maximum(height, 0)
    areas = _areas(others)
    union = (box[2] - box[0]) * (box[3] - box[1]) + areas - shared
    found: Scores = np.where(union > 0, shared / np.maximum(union, 1e-9), 0).astype(np.float32)
    return found


def _areas(boxes: Boxes) -> Scores:
    found: Scores = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return found


def strongest(
    boxes: Boxes, scores: Scores, classes: Classes, *, overlap: float, most: int
) -> Places:
    """Places of the boxes that stay, the greatest score first, at most `most`.

    A box goes when one of its own class with a greater score overlaps it by more than `overlap`.
    Equal scores keep the graph's order. Of more than MOST_CANDIDATES the weakest are not looked at.
    """
    left = np.argsort(-scores, kind="stable")[:MOST_CANDIDATES]
    kept: list[int] = []
    while len(left) and len(kept) < most:
        first, left = left[0], left[1:]
        kept.append(int(first))
        covered = overlaps(boxes[first], boxes[left]) > overlap
        left = left[~(covered & (classes[left] == classes[first]))]
    return np.array(kept, np.int64)
