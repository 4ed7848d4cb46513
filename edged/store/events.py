"""The log of facts: recorded in the transaction they belong to, told after its commit.

A segment's event holds no text of its own: it is read from the segment's row. So no content is
stored twice, and deleting a recording leaves nothing of it in the log.
"""

import msgspec

from edged.messages.events import (
    AnyEvent,
    ClientChanged,
    FrameAdded,
    GestureChanged,
    JobChanged,
    LandmarksAdded,
    RecordingChanged,
    SegmentAdded,
    SessionChanged,
    SessionGap,
    SightGapEvent,
    SpeakersChanged,
    StoredEvent,
    TranscriptReplaced,
)
from edged.store.clock import stamp
from edged.store.engine import Connection
from edged.store.rows import SEGMENT_COLUMNS, to_segment

KEPT = 100_000
"""How many events `trim` leaves by default."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(AnyEvent).decode


_OWNER_OF = {
    "session": "SELECT owner FROM sessions WHERE session_id = ?",
    "recording": "SELECT owner FROM sessions WHERE id = "
    "(SELECT session FROM recordings WHERE recording_id = ?)",
    "row": "SELECT owner FROM sessions WHERE id = (SELECT session FROM recordings WHERE id = ?)",
    "job": "SELECT owner FROM jobs WHERE job_id = ?",
}
"""Nested, and not joined: a join is planned anew for each value, which takes four times as long.
Measured: 2 us against 8, and 4 us more for `RETURNING`; 2026-11, 2 cores, x86-64."""


def record(db: Connection, body: AnyEvent, *, owner: str | None = None) -> StoredEvent:
    """Add an event to the open transaction; segments have `record_segment`.

    Args:
        db: the writing connection.
        body: what happened.
        owner: whose result it was, when it is deleted already; None: of whom the rows say.
    """
    at = stamp()
    whose = _owner(db, body) if owner is None else owner
    db.execute(
        "INSERT INTO events(at, recording, session, job, body, owner) VALUES(?, "
        "(SELECT id FROM recordings WHERE recording_id = ?), "
        "(SELECT id FROM sessions WHERE session_id = ?), ?, ?, ?)",
        (at, _recording_of(body), _session_of(body), _job_of(body), _encode(body), whose),
    )
    return _note(db, at, body, owner=whose)


def record_segment(db: Connection, body: SegmentAdded, *, recording: int, segment: int) -> None:
    """Add a segment's event, by the rows of its recording and of itself."""
    at = stamp()
    owner = str(db.execute(_OWNER_OF["row"], (recording,)).get or "")
    db.execute(
        "INSERT INTO events(at, recording, segment, owner) VALUES(?, ?, ?, ?)",
        (at, recording, segment, owner),
    )
    _note(db, at, body, owner=owner)


def _owner(db: Connection, body: AnyEvent) -> str:
    """Whose result an event tells of, as the rows say now."""
    if isinstance(body, ClientChanged):
        return body.client.client_id
    named = (
        ("session", _session_of(body)),
        ("job", _job_of(body)),
        ("recording", _recording_of(body)),
    )
    for kind, name in named:
        if name is not None:
            return str(db.execute(_OWNER_OF[kind], (name,)).get or "")
    return ""


def _note(db: Connection, at: str, body: AnyEvent, *, owner: str) -> StoredEvent:
    event = StoredEvent(event_seq=db.last_insert_rowid(), at=at, body=body, owner=owner)
    db.recorded.append(event)
    return event


def after(
    db: Connection, event_seq: int, limit: int = 500, *, owner: str | None = None
) -> tuple[StoredEvent, ...]:
    """Stored events with larger numbers, in order; those of deleted recordings are gone.

    Fewer than `limit` mean that there are no more.

    Args:
        db: any connection.
        event_seq: of the last one known.
        limit: at most so many.
        owner: only of results of this client; None: of everybody's.
    """
    whose = "" if owner is None else "AND e.owner = :owner "
    rows = db.execute(
        f"SELECT e.event_seq, e.at, e.body, e.owner, r.recording_id, {SEGMENT_COLUMNS} "  # noqa: S608 constants
        "FROM events e LEFT JOIN recordings r ON r.id = e.recording "
        "LEFT JOIN segments s ON s.id = e.segment "
        f"WHERE e.event_seq > :after {whose}ORDER BY e.event_seq LIMIT :limit",
        {"after": event_seq, "owner": owner, "limit": limit},
    )
    return tuple(
        StoredEvent(
            event_seq=number,
            at=at,
            body=SegmentAdded(recording_id=recording_id, segment=to_segment(segment))
            if body is None
            else _decode(body),
            owner=whose,
        )
        for number, at, body, whose, recording_id, *segment in rows
    )


def newest(db: Connection) -> int:
    """The number of the last event; 0 before the first."""
    return int(db.execute("SELECT coalesce(max(event_seq), 0) FROM events").get)


def trim(db: Connection, *, keep: int = KEPT, at_most: int = 10_000) -> int:
    """Delete the oldest events beyond so many, a bounded number at once; how many went."""
    db.execute(
        "DELETE FROM events WHERE event_seq IN (SELECT event_seq FROM events "
        "WHERE event_seq <= (SELECT max(event_seq) FROM events) - ? ORDER BY event_seq LIMIT ?)",
        (keep, at_most),
    )
    return db.changes()


def _recording_of(body: AnyEvent) -> str | None:
    if isinstance(body, (SegmentAdded, TranscriptReplaced)):
        return body.recording_id
    if isinstance(body, SessionGap):
        return body.entry.recording_id
    if isinstance(body, RecordingChanged):
        return body.recording.recording_id
    return body.job.recording_id if isinstance(body, JobChanged) else None


def _session_of(body: AnyEvent) -> str | None:
    if isinstance(body, SessionChanged):
        return body.session.id
    return body.session_id if isinstance(body, _OF_SESSIONS) else None


def _job_of(body: AnyEvent) -> str | None:
    return body.job.job_id if isinstance(body, JobChanged) else None


_OF_SESSIONS = (
    SessionGap, SpeakersChanged, TranscriptReplaced, LandmarksAdded, GestureChanged, FrameAdded,
    SightGapEvent,
)  # fmt: skip
