"""How much a body moves, from its world points; over arrays, in workers only."""

import numpy as np
import numpy.typing as npt

from edged.vision.names import POSE

Floats = npt.NDArray[np.floating]

JOINTS = tuple(
    POSE.index(name)
    for name in (
        "nose",
        *(
            f"{side}_{joint}"
            for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
            for side in ("left", "right")
        ),
    )
)
"""The thirteen points that stand for the body's parts, each once."""

VISIBLE = 0.5
"""Less visible points are a model's guess, and tremble."""

STEP_MS = 200
"""Movement is measured over at least so long: what trembles from frame to frame is not activity."""

GAP_MS = 1_000
"""Over a longer pause nothing is known."""


def speeds(
    times_ms: npt.NDArray[np.integer], world: Floats, visibility: Floats
) -> tuple[npt.NDArray[np.int64], Floats]:
    """How fast the visible joints move relative to the hips, again and again.

    Each is the mean distance between a joint's place and that of 200 ms or more before, by the time
    between them.

    Args:
        times_ms: grows, shape (n,).
        world: metres, shape (n, 33, 3); NaN where unseen.
        visibility: [0, 1], shape (n, 33).

    Returns:
        When (milliseconds, the later one), shape (m,), and metres a second, shape (m,).
    """
    last, first = _steps(np.asarray(times_ms, np.int64))
    joints = list(JOINTS)
    places, shown = world[:, joints], visibility[:, joints] >= VISIBLE
    moved = np.linalg.norm(places[last] - places[first], axis=2)
    seen = shown[last] & shown[first] & np.isfinite(moved)
    count = seen.sum(axis=1)
    mean = np.where(seen, moved, 0.0).sum(axis=1) / np.maximum(count, 1)
    seconds = (times_ms[last] - times_ms[first]) / 1000
    known = count > 0
    return np.asarray(times_ms, np.int64)[last][known], (mean / seconds)[known]


def _steps(times_ms: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """For each frame, the latest one that is a step earlier; without those too far apart."""
    before = np.searchsorted(times_ms, times_ms - STEP_MS, side="right") - 1
    last = np.arange(len(times_ms))
    known = (before >= 0) & (times_ms - times_ms[np.maximum(before, 0)] <= GAP_MS)
    return last[known], before[known]
