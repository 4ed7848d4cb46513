"""Sessions follow their jobs: whoever changes a job that works on a session moves both at once."""

from datetime import datetime

from edged.messages.records import Job, Problem
from edged.messages.wire import Priority
from edged.store import jobs, sessions, uploads
from edged.store.engine import Connection
from edged.store.rows import to_problem

_CANCELLED = Problem(
    code="cancelled",
    message="the work was cancelled",
    fix="`edged sessions retry ID` goes on with it",
)


def attach(db: Connection, session_id: str, job_id: str) -> None:
    """Note that a job works on a session.

    Raises:
        NotFound: no such session.
    """
    row = sessions.row_id(db, session_id)
    db.execute("UPDATE jobs SET session = ? WHERE job_id = ?", (row, job_id))
    sessions.attach_job(db, session_id, job_id)


def claim(
    db: Connection,
    *,
    worker: str,
    lease_ms: int,
    now: datetime,
    least: Priority = "batch",
) -> tuple[Job, bytes] | None:
    """As jobs.claim; a session whose job's lease ran out for good failed."""
    claimed = jobs.claim(db, worker=worker, lease_ms=lease_ms, now=now, least=least)
    _follow(db)
    return claimed


def finish(db: Connection, job_id: str, *, recording_id: str | None = None) -> Job:
    """As jobs.finish; the upload that a done job read is dropped.

    Raises:
        NotFound: no such job.
    """
    job = jobs.finish(db, job_id, recording_id=recording_id)
    if job.state == "done":
        uploads.spend(db, job_id)
    return job


def fail(db: Connection, job_id: str, problem: Problem, *, retry: bool, delay_ms: int = 0) -> Job:
    """As jobs.fail; with the last try the session failed too.

    Raises:
        NotFound: no such job.
    """
    job = jobs.fail(db, job_id, problem, retry=retry, delay_ms=delay_ms)
    _follow(db)
    return job


def cancel(db: Connection, job_id: str) -> Job:
    """As jobs.cancel; the session failed, and can be tried again.

    Raises:
        NotFound: no such job. Conflict: it has ended.
    """
    job = jobs.cancel(db, job_id)
    _follow(db)
    return job


def release(db: Connection) -> int:
    """As jobs.release; a session whose job was interrupted too often failed."""
    released = jobs.release(db)
    _follow(db)
    return released


def retry(db: Connection, job_id: str) -> Job:
    """As jobs.retry; its session is processing again.

    Raises:
        NotFound: no such job. Conflict: it did not fail.
    """
    job = jobs.retry(db, job_id)
    session_id = _session_of(db, job_id)
    if session_id is not None and sessions.status(db, session_id) == "failed":
        sessions.move(db, session_id, to="processing")
    return job


def progress(db: Connection, job_id: str, *, stage: str, progress: float) -> None:
    """As jobs.progress, for the session too.

    Raises:
        NotFound: no such job.
    """
    jobs.progress(db, job_id, stage=stage, progress=progress)
    session_id = _session_of(db, job_id)
    if session_id is not None:
        sessions.progress(db, session_id, stage=stage, progress=progress)


def _session_of(db: Connection, job_id: str) -> str | None:
    found = db.execute(
        "SELECT n.session_id FROM sessions n JOIN jobs j ON j.session = n.id WHERE j.job_id = ?",
        (job_id,),
    ).get
    return None if found is None else str(found)


def _follow(db: Connection) -> None:
    """Sessions that are processing by a job that ended without success failed."""
    ended = db.execute(
        "SELECT n.session_id, j.error_code, j.error_message, j.error_fix FROM sessions n "
        "JOIN jobs j ON j.job_id = n.job AND j.session = n.id "
        "WHERE n.status = 'processing' AND j.state IN ('failed', 'cancelled')"
    )
    for session_id, code, message, fix in list(ended):
        error = to_problem(code, message, fix) or _CANCELLED
        sessions.move(db, session_id, to="failed", error=error)
