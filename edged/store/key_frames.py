"""Key frames of screens: pictures that were kept when something changed, and what compares them."""

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from edged.errors import NotFound
from edged.messages.events import FrameAdded
from edged.messages.seeing import FrameImage, Sighting
from edged.store import events, sessions
from edged.store.engine import Connection
from edged.store.object_sightings import since

PIECE_BYTES = 256 * 2**10
"""One row: as store.audio.PIECE_BYTES."""


class FrameVector(Struct, frozen=True, kw_only=True):
    """A key frame's vector: float32 little-endian, of length 1."""

    row: int
    vector: bytes


def add(  # noqa: PLR0913 the facts of one row, all but the first ones by keyword
    db: Connection,
    session_id: str,
    track: int,
    *,
    at_ms: int,
    width: int,
    height: int,
    media_type: str,
    body: bytes | memoryview,
    vector_model: str | None = None,
    vector: bytes | memoryview | None = None,
) -> str:
    """Keep a picture and tell of it as `frame.added`; return its id.

    The track's picture of that time is there already: nothing changes.

    Args:
        db: the writing connection.
        session_id: of which session; it lasts at least so long.
        track: the row of the track.
        at_ms: on the session's clock.
        width: pixels.
        height: pixels.
        media_type: of the file.
        body: the file.
        vector_model: what made the vector.
        vector: float32 little-endian, of length 1.

    Raises:
        NotFound: no such session.
    """
    known = db.execute(
        "SELECT frame_id FROM key_frames WHERE track = ? AND at_ms = ?", (track, at_ms)
    ).get
    if known is not None:
        return str(known)
    frame_id = sessions.new_id()
    facts = (frame_id, track, at_ms, width, height, media_type, len(body), vector_model)
    db.execute(
        "INSERT INTO key_frames(frame_id, track, at_ms, width, height, media_type, size_bytes, "
        "vector_model, vector) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*facts, None if vector is None else bytes(vector)),
    )
    row = db.last_insert_rowid()
    pieces = (bytes(body[at : at + PIECE_BYTES]) for at in range(0, len(body), PIECE_BYTES))
    db.executemany(
        "INSERT INTO key_frame_pieces(frame, piece, data) VALUES(?, ?, ?)",
        [(row, piece, data) for piece, data in enumerate(pieces)],
    )
    sessions.lengthen(db, sessions.row_id(db, session_id), at_ms)
    events.record(db, FrameAdded(session_id=session_id, frame_id=frame_id, at_ms=at_ms))
    return frame_id


def get(db: Connection, frame_id: str) -> tuple[FrameImage, bytes]:
    """A key frame and its file.

    Raises:
        NotFound: no such frame.
    """
    rows = db.execute(
        "SELECT k.frame_id, n.session_id, k.at_ms, k.width, k.height, k.media_type, k.size_bytes, "
        "k.id FROM key_frames k JOIN tracks t ON t.id = k.track JOIN sights s ON s.id = t.sight "
        "JOIN sessions n ON n.id = s.session WHERE k.frame_id = ?",
        (frame_id,),
    ).fetchall()
    if not rows:
        raise NotFound(
            "no such key frame",
            fix="`frame.added` and `frames.search` tell the ids of key frames",
            frame_id=frame_id,
        )
    *columns, row = rows[0]
    facts = dict(zip(FrameImage.__struct_fields__, columns, strict=True))
    pieces = db.execute("SELECT data FROM key_frame_pieces WHERE frame = ? ORDER BY piece", (row,))
    return msgspec.convert(facts, FrameImage), b"".join(data for (data,) in pieces)


def models(
    db: Connection, *, session_id: str | None = None, owner: str | None = None
) -> tuple[str, ...]:
    """What made vectors of key frames, the one of most of them first; arguments as for `vectors`."""
    rows = db.execute(
        "SELECT k.vector_model FROM key_frames k JOIN tracks t ON t.id = k.track "
        "JOIN sights s ON s.id = t.sight JOIN sessions n ON n.id = s.session "
        "WHERE k.vector IS NOT NULL AND (?1 IS NULL OR n.session_id = ?1) "
        "AND (?2 IS NULL OR n.owner = ?2) "
        "GROUP BY k.vector_model ORDER BY count(*) DESC, k.vector_model",
        (session_id, owner),
    )
    return tuple(str(model) for (model,) in rows)


def vectors(
    db: Connection,
    model: str,
    *,
    session_id: str | None = None,
    owner: str | None = None,
    after: int = 0,
    limit: int = 1_000,
) -> tuple[FrameVector, ...]:
    """Vectors of a model, in the order of their rows: a page of them.

    Args:
        db: any connection.
        model: that made them.
        session_id: only of this session.
        owner: only of sessions of this client; None: of everybody's.
        after: the row of the last one of the page before.
        limit: at most so many.
    """
    rows = db.execute(
        "SELECT k.id, k.vector FROM key_frames k JOIN tracks t ON t.id = k.track "
        "JOIN sights s ON s.id = t.sight JOIN sessions n ON n.id = s.session "
        "WHERE k.vector_model = ?1 AND k.vector IS NOT NULL AND k.id > ?2 "
        "AND (?3 IS NULL OR n.session_id = ?3) AND (?4 IS NULL OR n.owner = ?4) "
        "ORDER BY k.id LIMIT ?5",
        (model, after, session_id, owner, limit),
    )
    return tuple(FrameVector(row=int(row), vector=bytes(vector)) for row, vector in rows)


def sightings(db: Connection, scored: Sequence[tuple[int, float]]) -> tuple[Sighting, ...]:
    """Rows of key frames with their scores as hits, in the same order; what was deleted is left out."""
    found = (_sighting(db, row, score) for row, score in scored)
    return tuple(one for one in found if one is not None)


def _sighting(db: Connection, row: int, score: float) -> Sighting | None:
    rows = db.execute(
        "SELECT n.session_id, k.at_ms, k.frame_id, n.started_at FROM key_frames k "
        "JOIN tracks t ON t.id = k.track JOIN sights s ON s.id = t.sight "
        "JOIN sessions n ON n.id = s.session WHERE k.id = ?",
        (row,),
    ).fetchall()
    if not rows:
        return None
    session_id, at_ms, frame_id, began = rows[0]
    facts = {
        "session_id": session_id,
        "start_ms": at_ms,
        "end_ms": at_ms,
        "score": score,
        "frame_id": frame_id,
        "timestamp": since(str(began), int(str(at_ms))),
    }
    return msgspec.convert(facts, Sighting)
