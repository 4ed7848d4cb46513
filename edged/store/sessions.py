"""Sessions: one per intake, a file, a fed stream or live capture; recordings hang on them.

Each change is told as `session.changed` in the transaction that makes it.
"""

import secrets
from collections.abc import Iterator
from datetime import datetime
from typing import Literal

import msgspec

from edged.errors import NotFound
from edged.messages.events import SessionChanged, SessionDeleted
from edged.messages.records import Problem
from edged.messages.sessions import Session, SessionsStart, SessionStatus, SourceState
from edged.store import events, jobs, session_states, sights
from edged.store.clock import later, stamp
from edged.store.engine import Connection
from edged.store.rows import problem_columns, to_problem

SessionKind = Literal["file", "fed", "live"]

_SELECT = """
SELECT n.session_id, n.status, n.started_at, n.name, n.group_name, n.started_by, n.stage, n.progress,
  max(n.duration_ms, coalesce((SELECT max(audio_ms) FROM recordings WHERE session = n.id), 0)),
  n.ended_at, n.paused_reason, n.job,
  n.keep_audio AND (n.kind = 'live' AND EXISTS (SELECT 1 FROM recordings WHERE session = n.id)
    OR EXISTS (SELECT 1 FROM recordings WHERE session = n.id AND audio_kept)),
  (SELECT count(*) FROM speakers WHERE session = n.id),
  (SELECT count(*) FROM speakers WHERE session = n.id AND claim_type IS NULL),
  n.options, n.skipped, n.error_code, n.error_message, n.error_fix, n.id
FROM sessions n
"""

_KINDS = {"microphone": "microphone", "loopback": "loopback", "file": "file"}

_decode_options = msgspec.msgpack.Decoder(SessionsStart).decode
_decode_skipped = msgspec.msgpack.Decoder(tuple[Problem, ...]).decode


def new_id() -> str:
    """A fresh random id: 16 hex digits."""
    return secrets.token_hex(8)


def create(  # noqa: PLR0913 the facts of one row, all by keyword
    db: Connection,
    *,
    kind: SessionKind,
    started_by: str = "",
    group_name: str = "",
    name: str = "",
    options: SessionsStart | None = None,
    age_ms: int = 0,
    owner: str = "",
) -> Session:
    """Begin a session: `recording` when it has options, `processing` otherwise; not told yet.

    Whoever adds its recordings tells of it with `tell`.

    Args:
        db: the writing connection.
        kind: how its audio comes; `live` for all that `sessions.start` began.
        started_by: the client's name.
        group_name: sessions that belong together.
        name: shown to the user.
        options: what it was started with; its lexicons are already those of the settings.
        age_ms: it began so long ago.
        owner: the client_id whose result it is; empty: the user's.
    """
    session_id = new_id()
    db.execute(
        "INSERT INTO sessions(session_id, kind, group_name, started_by, name, status, options, "
        "keep_audio, started_at, owner) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            session_id,
            kind,
            group_name,
            started_by,
            name,
            "processing" if options is None else "recording",
            None if options is None else msgspec.msgpack.encode(options),
            options is None or options.keep_audio,
            later(None, -age_ms),
            owner,
        ),
    )
    return get(db, session_id)


def move(  # noqa: PLR0913 the facts of one step, all by keyword
    db: Connection,
    session_id: str,
    *,
    to: SessionStatus,
    error: Problem | None = None,
    paused_reason: str = "",
    duration_ms: int | None = None,
    retention_ms: int | None = None,
) -> Session:
    """Take one step of session_states.TRANSITIONS, and tell.

    Leaving `recording` and `paused` for good sets the end and, with a retention, the expiry. The
    error is that of `failed`; every other state clears it.

    Args:
        db: the writing connection.
        session_id: which.
        to: the next state.
        error: why it failed.
        paused_reason: `asked` or `disk_full`.
        duration_ms: on its clock, so far; it never goes back.
        retention_ms: deleted so long after its end; None: not by itself, or as set before.

    Raises:
        NotFound: no such session.
        Conflict: the table has no such step.
    """
    before = status(db, session_id)
    session_states.check(before, to, session_id=session_id)
    ends = before in session_states.RUNNING and to not in session_states.RUNNING
    db.execute(
        "UPDATE sessions SET status = :to, paused_reason = :reason, stage = :stage, "
        "progress = :progress, duration_ms = max(duration_ms, coalesce(:duration, 0)), "
        "ended_at = iif(:ends OR (ended_at IS NULL AND :to != 'processing'), :at, ended_at), "
        "expires_at = coalesce(:expires, expires_at), "
        "error_code = :code, error_message = :message, error_fix = :fix WHERE session_id = :id",
        {
            "id": session_id,
            "to": to,
            "reason": paused_reason,
            "stage": "queued" if to == "processing" else "",
            "progress": float(to in ("ready_for_claiming", "completed")),
            "duration": duration_ms,
            "ends": ends,
            "at": stamp() if to not in session_states.RUNNING else None,
            "expires": later(None, retention_ms) if ends and retention_ms else None,
            **dict(zip(("code", "message", "fix"), problem_columns(error), strict=True)),
        },
    )
    return tell(db, session_id)


def settle(db: Connection, session_id: str) -> Session:
    """`ready_for_claiming` as long as a speaker is unclaimed, else `completed`; told if it changes.

    For the end of the work, and after every claim, split or merge.

    Raises:
        NotFound: no such session.
        Conflict: it is still recorded, or failed.
    """
    session = get(db, session_id)
    to: SessionStatus = "ready_for_claiming" if session.unclaimed else "completed"
    return session if session.status == to else move(db, session_id, to=to)


def follow(db: Connection, row: int, status: SessionStatus, error: Problem | None = None) -> None:
    """A file's session does what its transcript does: processing, settled, or failed.

    Args:
        db: the writing connection.
        row: the session's row; live sessions have their own work, they are left alone.
        status: `processing`, `completed` (settled then) or `failed`.
        error: of `failed`.
    """
    found = db.execute(
        "SELECT session_id, status FROM sessions WHERE id = ? AND kind != 'live'", (row,)
    ).fetchall()
    if not found:
        return
    session_id, before = str(found[0][0]), found[0][1]
    if status == "completed":
        settle(db, session_id)
    elif before != status:
        move(db, session_id, to=status, error=error)


def progress(db: Connection, session_id: str, *, stage: str, progress: float) -> None:
    """How far the work after the end is; told when the stage changes, hints do the rest.

    Args:
        db: the writing connection.
        session_id: which; one that is not processing is left alone.
        stage: what is done now.
        progress: of the whole work, in [0, 1].
    """
    before = db.execute(
        "SELECT stage FROM sessions WHERE session_id = ? AND status = 'processing'", (session_id,)
    ).get
    if before is None:
        return
    db.execute(
        "UPDATE sessions SET stage = ?, progress = ? WHERE session_id = ?",
        (stage, progress, session_id),
    )
    if before != stage:
        tell(db, session_id)


def attach_job(db: Connection, session_id: str, job_id: str) -> None:
    """Note which job does the work after the end; told with the next change."""
    db.execute("UPDATE sessions SET job = ? WHERE session_id = ?", (job_id, session_id))


def skip(db: Connection, session_id: str, problems: tuple[Problem, ...]) -> None:
    """Note which stages could not run and why; told with the next change."""
    db.execute(
        "UPDATE sessions SET skipped = ? WHERE session_id = ?",
        (msgspec.msgpack.encode(problems), session_id),
    )


def lengthen(db: Connection, session_row: int, duration_ms: int) -> None:
    """A session lasts at least so long, on its clock; not told."""
    db.execute(
        "UPDATE sessions SET duration_ms = max(duration_ms, ?) WHERE id = ?",
        (duration_ms, session_row),
    )


def tell(db: Connection, session_id: str) -> Session:
    """Record that a session changed; return it as it is now.

    Raises:
        NotFound: no such session.
    """
    session = get(db, session_id)
    events.record(db, SessionChanged(session=session))
    return session


def get(db: Connection, session_id: str) -> Session:
    """One session, as the store knows it: what runs now has more to say (backlog, lost devices).

    Raises:
        NotFound: no such session.
    """
    # Fetched whole: a cursor left half-way, with queries inside, keeps the WAL from being folded.
    rows = db.execute(_SELECT + "WHERE n.session_id = ?", (session_id,)).fetchall()
    if not rows:
        raise NotFound("no such session", session_id=session_id)
    return _to_session(db, rows[0])


def status(db: Connection, session_id: str) -> SessionStatus:
    """The state of a session.

    Raises:
        NotFound: no such session.
    """
    found = db.execute("SELECT status FROM sessions WHERE session_id = ?", (session_id,)).get
    if found is None:
        raise NotFound("no such session", session_id=session_id)
    known: SessionStatus = msgspec.convert(found, SessionStatus)
    return known


def row_id(db: Connection, session_id: str) -> int:
    """The row of a session.

    Raises:
        NotFound: no such session.
    """
    row = db.execute("SELECT id FROM sessions WHERE session_id = ?", (session_id,)).get
    if row is None:
        raise NotFound("no such session", session_id=session_id)
    return int(row)


def owner(db: Connection, session_id: str) -> str:
    """The client_id whose session it is; empty: the user's.

    Raises:
        NotFound: no such session.
    """
    found = db.execute("SELECT owner FROM sessions WHERE session_id = ?", (session_id,)).get
    if found is None:
        raise NotFound("no such session", session_id=session_id)
    return str(found)


def options(db: Connection, session_id: str) -> SessionsStart | None:
    """What a session was started with; None for that of a file.

    Raises:
        NotFound: no such session.
    """
    row = row_id(db, session_id)
    found = db.execute("SELECT options FROM sessions WHERE id = ?", (row,)).get
    return _decode_options(found) if isinstance(found, bytes) else None


def list_sessions(  # noqa: PLR0913 the filters of one request, all by keyword
    db: Connection,
    *,
    status: SessionStatus | None = None,
    group: str | None = None,
    since: str | None = None,
    until: str | None = None,
    limit: int = 50,
    before: str | None = None,
    owner: str | None = None,
) -> tuple[Session, ...]:
    """Sessions, newest first.

    Args:
        db: any connection.
        status: only those in this state.
        group: only those of this group; empty: of none.
        since: started then or later, UTC.
        until: started before that, UTC.
        limit: at most so many.
        before: the last id of the page before.
        owner: only those of this client; None: everybody's.
    """
    rows = db.execute(
        _SELECT  # noqa: S608 constants
        + "WHERE (:before IS NULL OR n.id < (SELECT id FROM sessions WHERE session_id = :before "
        "AND (:owner IS NULL OR owner = :owner))) AND (:owner IS NULL OR n.owner = :owner) "
        "AND (:status IS NULL OR n.status = :status) AND (:group IS NULL OR n.group_name = :group) "
        "AND (:since IS NULL OR n.started_at >= :since) "
        "AND (:until IS NULL OR n.started_at < :until) ORDER BY n.id DESC LIMIT :limit",
        {
            "before": before,
            "status": status,
            "group": group,
            "since": since,
            "until": until,
            "limit": limit,
            "owner": owner,
        },
    ).fetchall()
    return tuple(_to_session(db, row) for row in rows)


def left_running(db: Connection) -> tuple[str, ...]:
    """Sessions that a daemon recorded from devices, or saw, when it went; a client's sound goes on."""
    rows = db.execute(
        "SELECT session_id FROM sessions n WHERE status IN ('recording', 'paused') AND EXISTS "
        "(SELECT 1 FROM recordings WHERE session = n.id AND source IN ('microphone', 'loopback')) "
        "OR status IN ('recording', 'paused') AND EXISTS "
        "(SELECT 1 FROM sights WHERE session = n.id)"
    )
    return tuple(session_id for (session_id,) in rows)


def expired(db: Connection, now: datetime, *, limit: int = 20) -> tuple[str, ...]:
    """Sessions whose time has come, oldest first."""
    rows = db.execute(
        "SELECT session_id FROM sessions WHERE expires_at <= ? "
        "AND status NOT IN ('recording', 'paused') ORDER BY expires_at LIMIT ?",
        (stamp(now), limit),
    )
    return tuple(session_id for (session_id,) in rows)


def recordings_of(db: Connection, session_id: str) -> tuple[str, ...]:
    """The recordings of a session, in the order of its sources.

    Raises:
        NotFound: no such session.
    """
    rows = db.execute(
        "SELECT recording_id FROM recordings WHERE session = ? ORDER BY id",
        (row_id(db, session_id),),
    )
    return tuple(recording_id for (recording_id,) in rows)


def delete(db: Connection, row: int) -> None:
    """Delete a session whose recordings are gone, with its sights, speakers, jobs and events."""
    ((session_id, whose),) = db.execute(
        "SELECT session_id, owner FROM sessions WHERE id = ?", (row,)
    ).fetchall()
    jobs.forget_session(db, row)
    db.execute("DELETE FROM events WHERE session = ?", (row,))
    db.execute("DELETE FROM sessions WHERE id = ?", (row,))
    events.record(db, SessionDeleted(session_id=str(session_id)), owner=str(whose))


def _to_session(db: Connection, row: tuple[object, ...]) -> Session:
    *columns, blob, skipped, code, message, fix, number = row
    facts = {name: value for name, value in zip(_FIELDS, columns, strict=True) if value is not None}
    facts["audio_kept"] = bool(facts["audio_kept"])
    asked = _decode_options(blob) if isinstance(blob, bytes) else None
    found = msgspec.convert(facts, Session)
    return msgspec.structs.replace(
        found,
        sources=tuple(_sources(db, number)),
        sights=sights.of_session(db, found.id),
        lexicons=(asked and asked.lexicons) or (),
        skipped=_decode_skipped(skipped) if isinstance(skipped, bytes) else (),
        error=None if code is None else to_problem(str(code), _text(message), _text(fix)),
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _sources(db: Connection, session: object) -> Iterator[SourceState]:
    rows = db.execute(
        "SELECT source, recording_id, device FROM recordings WHERE session = ? ORDER BY id",
        (session,),
    )
    for kind, recording_id, device in rows:
        facts = {
            "kind": _KINDS.get(kind, "client"),
            "recording_id": recording_id,
            "device": device,
        }
        yield msgspec.convert(facts, SourceState)


_FIELDS = (
    "id",
    "status",
    "started_at",
    "name",
    "group",
    "started_by",
    "stage",
    "progress",
    "duration_ms",
    "ended_at",
    "paused_reason",
    "job_id",
    "audio_kept",
    "speaker_count",
    "unclaimed",
)
