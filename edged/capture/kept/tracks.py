"""What follows from kept landmarks, found as they come, however long a session is. Worker side."""

from array import array
from collections.abc import Iterator, Mapping
from typing import Literal

import msgspec
import numpy as np

from edged.capture.kept.orders import DerivedPage, ReadWish
from edged.capture.kept.pages import padded
from edged.capture.kept.rows import Row, Track, Values
from edged.messages.seeing import Derived, DerivedKind, LandmarkKind
from edged.vision import derived
from edged.vision.angles import joint_angles
from edged.vision.gestures import gesture_of
from edged.vision.names import MESH_POINTS
from edged.vision.posture import posture_of

WINDOW_MS = 60_000
"""Rates are of seconds or minutes, so landmarks of a minute are looked at together, and forgotten."""

USUAL_ASPECT = 4 / 3
"""Of a source that nobody measured."""

_RATES: Mapping[LandmarkKind, DerivedKind] = {"face": "blinks", "pose": "activity"}
_LABELS: Mapping[LandmarkKind, DerivedKind] = {"hands": "gestures", "pose": "posture"}
_HANDS: tuple[Literal["Left", "Right"], ...] = ("Left", "Right")


class _Labels:
    """What one thing showed, frame by frame: 16 bytes each."""

    def __init__(self) -> None:
        self.times = array("q")
        self.labels: list[str] = []

    def add(self, at_ms: int, label: str) -> None:
        self.times.append(at_ms)
        self.labels.append(label)

    def runs(self, shortest_ms: int) -> list[derived.Run]:
        times = np.array(self.times, np.int64)
        return derived.runs(times, self.labels, shortest_ms=shortest_ms)


class Tracks:
    """Takes rows, gives stretches."""

    def __init__(self, wish: ReadWish) -> None:
        self._wish = wish
        self._rows: dict[Track, list[Row]] = {}
        self._labels: dict[tuple[Track, int], _Labels] = {}
        self._found: list[Derived] = []

    def write(self, rows: Iterator[Row]) -> None:
        """Take rows in order of time."""
        for row in rows:
            if _LABELS.get(row.kind) in self._wish.tracks:
                self._label(row)
            if _RATES.get(row.kind) in self._wish.tracks:
                self._collect(row)

    def finish(self) -> DerivedPage:
        """All stretches, in order of time."""
        for track, rows in self._rows.items():
            self._rate(track, rows)
        for (track, slot), labels in self._labels.items():
            self._found += _gestures(slot, labels) if track[1] == "hands" else _postures(labels)
        found = sorted(self._found, key=lambda one: (one.start_ms, one.track, one.hand))
        told: dict[str, str] = {track: derived.DEFINITIONS[track] for track in self._wish.tracks}
        return DerivedPage(derived=msgspec.msgpack.encode(found), definitions=told)

    def _label(self, row: Row) -> None:
        hands = row.kind == "hands"
        for slot, seen in enumerate(row.seen.tolist()[: len(_HANDS) if hands else None]):
            labels = self._labels.setdefault((row.track, slot), _Labels())
            label = ""
            if seen:
                points = row.points[slot]
                label = (
                    gesture_of(points, None, self._aspect(row))[0] if hands else _posture(points)
                )
            labels.add(row.at_ms, label)

    def _collect(self, row: Row) -> None:
        waiting = self._rows.setdefault(row.track, [])
        if waiting and waiting[0].at_ms // WINDOW_MS != row.at_ms // WINDOW_MS:
            self._rate(row.track, waiting)
            waiting.clear()
        if row.kind != "face" or row.points.shape[1] >= MESH_POINTS:
            waiting.append(row)

    def _rate(self, track: Track, rows: list[Row]) -> None:
        if not rows:
            return
        times = np.array([row.at_ms for row in rows], np.int64)
        points = padded(rows)
        if track[1] == "pose":
            self._found += derived.activity(times, points)
        else:
            self._found += derived.blinks(times, points, aspect=self._aspect(rows[0]))

    def _aspect(self, row: Row) -> float:
        known = self._wish.aspects
        return known[row.source] if row.source < len(known) else USUAL_ASPECT


def _posture(body: Values) -> str:
    world, visibility = body[:, 4:7], body[:, 3]
    return str(posture_of(world, visibility, joint_angles(world, visibility)))


def _gestures(slot: int, labels: _Labels) -> Iterator[Derived]:
    for run in labels.runs(derived.FLICKER_MS):
        yield Derived(
            track="gestures",
            start_ms=run.start_ms,
            end_ms=run.end_ms,
            label=run.label,
            hand=_HANDS[slot],
        )


def _postures(labels: _Labels) -> Iterator[Derived]:
    for run in labels.runs(derived.POSTURE_MS):
        yield Derived(track="posture", start_ms=run.start_ms, end_ms=run.end_ms, label=run.label)
