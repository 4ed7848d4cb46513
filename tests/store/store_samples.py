"""What the store's tests fill it with."""

from collections.abc import Sequence

from edged.messages.records import Segment, Word
from edged.store import Connection, recordings, segments, transcripts

KEY = bytes(range(32))


def fill(db: Connection, texts: Sequence[str], *, sha256: str = "ab" * 32) -> str:
    """Add a transcribed recording with these texts; return its id."""
    recording = recordings.ensure(db, name="talk.wav", sha256=sha256, size_bytes=5)
    begun = transcripts.begin(db, recording.recording_id, "plan", model="m")
    segments.add(
        db,
        begun.transcript_id,
        [segment(number, text) for number, text in enumerate(texts)],
        done_ms=len(texts) * 1000,
        compute_ms=5,
    )
    transcripts.finish(db, begun.transcript_id, audio_ms=len(texts) * 1000, compute_ms=9)
    return recording.recording_id


def segment(seq: int, text: str) -> Segment:
    """A segment of one second with one word."""
    word = Word(text=text[:5], start_ms=seq * 1000, end_ms=seq * 1000 + 500, confidence=0.5)
    return Segment(
        seq=seq,
        start_ms=seq * 1000,
        end_ms=seq * 1000 + 1000,
        text=text,
        confidence=0.5,
        words=(word,),
    )
