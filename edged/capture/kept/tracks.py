"""What follows from kept landmarks, found window by window, however long a session is. Worker side."""

from collections.abc import Callable, Iterator, Mapping

import msgspec
import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from edged.capture.kept.orders import DerivedPage, ReadWish
from edged.capture.kept.pages import padded
from edged.capture.kept.rows import Row, Track, Values
from edged.messages.seeing import Derived, DerivedKind, LandmarkKind
from edged.vision import derived

WINDOW_MS = 600_000
"""Landmarks of ten minutes are looked at together; whole minutes and seconds fall into one window."""

_OF: Mapping[LandmarkKind, tuple[DerivedKind, ...]] = {
    "face": ("blinks",),
    "hands": ("gestures",),
    "pose": ("posture", "activity"),
}

USUAL_ASPECT = 4 / 3
"""Of a source that nobody measured."""

_MESH_POINTS = 468

Times = NDArray[np.int64]


class Tracks:
    """Takes rows, gives stretches; gestures and postures that go on in the next window are one."""

    def __init__(self, wish: ReadWish) -> None:
        self._wish = wish
        self._rows: dict[Track, list[Row]] = {}
        self._found: list[Derived] = []

    def write(self, rows: Iterator[Row]) -> None:
        """Take rows in order of time."""
        for row in rows:
            waiting = self._rows.setdefault(row.track, [])
            if waiting and waiting[0].at_ms // WINDOW_MS != row.at_ms // WINDOW_MS:
                self._derive(row.track, waiting)
                waiting.clear()
            if row.kind != "face" or row.points.shape[1] >= _MESH_POINTS:
                waiting.append(row)

    def finish(self) -> DerivedPage:
        """All stretches, in order of time."""
        for track, rows in self._rows.items():
            if rows:
                self._derive(track, rows)
        self._rows.clear()
        found = joined(sorted(self._found, key=lambda one: (one.start_ms, one.track, one.hand)))
        told: dict[str, str] = {track: derived.DEFINITIONS[track] for track in self._wish.tracks}
        return DerivedPage(derived=msgspec.msgpack.encode(found), definitions=told)

    def _derive(self, seen: Track, rows: list[Row]) -> None:
        source, kind = seen
        known = self._wish.aspects
        aspect = known[source] if source < len(known) else USUAL_ASPECT
        times = np.array([row.at_ms for row in rows], np.int64)
        points = padded(rows)
        for track in _OF[kind]:
            if track in self._wish.tracks:
                self._found += _DERIVE[track](times, points, aspect)


def joined(found: list[Derived]) -> list[Derived]:
    """Stretches in order, those of one label that a window's border divided put together again."""
    kept: list[Derived] = []
    last: dict[tuple[str, str], int] = {}
    for one in found:
        name = one.track, one.hand
        place = last.get(name)
        if place is not None and _goes_on(kept[place], one):
            kept[place] = replace(kept[place], end_ms=max(kept[place].end_ms, one.end_ms))
            continue
        last[name] = len(kept)
        kept.append(one)
    return kept


def _goes_on(before: Derived, one: Derived) -> bool:
    borders = range(before.end_ms // WINDOW_MS + 1, one.start_ms // WINDOW_MS + 1)
    return (
        bool(one.label)
        and one.label == before.label
        and len(borders) == 1
        and one.start_ms - before.end_ms <= derived.GAP_MS
    )


def _gestures(times: Times, points: Values, aspect: float) -> list[Derived]:
    return derived.gesture_stretches(times, points, aspect=aspect)


def _posture(times: Times, points: Values, _: float) -> list[Derived]:
    return derived.posture_stretches(times, points)


def _activity(times: Times, points: Values, _: float) -> list[Derived]:
    return derived.activity(times, points)


def _blinks(times: Times, points: Values, aspect: float) -> list[Derived]:
    return derived.blinks(times, points, aspect=aspect)


_DERIVE: Mapping[DerivedKind, Callable[[Times, Values, float], list[Derived]]] = {
    "gestures": _gestures,
    "posture": _posture,
    "activity": _activity,
    "blinks": _blinks,
}
