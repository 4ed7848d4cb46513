"""What a killed daemon leaves of captions."""

from pathlib import Path

import pytest
from store_samples import segment

from edged.messages.sessions import SessionsStart
from edged.store import Connection, engine, recordings, schema, segments, sessions, transcripts


@pytest.fixture
def db(tmp_path: Path) -> Connection:
    """A migrated connection; each call is its own transaction."""
    path = tmp_path / "edged.db"
    path.touch()
    opened = engine.connect(path, bytes(32), "aegis")
    schema.migrate(opened)
    return opened


def _captioned(db: Connection, recording_id: str, fingerprint: str) -> None:
    begun = transcripts.begin(db, recording_id, fingerprint, model="m")
    segments.add(db, begun.transcript_id, [segment(0, "hello")], done_ms=1_000, compute_ms=5)


def test_a_stream_is_complete_with_what_was_said(db: Connection) -> None:
    made = recordings.ensure(db, name="captions", sha256="", size_bytes=0, kind="fed")
    _captioned(db, made.recording_id, "live 1")

    transcripts.interrupt(db)

    found = recordings.get(db, made.recording_id)
    assert (found.status, found.segment_count, found.audio_ms) == ("completed", 1, 1_000)
    assert sessions.get(db, made.session_id).status == "completed"


def test_a_sessions_captions_stay_until_they_are_replaced(db: Connection) -> None:
    session = sessions.create(db, kind="live", options=SessionsStart())
    made = recordings.add_source(db, session.id, source="client")
    _captioned(db, made.recording_id, "live 1")

    transcripts.interrupt(db)

    assert recordings.get(db, made.recording_id).status == "processing"
    assert sessions.get(db, session.id).status == "recording"
    final = transcripts.begin(db, made.recording_id, "plan", model="m")
    assert not final.current
    assert segments.list_segments(db, made.recording_id)


def test_a_file_that_was_half_done_has_failed(db: Connection) -> None:
    made = recordings.ensure(db, name="talk.wav", sha256="ab" * 32, size_bytes=5)
    _captioned(db, made.recording_id, "plan")

    assert transcripts.interrupt(db) == 1

    assert recordings.get(db, made.recording_id).status == "failed"
