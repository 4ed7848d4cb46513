"""The durable queue. Every change of state records its event in the same transaction.

Who ends a job first wins: finishing, failing or renewing a job that does not run (any more)
changes nothing. A failed attempt counts against `max_attempts`; a daemon that stopped in the
middle does not, unless that happens ten times without progress in between.
"""

import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec

from edged.errors import Conflict, NotFound
from edged.messages.events import JobChanged
from edged.messages.records import Job, JobState, Problem
from edged.messages.wire import PRIORITIES, Priority
from edged.store import events
from edged.store.clock import later, stamp
from edged.store.engine import Connection
from edged.store.rows import problem_columns

MOST_INTERRUPTIONS = 10

_RAN_OUT = Problem(
    code="deadline",
    message="the job's lease ran out in its last attempt",
    fix="`edged jobs retry ID` tries it again",
)
_INTERRUPTED = Problem(
    code="internal",
    message=f"the daemon stopped {MOST_INTERRUPTIONS} times in the middle of this job",
    fix="see the daemon's log; `edged jobs retry ID` tries it again",
)

_SELECT = """
SELECT j.job_id, j.kind, j.state, j.priority, j.attempts, j.max_attempts, j.created_at,
  j.updated_at, j.stage, j.progress, j.name, j.model, r.recording_id, j.not_before,
  j.error_code, j.error_message, j.error_fix
FROM jobs j LEFT JOIN recordings r ON r.id = j.recording
"""
_FIELDS = (
    "job_id",
    "kind",
    "state",
    "priority",
    "attempts",
    "max_attempts",
    "created_at",
    "updated_at",
    "stage",
    "progress",
    "name",
    "model",
    "recording_id",
    "not_before",
)


_QUEUE = """
INSERT INTO jobs(job_id, key, kind, name, model, priority, max_attempts, payload, recording, session,
  owner, created_at, updated_at)
VALUES(:job_id, :key, :kind, :name, :model, :priority, :max_attempts, :payload,
  (SELECT id FROM recordings WHERE recording_id = :recording_id),
  (SELECT id FROM sessions WHERE session_id = :session_id), :owner, :at, :at)
ON CONFLICT(key) DO UPDATE SET kind = excluded.kind, name = excluded.name, model = excluded.model,
  priority = excluded.priority, payload = excluded.payload, max_attempts = excluded.max_attempts,
  recording = coalesce(excluded.recording, recording)
"""


def submit(  # noqa: PLR0913 the columns of one row, all by keyword
    db: Connection,
    *,
    key: str,
    kind: str,
    payload: bytes,
    priority: Priority,
    max_attempts: int,
    name: str = "",
    model: str = "",
    recording_id: str | None = None,
    session_id: str | None = None,
    owner: str = "",
) -> tuple[Job, bool]:
    """Queue a job, or return the one with the same key, and whether it was there already.

    One that failed or was cancelled is queued again, with what is given now. One that waits takes
    the more urgent priority.

    Args:
        db: the writing connection.
        key: names the work: the same key is the same work.
        kind: who understands the payload.
        payload: the order, opaque here.
        priority: how urgent.
        max_attempts: how often it may fail.
        name: shown to the user.
        model: shown to the user.
        recording_id: what it is about, if that is known.
        session_id: whose work after the end it is.
        owner: the client_id whose job it is; empty: the user's. The key is different for each.
    """
    urgency = PRIORITIES.index(priority)
    known = db.execute("SELECT job_id, state FROM jobs WHERE key = ?", (key,)).fetchone()
    if known is not None and known[1] not in ("failed", "cancelled"):
        db.execute(
            "UPDATE jobs SET priority = min(priority, ?) WHERE key = ? AND state = 'queued'",
            (urgency, key),
        )
        return get(db, known[0]), True
    moment = stamp()
    job_id = secrets.token_hex(8) if known is None else known[0]
    db.execute(
        _QUEUE,
        {
            "job_id": job_id,
            "key": key,
            "kind": kind,
            "name": name,
            "model": model,
            "priority": urgency,
            "max_attempts": max_attempts,
            "payload": payload,
            "recording_id": recording_id,
            "session_id": session_id,
            "owner": owner,
            "at": moment,
        },
    )
    return _queue_anew(db, job_id), False


def claim(
    db: Connection,
    *,
    worker: str,
    lease_ms: int,
    now: datetime,
    least: Priority = "batch",
) -> tuple[Job, bytes] | None:
    """Take the most urgent job that is due, with its payload; None when none is.

    A running job whose lease ran out is due again, and its attempt counts.

    Args:
        db: the writing connection.
        worker: who takes it.
        lease_ms: renew it by `heartbeat` within that time.
        now: UTC.
        least: nothing less urgent.
    """
    moment = stamp(now)
    _end_worn_out(db, moment)
    row = db.execute(
        "SELECT job_id, payload FROM jobs WHERE priority <= :least AND "
        "((state = 'queued' AND (not_before IS NULL OR not_before <= :now)) "
        "OR (state = 'running' AND lease_until <= :now)) ORDER BY priority, id LIMIT 1",
        {"now": moment, "least": PRIORITIES.index(least)},
    ).fetchone()
    if row is None:
        return None
    db.execute(
        "UPDATE jobs SET state = 'running', attempts = attempts + 1, not_before = NULL, "
        "lease_until = ?, leased_by = ?, error_code = NULL, error_message = NULL, "
        "error_fix = NULL WHERE job_id = ?",
        (later(now, lease_ms), worker, row[0]),
    )
    return _tell(db, row[0]), row[1]


def heartbeat(db: Connection, job_id: str, *, lease_ms: int, now: datetime) -> None:
    """Renew a running job's lease.

    Raises:
        NotFound: no such job.
    """
    _state(db, job_id)
    db.execute(
        "UPDATE jobs SET lease_until = ? WHERE job_id = ? AND state = 'running'",
        (later(now, lease_ms), job_id),
    )


def progress(db: Connection, job_id: str, *, stage: str, progress: float) -> None:
    """Note how far a running job is; no event, that is a hint's work.

    Raises:
        NotFound: no such job.
    """
    _state(db, job_id)
    db.execute(
        "UPDATE jobs SET interruptions = iif(:progress > progress, 0, interruptions), "
        "stage = :stage, progress = :progress, updated_at = :at "
        "WHERE job_id = :job_id AND state = 'running'",
        {"job_id": job_id, "stage": stage, "progress": progress, "at": stamp()},
    )


def attach(db: Connection, job_id: str, *, recording_id: str) -> Job:
    """Note which recording a job is about.

    Raises:
        NotFound: no such job.
    """
    db.execute(
        "UPDATE jobs SET recording = (SELECT id FROM recordings WHERE recording_id = ?) "
        "WHERE job_id = ? AND state = 'running'",
        (recording_id, job_id),
    )
    return get(db, job_id)


def finish(db: Connection, job_id: str, *, recording_id: str | None = None) -> Job:
    """A running job is done.

    Raises:
        NotFound: no such job.
    """
    if _state(db, job_id) != "running":
        return get(db, job_id)
    db.execute(
        "UPDATE jobs SET state = 'done', progress = 1, lease_until = NULL, leased_by = NULL, "
        "recording = coalesce((SELECT id FROM recordings WHERE recording_id = ?), recording) "
        "WHERE job_id = ?",
        (recording_id, job_id),
    )
    return _tell(db, job_id)


def fail(
    db: Connection,
    job_id: str,
    problem: Problem,
    *,
    retry: bool,
    delay_ms: int = 0,
    now: datetime | None = None,
) -> Job:
    """A running job's attempt failed: it is queued for later, or it failed for good.

    Args:
        db: the writing connection.
        job_id: which.
        problem: why.
        retry: another attempt may end better, if any is left.
        delay_ms: not before so much later.
        now: UTC; the present when absent.

    Raises:
        NotFound: no such job.
    """
    job = get(db, job_id)
    if job.state != "running":
        return job
    again = retry and job.attempts < job.max_attempts
    db.execute(
        "UPDATE jobs SET state = ?, not_before = ?, lease_until = NULL, leased_by = NULL, "
        "error_code = ?, error_message = ?, error_fix = ? WHERE job_id = ?",
        (
            "queued" if again else "failed",
            later(now, delay_ms) if again else None,
            *problem_columns(problem),
            job_id,
        ),
    )
    return _tell(db, job_id)


def cancel(db: Connection, job_id: str) -> Job:
    """Cancel a job that waits or runs.

    Raises:
        NotFound: no such job.
        Conflict: it has ended.
    """
    state = _state(db, job_id)
    if state not in ("queued", "running"):
        raise Conflict(f"the job is {state}", job_id=job_id)
    db.execute(
        "UPDATE jobs SET state = 'cancelled', not_before = NULL, lease_until = NULL, "
        "leased_by = NULL WHERE job_id = ?",
        (job_id,),
    )
    return _tell(db, job_id)


def retry(db: Connection, job_id: str) -> Job:
    """Queue a failed or cancelled job again, with its attempts counted anew.

    Raises:
        NotFound: no such job.
        Conflict: it did not fail and was not cancelled, or its recording was deleted.
    """
    row = db.execute("SELECT state, payload FROM jobs WHERE job_id = ?", (job_id,)).fetchone()
    if row is None:
        raise NotFound("no such job", job_id=job_id)
    if row[0] not in ("failed", "cancelled"):
        raise Conflict(f"the job is {row[0]}", job_id=job_id)
    if not row[1]:
        raise Conflict("the job's recording was deleted", job_id=job_id)
    return _queue_anew(db, job_id)


def release(db: Connection) -> int:
    """Put every running job back into the queue: the daemon that ran them is gone.

    The attempt does not count; a job that was interrupted too often without progress fails.
    """
    running = list(db.execute("SELECT job_id, interruptions FROM jobs WHERE state = 'running'"))
    for job_id, interruptions in running:
        worn_out = interruptions + 1 >= MOST_INTERRUPTIONS
        db.execute(
            "UPDATE jobs SET state = ?, attempts = max(0, attempts - 1), interruptions = ?, "
            "lease_until = NULL, leased_by = NULL, error_code = ?, error_message = ?, "
            "error_fix = ? WHERE job_id = ?",
            (
                "failed" if worn_out else "queued",
                interruptions + 1,
                *problem_columns(_INTERRUPTED if worn_out else None),
                job_id,
            ),
        )
        _tell(db, job_id)
    return len(running)


def purge(db: Connection, *, before: datetime) -> int:
    """Remove jobs that ended up to a moment, with their events; how many went."""
    ended = (
        "SELECT job_id FROM jobs WHERE state IN ('done', 'failed', 'cancelled') AND updated_at <= ?"
    )
    moment = stamp(before)
    db.execute(f"DELETE FROM events WHERE job IN ({ended})", (moment,))  # noqa: S608 constants
    db.execute(f"DELETE FROM jobs WHERE job_id IN ({ended})", (moment,))  # noqa: S608 constants
    return db.changes()


def forget_recording(db: Connection, recording: int) -> None:
    """Remove the jobs of a recording's row; one that runs is cancelled and emptied.

    Whoever runs it then finds it cancelled; `purge` removes it.
    """
    _forget(db, db.execute("SELECT job_id, state FROM jobs WHERE recording = ?", (recording,)))


def forget_session(db: Connection, session: int) -> None:
    """Remove the jobs of a session's row, as `forget_recording` does."""
    _forget(db, db.execute("SELECT job_id, state FROM jobs WHERE session = ?", (session,)))


def _forget(db: Connection, found: Iterable[tuple[Any, ...]]) -> None:
    for job_id, state in list(found):
        if state == "running":
            cancel(db, job_id)
            db.execute(
                "UPDATE jobs SET recording = NULL, session = NULL, name = '', payload = x'' "
                "WHERE job_id = ?",
                (job_id,),
            )
        else:
            db.execute("DELETE FROM jobs WHERE job_id = ?", (job_id,))
        db.execute("DELETE FROM events WHERE job = ?", (job_id,))


def get(db: Connection, job_id: str) -> Job:
    """One job.

    Raises:
        NotFound: no such job.
    """
    for row in db.execute(_SELECT + "WHERE j.job_id = ?", (job_id,)):
        return _to_job(row)
    raise NotFound("no such job", job_id=job_id)


def exists(db: Connection, job_id: str) -> bool:
    """Whether a job is there; an ended one may have been purged."""
    return db.execute("SELECT 1 FROM jobs WHERE job_id = ?", (job_id,)).get is not None


def list_jobs(
    db: Connection, *, state: JobState | None = None, limit: int = 50, owner: str | None = None
) -> tuple[Job, ...]:
    """Jobs, newest first; only those of a client when `owner` is given."""
    rows = db.execute(
        _SELECT + "WHERE (:state IS NULL OR j.state = :state) "
        "AND (:owner IS NULL OR j.owner = :owner) ORDER BY j.id DESC LIMIT :limit",
        {"state": state, "limit": limit, "owner": owner},
    )
    return tuple(_to_job(row) for row in rows)


def counts(db: Connection, *, owner: str | None = None) -> dict[str, int]:
    """How many jobs there are in each state; only those of a client when `owner` is given."""
    found = dict.fromkeys(("queued", "running", "done", "failed", "cancelled"), 0)
    rows = db.execute(
        "SELECT state, count(*) FROM jobs WHERE ?1 IS NULL OR owner = ?1 GROUP BY state", (owner,)
    )
    found.update(list(rows))
    return found


def next_due(db: Connection, *, least: Priority = "batch") -> datetime | None:
    """When the next job so urgent can be claimed (perhaps in the past), UTC; None: none ever can."""
    moment = db.execute(
        "SELECT min(due) FROM (SELECT coalesce(not_before, updated_at) AS due FROM jobs "
        "WHERE state = 'queued' AND priority <= :least UNION ALL "
        "SELECT lease_until FROM jobs WHERE state = 'running' AND priority <= :least)",
        {"least": PRIORITIES.index(least)},
    ).get
    return None if moment is None else datetime.fromisoformat(str(moment)).astimezone(UTC)


def _queue_anew(db: Connection, job_id: str) -> Job:
    db.execute(
        "UPDATE jobs SET state = 'queued', attempts = 0, interruptions = 0, progress = 0, "
        "stage = '', not_before = NULL, lease_until = NULL, leased_by = NULL, error_code = NULL, "
        "error_message = NULL, error_fix = NULL WHERE job_id = ?",
        (job_id,),
    )
    return _tell(db, job_id)


def _end_worn_out(db: Connection, moment: str) -> None:
    """A lease that ran out in the last attempt ends the job."""
    for (job_id,) in list(
        db.execute(
            "SELECT job_id FROM jobs WHERE state = 'running' AND lease_until <= ? "
            "AND attempts >= max_attempts",
            (moment,),
        )
    ):
        db.execute(
            "UPDATE jobs SET state = 'failed', lease_until = NULL, leased_by = NULL, "
            "error_code = ?, error_message = ?, error_fix = ? WHERE job_id = ?",
            (*problem_columns(_RAN_OUT), job_id),
        )
        _tell(db, job_id)


def _state(db: Connection, job_id: str) -> str:
    state = db.execute("SELECT state FROM jobs WHERE job_id = ?", (job_id,)).get
    if state is None:
        raise NotFound("no such job", job_id=job_id)
    return str(state)


def _tell(db: Connection, job_id: str) -> Job:
    """Stamp a change of state and record its event."""
    db.execute("UPDATE jobs SET updated_at = ? WHERE job_id = ?", (stamp(), job_id))
    job = get(db, job_id)
    events.record(db, JobChanged(job=job))
    return job


def _to_job(row: tuple[object, ...]) -> Job:
    *columns, code, message, fix = row
    found = {name: value for name, value in zip(_FIELDS, columns, strict=True) if value is not None}
    found["priority"] = PRIORITIES[int(str(found["priority"]))]
    if code is not None:
        found["error"] = {"code": code, "message": message, "fix": fix or ""}
    return msgspec.convert(found, Job)
