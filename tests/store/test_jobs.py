from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule
from store_samples import fill, segment

from edged.errors import Conflict, NotFound
from edged.messages.events import JobChanged
from edged.messages.records import Job, Problem
from edged.messages.wire import PRIORITIES, Priority
from edged.store import (
    Connection,
    Store,
    engine,
    events,
    jobs,
    recordings,
    schema,
    search,
    segments,
    transcripts,
)

PROBLEM = Problem(code="busy", message="on purpose", fix="none")
START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def db(tmp_path: Path) -> Connection:
    """A migrated connection; each call is its own transaction."""
    return _open(tmp_path)


def _open(folder: Path) -> Connection:
    path = folder / "edged.db"
    path.touch()
    opened = engine.connect(path, bytes(32), "aegis")
    schema.migrate(opened)
    opened.pragma("synchronous", "OFF")
    return opened


def _submit(db: Connection, key: str, priority: Priority = "batch", *, attempts: int = 3) -> Job:
    job, _ = jobs.submit(
        db, key=key, kind="k", payload=key.encode(), priority=priority, max_attempts=attempts
    )
    return job


def _claim(db: Connection, now: datetime = START) -> tuple[Job, bytes] | None:
    return jobs.claim(db, worker="w", lease_ms=30_000, now=now)


def _must_claim(db: Connection, now: datetime = START) -> Job:
    claimed = _claim(db, now)
    assert claimed is not None
    return claimed[0]


def test_the_same_key_is_the_same_job(db: Connection) -> None:
    first = _submit(db, "a")

    again, existing = jobs.submit(
        db, key="a", kind="k", payload=b"x", priority="interactive", max_attempts=3
    )

    assert existing
    assert again.job_id == first.job_id
    assert again.priority == "interactive"


def test_the_most_urgent_job_is_claimed_first_then_the_oldest(db: Connection) -> None:
    for key, priority in (("a", "batch"), ("b", "session"), ("c", "interactive"), ("d", "session")):
        _submit(db, key, priority)  # type: ignore[arg-type]  # literals in a tuple

    order = [claimed[1] for _ in range(4) if (claimed := _claim(db))]

    assert order == [b"c", b"b", b"d", b"a"]
    assert _claim(db) is None


def test_claim_skips_a_job_whose_lease_is_alive_and_takes_one_whose_lease_ran_out(
    db: Connection,
) -> None:
    _submit(db, "a")
    _must_claim(db)

    assert _claim(db, START + timedelta(seconds=29)) is None
    again = _must_claim(db, START + timedelta(seconds=31))

    assert again.attempts == 2


def test_a_renewed_lease_is_alive(db: Connection) -> None:
    _submit(db, "a")
    job = _must_claim(db)

    jobs.heartbeat(db, job.job_id, lease_ms=30_000, now=START + timedelta(seconds=20))

    assert _claim(db, START + timedelta(seconds=45)) is None


def test_a_lease_that_runs_out_in_the_last_attempt_ends_the_job(db: Connection) -> None:
    _submit(db, "a", attempts=1)
    job = _must_claim(db)

    assert _claim(db, START + timedelta(seconds=31)) is None

    ended = jobs.get(db, job.job_id)
    assert ended.state == "failed"
    assert ended.error is not None


def test_a_retry_waits_for_its_time(db: Connection) -> None:
    job_id = _submit(db, "a").job_id
    _must_claim(db)
    jobs.fail(db, job_id, PROBLEM, retry=True, delay_ms=5000, now=START)

    assert jobs.next_due(db) == START + timedelta(seconds=5)
    assert _claim(db, START + timedelta(seconds=4)) is None
    assert _must_claim(db, START + timedelta(seconds=5)).attempts == 2


def test_a_job_that_may_not_be_retried_fails_at_once(db: Connection) -> None:
    job_id = _submit(db, "a").job_id
    _must_claim(db)

    job = jobs.fail(db, job_id, PROBLEM, retry=False, delay_ms=0)

    assert (job.state, job.error) == ("failed", PROBLEM)
    assert jobs.next_due(db) is None


def test_who_ends_a_job_first_wins(db: Connection) -> None:
    job_id = _submit(db, "a").job_id
    _must_claim(db)
    jobs.cancel(db, job_id)

    assert jobs.finish(db, job_id).state == "cancelled"
    assert jobs.fail(db, job_id, PROBLEM, retry=True).state == "cancelled"
    jobs.progress(db, job_id, stage="s", progress=0.5)
    assert jobs.get(db, job_id).progress == 0
    with pytest.raises(Conflict):
        jobs.cancel(db, job_id)


def test_a_job_that_failed_is_queued_again_by_the_same_work(db: Connection) -> None:
    job_id = _submit(db, "a").job_id
    _must_claim(db)
    jobs.fail(db, job_id, PROBLEM, retry=False)

    job, existing = jobs.submit(
        db, key="a", kind="k", payload=b"new", priority="batch", max_attempts=3
    )

    assert not existing
    assert (job.job_id, job.state, job.attempts, job.error) == (job_id, "queued", 0, None)
    claimed = _claim(db)
    assert claimed is not None
    assert claimed[1] == b"new"


def test_a_stopped_daemon_costs_no_attempt_unless_it_happens_without_end(db: Connection) -> None:
    job_id = _submit(db, "a").job_id
    for turn in range(30):
        job = _must_claim(db)
        assert job.attempts == 1
        jobs.progress(db, job_id, stage="s", progress=turn / 100)
        assert jobs.release(db) == 1

    for _ in range(jobs.MOST_INTERRUPTIONS):
        if _claim(db) is None:
            break
        jobs.release(db)

    assert jobs.get(db, job_id).state == "failed"


def test_purge_removes_what_ended_and_only_that(db: Connection) -> None:
    ended, waiting = _submit(db, "a").job_id, _submit(db, "b").job_id
    jobs.cancel(db, ended)

    assert jobs.purge(db, before=START) == 0
    assert jobs.purge(db, before=datetime.now(UTC) + timedelta(seconds=1)) == 1

    with pytest.raises(NotFound):
        jobs.get(db, ended)
    assert jobs.get(db, waiting).state == "queued"
    left = [event.body for event in events.after(db, 0)]
    assert all(isinstance(body, JobChanged) and body.job.job_id == waiting for body in left)


def test_deleting_a_recording_removes_its_jobs_and_empties_a_running_one(db: Connection) -> None:
    made = recordings.ensure(db, name="secret", sha256="aa", size_bytes=1)
    done, running = _submit(db, "a", "interactive").job_id, _submit(db, "b").job_id
    for job_id in (done, running):
        assert _must_claim(db).job_id == job_id
        jobs.attach(db, job_id, recording_id=made.recording_id)
    jobs.finish(db, done)

    recordings.delete(db, made.recording_id)

    with pytest.raises(NotFound):
        jobs.get(db, done)
    assert jobs.get(db, running).state == "cancelled"
    with pytest.raises(Conflict):
        jobs.retry(db, running)
    assert not _submit(db, "b").error


class Queue(RuleBasedStateMachine):
    """Any order of calls keeps the queue's promises; compared with a plain model."""

    ids = Bundle("ids")

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.db = _open(Path(self.folder.name))
        self.now = START
        self.states: dict[str, str] = {}

    def teardown(self) -> None:  # type: ignore[explicit-override]  # typing.override is 3.12
        self.db.close()
        self.folder.cleanup()

    @rule(target=ids, key=st.sampled_from("abcde"), priority=st.sampled_from(PRIORITIES))
    def submit(self, key: str, priority: Priority) -> str:
        job, existing = jobs.submit(
            self.db, key=key, kind="k", payload=b"x", priority=priority, max_attempts=2
        )
        before = self.states.get(job.job_id)
        assert existing == (before not in (None, "failed", "cancelled"))
        self.states[job.job_id] = job.state
        return job.job_id

    @rule(seconds=st.integers(0, 40))
    def claim(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)
        claimed = _claim(self.db, self.now)
        self._sync()
        if claimed is not None:
            job, payload = claimed
            assert job.state == "running"
            assert payload == b"x"
            assert job.attempts <= job.max_attempts
            self._most_urgent(job)

    def _most_urgent(self, job: Job) -> None:
        waiting = [
            other for other in jobs.list_jobs(self.db, state="queued") if other.not_before is None
        ]
        assert all(
            PRIORITIES.index(job.priority) <= PRIORITIES.index(other.priority) for other in waiting
        )

    @rule(job_id=ids, retry=st.booleans())
    def fail(self, job_id: str, *, retry: bool) -> None:
        before = self.states[job_id]
        job = jobs.fail(self.db, job_id, PROBLEM, retry=retry, delay_ms=10_000, now=self.now)
        if before == "running":
            assert job.state in ("queued", "failed")
        self._only(job_id, job.state, allowed=before == "running")

    @rule(job_id=ids)
    def finish(self, job_id: str) -> None:
        before = self.states[job_id]
        job = jobs.finish(self.db, job_id)
        assert (job.state == "done") == (before in ("running", "done"))
        self._only(job_id, job.state, allowed=before == "running")

    @rule(job_id=ids)
    def cancel(self, job_id: str) -> None:
        before = self.states[job_id]
        if before in ("queued", "running"):
            self.states[job_id] = jobs.cancel(self.db, job_id).state
        else:
            with pytest.raises(Conflict):
                jobs.cancel(self.db, job_id)

    @rule(job_id=ids)
    def retry(self, job_id: str) -> None:
        if self.states[job_id] in ("failed", "cancelled"):
            job = jobs.retry(self.db, job_id)
            assert (job.state, job.attempts) == ("queued", 0)
            self.states[job_id] = job.state
        else:
            with pytest.raises(Conflict):
                jobs.retry(self.db, job_id)

    @rule()
    def restart(self) -> None:
        running = sum(state == "running" for state in self.states.values())
        assert jobs.release(self.db) == running
        self._sync()
        assert "running" not in self.states.values()

    def _only(self, job_id: str, state: str, *, allowed: bool) -> None:
        assert allowed or state == self.states[job_id]
        self.states[job_id] = state

    def _sync(self) -> None:
        self.states = {job.job_id: job.state for job in jobs.list_jobs(self.db, limit=1000)}

    @invariant()
    def events_tell_the_present_state(self) -> None:
        told = {
            event.body.job.job_id: event.body.job.state
            for event in events.after(self.db, 0, limit=100_000)
            if isinstance(event.body, JobChanged)
        }
        assert told == self.states
        counts = jobs.counts(self.db)
        assert sum(counts.values()) == len(self.states)


TestQueue = Queue.TestCase
TestQueue.settings = settings(
    max_examples=25,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


def test_a_transcript_replaces_the_old_one_when_it_completes(db: Connection) -> None:

    recording_id = fill(db, ["the old text"])
    fresh = transcripts.begin(db, recording_id, "plan", model="m", fresh=True)
    segments.add(db, fresh.transcript_id, [segment(0, "the new text")], done_ms=1, compute_ms=1)
    again = transcripts.begin(db, recording_id, "plan", model="m")
    assert (again.transcript_id, again.segment_count) == (fresh.transcript_id, 1)
    assert [hit.text for hit in search.search(db, "text")] == ["the old text"]

    transcripts.finish(db, fresh.transcript_id, audio_ms=5, compute_ms=2)

    assert [hit.text for hit in search.search(db, "text")] == ["the new text"]
    assert db.execute("SELECT count(*) FROM segments").get == 1


def test_a_segment_added_twice_is_there_once(db: Connection) -> None:

    recording_id = fill(db, ["one"])
    begun = transcripts.current(db, recording_id)
    assert begun is not None

    added = segments.add(
        db, begun.transcript_id, [segment(0, "one"), segment(1, "two")], done_ms=1, compute_ms=1
    )

    assert [one.seq for one in added] == [1]
    found = segments.list_segments(db, recording_id)
    assert found == (segment(0, "one"), segment(1, "two"))
    assert recordings.get(db, recording_id).segment_count == 2


def test_opening_twice_runs_no_migration_twice(tmp_path: Path) -> None:
    for _ in range(2):
        Store.open(tmp_path / "edged.db", bytes(32)).close()
