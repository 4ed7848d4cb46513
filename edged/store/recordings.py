"""Recordings: one piece of audio each, shown with its current transcript."""

import msgspec
from msgspec import Struct

from edged.errors import NotFound
from edged.media import AudioFormat
from edged.messages.events import RecordingChanged, RecordingDeleted
from edged.messages.records import Recording, RecordingStatus
from edged.messages.sessions import SourceKind
from edged.store import events, jobs, sessions
from edged.store.clock import stamp
from edged.store.engine import Connection
from edged.store.sessions import SessionKind

_SELECT = """
SELECT r.recording_id, n.session_id, r.name, coalesce(t.status, iif(r.source = 'stem', 'completed', 'processing')), r.created_at,
  r.sha256, r.size_bytes, r.audio_ms, t.done_ms, t.compute_ms, r.path, r.audio_kept, t.model,
  t.language, t.language_source, t.segment_count, t.error_code, t.error_message, t.error_fix
FROM recordings r JOIN sessions n ON n.id = r.session
LEFT JOIN transcripts t ON t.recording = r.id AND t.current
"""


class ContentFacts(Struct, frozen=True, kw_only=True):
    """A recording's content; `audio` when it is raw PCM, None for a media file.

    owner: the client_id whose recording it is; empty: the user's.
    """

    name: str
    path: str | None
    audio: AudioFormat | None = None
    owner: str = ""


def ensure(  # noqa: PLR0913 the columns of one row, all by keyword
    db: Connection,
    *,
    name: str,
    sha256: str,
    size_bytes: int,
    path: str | None = None,
    audio: AudioFormat | None = None,
    kind: SessionKind = "file",
    started_by: str = "",
    group_name: str = "",
    owner: str = "",
) -> Recording:
    """Add a recording with a session of its own; or return the owner's with the same content.

    Args:
        db: the writing connection.
        name: shown to the user.
        sha256: of the content, as hex; empty for live audio, which is always a new recording.
        size_bytes: of the content.
        path: where the original lies; a known recording takes the newest one.
        audio: facts when the content is raw PCM: they are part of its identity.
        kind: of the session.
        started_by: the client's name.
        group_name: sessions that belong together.
        owner: the client_id whose result it is; empty: the user's. Nobody is told of, or given,
            what somebody else transcribed of the same content.
    """
    known = find(db, sha256, audio, owner=owner) if sha256 else None
    if known is not None:
        return _take_path(db, known, path)
    session = sessions.create(
        db, kind=kind, started_by=started_by, group_name=group_name, name=name, owner=owner
    )
    facts = (audio.sample_rate, audio.channels, audio.sample_format) if audio else (None,) * 3
    recording_id = sessions.new_id()
    db.execute(
        "INSERT INTO recordings(recording_id, session, source, name, path, sha256, content, "
        "size_bytes, sample_rate, channels, sample_format, created_at) "
        "SELECT ?, id, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM sessions WHERE session_id = ?",
        (
            recording_id,
            kind,
            name,
            path,
            sha256,
            _content(sha256, audio, owner),
            size_bytes,
            *facts,
            stamp(),
            session.id,
        ),
    )
    sessions.tell(db, session.id)
    return tell(db, recording_id)


def add_source(
    db: Connection, session_id: str, *, source: SourceKind, name: str = "", device: str = ""
) -> Recording:
    """Add an empty recording to a session: one of its sources, filled by chunks.

    Args:
        db: the writing connection.
        session_id: of which session; `sessions.tell` when all of its sources are there.
        source: how it is captured.
        name: shown to the user.
        device: its name, as far as it is known.

    Raises:
        NotFound: no such session.
    """
    recording_id = sessions.new_id()
    db.execute(
        "INSERT INTO recordings(recording_id, session, source, name, device, created_at) "
        "VALUES(?, ?, ?, ?, ?, ?)",
        (recording_id, sessions.row_id(db, session_id), source, name, device, stamp()),
    )
    return tell(db, recording_id)


def name_device(db: Connection, recording_id: str, device: str) -> None:
    """Note which device fills a recording; `session.changed` tells, when it is another one.

    Raises:
        NotFound: no such recording.
    """
    row = row_id(db, recording_id)
    db.execute(
        "UPDATE recordings SET device = ? WHERE id = ? AND device != ?", (device, row, device)
    )
    if db.changes():
        sessions.tell(db, get(db, recording_id).session_id)


def find(
    db: Connection, sha256: str, audio: AudioFormat | None = None, *, owner: str = ""
) -> Recording | None:
    """The owner's recording with this content, None when there is none."""
    for row in db.execute(_SELECT + "WHERE r.content = ?", (_content(sha256, audio, owner),)):
        return _to_recording(row)
    return None


def get(db: Connection, recording_id: str) -> Recording:
    """One recording.

    Raises:
        NotFound: no such recording.
    """
    for row in db.execute(_SELECT + "WHERE r.recording_id = ?", (recording_id,)):
        return _to_recording(row)
    raise NotFound("no such recording", recording_id=recording_id)


def facts(db: Connection, recording_id: str) -> ContentFacts:
    """What is needed to read a recording's audio again.

    Raises:
        NotFound: no such recording.
    """
    for name, path, owner, rate, channels, sample_format in db.execute(
        "SELECT r.name, r.path, n.owner, r.sample_rate, r.channels, r.sample_format "
        "FROM recordings r JOIN sessions n ON n.id = r.session WHERE r.recording_id = ?",
        (recording_id,),
    ):
        if rate is None:
            return ContentFacts(name=name, path=path, owner=owner)
        audio = AudioFormat(sample_rate=rate, channels=channels, sample_format=sample_format)
        return ContentFacts(name=name, path=path, audio=audio, owner=owner)
    raise NotFound("no such recording", recording_id=recording_id)


def list_recordings(
    db: Connection,
    *,
    limit: int = 50,
    before: str | None = None,
    status: RecordingStatus | None = None,
    owner: str | None = None,
) -> tuple[Recording, ...]:
    """Recordings, newest first.

    Args:
        db: any connection.
        limit: at most so many.
        before: the last id of the page before.
        status: only those in this state.
        owner: only those of this client; None: everybody's.
    """
    rows = db.execute(
        _SELECT  # noqa: S608 constants
        + "WHERE (:before IS NULL OR r.id < (SELECT b.id FROM recordings b JOIN sessions o "
        "ON o.id = b.session WHERE b.recording_id = :before "
        "AND (:owner IS NULL OR o.owner = :owner))) AND (:owner IS NULL OR n.owner = :owner) "
        "AND (:status IS NULL OR coalesce(t.status, iif(r.source = 'stem', 'completed', 'processing')) = :status) "
        "ORDER BY r.id DESC LIMIT :limit",
        {"before": before, "status": status, "limit": limit, "owner": owner},
    )
    return tuple(_to_recording(row) for row in rows)


def tell(db: Connection, recording_id: str) -> Recording:
    """Record that a recording changed; return it as it is now.

    Raises:
        NotFound: no such recording.
    """
    recording = get(db, recording_id)
    events.record(db, RecordingChanged(recording=recording))
    return recording


def row_id(db: Connection, recording_id: str) -> int:
    """The row of a recording.

    Raises:
        NotFound: no such recording.
    """
    row = db.execute("SELECT id FROM recordings WHERE recording_id = ?", (recording_id,)).get
    if row is None:
        raise NotFound("no such recording", recording_id=recording_id)
    return int(row)


def delete(db: Connection, recording_id: str, *, at_most: int | None = None) -> bool:
    """Delete a recording with transcripts, audio, jobs and events; True when nothing is left.

    Args:
        db: the writing connection.
        recording_id: which.
        at_most: so many rows at once; call again until True. None: all in one transaction.

    Raises:
        NotFound: no such recording.
    """
    row = row_id(db, recording_id)
    jobs.forget_recording(db, row)
    left = 2**62 if at_most is None else at_most
    for table, column, rows, weight in _DELETIONS:
        db.execute(
            f"DELETE FROM {table} WHERE {column} IN ({rows} LIMIT :most)",  # noqa: S608 constants
            {"row": row, "most": max(1, left // weight)},
        )
        left -= db.changes() * weight
        if left <= 0:
            return False
    _delete_row(db, row, recording_id)
    db.execute("PRAGMA incremental_vacuum(256)").fetchall()
    return True


_CHUNK_WEIGHT = 50
"""A chunk of audio counts as so many rows: overwriting it takes 256 KiB of WAL."""

_DELETIONS = (
    ("events", "event_seq", "SELECT event_seq FROM events WHERE recording = :row", 1),
    (
        "segments",
        "id",
        "SELECT id FROM segments WHERE transcript IN (SELECT id FROM transcripts WHERE recording = :row)",
        1,
    ),
    (
        "audio_chunks",
        "rowid",
        "SELECT rowid FROM audio_chunks WHERE recording = :row",
        _CHUNK_WEIGHT,
    ),
)


_OTHERS = (
    "SELECT 1 FROM recordings WHERE session = :session "
    "UNION ALL SELECT 1 FROM sights WHERE session = :session"
)


def _delete_row(db: Connection, row: int, recording_id: str) -> None:
    """The recording, and its session with its events when nothing else hangs on it."""
    session = db.execute("SELECT session FROM recordings WHERE id = ?", (row,)).get
    owner = db.execute("SELECT owner FROM sessions WHERE id = ?", (session,)).get
    db.execute("DELETE FROM recordings WHERE id = ?", (row,))
    events.record(db, RecordingDeleted(recording_id=recording_id), owner=str(owner))
    if db.execute(_OTHERS, {"session": session}).get is None:
        sessions.delete(db, int(session))


def _content(sha256: str, audio: AudioFormat | None, owner: str) -> str | None:
    """What makes a recording the same as another one of its owner."""
    if not sha256:
        return None
    facts = f" {audio.sample_format} {audio.sample_rate} {audio.channels}" if audio else ""
    return f"{sha256}{facts}" + (f" of {owner}" if owner else "")


def _take_path(db: Connection, known: Recording, path: str | None) -> Recording:
    if path is None or path == known.path:
        return known
    db.execute("UPDATE recordings SET path = ? WHERE recording_id = ?", (path, known.recording_id))
    return tell(db, known.recording_id)


def _to_recording(row: tuple[object, ...]) -> Recording:
    *columns, error_code, error_message, error_fix = row
    facts = {name: value for name, value in zip(_FIELDS, columns, strict=True) if value is not None}
    facts["audio_kept"] = bool(facts["audio_kept"])
    if error_code is not None:
        facts["error"] = {"code": error_code, "message": error_message, "fix": error_fix or ""}
    return msgspec.convert(facts, Recording)


_FIELDS = (
    "recording_id",
    "session_id",
    "name",
    "status",
    "created_at",
    "sha256",
    "size_bytes",
    "audio_ms",
    "done_ms",
    "compute_ms",
    "path",
    "audio_kept",
    "model",
    "language",
    "language_source",
    "segment_count",
)
