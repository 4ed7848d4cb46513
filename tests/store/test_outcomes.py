"""A session goes where its job goes, in the same transaction."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from store_samples import KEY, fill

from edged.messages.records import Problem
from edged.messages.sessions import SessionsStart
from edged.store import (
    Connection,
    engine,
    jobs,
    outcomes,
    recordings,
    schema,
    sessions,
    transcripts,
)

PROBLEM = Problem(code="worker_gone", message="it died")
LEASE_MS = 1_000


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Connection]:
    path = tmp_path / "edged.db"
    path.touch()
    connection = engine.connect(path, KEY, "aegis")
    schema.migrate(connection)
    yield connection
    connection.close()


def _session(db: Connection) -> tuple[str, str]:
    """A stopped session and its job, claimed."""
    session = sessions.create(db, kind="live", options=SessionsStart())
    sessions.move(db, session.id, to="processing")
    job, _ = jobs.submit(
        db, key="k", kind="session", payload=b"x", priority="session", max_attempts=2
    )
    outcomes.attach(db, session.id, job.job_id)
    _claim(db)
    return session.id, job.job_id


def _claim(db: Connection, *, later_s: float = 0.0) -> None:
    now = datetime.now(UTC) + timedelta(seconds=later_s)
    outcomes.claim(db, worker="w", lease_ms=LEASE_MS, now=now)


def test_a_session_fails_with_the_last_try_only(db: Connection) -> None:
    session, job = _session(db)

    outcomes.fail(db, job, PROBLEM, retry=True)
    between = sessions.status(db, session)
    _claim(db)
    outcomes.fail(db, job, PROBLEM, retry=True)

    assert between == "processing"
    failed = sessions.get(db, session)
    assert (failed.status, failed.error) == ("failed", PROBLEM)


def test_a_cancelled_job_fails_its_session_and_a_retry_goes_on(db: Connection) -> None:
    session, job = _session(db)

    outcomes.cancel(db, job)
    cancelled = sessions.get(db, session)
    outcomes.retry(db, job)

    assert cancelled.error is not None
    assert cancelled.error.code == "cancelled"
    again = sessions.get(db, session)
    assert (again.status, again.error) == ("processing", None)


def test_a_lease_that_ran_out_for_good_fails_the_session(db: Connection) -> None:
    session, _ = _session(db)
    _claim(db, later_s=10)

    _claim(db, later_s=20)

    assert sessions.status(db, session) == "failed"


def test_a_daemon_that_stopped_leaves_the_session_to_the_next(db: Connection) -> None:
    session, job = _session(db)

    outcomes.release(db)
    transcripts.interrupt(db)

    assert sessions.status(db, session) == "processing"
    assert jobs.get(db, job).state == "queued"


def test_progress_reaches_the_session(db: Connection) -> None:
    session, job = _session(db)

    outcomes.progress(db, job, stage="diarize", progress=0.25)

    found = sessions.get(db, session)
    assert (found.stage, found.progress) == ("diarize", 0.25)


def test_a_request_that_died_with_the_daemon_leaves_no_file_processing(db: Connection) -> None:
    recording = recordings.get(db, fill(db, ["hello"]))
    sessions.move(db, recording.session_id, to="processing")

    transcripts.interrupt(db)

    assert sessions.status(db, recording.session_id) == "failed"
