"""What each speaker of a session said, counted from its segments.

The counts belong to speakers, never to persons: a person's figures are the sum over the speakers
claimed as that person, so that a claim, or taking one back, moves them by itself.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from edged.speech import counting, spans
from edged.speech.spans import Stretch
from edged.store import recordings, sessions
from edged.store.engine import Connection
from edged.store.rows import confidences

Targets = Mapping[tuple[str, str, str], int]
"""How often each target word was said: by (lexicon, category, word)."""

_SEGMENTS = """
SELECT s.speaker, s.start_ms, s.end_ms, s.text, s.confidence, s.words, t.language
FROM recordings r JOIN transcripts t ON t.recording = r.id AND t.current
JOIN segments s ON s.transcript = t.id
WHERE r.session = ? ORDER BY s.start_ms, r.id, s.seq
"""
_CURRENT = (
    "(SELECT s.id FROM recordings r JOIN transcripts t ON t.recording = r.id AND t.current "
    "JOIN segments s ON s.transcript = t.id WHERE r.session = ?)"
)


class _Tally:
    """What one speaker, or nobody known, said."""

    def __init__(self) -> None:
        self.segments = 0
        self.turns = 0
        self.words = 0
        self.low_words = 0
        self.talk_ms = 0
        self.stretches: list[Stretch] = []
        self.telling: Counter[str] = Counter()

    def add(self, start_ms: int, end_ms: int, said: list[str], low: int, language: str) -> None:
        self.segments += 1
        self.words += len(said)
        self.low_words += min(low, len(said))
        self.talk_ms += end_ms - start_ms
        self.stretches.append((start_ms, end_ms))
        self.telling.update(counting.telling(said, language))


def recount(
    db: Connection, session_id: str, *, count: Callable[[str], Targets] | None = None
) -> None:
    """Count anew what the speakers of a session said, in its current transcripts.

    The same segments give the same rows, however often it runs and whatever was there before. It is
    part of every transaction that changes segments or whose they are; 100,000 words take about 0.3 s.

    Args:
        db: the writing connection.
        session_id: of which session; one without segments gets zeros.
        count: how often each target word is in a corrected text (`Active.count`); None keeps what
            was counted of each segment before.

    Raises:
        NotFound: no such session.
    """
    session = sessions.row_id(db, session_id)
    if count is not None:
        _count_targets(db, session, count)
    tallies = _tally(db, session)
    unknown = tallies.pop(None, _Tally())
    together = _together(db, session, tallies)
    _clear(db, session)
    for speaker in sorted(together):
        tally = tallies.get(speaker, _Tally())
        overlap = spans.shared(spans.union(tally.stretches), together[speaker])
        _keep(db, speaker, tally, overlap_ms=spans.length_ms(overlap))
    _sum_targets(db, session)
    speech_ms = unknown.talk_ms + sum(tally.talk_ms for tally in tallies.values())
    db.execute(
        "INSERT INTO session_figures(session, speech_ms, unknown_ms, unknown_words, "
        "unknown_low_words) VALUES(?, ?, ?, ?, ?)",
        (session, speech_ms, unknown.talk_ms, unknown.words, unknown.low_words),
    )


def recount_recording(db: Connection, recording_id: str) -> None:
    """Count anew the session that a recording belongs to: where nobody tells its speakers apart.

    Raises:
        NotFound: no such recording.
    """
    recount(db, recordings.get(db, recording_id).session_id)


def _count_targets(db: Connection, session: int, count: Callable[[str], Targets]) -> None:
    """Replace what is known of each segment."""
    db.execute(f"DELETE FROM segment_targets WHERE segment IN {_CURRENT}", (session,))  # noqa: S608 constants
    texts = db.execute(
        f"SELECT id, text FROM segments WHERE id IN {_CURRENT} ORDER BY id",  # noqa: S608 constants
        (session,),
    ).fetchall()
    db.executemany(
        "INSERT INTO segment_targets(segment, lexicon, category, word, count) VALUES(?, ?, ?, ?, ?)",
        [
            (segment, lexicon, category, word, times)
            for segment, text in texts
            for (lexicon, category, word), times in count(str(text)).items()
            if times
        ],
    )


def _tally(db: Connection, session: int) -> dict[int | None, _Tally]:
    tallies: dict[int | None, _Tally] = {}
    before: object = _Tally  # nobody: the first segment begins a turn
    for speaker, start_ms, end_ms, text, confidence, words, language in db.execute(
        _SEGMENTS, (session,)
    ):
        tally = tallies.setdefault(speaker, _Tally())
        said = counting.words(text)
        tally.add(start_ms, end_ms, said, _low(said, confidence, words), language)
        tally.turns += speaker != before
        before = speaker
    return tallies


def _low(said: list[str], confidence: float, words: bytes | None) -> int:
    """Words recognised with little confidence; where words have none, the segment's own counts."""
    known = confidences(words)
    if not known:
        return len(said) if confidence < counting.LOW_CONFIDENCE else 0
    return sum(value < counting.LOW_CONFIDENCE for value in known)


def _together(
    db: Connection, session: int, tallies: Mapping[int | None, _Tally]
) -> dict[int, list[Stretch]]:
    """For each speaker of the session, when somebody else speaks too: by segments and by turns."""
    speakers = [
        row[0] for row in db.execute("SELECT id FROM speakers WHERE session = ?", (session,))
    ]
    heard: dict[int, list[Stretch]] = {speaker: [] for speaker in speakers}
    for speaker, start, end in db.execute(
        "SELECT u.speaker, u.start_ms, u.end_ms FROM turns u "
        "JOIN speakers p ON p.id = u.speaker WHERE p.session = ?",
        (session,),
    ):
        heard[speaker].append((start, end))
    for speaker in speakers:
        if speaker in tallies:
            heard[speaker].extend(tallies[speaker].stretches)
    return _at_once(heard)


def _at_once(heard: Mapping[int, Iterable[Stretch]]) -> dict[int, list[Stretch]]:
    """Where each one is not the only one: in one sweep, for 300 speakers as for two."""
    edges = sorted(
        edge
        for speaker, stretches in heard.items()
        for start, end in spans.union(stretches)
        for edge in ((start, 1, speaker), (end, -1, speaker))
    )
    found: dict[int, list[Stretch]] = {speaker: [] for speaker in heard}
    present: set[int] = set()
    before = 0
    for at, change, speaker in edges:
        if len(present) > 1 and at > before:
            for one in present:
                found[one].append((before, at))
        (present.add if change > 0 else present.discard)(speaker)
        before = at
    return {speaker: spans.union(stretches) for speaker, stretches in found.items()}


def _clear(db: Connection, session: int) -> None:
    for table in ("speaker_figures", "speaker_targets"):
        db.execute(
            f"DELETE FROM {table} WHERE speaker IN (SELECT id FROM speakers WHERE session = ?)",  # noqa: S608 constants
            (session,),
        )
    db.execute("DELETE FROM session_figures WHERE session = ?", (session,))


def _keep(db: Connection, speaker: int, tally: _Tally, *, overlap_ms: int) -> None:
    db.execute(
        "INSERT INTO speaker_figures(speaker, segments, turns, words, low_words, talk_ms, "
        "overlap_ms, favourite, said) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            speaker,
            tally.segments,
            tally.turns,
            tally.words,
            tally.low_words,
            tally.talk_ms,
            overlap_ms,
            counting.favourite(tally.telling),
            " ".join(sorted(tally.telling.elements())),
        ),
    )


def _sum_targets(db: Connection, session: int) -> None:
    db.execute(
        "INSERT INTO speaker_targets(speaker, lexicon, category, word, count) "  # noqa: S608 constants
        "SELECT s.speaker, g.lexicon, g.category, g.word, sum(g.count) "
        "FROM segments s JOIN segment_targets g ON g.segment = s.id "
        f"WHERE s.speaker IS NOT NULL AND s.id IN {_CURRENT} "
        "GROUP BY s.speaker, g.lexicon, g.category, g.word",
        (session,),
    )
