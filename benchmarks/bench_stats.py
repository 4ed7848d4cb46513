"""How long do statistics over a thousand sessions take, and how long does it take to change one?"""

import asyncio
import random
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from itertools import accumulate
from pathlib import Path
from statistics import median
from typing import TypeVar

from benchmarks.figures import Figure, seconds
from edged.messages.people import SpeakersClaim, Stats
from edged.speech.stop_words import stop_words
from edged.speech.turns import label
from edged.store import (
    Connection,
    Store,
    claims,
    figures,
    people,
    recordings,
    sessions,
    speaker_edits,
    speakers,
    stats,
    transcripts,
)

TITLE = "Statistics: a thousand conversations of ten minutes"

T = TypeVar("T")

SESSIONS = 1_000
SEGMENTS = 100
WORDS = 15
SPEAKERS = 3
VOCABULARY = 20_000
"""Words by Zipf's law, the first ones stop words of English: about half of what is said."""

FRIENDS = 20
STEP = 20
"""Sessions that are filled in one transaction."""

TARGET_MS = 200.0


class _Talker:
    """Says sentences; the same ones in every run."""

    def __init__(self) -> None:
        self._chance = random.Random(7)  # noqa: S311 no secret
        common = sorted(stop_words("en"))
        self._words = common + [f"word{number}" for number in range(VOCABULARY - len(common))]
        self._weights = list(accumulate(1 / (place + 2.7) for place in range(VOCABULARY)))

    def sentence(self) -> str:
        chosen = self._chance.choices(self._words, cum_weights=self._weights, k=WORDS)
        return " ".join([*chosen, *(["lah"] if self._chance.random() < 0.1 else [])])

    def speaker(self) -> int:
        return self._chance.randrange(SPEAKERS)


def measure(*, quick: bool) -> list[Figure]:
    """Everything at once, by person, by group and period, one year; then a claim and a split."""
    rounds = 5 if quick else 15
    with tempfile.TemporaryDirectory(dir=".") as folder:
        store = Store.open(Path(folder) / "edged.db", bytes(range(32)))
        try:
            talks = _fill(store, SESSIONS // 10 if quick else SESSIONS)
            found = _reads(store, talks, rounds) + _writes(store, talks, rounds)
        finally:
            store.close()
    return found


def _fill(store: Store, count: int) -> list[str]:
    """Sessions of a year in ten groups; their ids."""
    talker = _Talker()
    made: list[str] = []
    for first in range(0, count, STEP):
        numbers = range(first, min(first + STEP, count))
        made += _run(store.write, partial(_talks, talker=talker, numbers=numbers, count=count))
    return made


def _talks(db: Connection, talker: _Talker, numbers: Sequence[int], count: int) -> list[str]:
    return [_talk(db, talker, number, count) for number in numbers]


def _talk(db: Connection, talker: _Talker, number: int, count: int) -> str:
    """One session that is done; I am its first speaker, a friend the second, the third varies."""
    made = recordings.ensure(db, name="n", sha256=f"{number:064}", size_bytes=1)
    begun = transcripts.begin(db, made.recording_id, "p", model="m", language="en")
    row = sessions.row_id(db, made.session_id)
    ids = speakers.create(db, row, [label(place) for place in range(SPEAKERS)])
    rows = {speaker_id: speakers.find(db, speaker_id).row for speaker_id in ids}
    db.executemany(
        "INSERT INTO segments(transcript, seq, start_ms, end_ms, text, confidence, speaker) "
        "VALUES(?, ?, ?, ?, ?, 0.9, ?)",
        [
            (begun.transcript_id, seq, seq * 6_000, seq * 6_000 + 5_500, text, rows[ids[who]])
            for seq, text, who in (
                (seq, talker.sentence(), talker.speaker()) for seq in range(SEGMENTS)
            )
        ],
    )
    figures.recount(db, made.session_id, count=_count)
    transcripts.finish(db, begun.transcript_id, audio_ms=SEGMENTS * 6_000, compute_ms=1)
    db.execute(
        "UPDATE sessions SET started_at = ?, group_name = ? WHERE id = ?",
        (f"2026-{1 + number * 12 // count:02}-10T08:00:00.000Z", f"group {number % 10}", row),
    )
    _claim(db, ids[0], "self")
    _claim(db, ids[1], "user", f"Friend {number % FRIENDS}")
    if number % 2:
        _claim(db, ids[2], "guest")
    return made.session_id


def _count(text: str) -> dict[tuple[str, str, str], int]:
    times = text.split().count("lah")
    return {("singlish", "particles", "lah"): times} if times else {}


def _claim(db: Connection, speaker_id: str, kind: str, name: str | None = None) -> None:
    wish = SpeakersClaim(
        speaker_id=speaker_id,
        claim_type="self" if kind == "self" else "user" if kind == "user" else "guest",
        name=name,
    )
    claims.claim(db, wish, claimed_by="bench", owner="Owner")


def _reads(store: Store, talks: Sequence[str], rounds: int) -> list[Figure]:
    owner = _run(store.read, lambda db: people.find(db, None))
    assert owner is not None
    wishes = {
        f"`stats` over {len(talks)} sessions": Stats(),
        "`stats` of one person, in all sessions": Stats(person_id=owner.id),
        "`stats` of a group in half a year": Stats(
            group="group 3", since="2026-07-01T00:00:00.000Z"
        ),
        "`stats` of one session": Stats(session_id=talks[0]),
    }
    found = [
        _figure(store.read, what, partial(stats.stats, wish=wish), rounds)
        for what, wish in wishes.items()
    ]
    year = partial(stats.wrapped, person=owner, year=2026)
    return [*found, _figure(store.read, "`stats.wrapped`: my year", year, rounds)]


def _writes(store: Store, talks: Sequence[str], rounds: int) -> list[Figure]:
    """A claim taken back and made again; a merge, with all that is counted anew, and its undo."""
    session = talks[1]
    one, _, third = _run(store.read, lambda db: speakers.list_speakers(db, session))

    def claim_again(db: Connection) -> None:
        claims.unclaim(db, third.id)
        _claim(db, third.id, "guest")

    def merge_and_undo(db: Connection) -> None:
        speaker_edits.merge(db, one.id, third.id)
        speaker_edits.undo(db, session)

    return [
        _figure(store.write, "unclaim and claim, committed", claim_again, rounds, most=None),
        _figure(store.write, "merge and undo, committed", merge_and_undo, rounds, most=None),
    ]


def _figure(
    way: Callable[..., object],
    what: str,
    work: Callable[[Connection], object],
    rounds: int,
    *,
    most: float | None = TARGET_MS,
) -> Figure:
    taken = sorted(seconds(lambda: _run(way, work)) * 1000 for _ in range(rounds))
    note = f"median of {rounds}; slowest {taken[-1]:.0f} ms"
    return Figure(what=what, value=median(taken), unit="ms", most=most, note=note)


def _run(way: Callable[..., object], work: Callable[[Connection], T]) -> T:
    """What a transaction or a query gives."""

    async def go() -> T:
        result: T = await way(work)  # type: ignore[misc]  # read and write are generic in T
        return result

    return asyncio.run(go())
