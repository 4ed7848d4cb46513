"""Segments: the utterances of a transcript, committed window by window."""

from collections.abc import Iterable

from edged.errors import NotFound
from edged.messages.events import SegmentAdded
from edged.messages.records import LanguageSource, Segment
from edged.store import events, script, transcripts
from edged.store.engine import Connection
from edged.store.rows import SEGMENT_COLUMNS, pack_words, to_segment


def add(  # noqa: PLR0913 the facts of one commit, all by keyword
    db: Connection,
    transcript_id: int,
    segments: Iterable[Segment],
    *,
    done_ms: int,
    compute_ms: int,
    language: str | None = None,
    language_source: LanguageSource | None = None,
) -> tuple[Segment, ...]:
    """Add one window's segments and note how far the work is; return those that were new.

    Adding one again changes nothing: `seq` is its name within the transcript.

    Args:
        db: the writing connection.
        transcript_id: of which transcript.
        segments: numbered without gaps from the transcript's `next_seq`.
        done_ms: all audio before it is transcribed; it never goes back.
        compute_ms: time spent in the models so far, summed over all runs.
        language: as known by now; None keeps what is there.
        language_source: how it came about; None keeps what is there.

    Raises:
        NotFound: the transcript is gone, with its recording or replaced by another one.
    """
    row = db.execute(
        "SELECT t.recording, r.recording_id, t.current OR n.kind <> 'live' FROM transcripts t "
        "JOIN recordings r ON r.id = t.recording JOIN sessions n ON n.id = r.session WHERE t.id = ?",
        (transcript_id,),
    ).fetchone()
    if row is None:
        raise NotFound("no such transcript", transcript_id=transcript_id)
    added = tuple(segment for segment in segments if _add_one(db, transcript_id, row, segment))
    db.execute(
        "UPDATE transcripts SET done_ms = max(done_ms, ?), compute_ms = max(compute_ms, ?), "
        "segment_count = segment_count + ?, language = coalesce(?, language), "
        "language_source = coalesce(?, language_source) WHERE id = ?",
        (done_ms, compute_ms, len(added), language, language_source, transcript_id),
    )
    return added


def _add_one(
    db: Connection, transcript_id: int, recording: tuple[int, str, bool], segment: Segment
) -> bool:
    if not insert(db, transcript_id, segment):
        return False
    row, recording_id, shown = recording
    if shown:  # what is in the making beside live captions is told at once, by transcript.replaced
        event = SegmentAdded(recording_id=recording_id, segment=segment)
        events.record_segment(db, event, recording=row, segment=db.last_insert_rowid())
    return True


def insert(db: Connection, transcript_id: int, segment: Segment) -> bool:
    """Add one segment's row without a word to anyone; False when its `seq` is taken."""
    db.execute(
        "INSERT INTO segments(transcript, seq, start_ms, end_ms, text, confidence, words, scripted, "
        "raw, overlap, emotion, emotion_confidence, speaker) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
        "(SELECT id FROM speakers WHERE speaker_id = ?)) ON CONFLICT(transcript, seq) DO NOTHING",
        (
            transcript_id,
            segment.seq,
            segment.start_ms,
            segment.end_ms,
            segment.text,
            segment.confidence,
            pack_words(segment.words),
            script.needs_trigrams(segment.text + (segment.raw or "")) or None,
            segment.raw,
            segment.overlap,
            segment.emotion or None,
            segment.emotion_confidence or None,
            segment.speaker_id,
        ),
    )
    return bool(db.changes())


def list_segments(
    db: Connection, recording_id: str, *, after_seq: int = -1, limit: int = 500
) -> tuple[Segment, ...]:
    """Segments of the current transcript, in order, after a number.

    Raises:
        NotFound: no such recording.
    """
    transcript = transcripts.current(db, recording_id)
    if transcript is None:
        return ()
    return of_transcript(db, transcript.transcript_id, after_seq=after_seq, limit=limit)


def of_transcript(
    db: Connection, transcript_id: int, *, after_seq: int = -1, limit: int = 500
) -> tuple[Segment, ...]:
    """Segments of one transcript, current or not, in order, after a number."""
    rows = db.execute(
        f"SELECT {SEGMENT_COLUMNS} FROM segments s "  # noqa: S608 constants
        "WHERE s.transcript = ? AND s.seq > ? ORDER BY s.seq LIMIT ?",
        (transcript_id, after_seq, limit),
    )
    return tuple(to_segment(row) for row in rows)
