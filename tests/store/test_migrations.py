"""A store of an older edged is brought to this version, and keeps what is in it."""

import asyncio
from pathlib import Path

import pytest
from store_samples import KEY

from edged.errors import StoreTooNew
from edged.messages.sessions import SessionsStart
from edged.store import Connection, Store, engine, recordings, schema, search, segments, sessions

TEXTS = ("the heron waits by the water", "今日は天気がいい")

ROWS = """
INSERT INTO sessions(id, session_id, kind, status, started_at, ended_at) VALUES
  (1, 'done', 'file', 'completed', '2026-01-01T00:00:00.000Z', '2026-01-01T00:01:00.000Z'),
  (2, 'broken', 'file', 'failed', '2026-01-02T00:00:00.000Z', NULL),
  (3, 'waiting', 'file', 'running', '2026-01-03T00:00:00.000Z', NULL);
UPDATE sessions SET error_code = 'bad_media', error_message = 'no audio', error_fix = 'other file'
  WHERE id = 2;
INSERT INTO recordings(id, recording_id, session, name, sha256, content, audio_ms, created_at) VALUES
  (1, 'r1', 1, 'talk.wav', 'aa', 'aa', 9000, '2026-01-01T00:00:00.000Z'),
  (2, 'r2', 2, 'noise.wav', 'bb', 'bb', 0, '2026-01-02T00:00:00.000Z'),
  (3, 'r3', 3, 'new.wav', 'cc', 'cc', 0, '2026-01-03T00:00:00.000Z');
INSERT INTO transcripts(id, recording, fingerprint, model, status, segment_count, current, created_at)
VALUES
  (1, 1, 'plan', 'm', 'completed', 2, 1, '2026-01-01T00:00:00.000Z'),
  (2, 2, 'plan', 'm', 'failed', 0, 1, '2026-01-02T00:00:00.000Z');
INSERT INTO events(at, recording, segment) VALUES('2026-01-01T00:00:00.000Z', 1, 1);
"""


def make_first(path: Path) -> None:
    """A store as version 1 wrote it, with three sessions and a transcript."""
    path.touch(mode=0o600)
    cipher = engine.choose_cipher()
    engine.write_seal(path, cipher, KEY)
    db = engine.connect(path, KEY, cipher)
    db.execute("BEGIN IMMEDIATE")
    db.execute(schema.MIGRATIONS[0])
    db.execute(ROWS)
    for seq, text in enumerate(TEXTS):
        db.execute(
            "INSERT INTO segments(transcript, seq, start_ms, end_ms, text, confidence, scripted) "
            "VALUES(1, ?, ?, ?, ?, 0.9, ?)",
            (seq, seq * 1000, seq * 1000 + 900, text, seq or None),
        )
    db.execute("PRAGMA user_version = 1")
    db.execute("COMMIT")
    db.close()


def test_a_first_store_keeps_its_rows_and_its_search(tmp_path: Path) -> None:
    make_first(tmp_path / "edged.db")

    store = Store.open(tmp_path / "edged.db", KEY)
    try:
        found = asyncio.run(store.read(_look))
        faults = asyncio.run(store.check())
    finally:
        store.close()

    assert found["version"] == schema.NEWEST
    assert found["sessions"] == [
        ("waiting", "processing", "new.wav", 0),
        ("broken", "failed", "noise.wav", 0),
        ("done", "completed", "talk.wav", 9000),
    ]
    assert found["error"] == "bad_media"
    assert found["texts"] == TEXTS
    assert found["hits"] == {"heron": [0], "天気": [1], "absent": []}
    assert faults == ()


def _look(db: Connection) -> dict[str, object]:
    listed = sessions.list_sessions(db)
    return {
        "version": db.pragma("user_version"),
        "sessions": [(one.id, one.status, one.name, one.duration_ms) for one in listed],
        "error": listed[1].error and listed[1].error.code,
        "texts": tuple(one.text for one in segments.list_segments(db, "r1")),
        "hits": {
            word: [hit.seq for hit in search.search(db, word)]
            for word in ("heron", "天気", "absent")
        },
    }


def test_a_migrated_store_is_written_searched_and_deleted_as_a_new_one(tmp_path: Path) -> None:
    make_first(tmp_path / "edged.db")
    store = Store.open(tmp_path / "edged.db", KEY)

    async def scenario() -> tuple[object, object]:
        made = await store.write(
            lambda db: sessions.create(db, kind="live", options=SessionsStart())
        )
        await store.write(lambda db: recordings.add_source(db, made.id, source="loopback"))
        status = await store.read(lambda db: sessions.status(db, made.id))
        await store.delete_recording("r1")
        return status, await store.read(lambda db: search.search(db, "heron"))

    status, hits = asyncio.run(scenario())
    faults = asyncio.run(store.check())
    store.close()

    assert (status, hits, faults) == ("recording", (), ())


def test_the_same_tables_come_of_a_new_store_and_of_a_migrated_one(tmp_path: Path) -> None:
    make_first(tmp_path / "old.db")

    shapes = [_shape(tmp_path / name) for name in ("old.db", "new.db")]

    assert shapes[0] == shapes[1]


def _shape(path: Path) -> list[tuple[str, ...]]:
    store = Store.open(path, KEY)
    query = "SELECT type, name, sql FROM sqlite_schema ORDER BY type, name"
    try:
        return asyncio.run(store.read(lambda db: list(db.execute(query))))
    finally:
        store.close()


def test_a_store_of_a_newer_edged_is_left_alone(tmp_path: Path) -> None:
    make_first(tmp_path / "edged.db")
    cipher = engine.choose_cipher()
    db = engine.connect(tmp_path / "edged.db", KEY, cipher)
    db.execute(f"PRAGMA user_version = {schema.NEWEST + 1}")
    db.close()

    with pytest.raises(StoreTooNew):
        Store.open(tmp_path / "edged.db", KEY)
