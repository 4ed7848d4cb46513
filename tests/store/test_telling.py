from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from store_samples import segment

from edged.errors import NotFound
from edged.messages.sessions import SessionsStart
from edged.speech.exporting import FORMATS
from edged.store import Connection, engine, recordings, schema, segments, sessions, transcripts
from edged.store.telling import told


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Connection]:
    """A migrated connection."""
    path = tmp_path / "edged.db"
    path.touch()
    opened = engine.connect(path, bytes(32), "aegis")
    schema.migrate(opened)
    opened.pragma("synchronous", "OFF")
    yield opened
    opened.close()


def test_a_session_is_told_over_all_its_recordings_in_order_of_time(db: Connection) -> None:
    session = sessions.create(
        db, kind="live", name="standup", group_name="team", options=SessionsStart()
    ).id
    row = sessions.row_id(db, session)
    db.execute(
        "INSERT INTO speakers(speaker_id, session, label, claim_type, guest_name) VALUES "
        "('s0', ?1, 'SPEAKER_00', NULL, NULL), ('s1', ?1, 'SPEAKER_01', 'guest', 'Ann')",
        (row,),
    )
    for source, seqs in (("microphone", (0, 2)), ("loopback", (1, 3))):
        _fill(db, session, source, seqs)

    found = told(db, session)

    assert [line.text for line in found.lines] == [f"text {number}" for number in range(4)]
    assert [line.source for line in found.lines] == ["microphone", "loopback"] * 2
    assert [line.speaker for line in found.lines] == ["SPEAKER_00", "Ann"] * 2
    assert [(turn.start_ms, turn.speaker) for turn in found.turns] == [
        (0, "SPEAKER_00"),
        (1000, "SPEAKER_01"),
    ]
    assert (found.name, found.group, found.language) == ("standup", "team", "en")
    assert found.speakers == {"SPEAKER_00": "SPEAKER_00", "SPEAKER_01": "Ann"}
    assert "Ann: text 1" in FORMATS["srt"][0](found)
    assert " SPEAKER_01 " in FORMATS["rttm"][0](found)


def _fill(db: Connection, session: str, source: str, seqs: tuple[int, ...]) -> None:
    made = recordings.add_source(
        db, session, source="microphone" if source == "microphone" else "loopback"
    )
    begun = transcripts.begin(db, made.recording_id, "p", model="m", language="en")
    db.execute(
        "INSERT INTO turns(recording, start_ms, end_ms, speaker) SELECT r.id, ?, ?, s.id "
        "FROM recordings r, speakers s WHERE r.recording_id = ? AND s.label = ?",
        (seqs[0] * 1000, 9000, made.recording_id, f"SPEAKER_0{seqs[0]}"),
    )
    for number, at in enumerate(seqs):
        one = segment(at, f"text {at}")
        segments.add(
            db,
            begun.transcript_id,
            [replace(one, seq=number, speaker_id=f"s{at % 2}")],
            done_ms=1,
            compute_ms=1,
        )


def test_an_unknown_session_is_not_found(db: Connection) -> None:
    with pytest.raises(NotFound):
        told(db, "nothing")
