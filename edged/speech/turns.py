"""Says who said which words: recognised segments and speaker turns become segments of one speaker.

Pure; the daemon calls it between recognition and the lexicons.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, groupby, pairwise
from statistics import fmean
from typing import Protocol

import msgspec
from msgspec import Struct

from edged.messages.records import Segment, Span, Word

NEAR_MS = 500
"""A word beside every turn belongs to the nearest one, when that is not farther away.

Recognisers and diarizers disagree about edges by some tenths of a second.
"""

OVERLAP_MS = 200
"""Two speakers at once for a shorter time are two edges that are not exact, not an overlap."""

SAMPLE_MS = 5_000
"""Length of the sample clip of a speaker."""


class Turn(Protocol):
    """One stretch of one speaker; fulfilled by edged.models.listening.SpeakerTurn."""

    @property
    def start_ms(self) -> int:
        """From the audio's start."""
        ...

    @property
    def end_ms(self) -> int:
        """From the audio's start."""
        ...

    @property
    def speaker(self) -> int:
        """Number, from 0."""
        ...


class Spoken(Struct, frozen=True, kw_only=True):
    """A segment of one speaker; None: nobody was heard there. overlap: another one speaks too."""

    segment: Segment
    speaker: int | None
    overlap: bool = False


class Alone(Struct, frozen=True):
    """A stretch in which exactly one speaker is heard."""

    start_ms: int
    end_ms: int
    speaker: int


def assign(segments: Sequence[Segment], turns: Sequence[Turn]) -> list[Spoken]:
    """Segments of one speaker each, numbered from 0: those of several are divided between words.

    A word belongs to the turn that covers most of it, in doubt to the speaker of the word before,
    and where no turn is, to one within 500 ms. A segment without words goes as a whole. A divided
    segment's text is cut, not written anew, so that its punctuation stays; its parts have the mean
    confidence of their words. A segment that stays whole keeps everything but its number.

    Args:
        segments: in order of time, before any lexicon corrected them.
        turns: in order of their start; those of different speakers may overlap.
    """
    around = _Around(turns)
    spoken = [
        part
        for segment in segments
        for part in _parts(segment, around.near(segment.start_ms, segment.end_ms))
    ]
    return [
        msgspec.structs.replace(part, segment=msgspec.structs.replace(part.segment, seq=seq))
        for seq, part in enumerate(spoken)
    ]


def alone(turns: Sequence[Turn]) -> list[Alone]:
    """The stretches in which exactly one speaker is heard, in order; touching ones are joined."""
    edges = sorted(
        edge
        for turn in turns
        if turn.end_ms > turn.start_ms
        for edge in ((turn.start_ms, 1, turn.speaker), (turn.end_ms, -1, turn.speaker))
    )
    stretches: list[Alone] = []
    heard: dict[int, int] = {}
    before_ms = 0
    for at_ms, change, speaker in edges:
        if len(heard) == 1 and at_ms > before_ms:
            _join(stretches, Alone(before_ms, at_ms, next(iter(heard))))
        heard[speaker] = heard.get(speaker, 0) + change
        if not heard[speaker]:
            del heard[speaker]
        before_ms = at_ms
    return stretches


def samples(turns: Sequence[Turn], *, longest_ms: int = SAMPLE_MS) -> dict[int, Span]:
    """Where each speaker is heard alone for longest, from the start of it, cut to longest_ms.

    The first of equally long ones. A speaker that never is alone has none.
    """
    longest: dict[int, Alone] = {}
    for stretch in alone(turns):
        known = longest.get(stretch.speaker)
        if known is None or _length(stretch) > _length(known):
            longest[stretch.speaker] = stretch
    return {
        speaker: Span(
            start_ms=stretch.start_ms, end_ms=min(stretch.end_ms, stretch.start_ms + longest_ms)
        )
        for speaker, stretch in sorted(longest.items())
    }


def label(speaker: int) -> str:
    """What an unnamed speaker is called: SPEAKER_00 for 0."""
    return f"SPEAKER_{speaker:02d}"


def _length(stretch: Alone) -> int:
    return stretch.end_ms - stretch.start_ms


def _join(stretches: list[Alone], stretch: Alone) -> None:
    last = stretches[-1] if stretches else None
    if last and last.end_ms == stretch.start_ms and last.speaker == stretch.speaker:
        stretches[-1] = Alone(last.start_ms, stretch.end_ms, stretch.speaker)
    else:
        stretches.append(stretch)


class _Around:
    """The turns around a segment; asked in order of time, so that each turn is met once."""

    def __init__(self, turns: Sequence[Turn]) -> None:
        self._coming = sorted(turns, key=lambda turn: turn.start_ms, reverse=True)
        self._open: list[Turn] = []

    def near(self, start_ms: int, end_ms: int) -> list[Turn]:
        """Turns within 500 ms of a stretch that does not begin before that of an earlier call."""
        while self._coming and self._coming[-1].start_ms < end_ms + NEAR_MS:
            self._open.append(self._coming.pop())
        self._open = [turn for turn in self._open if turn.end_ms > start_ms - NEAR_MS]
        return self._open


def _parts(segment: Segment, near: Sequence[Turn]) -> Iterator[Spoken]:
    """The segment, divided where the speaker changes between its words."""
    if not segment.words:
        yield _spoken(segment, _speaker(segment, near, before=None), near)
        return
    runs = _runs(segment.words, near)
    if len(runs) == 1:
        yield _spoken(segment, runs[0][0], near)
        return
    texts = _cut(segment.text, [words for _, words in runs])
    for (speaker, words), text in zip(runs, texts, strict=True):
        yield _spoken(_part(segment, words, text), speaker, near)


def _runs(words: Sequence[Word], near: Sequence[Turn]) -> list[tuple[int | None, tuple[Word, ...]]]:
    """Neighbouring words of the same speaker; words of nobody go with those before, or after."""
    speakers: list[int | None] = []
    for word in words:
        before = speakers[-1] if speakers else None
        found = _speaker(word, near, before=before)
        speakers.append(before if found is None else found)
    first = next((speaker for speaker in speakers if speaker is not None), None)
    known = [first if speaker is None else speaker for speaker in speakers]
    pairs = groupby(zip(known, words, strict=True), key=lambda pair: pair[0])
    return [(speaker, tuple(word for _, word in run)) for speaker, run in pairs]


def _speaker(stretch: Segment | Word, near: Sequence[Turn], *, before: int | None) -> int | None:
    """Who speaks in most of a stretch, else who is nearest; None: nobody is near."""
    shares = _shares(stretch.start_ms, stretch.end_ms, near)
    if shares:
        return min(shares, key=lambda who: (-shares[who], who != before, who))
    distances = [
        (_distance(turn, stretch), turn.speaker != before, turn.speaker)
        for turn in near
        if _distance(turn, stretch) <= NEAR_MS
    ]
    return min(distances)[2] if distances else None


def _shares(start_ms: int, end_ms: int, near: Iterable[Turn]) -> dict[int, int]:
    """Milliseconds of each speaker who is heard in a stretch."""
    shares: dict[int, int] = {}
    for turn in near:
        shared = min(turn.end_ms, end_ms) - max(turn.start_ms, start_ms)
        if shared > 0:
            shares[turn.speaker] = shares.get(turn.speaker, 0) + shared
    return shares


def _distance(turn: Turn, stretch: Segment | Word) -> int:
    """Milliseconds between a turn and a stretch; 0 where they touch."""
    return max(turn.start_ms - stretch.end_ms, stretch.start_ms - turn.end_ms, 0)


def _spoken(segment: Segment, speaker: int | None, near: Sequence[Turn]) -> Spoken:
    own = [turn for turn in near if turn.speaker == speaker]
    others = [turn for turn in near if turn.speaker != speaker]
    both_ms = sum(
        max(
            0,
            min(a.end_ms, b.end_ms, segment.end_ms) - max(a.start_ms, b.start_ms, segment.start_ms),
        )
        for a in own
        for b in others
    )
    return Spoken(segment=segment, speaker=speaker, overlap=both_ms >= OVERLAP_MS)


def _part(segment: Segment, words: tuple[Word, ...], text: str) -> Segment:
    return msgspec.structs.replace(
        segment,
        start_ms=words[0].start_ms,
        end_ms=words[-1].end_ms,
        text=text,
        confidence=fmean(word.confidence for word in words),
        words=words,
        raw=None,
    )


def _cut(text: str, runs: Sequence[Sequence[Word]]) -> list[str]:
    """The text of each run; joined from the words where they are not in the text as they are."""
    places = _places(text, [word.text for run in runs for word in run])
    if places is None:
        return [" ".join(word.text for word in run) for run in runs]
    firsts = accumulate((len(run) for run in runs[:-1]), initial=0)
    starts = [places[first] for first in firsts]
    bounds = [0, *starts[1:], len(text)]
    return [text[start:end].strip() for start, end in pairwise(bounds)]


def _places(text: str, words: Iterable[str]) -> list[int] | None:
    """Where each word begins in a text, in order; None: one is not there."""
    places = []
    at = 0
    for word in words:
        place = text.find(word, at)
        if place < 0:
            return None
        places.append(place)
        at = place + len(word)
    return places
