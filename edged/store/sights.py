"""The sources of pictures of a session, what is kept of each (tracks), and when they gave nothing."""

import msgspec

from edged.errors import NotFound
from edged.messages.events import SightGapEvent
from edged.messages.seeing import FrameCounts, SightGap, SightState, TrackKind
from edged.messages.sessions import SourceKind
from edged.store import events
from edged.store.engine import Connection

_USUAL = 4 / 3
_COUNTS = ("captured", "processed", "still", "late", "lost", "detected")


def add(
    db: Connection,
    session_id: str,
    number: int,
    *,
    kind: SourceKind,
    device: str = "",
    target_fps: float,
) -> int:
    """Add a source to a session, or find it; return its row. `sessions.tell` tells of it.

    Args:
        db: the writing connection.
        session_id: of which session.
        number: from 0, among its sources of pictures.
        kind: camera, screen, video or frames.
        device: its name, as far as it is known.
        target_fps: frames a second that are wanted at most.

    Raises:
        NotFound: no such session.
    """
    db.execute(
        "INSERT INTO sights(session, number, kind, device, target_fps) VALUES(?, ?, ?, ?, ?) "
        "ON CONFLICT(session, number) DO NOTHING",
        (_session(db, session_id), number, kind, device, target_fps),
    )
    found = db.execute(
        "SELECT s.id FROM sights s JOIN sessions n ON n.id = s.session "
        "WHERE n.session_id = ? AND s.number = ?",
        (session_id, number),
    ).get
    return int(found)


def name_device(db: Connection, sight: int, device: str) -> bool:
    """Note which device a source is; whether it is another one than before (then tell of it)."""
    db.execute("UPDATE sights SET device = ? WHERE id = ? AND device != ?", (device, sight, device))
    return bool(db.changes())


def measure(db: Connection, sight: int, *, width: int, height: int) -> None:
    """Note how large a source's frames are, upright, in pixels: angles in pictures need it."""
    db.execute("UPDATE sights SET width = ?, height = ? WHERE id = ?", (width, height, sight))


def aspects(db: Connection, session_id: str) -> tuple[float, ...]:
    """Width by height of the frames of each source of a session; 4:3 where it is not known.

    Raises:
        NotFound: no such session.
    """
    rows = db.execute(
        "SELECT width, height FROM sights WHERE session = ? ORDER BY number",
        (_session(db, session_id),),
    )
    return tuple(width / height if width and height else _USUAL for width, height in rows)


def add_track(db: Connection, sight: int, *, kind: TrackKind, model: str) -> int:
    """Begin to keep one kind of what a source shows, or go on, with this model; return its row.

    Args:
        db: the writing connection.
        sight: the row of the source.
        kind: of what is kept.
        model: that sees it; the newest one counts.
    """
    db.execute(
        "INSERT INTO tracks(sight, kind, model) VALUES(?, ?, ?) "
        "ON CONFLICT(sight, kind) DO UPDATE SET model = excluded.model",
        (sight, kind, model),
    )
    found = db.execute("SELECT id FROM tracks WHERE sight = ? AND kind = ?", (sight, kind)).get
    return int(found)


def count(db: Connection, sight: int, counts: FrameCounts) -> None:
    """Note how many frames there were, from the start; rates are not kept, nor told."""
    db.execute(
        "UPDATE sights SET captured = ?, processed = ?, still = ?, late = ?, lost = ?, detected = ? "
        "WHERE id = ?",
        (*(getattr(counts, name) for name in _COUNTS), sight),
    )


def gap(db: Connection, session_id: str, sight: int, gap: SightGap) -> None:
    """A source gave nothing for a while; told as `sight.gap`, once, but for `opening`.

    The same gap again, when it became longer, is told again.

    Args:
        db: the writing connection.
        session_id: of the source.
        sight: the row of the source.
        gap: its time on the session's clock; one without length is left out.
    """
    if gap.end_ms <= gap.start_ms:
        return
    db.execute(
        "INSERT INTO sight_gaps(sight, start_ms, end_ms, reason) VALUES(?, ?, ?, ?) "
        "ON CONFLICT(sight, start_ms) DO UPDATE SET end_ms = excluded.end_ms "
        "WHERE excluded.end_ms > end_ms",
        (sight, gap.start_ms, gap.end_ms, gap.reason),
    )
    if db.changes() and gap.reason != "opening":
        events.record(db, SightGapEvent(session_id=session_id, gap=gap))


def gaps(db: Connection, session_id: str) -> tuple[SightGap, ...]:
    """The gaps of all sources of a session, in order of time.

    Raises:
        NotFound: no such session.
    """
    rows = db.execute(
        "SELECT s.number, g.start_ms, g.end_ms, g.reason FROM sight_gaps g "
        "JOIN sights s ON s.id = g.sight WHERE s.session = ? ORDER BY g.start_ms, s.number",
        (_session(db, session_id),),
    ).fetchall()
    fields = SightGap.__struct_fields__
    return tuple(msgspec.convert(dict(zip(fields, row, strict=True)), SightGap) for row in rows)


def end_ms(db: Connection, sight: int) -> int:
    """Up to where something is known of a source: landmarks, sightings, key frames or a gap."""
    found = db.execute(
        "SELECT max("
        "coalesce((SELECT max(b.end_ms) FROM landmark_blocks b JOIN tracks t ON t.id = b.track"
        " WHERE t.sight = :sight), 0),"
        "coalesce((SELECT max(o.end_ms) FROM object_sightings o JOIN tracks t ON t.id = o.track"
        " WHERE t.sight = :sight), 0),"
        "coalesce((SELECT max(k.at_ms) FROM key_frames k JOIN tracks t ON t.id = k.track"
        " WHERE t.sight = :sight), 0),"
        "coalesce((SELECT max(end_ms) FROM sight_gaps WHERE sight = :sight), 0))",
        {"sight": sight},
    ).get
    return int(found)


def rows_of(db: Connection, session_id: str) -> tuple[int, ...]:
    """The rows of a session's sources of pictures, in order."""
    rows = db.execute(
        "SELECT s.id FROM sights s JOIN sessions n ON n.id = s.session "
        "WHERE n.session_id = ? ORDER BY s.number",
        (session_id,),
    )
    return tuple(row for (row,) in rows)


def of_session(db: Connection, session_id: str) -> tuple[SightState, ...]:
    """The sources of pictures of a session, in order, with what is kept of each; empty: none."""
    rows = db.execute(
        "SELECT s.id, s.kind, s.device, s.target_fps, s.captured, s.processed, s.still, s.late, "
        "s.lost, s.detected FROM sights s JOIN sessions n ON n.id = s.session "
        "WHERE n.session_id = ? ORDER BY s.number",
        (session_id,),
    ).fetchall()
    return tuple(_to_state(db, row) for row in rows)


def models(db: Connection, session_id: str) -> dict[str, str]:
    """Which model saw what, by kind; of several sources the first one counts."""
    rows = db.execute(
        "SELECT t.kind, t.model FROM tracks t JOIN sights s ON s.id = t.sight "
        "JOIN sessions n ON n.id = s.session WHERE n.session_id = ? ORDER BY s.number DESC",
        (session_id,),
    )
    return {str(kind): str(model) for kind, model in rows}


def delete(db: Connection, session_id: str, *, at_most: int | None = None) -> bool:
    """Delete the sources of a session with all that they gave and told; True when nothing is left.

    Args:
        db: the writing connection.
        session_id: which.
        at_most: so many rows at once; call again until True. None: all in one transaction.

    Raises:
        NotFound: no such session.
    """
    row = _session(db, session_id)
    left = 2**62 if at_most is None else at_most
    for table, column, owners, weight in _DELETIONS:
        db.execute(
            f"DELETE FROM {table} WHERE rowid IN "  # noqa: S608 constants
            f"(SELECT rowid FROM {table} WHERE {column} IN ({owners}) LIMIT :most)",
            {"row": row, "most": max(1, left // weight)},
        )
        left -= db.changes() * weight
        if left <= 0:
            return False
    db.execute("DELETE FROM sights WHERE session = ?", (row,))
    db.execute("PRAGMA incremental_vacuum(256)").fetchall()
    return True


_TRACKS = "SELECT t.id FROM tracks t JOIN sights s ON s.id = t.sight WHERE s.session = :row"
_FRAMES = f"SELECT id FROM key_frames WHERE track IN ({_TRACKS})"  # noqa: S608 constants

_DELETIONS = (
    ("key_frame_pieces", "frame", _FRAMES, 50),
    ("key_frames", "track", _TRACKS, 1),
    ("landmark_blocks", "track", _TRACKS, 10),
    ("object_sightings", "track", _TRACKS, 1),
    ("events", "session", "SELECT :row", 1),
)
"""Table, its column, whose rows, weight: a piece of a picture counts as 50 rows, a second of landmarks as 10.

Overwriting them takes up to 256 KiB and about 60 kB of WAL; see recordings.
"""


def _session(db: Connection, session_id: str) -> int:
    """As sessions.row_id, which shows sights and so cannot be imported here."""
    row = db.execute("SELECT id FROM sessions WHERE session_id = ?", (session_id,)).get
    if row is None:
        raise NotFound("no such session", session_id=session_id)
    return int(row)


def _to_state(db: Connection, row: tuple[object, ...]) -> SightState:
    sight, kind, device, target_fps, *counts = row
    tracks = db.execute("SELECT kind, model FROM tracks WHERE sight = ? ORDER BY id", (sight,))
    facts = {
        "kind": kind,
        "device": device,
        "target_fps": target_fps,
        "models": {str(kind): str(model) for kind, model in tracks},
        "counts": dict(zip(_COUNTS, counts, strict=True)),
    }
    return msgspec.convert(facts, SightState)
