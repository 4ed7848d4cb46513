"""What follows from kept landmarks, found as they come, however long a session is. Worker side."""

from array import array
from collections.abc import Iterator, Mapping

import msgspec
import numpy as np

from edged.capture.kept.orders import DerivedPage, ReadWish
from edged.capture.kept.pages import padded
from edged.capture.kept.rows import Row, Track
from edged.messages.seeing import Derived, DerivedKind, LandmarkKind
from edged.vision import derived
from edged.vision.gestures import gesture_of
from edged.vision.names import MESH_POINTS

WINDOW_MS = 60_000
"""Rates are of seconds or minutes, so landmarks of a minute are looked at together, and forgotten."""

USUAL_ASPECT = 4 / 3
"""Of a source that nobody measured."""

_RATES: Mapping[LandmarkKind, DerivedKind] = {"face": "blinks", "pose": "activity"}
_LABELS: Mapping[LandmarkKind, DerivedKind] = {"hands": "gestures", "pose": "posture"}


class _Labels:
    """What one thing showed, frame by frame: 16 bytes each."""

    def __init__(self) -> None:
        self.times = array("q")
        self.labels: list[str] = []

    def add(self, at_ms: int, label: str) -> None:
        self.times.append(at_ms)
        self.labels.append(label)

    def told(self, hand: derived.Hand | None) -> list[Derived]:
        """Stretches of a hand's gestures; None: of a body's postures."""
        times = np.array(self.times, np.int64)
        if hand is None:
            return derived.postures_told(times, self.labels)
        return derived.gestures_told(times, self.labels, hand)


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
            self._found += labels.told(derived.HANDS[slot] if track[1] == "hands" else None)
        found = sorted(self._found, key=lambda one: (one.start_ms, one.track, one.hand))
        told: dict[str, str] = {track: derived.DEFINITIONS[track] for track in self._wish.tracks}
        return DerivedPage(derived=msgspec.msgpack.encode(found), definitions=told)

    def _label(self, row: Row) -> None:
        counted = len(derived.HANDS) if row.kind == "hands" else None
        for slot, seen in enumerate(row.seen.tolist()[:counted]):
            labels = self._labels.setdefault((row.track, slot), _Labels())
            labels.add(row.at_ms, self._shown(row, slot) if seen else "")

    def _shown(self, row: Row, slot: int) -> str:
        if row.kind == "hands":
            return gesture_of(row.points[slot], None, self._aspect(row))[0]
        return derived.posture_label(row.points[slot])

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
