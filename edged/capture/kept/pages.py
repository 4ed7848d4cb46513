"""Pages of kept landmarks: as numbers, or as arrays. Worker side."""

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np

from edged.capture.kept.orders import (
    MOST_PART_VALUES,
    MOST_VALUES,
    SCREEN_VALUES,
    KeptPage,
    ReadWish,
)
from edged.capture.kept.rows import Row, Track, Values
from edged.messages.seeing import Kept, PartFacts

DECIMALS = 6
"""Of numbers that are given out: a hundredth of what the codec may be off."""


class Page:
    """Takes rows until it is full. A frame is all rows of one time: it is on one page or the next."""

    def __init__(self, wish: ReadWish) -> None:
        self._wish = wish
        self._most = MOST_PART_VALUES if wish.into == "parts" else MOST_VALUES
        self._rows: list[Row] = []
        self._frames = 0
        self._size = 0
        self._next_ms: int | None = None

    @property
    def full(self) -> bool:
        """Whether it takes no more rows."""
        return self._next_ms is not None

    def write(self, rows: Iterator[Row]) -> None:
        """Take rows in order of time, as far as there is room."""
        for row in rows:
            if self.full:
                return
            self._add(row)

    def _add(self, row: Row) -> None:
        begins = not self._rows or self._rows[-1].at_ms != row.at_ms
        if begins and (self._frames == self._wish.limit or self._size >= self._most):
            self._next_ms = row.at_ms
            return
        self._frames += begins
        self._size += row.points.size
        self._rows.append(row)

    def finish(self) -> KeptPage:
        """What it holds, with its times shifted."""
        shift_ms = self._wish.shift_ms
        next_ms = None if self._next_ms is None else self._next_ms + shift_ms
        if self._wish.into == "values":
            found = [one for row in self._rows for one in kept(row, shift_ms)]
            return KeptPage(next_ms=next_ms, frames=msgspec.msgpack.encode(found))
        parts: list[PartFacts] = []
        data: list[bytes] = []
        for track in sorted({row.track for row in self._rows}):
            rows = [row for row in self._rows if row.track == track]
            for facts, content in _arrays(track, rows, shift_ms):
                parts.append(facts)
                data.append(content)
        return KeptPage(next_ms=next_ms, parts=tuple(parts), data=tuple(data))


def kept(row: Row, shift_ms: int = 0) -> Iterator[Kept]:
    """The things that a row shows, slot by slot."""
    for slot in np.flatnonzero(row.seen).tolist():
        points = row.points[slot].astype(np.float64).round(DECIMALS)
        yield Kept(
            at_ms=row.at_ms + shift_ms,
            kind=row.kind,
            slot=slot,
            landmarks=_tuples(points[:, :SCREEN_VALUES]),
            world_landmarks=_tuples(points[:, SCREEN_VALUES:]) if row.kind == "pose" else (),
            source=row.source,
        )


def _tuples(
    points: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
) -> tuple[tuple[float, ...], ...]:
    return tuple(map(tuple, points.tolist()))


def padded(rows: Sequence[Row]) -> Values:
    """The points of rows of one track as one array, (n, slots, points, values); NaN where none is."""
    slots = max(row.points.shape[0] for row in rows)
    points = max(row.points.shape[1] for row in rows)
    whole = np.full((len(rows), slots, points, rows[0].points.shape[2]), np.nan, np.float32)
    for number, row in enumerate(rows):
        whole[number, : row.points.shape[0], : row.points.shape[1]] = row.points
    return whole


def _arrays(track: Track, rows: Sequence[Row], shift_ms: int) -> Iterator[tuple[PartFacts, bytes]]:
    source, kind = track
    times = np.array([row.at_ms + shift_ms for row in rows], "<i8")
    points = padded(rows).astype("<f4")
    yield (
        PartFacts(
            of=f"{kind}_at", dtype="int64", shape=times.shape, size_bytes=times.nbytes,
            source=source,
        ),
        times.tobytes(),
    )  # fmt: skip
    yield (
        PartFacts(
            of=kind, dtype="float32", shape=points.shape, size_bytes=points.nbytes, source=source
        ),
        points.tobytes(),
    )
