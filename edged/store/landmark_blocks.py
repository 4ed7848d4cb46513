"""Landmarks of a session: a row for each second and kind, encoded by edged.vision.blocks."""

import heapq
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Protocol

from msgspec import Struct

from edged.messages.events import LandmarksAdded
from edged.messages.seeing import LandmarkKind
from edged.store import events, sessions
from edged.store.engine import Connection

EVER = 2**53

LONGEST_MS = 10_000
"""A block is a second; none is longer than this, so reading begins so much earlier."""


class Sealed(Protocol):
    """What models.seeing.SealedBlock says of a block; times are those of the session's clock."""

    @property
    def kind(self) -> LandmarkKind:
        """Of the track."""
        ...

    @property
    def second(self) -> int:
        """Since the clock's 0."""
        ...

    @property
    def start_ms(self) -> int:
        """Its first frame."""
        ...

    @property
    def end_ms(self) -> int:
        """Its last frame, or the end of the second."""
        ...

    @property
    def frames(self) -> int:
        """Looked at."""
        ...

    @property
    def detected(self) -> int:
        """With something in them."""
        ...


class StoredBlock(Struct, frozen=True, kw_only=True):
    """One row. source: number of its source of pictures; times on the session's clock.

    size_bytes: of its body, which `body` reads.
    """

    row: int
    source: int
    kind: LandmarkKind
    start_ms: int
    end_ms: int
    frames: int
    size_bytes: int


def add(
    db: Connection, session_id: str, track: int, sealed: Sealed, body: bytes | memoryview
) -> bool:
    """Add a block and tell of it as `landmarks.added`; whether it is new.

    One of the same track with the same start is there already: nothing changes.

    Args:
        db: the writing connection.
        session_id: of which session; it lasts at least to the block's end.
        track: the row of the track.
        sealed: what the block is.
        body: its bytes.

    Raises:
        NotFound: no such session.
    """
    db.execute(
        "INSERT INTO landmark_blocks(track, second, start_ms, end_ms, frames, detected, body) "
        "VALUES(?, ?, ?, ?, ?, ?, ?) ON CONFLICT(track, start_ms) DO NOTHING",
        (
            track,
            sealed.second,
            sealed.start_ms,
            sealed.end_ms,
            sealed.frames,
            sealed.detected,
            bytes(body),
        ),
    )
    if not db.changes():
        return False
    sessions.lengthen(db, sessions.row_id(db, session_id), sealed.end_ms)
    told = LandmarksAdded(
        session_id=session_id,
        kind=sealed.kind,
        start_ms=sealed.start_ms,
        end_ms=sealed.end_ms,
        frames=sealed.frames,
    )
    events.record(db, told)
    return True


def find(  # noqa: PLR0913 the filters of one request, all by keyword
    db: Connection,
    session_id: str,
    *,
    kinds: Sequence[LandmarkKind] = (),
    source: int | None = None,
    from_ms: int = 0,
    to_ms: int = EVER,
    after: StoredBlock | None = None,
    limit: int = 100,
) -> tuple[StoredBlock, ...]:
    """Blocks with frames from one time to before another, in order of time, without their bodies.

    Args:
        db: any connection.
        session_id: of which session.
        kinds: only these; empty: all.
        source: only of this source of pictures.
        from_ms: of the session's clock.
        to_ms: as `from_ms`.
        after: the last one of the page before.
        limit: at most so many.

    Raises:
        NotFound: no such session.
    """
    merged: Iterator[StoredBlock] = heapq.merge(
        *(
            _of_track(db, track, after, from_ms=from_ms, to_ms=to_ms, limit=limit)
            for track in _tracks(db, sessions.row_id(db, session_id))
            if (not kinds or track.kind in kinds) and source in {None, track.source}
        ),
        key=_place,
    )
    return tuple(islice(merged, limit))


def tracks(db: Connection, session_id: str) -> tuple[tuple[int, LandmarkKind], ...]:
    """Source and kind of everything that a session's landmarks were kept of, in order.

    Raises:
        NotFound: no such session.
    """
    return tuple((one.source, one.kind) for one in _tracks(db, sessions.row_id(db, session_id)))


class _Track(Struct, frozen=True):
    """A track that holds landmarks. source: number of its source of pictures."""

    row: int
    source: int
    kind: LandmarkKind


def _tracks(db: Connection, session: int) -> list[_Track]:
    rows = db.execute(
        "SELECT t.id, s.number, t.kind FROM tracks t JOIN sights s ON s.id = t.sight "
        "WHERE s.session = ? AND t.kind IN ('face', 'hands', 'pose') ORDER BY s.number, t.kind",
        (session,),
    )
    return [_Track(row, source, kind) for row, source, kind in rows]


def _of_track(
    db: Connection,
    track: _Track,
    after: StoredBlock | None,
    *,
    from_ms: int,
    to_ms: int,
    limit: int,
) -> list[StoredBlock]:
    first = from_ms - LONGEST_MS
    if after is not None:
        behind = (track.source, track.kind) > (after.source, after.kind)
        first = max(first, after.start_ms + (not behind))
    rows = db.execute(
        "SELECT id, start_ms, end_ms, frames, length(body) FROM landmark_blocks WHERE track = ? "
        "AND start_ms >= ? AND end_ms >= ? AND start_ms < ? ORDER BY start_ms LIMIT ?",
        (track.row, first, from_ms, to_ms, limit),
    )
    return [
        StoredBlock(
            row=row,
            source=track.source,
            kind=track.kind,
            start_ms=start_ms,
            end_ms=end_ms,
            frames=frames,
            size_bytes=size,
        )
        for row, start_ms, end_ms, frames, size in rows
    ]


def _place(block: StoredBlock) -> tuple[int, int, str]:
    return block.start_ms, block.source, block.kind


def bodies(db: Connection, rows: Sequence[int]) -> tuple[bytes, ...]:
    """The bytes of blocks; empty for one that was deleted meanwhile."""
    found = (
        db.execute("SELECT body FROM landmark_blocks WHERE id = ?", (row,)).get for row in rows
    )
    return tuple(body if isinstance(body, bytes) else b"" for body in found)
