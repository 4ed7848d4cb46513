"""Kept landmarks frame by frame: cut to a stretch, smoothed, thinned out, in order of time. Worker side."""

from collections.abc import Iterator

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from edged.capture.kept.orders import BlocksPart, ReadWish
from edged.errors import StoreCorrupt
from edged.messages.seeing import LandmarkKind
from edged.vision import blocks
from edged.vision.smoothing import OneEuro

Values = NDArray[np.float32]
Track = tuple[int, LandmarkKind]
"""Number of the source, and kind."""


class Row(Struct, frozen=True, kw_only=True):
    """What one frame shows of one kind. points: float32 (slots, points, values); NaN: unseen."""

    at_ms: int
    source: int
    kind: LandmarkKind
    points: Values

    @property
    def track(self) -> Track:
        """Whose row it is."""
        return self.source, self.kind

    @property
    def seen(self) -> NDArray[np.bool_]:
        """For each slot, whether anything is there: shape (slots,)."""
        return np.logical_not(np.isnan(self.points).all(axis=(1, 2)))


class Rows:
    """Blocks in, rows out: those of all tracks of a session, in order of time.

    Rows wait until no block can come that has older ones, so a second of each track at most.
    """

    def __init__(self, wish: ReadWish) -> None:
        self._wish = wish
        self._waiting: list[Row] = []
        self._smoother = Smoother() if wish.smooth else None
        self._thinner = Thinner(wish.fps)

    def feed(self, part: BlocksPart) -> Iterator[Row]:
        """The rows that these blocks complete.

        Raises:
            StoreCorrupt: one of them is damaged.
        """
        found = self._waiting
        told = zip(part.sources, part.kinds, part.starts, part.bodies, strict=True)
        for source, kind, start_ms, body in told:
            found += _rows(source, kind, start_ms, body)
        found.sort(key=lambda row: (row.at_ms, row.source, row.kind))
        complete = len(found)
        if part.until_ms is not None:
            complete = sum(row.at_ms < part.until_ms for row in found)
        self._waiting = found[complete:]
        yield from self._wanted(found[:complete])

    def _wanted(self, rows: list[Row]) -> Iterator[Row]:
        end = self._wish.to_ms
        for row in rows:
            if end is not None and row.at_ms >= end:
                return
            shown = row if self._smoother is None else self._smoother.smooth(row)
            if row.at_ms >= self._wish.from_ms and self._thinner.keeps(row):
                yield shown


def _rows(source: int, kind: LandmarkKind, start_ms: int, body: bytes) -> Iterator[Row]:
    try:
        block = blocks.decode(body)
    except StoreCorrupt as error:
        raise StoreCorrupt(
            f"the second of {kind} from {start_ms} ms on is damaged",
            fix="read what comes before and behind it (from_ms, to_ms), or restore a backup",
            start_ms=start_ms,
        ) from error
    for at, points in zip(block.times_ms.tolist(), block.points, strict=True):
        yield Row(at_ms=at, source=source, kind=kind, points=points)


class Thinner:
    """Keeps the first frame of a source in each of equal parts of time, counted from the clock's 0.

    So the same frames stay, wherever reading begins, and all kinds of a source on the same frames.
    """

    def __init__(self, fps: float | None) -> None:
        self._fps = fps
        self._kept: dict[int, tuple[int, int]] = {}

    def keeps(self, row: Row) -> bool:
        """Whether a row stays; rows come in order of time."""
        if self._fps is None:
            return True
        part = int(row.at_ms * self._fps / 1_000)
        known, at_ms = self._kept.get(row.source, (-1, -1))
        if known != part:
            self._kept[row.source] = part, row.at_ms
            return True
        return at_ms == row.at_ms


class Smoother:
    """A one-euro filter for each slot of each track."""

    def __init__(self) -> None:
        self._filters: dict[tuple[Track, int, int], OneEuro] = {}

    def smooth(self, row: Row) -> Row:
        """The row with its points smoothed; what was not seen for seconds all but begins anew."""
        points = row.points.copy()
        for slot in np.flatnonzero(row.seen).tolist():
            name = row.track, slot, points.shape[1]
            euro = self._filters.setdefault(name, OneEuro())
            points[slot] = euro.smooth(points[slot], row.at_ms)
        return Row(at_ms=row.at_ms, source=row.source, kind=row.kind, points=points)
