"""The gap ledger and the chunks that fill it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from store_samples import KEY

from edged.errors import Conflict, NotFound
from edged.messages.events import SessionGap
from edged.messages.sessions import SessionsStart
from edged.store import Connection, chunks, engine, ledger, recordings, schema, sessions


def connect(path: Path) -> Connection:
    path.touch()
    cipher = engine.choose_cipher()
    engine.write_seal(path, cipher, KEY)
    connection = engine.connect(path, KEY, cipher)
    connection.recorded = []
    schema.migrate(connection)
    return connection


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Connection]:
    connection = connect(tmp_path / "edged.db")
    connection.execute("BEGIN")  # as on the writer thread; without it each statement is a commit
    yield connection
    connection.execute("ROLLBACK")
    connection.close()


@pytest.fixture(scope="module")
def shared_db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    connection = connect(tmp_path_factory.mktemp("ledger") / "edged.db")
    connection.execute("BEGIN")  # as on the writer thread; without it each statement is a commit
    yield connection
    connection.execute("ROLLBACK")
    connection.close()


@pytest.fixture
def recording(db: Connection) -> str:
    return add_recording(db)


def add_recording(db: Connection) -> str:
    made = sessions.create(db, kind="live", options=SessionsStart())
    return recordings.add_source(db, made.id, source="microphone").recording_id


def told(db: Connection, recording_id: str) -> list[tuple[int, int, str, str]]:
    return [
        (one.start_ms, one.end_ms, one.state, one.reason)
        for one in ledger.entries(db, recording_id)
    ]


def add(db: Connection, recording_id: str, number: int, start_ms: int, **facts: object) -> bool:
    return chunks.add(
        db,
        recording_id,
        number=number,
        start_ms=start_ms,
        duration_ms=30_000,
        codec="opus",
        data=facts.get("data", b"chunk"),  # type: ignore[arg-type]  # a test's own words
        silent=bool(facts.get("silent")),
    )


def test_a_chunk_is_metadata_bytes_and_ledger_in_one(db: Connection, recording: str) -> None:
    large = bytes(range(256)) * 2_000

    new = add(db, recording, 0, 0, data=large)
    add(db, recording, 1, 30_000, silent=True)

    assert new
    assert chunks.data(db, recording, number=0) == large
    assert chunks.next_number(db, recording) == 2
    assert told(db, recording) == [(0, 30_000, "captured", ""), (30_000, 60_000, "silence", "")]
    found = recordings.get(db, recording)
    assert (found.audio_ms, found.audio_kept, found.size_bytes) == (60_000, True, len(large) + 5)
    assert sessions.get(db, found.session_id).duration_ms == 60_000


def test_the_same_chunk_again_changes_nothing_and_other_bytes_are_refused(
    db: Connection, recording: str
) -> None:
    add(db, recording, 7, 0)

    again = add(db, recording, 7, 0)

    assert not again
    with pytest.raises(Conflict, match="chunk 7 is there with other bytes"):
        add(db, recording, 7, 0, data=b"other")
    assert chunks.missing(db, recording, below=8) == (0, 1, 2, 3, 4, 5, 6)
    assert recordings.get(db, recording).size_bytes == 5


def test_a_gap_told_late_is_cut_out_of_what_counted_as_captured(
    db: Connection, recording: str
) -> None:
    add(db, recording, 0, 0)

    ledger.miss(db, recording, 10_000, 12_000, reason="overrun")
    ledger.miss(db, recording, 12_000, 13_000, reason="overrun")

    assert told(db, recording) == [
        (0, 10_000, "captured", ""),
        (10_000, 13_000, "gap", "overrun"),
        (13_000, 30_000, "captured", ""),
    ]
    gaps = [event.body for event in db.recorded if isinstance(event.body, SessionGap)]
    assert [(gap.entry.start_ms, gap.entry.end_ms) for gap in gaps] == [
        (10_000, 12_000),
        (10_000, 13_000),
    ]


def test_sound_fills_only_what_nothing_is_known_of(db: Connection, recording: str) -> None:
    ledger.miss(db, recording, 5_000, 6_000, reason="suspended")

    add(db, recording, 0, 0)

    assert told(db, recording) == [
        (0, 5_000, "captured", ""),
        (5_000, 6_000, "gap", "suspended"),
        (6_000, 30_000, "captured", ""),
    ]


def test_what_is_unknown_becomes_a_gap_but_not_a_few_milliseconds_of_rounding(
    db: Connection, recording: str
) -> None:
    add(db, recording, 0, 400)
    ledger.fill(db, recording, 30_410, reason="overrun")
    add(db, recording, 1, 30_410)

    filled = ledger.fill(db, recording, 61_000, reason="stopped_late")

    assert filled == 590
    assert told(db, recording) == [
        (0, 400, "gap", "opening"),
        (400, 60_410, "captured", ""),
        (60_410, 61_000, "gap", "stopped_late"),
    ]


def test_audio_is_deleted_in_steps_and_the_rest_stays(db: Connection, recording: str) -> None:
    session_id = recordings.get(db, recording).session_id
    add(db, recording, 0, 0, data=bytes(600_000))

    steps = 0
    while not chunks.delete_audio(db, session_id, at_most=1):
        steps += 1

    assert steps == 3
    assert chunks.data(db, recording, number=0) == b""
    assert len(chunks.list_chunks(db, recording)) == 1
    assert not recordings.get(db, recording).audio_kept


def test_unknown_recordings_are_refused(db: Connection) -> None:
    with pytest.raises(NotFound):
        ledger.hear(db, "none", 0, 1, state="captured")
    with pytest.raises(NotFound):
        chunks.list_chunks(db, "none")


_STEP = some.tuples(
    some.sampled_from(("hear", "miss", "fill")), some.integers(0, 60), some.integers(1, 25)
)


@settings(max_examples=40, deadline=None)
@given(steps=some.lists(_STEP, max_size=12))
def test_entries_never_overlap_and_gaps_win(
    shared_db: Connection, steps: list[tuple[str, int, int]]
) -> None:
    """Against a plain model: one letter per 100 ms."""
    recording_id = add_recording(shared_db)
    model = [""] * 100
    for kind, start, length in steps:
        at, end = start * 100, (start + length) * 100
        if kind == "hear":
            ledger.hear(shared_db, recording_id, at, end, state="captured")
            model[start : start + length] = [
                one or "captured" for one in model[start : start + length]
            ]
        elif kind == "miss":
            ledger.miss(shared_db, recording_id, at, end, reason="overrun")
            model[start : start + length] = ["gap"] * length
        else:
            ledger.fill(shared_db, recording_id, end, reason="overrun")
            model[: start + length] = [one or "gap" for one in model[: start + length]]

    entries = ledger.entries(shared_db, recording_id)

    drawn = [""] * 100
    for entry in entries:
        for place in range(entry.start_ms // 100, entry.end_ms // 100):
            assert not drawn[place]
            drawn[place] = entry.state
    assert drawn == model
