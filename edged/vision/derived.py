"""What follows from a session's landmarks in time: gestures, postures, activity, blinks.

Experimental: the definitions below are edged's own, and none was checked by a study. Over arrays,
in workers only. docs/SEEING.md says how far to trust each.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Literal

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from edged.messages.seeing import Derived, DerivedKind
from edged.vision.activity import speeds
from edged.vision.angles import joint_angles
from edged.vision.eyes import openness
from edged.vision.names import MESH_POINTS
from edged.vision.posture import posture_of

Times = npt.NDArray[np.integer]
Floats = npt.NDArray[np.floating]

GAP_MS = 1_000
"""What was not seen for longer is over."""

FLICKER_MS = 200
"""A shorter stretch is a model's doubt, not a gesture. Three frames at 15 a second."""

POSTURE_MS = 1_000
"""A posture that is held for less is a passage from one to the next."""

SHUT, OPEN = 0.7, 0.85
"""Of the minute's middle openness: below the first eyes shut, above the second they are open again.
Measured: 2026-11, eyes painted shut on photographs: 0.3 to 0.4 with the official bundle (0.8 behind
glasses), 0.5 to 0.6 with the irises' graph, 0.73 to 0.98 with the embedded mesh, which so misses most."""

BLINK_MS = 1_000
"""Eyes that stay shut for longer did not blink. Source: Caffier et al., 2003: blinks last 0.2 s in
alert people, 0.5 s and more in drowsy ones."""

MINUTE_MS = 60_000

LEAST_SEEN_MS = 10_000
"""In less of a minute than that a rate says nothing: people blink every 3 to 6 seconds."""

Hand = Literal["Left", "Right"]

HANDS: tuple[Hand, ...] = ("Left", "Right")
"""By slot."""

DEFINITIONS: dict[DerivedKind, str] = {
    "gestures": "A hand shows one of seven gestures, by rules over its points (edged.vision.gestures), "
    "for 200 ms or longer; label: the gesture. Source: edged.",
    "posture": "A body is held in one of five ways, by rules over its joint angles "
    "(edged.vision.posture), for 1 s or longer; label: the posture. Source: edged.",
    "activity": "Mean speed of the visible joints of a body relative to its hips, for each second, of "
    "the body that moves most; value in m/s. Walking on without moving a limb would be 0. "
    "Source: edged; compare `quantity of motion`, Camurri, Lagerlof, Volpe 2003.",
    "blinks": "How often the eyes of the first face shut to below 70 % of their middle openness in that "
    "minute, for 1 s at most, by the time in which it was seen, for each minute with 10 s or more of "
    "that; value in 1/min. Blinks shorter than the time between two frames are missed. "
    "Source: the eye aspect ratio of Soukupova and Cech 2016; the borders are edged's.",
}
"""What each track is, and its source; units are in its stretches."""


class Run(Struct, frozen=True):
    """Frames in a row with one label; end: when the next frame came, or that of the last one."""

    start_ms: int
    end_ms: int
    label: str


def gestures_told(times_ms: Times, labels: Sequence[str], hand: Hand) -> list[Derived]:
    """The gestures of one hand that last, of which each frame's is known; empty: none."""
    return [
        Derived(
            track="gestures", start_ms=run.start_ms, end_ms=run.end_ms, label=run.label, hand=hand
        )
        for run in runs(times_ms, labels)
    ]


def postures_told(times_ms: Times, labels: Sequence[str]) -> list[Derived]:
    """The postures of one body that last, of which each frame's is known; empty: unknown."""
    return [
        Derived(track="posture", start_ms=run.start_ms, end_ms=run.end_ms, label=run.label)
        for run in runs(times_ms, labels, shortest_ms=POSTURE_MS)
    ]


def posture_label(body: Floats) -> str:
    """How a body is held in one frame; empty: unknown.

    Args:
        body: x y z visibility and world x y z, shape (33, 7); NaN where unseen.
    """
    world, visibility = body[:, 4:7], body[:, 3]
    if not np.isfinite(world).any():
        return ""
    return posture_of(world, visibility, joint_angles(world, visibility))


def activity(times_ms: Times, points: Floats) -> list[Derived]:
    """How much the body moved that moved most, for each second in which one was seen.

    Arguments as of posture_stretches.
    """
    busiest: dict[int, float] = {}
    for slot in range(points.shape[1]):
        at_ms, metres = speeds(times_ms, points[:, slot, :, 4:7], points[:, slot, :, 3])
        for second in np.unique(at_ms // 1000).tolist():
            mean = float(metres[at_ms // 1000 == second].mean())
            busiest[second] = max(busiest.get(second, 0.0), mean)
    return [
        Derived(
            track="activity", start_ms=at * 1000, end_ms=at * 1000 + 1000, value=mean, unit="m/s"
        )
        for at, mean in sorted(busiest.items())
    ]


def blinks(times_ms: Times, points: Floats, *, aspect: float = 4 / 3) -> list[Derived]:
    """How often the first face blinked, for each minute in which it was seen for 10 s or longer.

    Args:
        times_ms: grows, shape (n,).
        points: faces, x y z, shape (n, slots, 468 or 478, 3); NaN where unseen.
        aspect: width by height of the pictures.
    """
    times = np.asarray(times_ms, np.int64)
    if not points.shape[1] or points.shape[2] < MESH_POINTS:
        return []
    opened = np.array([openness(row[0], aspect) for row in points])
    found = []
    for minute in np.unique(times // MINUTE_MS).tolist():
        within = times // MINUTE_MS == minute
        rate = _blink_rate(times[within], opened[within])
        if rate is not None:
            start, end = int(times[within][0]), int(times[within][-1])
            one = Derived(track="blinks", start_ms=start, end_ms=end, value=rate, unit="1/min")
            found.append(one)
    return found


def _blink_rate(times_ms: npt.NDArray[np.int64], opened: Floats) -> float | None:
    """Blinks in a minute; None: the face was not seen for long enough."""
    known = np.isfinite(opened)
    times, opened = times_ms[known], opened[known]
    steps = np.diff(times)
    seen_ms = int(steps[steps <= GAP_MS].sum())
    if seen_ms < LEAST_SEEN_MS:
        return None
    shut = _shut(opened / max(float(np.median(opened)), 1e-9))
    labels = ["shut" if one else "" for one in shut]
    count = sum(run.end_ms - run.start_ms <= BLINK_MS for run in runs(times, labels, shortest_ms=0))
    return count * MINUTE_MS / seen_ms


def _shut(relative: Floats) -> list[bool]:
    """Frame by frame whether the eyes are shut; between the two borders as before."""
    shut, found = False, []
    for one in relative.tolist():
        shut = one < SHUT or (shut and one < OPEN)
        found.append(shut)
    return found


def runs(times_ms: Times, labels: Sequence[str], *, shortest_ms: int = FLICKER_MS) -> list[Run]:
    """Stretches of one label that last, in order; what flickers in between does not divide them.

    Args:
        times_ms: grows, shape (n,).
        labels: of each frame; empty: none.
        shortest_ms: shorter ones are left out; the same label on both sides is then one stretch.
    """
    lasting = [run for run in _raw(times_ms, labels) if run.end_ms - run.start_ms >= shortest_ms]
    kept: list[Run] = []
    for run in lasting:
        if kept and kept[-1].label == run.label and run.start_ms - kept[-1].end_ms <= shortest_ms:
            kept[-1] = Run(kept[-1].start_ms, run.end_ms, run.label)
        else:
            kept.append(run)
    return [run for run in kept if run.label]


def _raw(times_ms: Times, labels: Sequence[str]) -> Iterator[Run]:
    """Frames of one label without a gap, each stretch up to the frame after it."""
    times = [int(at) for at in times_ms]
    part, parts = 0, [0] * len(times)
    for number in range(1, len(times)):
        part += times[number] - times[number - 1] > GAP_MS
        parts[number] = part
    frames = zip(parts, labels, range(len(times)), strict=True)
    for (_, label), group in groupby(frames, key=itemgetter(0, 1)):
        numbers = [number for *_, number in group]
        following = min(numbers[-1] + 1, len(times) - 1)
        near = times[following] - times[numbers[-1]] <= GAP_MS
        yield Run(times[numbers[0]], times[following if near else numbers[-1]], label)
