"""What follows from a session's landmarks in time: gestures, postures, activity, blinks.

Experimental. Over arrays, in workers only.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import numpy as np
import numpy.typing as npt

from edged.messages.seeing import Derived, DerivedKind
from edged.vision.activity import speeds
from edged.vision.angles import joint_angles
from edged.vision.eyes import eyes_of
from edged.vision.gestures import gesture_of
from edged.vision.posture import posture_of

Times = npt.NDArray[np.integer]
Floats = npt.NDArray[np.floating]
Label = tuple[int, str]

GAP_MS = 1_000
SHORTEST_MS = 200

_HANDS: tuple[Literal["Left", "Right"], ...] = ("Left", "Right")

DEFINITIONS: dict[DerivedKind, str] = {
    "gestures": "a hand shows one of seven gestures for 200 ms or longer, by rules over its points",
    "posture": "a body is held in one way for 1 s or longer, by rules over its joint angles",
    "activity": "mean speed of a body's visible joints relative to its hips, for each second, in m/s",
    "blinks": "closings of the eyes in each minute in which a face was seen, in 1/min",
}


def gesture_stretches(times_ms: Times, points: Floats, *, aspect: float = 4 / 3) -> list[Derived]:
    """When each hand showed which gesture.

    Args:
        times_ms: grows, shape (n,).
        points: hands, slot 0 left and 1 right, x y z, shape (n, 2, 21, 3); NaN where unseen.
        aspect: width by height of the pictures.
    """
    found = []
    for slot, hand in enumerate(_HANDS):
        labels = [gesture_of(row[slot], None, aspect)[0] for row in points]
        found += [
            Derived(track="gestures", start_ms=start, end_ms=end, label=label, hand=hand)
            for start, end, label in _stretches(times_ms, labels, SHORTEST_MS)
        ]
    return sorted(found, key=lambda one: one.start_ms)


def posture_stretches(times_ms: Times, points: Floats) -> list[Derived]:
    """When each body was held how.

    Args:
        times_ms: grows, shape (n,).
        points: bodies, x y z visibility and world x y z, shape (n, slots, 33, 7); NaN where unseen.
    """
    found = []
    for slot in range(points.shape[1]):
        labels = [_posture(row[slot]) for row in points]
        found += [
            Derived(track="posture", start_ms=start, end_ms=end, label=label)
            for start, end, label in _stretches(times_ms, labels, 1_000)
        ]
    return sorted(found, key=lambda one: one.start_ms)


def _posture(points: Floats) -> str:
    world, shown = points[:, 4:7], points[:, 3]
    return posture_of(world, shown, joint_angles(world, shown))


def activity(times_ms: Times, points: Floats) -> list[Derived]:
    """How much moved in each second, of the body that moved most; arguments as posture_stretches."""
    if len(times_ms) <= 1 or not points.shape[1]:
        return []
    each = [
        speeds(times_ms, points[:, slot, :, 4:7], points[:, slot, :, 3])
        for slot in range(points.shape[1])
    ]
    found = []
    seconds = np.asarray(times_ms)[1:] // 1000
    for second in np.unique(seconds):
        means = [_mean(one[seconds == second]) for one in each]
        known = [mean for mean in means if mean is not None]
        if known:
            found.append(_active(int(second) * 1000, max(known)))
    return found


def _mean(values: Floats) -> float | None:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else None


def _active(start_ms: int, speed: float) -> Derived:
    return Derived(
        track="activity", start_ms=start_ms, end_ms=start_ms + 1000, value=speed, unit="m/s"
    )


def blinks(times_ms: Times, points: Floats) -> list[Derived]:
    """How often the first face blinked, for each minute in which it was seen.

    Args:
        times_ms: grows, shape (n,).
        points: faces, x y z, shape (n, slots, 468 or 478, 3); NaN where unseen.
    """
    openness = np.array([_openness(row[0]) for row in points]) if points.shape[1] else np.array([])
    if not np.isfinite(openness).any():
        return []
    closed = openness < 0.6 * np.nanmedian(openness)
    begins = [
        int(at)
        for (before, now), at in zip(pairwise(closed), times_ms[1:], strict=True)
        if now and not before
    ]
    start, end = int(times_ms[0]), int(times_ms[-1])
    rate = len(begins) * 60_000 / max(end - start, 1)
    return [Derived(track="blinks", start_ms=start, end_ms=end, value=rate, unit="1/min")]


def _openness(mesh: Floats) -> float:
    eyes = eyes_of(mesh[:468], 1.0)
    return (eyes.left.openness + eyes.right.openness) / 2


def _stretches(
    times_ms: Times, labels: Sequence[str], shortest_ms: int
) -> list[tuple[int, int, str]]:
    runs: list[tuple[int, int, str]] = []
    for at, label in zip(times_ms, labels, strict=True):
        now = int(at)
        if runs and runs[-1][2] == label and now - runs[-1][1] <= GAP_MS:
            runs[-1] = (runs[-1][0], now, label)
        else:
            runs.append((now, now, label))
    return [run for run in runs if run[2] and run[1] - run[0] >= shortest_ms]
