"""Where objects were seen: a row for each label and stretch without a break of a second."""

from datetime import datetime

import msgspec

from edged.messages.seeing import Sighting
from edged.store import sessions
from edged.store.clock import later
from edged.store.engine import Connection


def add(  # noqa: PLR0913 the facts of one row, all but the first ones by keyword
    db: Connection,
    session_id: str,
    track: int,
    *,
    label: str,
    start_ms: int,
    end_ms: int,
    frames: int = 1,
    most: int = 1,
    score: float,
) -> int:
    """Add a stretch and return its row; the same label from the same time on is there already.

    Args:
        db: the writing connection.
        session_id: of which session; it lasts at least to the stretch's end.
        track: the row of the track.
        label: what was seen.
        start_ms: on the session's clock.
        end_ms: likewise.
        frames: in which it was seen.
        most: of it at once.
        score: of the best look, in [0, 1].

    Raises:
        NotFound: no such session.
    """
    known = db.execute(
        "SELECT id FROM object_sightings WHERE track = ? AND start_ms = ? AND label = ?",
        (track, start_ms, label),
    ).get
    if known is not None:
        extend(db, session_id, int(known), end_ms=end_ms, frames=frames, most=most, score=score)
        return int(known)
    sessions.lengthen(db, sessions.row_id(db, session_id), end_ms)
    db.execute(
        "INSERT INTO object_sightings(track, label, start_ms, end_ms, frames, most, score) "
        "VALUES(?, ?, ?, ?, ?, ?, ?)",
        (track, label, start_ms, end_ms, frames, most, score),
    )
    return db.last_insert_rowid()


def extend(  # noqa: PLR0913 the facts of one row, all but the first ones by keyword
    db: Connection,
    session_id: str,
    row: int,
    *,
    end_ms: int,
    frames: int,
    most: int,
    score: float,
) -> None:
    """A stretch goes on: what is given are its facts from its start; none of them ever falls.

    Raises:
        NotFound: no such session.
    """
    sessions.lengthen(db, sessions.row_id(db, session_id), end_ms)
    db.execute(
        "UPDATE object_sightings SET end_ms = max(end_ms, ?), frames = max(frames, ?), "
        "most = max(most, ?), score = max(score, ?) WHERE id = ?",
        (end_ms, frames, most, score, row),
    )


def search(
    db: Connection,
    label: str,
    *,
    session_id: str | None = None,
    owner: str | None = None,
    min_score: float = 0.0,
    limit: int = 20,
) -> tuple[Sighting, ...]:
    """Stretches of a label, whatever its case (of ASCII), the best score first, then the newest.

    Args:
        db: any connection.
        label: the whole of it.
        session_id: only of this session.
        owner: only of sessions of this client; None: of everybody's.
        min_score: at least so good.
        limit: at most so many.
    """
    rows = db.execute(
        "SELECT n.session_id, o.start_ms, o.end_ms, o.score, o.label, n.started_at "
        "FROM object_sightings o JOIN tracks t ON t.id = o.track JOIN sights s ON s.id = t.sight "
        "JOIN sessions n ON n.id = s.session WHERE o.label = :label "
        "AND (:session IS NULL OR n.session_id = :session) "
        "AND (:owner IS NULL OR n.owner = :owner) AND o.score >= :score "
        "ORDER BY o.score DESC, o.id DESC LIMIT :limit",
        {
            "label": label,
            "session": session_id,
            "owner": owner,
            "score": min_score,
            "limit": limit,
        },
    ).fetchall()
    return tuple(_to_sighting(row) for row in rows)


def of_session(
    db: Connection, session_id: str, *, min_score: float = 0.0, limit: int = 1000
) -> tuple[Sighting, ...]:
    """All objects of a session, in order of time; arguments as for `search`."""
    rows = db.execute(
        "SELECT n.session_id, o.start_ms, o.end_ms, o.score, o.label, n.started_at "
        "FROM object_sightings o JOIN tracks t ON t.id = o.track JOIN sights s ON s.id = t.sight "
        "JOIN sessions n ON n.id = s.session WHERE n.session_id = ? AND o.score >= ? "
        "ORDER BY o.start_ms, o.id LIMIT ?",
        (session_id, min_score, limit),
    ).fetchall()
    return tuple(_to_sighting(row) for row in rows)


def _to_sighting(row: tuple[object, ...]) -> Sighting:
    session_id, start_ms, end_ms, score, label, began = row
    facts = {
        "session_id": session_id,
        "start_ms": start_ms,
        "end_ms": end_ms,
        "score": score,
        "label": label,
        "timestamp": since(str(began), int(str(start_ms))),
    }
    return msgspec.convert(facts, Sighting)


def since(began: str, milliseconds: int) -> str:
    """The moment so long after a timestamp, as a timestamp."""
    return later(datetime.fromisoformat(began), milliseconds)
