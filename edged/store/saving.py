"""The end of the work after a session: what was heard becomes what is shown, in one transaction.

Raw segments become final ones: divided between speakers, corrected by lexicons, with emotions. They
are taken page by page, so the memory does not grow with the session.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import msgspec
from msgspec import Struct

from edged.messages.events import TranscriptReplaced
from edged.messages.records import LanguageSource, Problem, Segment, Span
from edged.speech import turns as speech_turns
from edged.speech.turns import Spoken, Turn
from edged.store import events, figures, recordings, segments, sessions, speakers, transcripts
from edged.store.engine import Connection

PAGE = 500
"""Raw segments that are in memory at once."""

_AROUND_MS = 1_000
"""Turns so far beside a page's segments can still matter: more than speech.turns.NEAR_MS."""


_ASIDE = 2**40
"""Raw segments are numbered from here on while final ones take their numbers."""


class Feeling(Struct, frozen=True):
    """How a final segment sounds."""

    emotion: str
    confidence: float


class Heard(Struct, frozen=True, kw_only=True):
    """What the stages found in one recording.

    transcript_id: whose segments are the raw ones. turns: in order of their start; speaker numbers
    are this recording's own. feelings: by the final segment's number.
    """

    recording_id: str
    transcript_id: int
    audio_ms: int
    compute_ms: int
    language: str
    language_source: LanguageSource
    turns: Sequence[Turn] = ()
    feelings: Mapping[int, Feeling] = {}


class Lexicons(Protocol):
    """Fulfilled by edged.speech.lexicon.Active."""

    def correct(self, text: str) -> str:
        """The text with what was misheard put right."""
        ...

    def count(self, text: str) -> Mapping[tuple[str, str, str], int]:
        """How often each target word is in a corrected text, by (lexicon, category, word)."""
        ...


Voice = tuple[int, int]
"""A recording's place among those of the session, and a speaker's number in it."""


def spoken(db: Connection, heard: Heard, *, first: int = 0) -> Iterator[Spoken]:
    """The final segments of a recording, uncorrected, numbered from 0.

    The same turns and raw segments give the same ones, whenever they are asked for.

    Args:
        db: any connection.
        heard: whose raw segments and turns.
        first: the number of the first raw segment.
    """
    after, seq = first - 1, 0
    while page := segments.of_transcript(db, heard.transcript_id, after_seq=after, limit=PAGE):
        after = page[-1].seq
        for one in speech_turns.assign(page, _near(heard.turns, page)):
            yield msgspec.structs.replace(
                one, segment=msgspec.structs.replace(one.segment, seq=seq)
            )
            seq += 1


def save(
    db: Connection,
    session_id: str,
    heard: Sequence[Heard],
    *,
    lexicons: Lexicons,
    skipped: tuple[Problem, ...] = (),
) -> dict[Voice, str]:
    """Replace what is shown of a session by what was heard; the speakers' ids by voice.

    Speakers, turns, segments and counts of an earlier time are gone afterwards. The session's
    state stays: sessions.settle moves it when all is done.

    Args:
        db: the writing connection.
        session_id: which.
        heard: of every recording, in the order of the session's sources.
        lexicons: the active ones.
        skipped: stages that could not run, and why.

    Raises:
        NotFound: the session, or a transcript, is gone.
    """
    row = sessions.row_id(db, session_id)
    order = _order(db, heard)
    labels = [speech_turns.label(number) for number in range(len(order))]
    voices = dict(zip(order, speakers.create(db, row, labels), strict=True))
    for place, one in enumerate(heard):
        ids = {number: voice for (track, number), voice in voices.items() if track == place}
        _replace_segments(db, one, ids, lexicons)
        _put_turns(db, one, ids)
        _show(db, one)
        events.record(db, TranscriptReplaced(recording_id=one.recording_id, session_id=session_id))
    figures.recount(db, session_id, count=lexicons.count)
    sessions.skip(db, session_id, skipped)
    speakers.tell(db, session_id)
    return voices


def borrow(db: Connection, transcript_id: int, fingerprint: str) -> None:
    """Take the words of a finished transcript of the same recording over into an empty one.

    What was recognised in the same way before need not be recognised again; without such a
    transcript nothing happens.

    Args:
        db: the writing connection.
        transcript_id: the empty one.
        fingerprint: of the finished one, which knows no speakers and no lexicons.

    Raises:
        NotFound: there is no such transcript.
    """
    new = transcripts.get(db, transcript_id)
    found = db.execute(
        "SELECT id, compute_ms, segment_count, language, language_source FROM transcripts "
        "WHERE recording = ? AND fingerprint = ? AND status = 'completed'",
        (recordings.row_id(db, new.recording_id), fingerprint),
    ).fetchone()
    if found is None or new.segment_count:
        return
    old, *facts = found
    db.execute(
        "INSERT INTO segments(transcript, seq, start_ms, end_ms, text, confidence, words, scripted) "
        "SELECT ?, seq, start_ms, end_ms, text, confidence, words, scripted FROM segments "
        "WHERE transcript = ?",
        (transcript_id, old),
    )
    db.execute(
        "UPDATE transcripts SET done_ms = ?, compute_ms = ?, segment_count = ?, language = ?, "
        "language_source = ? WHERE id = ?",
        (new.audio_ms, *facts, transcript_id),
    )


def keep_samples(db: Connection, samples: Mapping[str, tuple[str, Span]]) -> None:
    """Note where each speaker is heard alone: recording and stretch, by the speaker's id."""
    for speaker_id, (recording_id, span) in samples.items():
        db.execute(
            "UPDATE speakers SET sample_recording = (SELECT id FROM recordings "
            "WHERE recording_id = ?), sample_start_ms = ?, sample_end_ms = ? WHERE speaker_id = ?",
            (recording_id, span.start_ms, span.end_ms, speaker_id),
        )


def _near(turns: Sequence[Turn], page: Sequence[Segment]) -> list[Turn]:
    first, last = page[0].start_ms - _AROUND_MS, page[-1].end_ms + _AROUND_MS
    return [turn for turn in turns if turn.start_ms < last and turn.end_ms > first]


def _order(db: Connection, heard: Sequence[Heard]) -> list[Voice]:
    """Those who say something, by their first words; who is heard without a word is nobody."""
    first: dict[Voice, int] = {}
    for place, one in enumerate(heard):
        for part in spoken(db, one):
            if part.speaker is not None:
                first.setdefault((place, part.speaker), part.segment.start_ms)
    return sorted(first, key=lambda voice: (first[voice], voice))


def _replace_segments(
    db: Connection, heard: Heard, ids: Mapping[int, str], lexicons: Lexicons
) -> None:
    """Put the final segments in the place of the raw ones, which are moved out of the way first."""
    transcript = heard.transcript_id
    db.execute("UPDATE segments SET seq = seq + ? WHERE transcript = ?", (_ASIDE, transcript))
    count = 0
    for part in spoken(db, heard, first=_ASIDE):
        segments.insert(db, transcript, _final(part, ids, lexicons, heard.feelings))
        count += 1
    db.execute(
        "DELETE FROM events WHERE segment IN "
        "(SELECT id FROM segments WHERE transcript = ? AND seq >= ?)",
        (transcript, _ASIDE),
    )
    db.execute("DELETE FROM segments WHERE transcript = ? AND seq >= ?", (transcript, _ASIDE))
    db.execute("UPDATE transcripts SET segment_count = ? WHERE id = ?", (count, transcript))


def _final(
    part: Spoken,
    ids: Mapping[int, str],
    lexicons: Lexicons,
    feelings: Mapping[int, Feeling],
) -> Segment:
    segment = part.segment
    text = lexicons.correct(segment.text)
    feeling = feelings.get(segment.seq)
    return msgspec.structs.replace(
        segment,
        text=text,
        raw=segment.text if text != segment.text else None,
        speaker_id=None if part.speaker is None else ids[part.speaker],
        overlap=part.overlap,
        emotion="" if feeling is None else feeling.emotion,
        emotion_confidence=0.0 if feeling is None else feeling.confidence,
    )


def _put_turns(db: Connection, heard: Heard, ids: Mapping[int, str]) -> None:
    recording = recordings.row_id(db, heard.recording_id)
    db.execute("DELETE FROM turns WHERE recording = ?", (recording,))
    db.executemany(
        "INSERT INTO turns(recording, start_ms, end_ms, speaker) "
        "SELECT ?, ?, ?, id FROM speakers WHERE speaker_id = ? "
        "ON CONFLICT(recording, start_ms, speaker) DO UPDATE SET end_ms = max(end_ms, excluded.end_ms)",
        [
            (recording, turn.start_ms, turn.end_ms, ids[turn.speaker])
            for turn in heard.turns
            if turn.speaker in ids
        ],
    )


def _show(db: Connection, heard: Heard) -> None:
    transcripts.finish(
        db,
        heard.transcript_id,
        audio_ms=heard.audio_ms,
        compute_ms=heard.compute_ms,
        language=heard.language,
        language_source=heard.language_source,
        settles=False,
    )
