"""Sessions in the store: every transition, the filters of the list, and what files do."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from store_samples import KEY, fill

from edged.errors import Conflict, NotFound
from edged.messages.events import SessionChanged, SessionDeleted
from edged.messages.records import Problem
from edged.messages.sessions import SessionsStart, SessionStatus
from edged.store import (
    Connection,
    engine,
    events,
    recordings,
    schema,
    session_states,
    sessions,
    transcripts,
)
from edged.store.session_states import TRANSITIONS

STATES: tuple[SessionStatus, ...] = get_args(SessionStatus)
WRONG = Problem(code="internal", message="broken", fix="report it")


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Connection]:
    path = tmp_path / "edged.db"
    path.touch()
    cipher = engine.choose_cipher()
    engine.write_seal(path, cipher, KEY)
    connection = engine.connect(path, KEY, cipher)
    connection.recorded = []
    schema.migrate(connection)
    connection.execute("BEGIN")  # as on the writer thread; without it each statement is a commit
    yield connection
    connection.execute("ROLLBACK")
    connection.close()


def begin(db: Connection, **options: object) -> str:
    asked = SessionsStart(**options)  # type: ignore[arg-type]  # a test's own words
    made = sessions.create(
        db, kind="live", options=asked, name=asked.name, group_name=asked.group, started_by="a test"
    )
    recordings.add_source(db, made.id, source="microphone")
    return made.id


def put(db: Connection, session_id: str, state: str) -> None:
    db.execute("UPDATE sessions SET status = ? WHERE session_id = ?", (state, session_id))


def test_every_transition_is_in_the_table_and_no_other_is_possible(db: Connection) -> None:
    """Walks the whole table: each pair of states either moves and is told, or is refused."""
    session_id = begin(db)
    allowed = {(step.before, step.after) for step in TRANSITIONS}
    moved = set()
    for before, after in itertools.product(STATES, STATES):
        put(db, session_id, before)
        db.recorded.clear()

        try:
            session = sessions.move(db, session_id, to=after)
        except Conflict as refused:
            assert f"is {before} and cannot become {after}" in refused.message
            assert sessions.status(db, session_id) == before
            assert db.recorded == []
        else:
            moved.add((before, after))
            (told,) = db.recorded
            assert isinstance(told.body, SessionChanged)
            assert told.body.session == session == sessions.get(db, session_id)
            assert session.status == after

    assert moved == allowed


def test_the_table_has_no_line_twice_and_reaches_every_state() -> None:
    steps = [(step.before, step.after) for step in TRANSITIONS]

    assert len(set(steps)) == len(steps)
    assert {after for _, after in steps} == set(STATES)
    assert all(step.cause for step in TRANSITIONS)
    assert set(session_states.RUNNING) == {"recording", "paused"}


def test_the_end_sets_times_once_and_a_retry_clears_the_error(db: Connection) -> None:
    session_id = begin(db)

    failed = sessions.move(db, session_id, to="failed", error=WRONG, retention_ms=1_000)
    again = sessions.move(db, session_id, to="processing")
    done = sessions.settle(db, session_id)

    assert failed.error == WRONG
    assert failed.ended_at is not None
    assert (again.error, again.ended_at, again.stage) == (None, failed.ended_at, "queued")
    assert (done.status, done.progress, done.ended_at) == ("completed", 1.0, failed.ended_at)
    assert db.execute("SELECT expires_at IS NOT NULL FROM sessions").get == 1


def test_work_settles_by_whether_a_speaker_is_unclaimed(db: Connection) -> None:
    session_id = begin(db)
    row = sessions.row_id(db, session_id)
    sessions.move(db, session_id, to="processing")
    db.execute(
        "INSERT INTO speakers(speaker_id, session, label) VALUES('s0', ?, 'SPEAKER_00')", (row,)
    )

    waiting = sessions.settle(db, session_id)
    db.execute("UPDATE speakers SET claim_type = 'guest'")
    claimed = sessions.settle(db, session_id)
    db.execute("UPDATE speakers SET claim_type = NULL")
    unclaimed = sessions.settle(db, session_id)

    assert (waiting.status, waiting.speaker_count, waiting.unclaimed) == (
        "ready_for_claiming",
        1,
        1,
    )
    assert (claimed.status, claimed.unclaimed) == ("completed", 0)
    assert unclaimed.status == "ready_for_claiming"


def test_stages_are_told_when_they_change_and_only_while_working(db: Connection) -> None:
    session_id = begin(db)
    sessions.progress(db, session_id, stage="join", progress=0.1)
    ignored = sessions.get(db, session_id)
    sessions.move(db, session_id, to="processing")
    db.recorded.clear()

    sessions.progress(db, session_id, stage="join", progress=0.05)
    sessions.progress(db, session_id, stage="join", progress=0.1)
    sessions.skip(db, session_id, (WRONG,))
    sessions.progress(db, session_id, stage="diarize", progress=0.2)

    assert ignored.stage == ""
    told = [event.body.session for event in db.recorded if isinstance(event.body, SessionChanged)]
    assert [(one.stage, one.progress) for one in told] == [("join", 0.05), ("diarize", 0.2)]
    assert told[-1].skipped == (WRONG,)


def test_sessions_are_listed_by_status_group_and_period(db: Connection) -> None:
    ids = [begin(db, group=group) for group in ("a", "b", "a")]
    sessions.move(db, ids[1], to="processing")
    for number, session_id in enumerate(ids):
        at = f"2026-01-0{number + 1}T00:00:00.000Z"
        db.execute("UPDATE sessions SET started_at = ? WHERE session_id = ?", (at, session_id))

    def found(**filters: object) -> list[str]:
        return [one.id for one in sessions.list_sessions(db, **filters)]  # type: ignore[arg-type]

    assert found() == ids[::-1]
    assert found(status="processing") == [ids[1]]
    assert found(group="a") == [ids[2], ids[0]]
    assert found(since="2026-01-02", until="2026-01-03") == [ids[1]]
    assert found(limit=1, before=ids[2]) == [ids[1]]


def test_a_file_s_session_follows_its_transcript(db: Connection) -> None:
    recording_id = fill(db, ["one"])
    done = sessions.get(db, recordings.get(db, recording_id).session_id)
    other = recordings.ensure(db, name="b.wav", sha256="cd" * 32, size_bytes=1)
    begun = transcripts.begin(db, other.recording_id, "plan", model="m")

    transcripts.fail(db, begun.transcript_id, WRONG)
    failed = sessions.get(db, other.session_id)
    transcripts.begin(db, other.recording_id, "plan", model="m")
    again = sessions.get(db, other.session_id)

    assert (done.status, done.name, done.duration_ms) == ("completed", "talk.wav", 1_000)
    assert done.sources[0].kind == "file"
    assert (failed.status, failed.error) == ("failed", WRONG)
    assert (again.status, again.error) == ("processing", None)


def test_a_deleted_recording_takes_its_session_and_its_events_along(db: Connection) -> None:
    recording_id = fill(db, ["one"])
    session_id = recordings.get(db, recording_id).session_id

    recordings.delete(db, recording_id)

    with pytest.raises(NotFound):
        sessions.get(db, session_id)
    bodies = [event.body for event in events.after(db, 0)]
    assert [type(body) for body in bodies][-1] is SessionDeleted
    assert db.execute("SELECT count(*) FROM events WHERE session IS NOT NULL").get == 0
