"""Sessions in which people talk, for the tests of speakers, people and statistics."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from edged.messages.people import SpeakersClaim
from edged.messages.records import Segment, Word
from edged.speech.turns import label
from edged.store import (
    Connection,
    claims,
    engine,
    figures,
    recordings,
    schema,
    segments,
    sessions,
    speakers,
    transcripts,
)

KEY = bytes(range(32))

Said = tuple[int | None, str] | tuple[int | None, str, int, int]
"""Who (a number, or None for nobody) says what, in 1-s steps, or from and to (ms)."""


@dataclass(frozen=True)
class Talk:
    """A session with one recording; speakers: ids by number."""

    session_id: str
    recording_id: str
    speakers: tuple[str, ...]


@contextmanager
def fresh_store(folder: Path) -> Iterator[Connection]:
    """A migrated connection to a store of its own, that writes without waiting for the disk."""
    path = folder / "edged.db"
    path.write_bytes(_migrated())
    db = engine.connect(path, KEY, "aegis")
    db.pragma("synchronous", "OFF")
    try:
        yield db
    finally:
        db.close()


@cache
def _migrated() -> bytes:
    """An empty store: making one for each test takes ten times as long as copying it."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "edged.db"
        path.touch()
        db = engine.connect(path, KEY, "aegis")
        schema.migrate(db)
        db.close()
        return path.read_bytes()


def talk(  # noqa: PLR0913 the facts of a made-up session
    db: Connection,
    said: Sequence[Said],
    *,
    group: str = "",
    at: str | None = None,
    confidence: float = 0.9,
    language: str = "en",
    labels: Sequence[str] | None = None,
    owner: str = "",
) -> Talk:
    """A session that is done: every word has the same confidence; turns are the segments."""
    count = 1 + max((who for who, *_ in said if who is not None), default=-1)
    name = str(db.execute("SELECT count(*) FROM recordings").get)
    recording = recordings.ensure(
        db, name="talk.wav", sha256=name.zfill(64), size_bytes=1, group_name=group, owner=owner
    )
    begun = transcripts.begin(db, recording.recording_id, "plan", model="m", language=language)
    row = sessions.row_id(db, recording.session_id)
    ids = speakers.create(db, row, labels or [label(number) for number in range(count)])
    spoken = [_segment(seq, one, ids, confidence) for seq, one in enumerate(said)]
    segments.add(db, begun.transcript_id, spoken, done_ms=1, compute_ms=1)
    _put_turns(db, recording.recording_id, spoken)
    figures.recount(db, recording.session_id, count=count_lah)
    transcripts.finish(db, begun.transcript_id, audio_ms=len(said) * 1000, compute_ms=1)
    if at is not None:
        db.execute("UPDATE sessions SET started_at = ? WHERE id = ?", (at, row))
    return Talk(recording.session_id, recording.recording_id, ids)


def count_lah(text: str) -> dict[tuple[str, str, str], int]:
    """A lexicon with one target word."""
    times = text.split().count("lah")
    return {("singlish", "particles", "lah"): times} if times else {}


def claim(db: Connection, speaker_id: str, name: str | None = None) -> None:
    """As a user with that name; without one, as self."""
    wish = SpeakersClaim(
        speaker_id=speaker_id, claim_type="self" if name is None else "user", name=name
    )
    claims.claim(db, wish, claimed_by="test", owner="Owner")


def guest(db: Connection, speaker_id: str, name: str | None = None) -> None:
    """As a guest."""
    wish = SpeakersClaim(speaker_id=speaker_id, claim_type="guest", name=name)
    claims.claim(db, wish, claimed_by="test", owner="Owner")


def everything(db: Connection, session_id: str) -> dict[str, list[tuple[object, ...]]]:
    """All rows that hang on a session's speakers, by names instead of rows."""
    row = sessions.row_id(db, session_id)
    queries = {
        "speakers": "SELECT speaker_id, label, claim_type, claimed_at, person, guest_name, "
        "sample_recording, sample_start_ms, sample_end_ms FROM speakers WHERE session = ?",
        "segments": "SELECT s.id, p.speaker_id FROM segments s JOIN speakers p ON p.id = s.speaker "
        "WHERE p.session = ?",
        "turns": "SELECT u.recording, u.start_ms, u.end_ms, p.speaker_id FROM turns u "
        "JOIN speakers p ON p.id = u.speaker WHERE p.session = ?",
        "figures": "SELECT p.speaker_id, f.segments, f.turns, f.words, f.low_words, f.talk_ms, "
        "f.overlap_ms, f.favourite, f.said FROM speaker_figures f JOIN speakers p ON p.id = f.speaker "
        "WHERE p.session = ?",
        "targets": "SELECT p.speaker_id, t.lexicon, t.category, t.word, t.count "
        "FROM speaker_targets t JOIN speakers p ON p.id = t.speaker WHERE p.session = ?",
        "voices": "SELECT v.model, v.vector, p.speaker_id FROM voices v "
        "JOIN speakers p ON p.id = v.speaker WHERE p.session = ?",
        "session": "SELECT status FROM sessions WHERE id = ?",
        "totals": "SELECT * FROM session_figures WHERE session = ?",
    }
    return {
        name: sorted(db.execute(query, (row,)).fetchall(), key=repr)
        for name, query in queries.items()
    }


def _segment(seq: int, said: Said, ids: Sequence[str], confidence: float) -> Segment:
    who, text, *span = said
    start_ms, end_ms = span or (seq * 1000, seq * 1000 + 1000)
    words = tuple(
        Word(text=word, start_ms=start_ms, end_ms=end_ms, confidence=confidence)
        for word in text.split()
    )
    return Segment(
        seq=seq,
        start_ms=start_ms,
        end_ms=end_ms,
        text=text,
        confidence=confidence,
        words=words,
        speaker_id=None if who is None else ids[who],
    )


def _put_turns(db: Connection, recording_id: str, spoken: Sequence[Segment]) -> None:
    db.executemany(
        "INSERT INTO turns(recording, start_ms, end_ms, speaker) SELECT r.id, ?, ?, p.id "
        "FROM recordings r JOIN speakers p ON p.speaker_id = ? WHERE r.recording_id = ?",
        [
            (one.start_ms, one.end_ms, one.speaker_id, recording_id)
            for one in spoken
            if one.speaker_id
        ],
    )
