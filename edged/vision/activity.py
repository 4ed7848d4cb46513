"""How much a body moves, from its world points; over arrays, in workers only."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]

_JOINTS = (0, 11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28)
"""Nose, shoulders, elbows, wrists, hips, knees, ankles."""

VISIBLE = 0.5


def speeds(times_ms: npt.NDArray[np.integer], world: Floats, visibility: Floats) -> Floats:
    """Mean speed of the visible joints from each frame to the next, metres per second, shape (n - 1,).

    NaN where no joint is visible in both frames.

    Args:
        times_ms: grows, shape (n,).
        world: metres, shape (n, 33, 3); NaN where unseen.
        visibility: [0, 1], shape (n, 33).
    """
    joints = list(_JOINTS)
    moved = np.linalg.norm(np.diff(world[:, joints], axis=0), axis=2)
    seen = np.minimum(visibility[1:, joints], visibility[:-1, joints]) >= VISIBLE
    seen &= np.isfinite(moved)
    count = seen.sum(axis=1)
    total = np.where(seen, moved, 0.0).sum(axis=1)
    seconds = np.diff(np.asarray(times_ms, np.float64)) / 1000
    mean: Floats = np.where(count > 0, total / np.maximum(count, 1), np.nan) / seconds
    return mean
