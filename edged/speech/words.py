"""Puts what a model heard in a window on the recording's own time line."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from math import isnan
from typing import Protocol

from edged.messages.records import Segment, Span, Word


class Heard(Protocol):
    """A word: seconds from the window's start; confidence as the engine gives it."""

    @property
    def text(self) -> str:
        """What was said."""
        ...

    @property
    def start_s(self) -> float:
        """Where it begins."""
        ...

    @property
    def end_s(self) -> float:
        """Where it ends."""
        ...

    @property
    def confidence(self) -> float:
        """Meant to be in [0, 1]."""
        ...


class HeardUtterance(Heard, Protocol):
    """A piece of speech and its words; fulfilled by edged.models.runtime.Utterance."""

    @property
    def words(self) -> Sequence[Heard]:
        """In order of time; empty where the engine gives none."""
        ...


class Window(Protocol):
    """A stretch of the recording; fulfilled by SpeechWindow and Span."""

    @property
    def start_ms(self) -> int:
        """From the recording's start."""
        ...

    @property
    def end_ms(self) -> int:
        """From the recording's start."""
        ...


def to_segments(
    utterances: Iterable[HeardUtterance], window: Window, *, first_seq: int
) -> list[Segment]:
    """Segments in the recording's time, for utterances heard in a window.

    Segments and words are in order, do not overlap and lie within the window, whatever times the
    engine gave; a word lies within its segment. Empty texts are left out and take no number.

    Args:
        utterances: in the order in which the engine gave them.
        window: where the audio lay that the engine was given.
        first_seq: number of the first segment.
    """
    spoken = [utterance for utterance in utterances if utterance.text.strip()]
    spans = _place(spoken, window, origin_ms=window.start_ms)
    return [
        _segment(utterance, span, window, seq=seq)
        for seq, (utterance, span) in enumerate(zip(spoken, spans, strict=True), first_seq)
    ]


def _segment(utterance: HeardUtterance, span: Span, window: Window, *, seq: int) -> Segment:
    words = [word for word in utterance.words if word.text.strip()]
    places = _place(words, span, origin_ms=window.start_ms)
    return Segment(
        seq=seq,
        start_ms=span.start_ms,
        end_ms=span.end_ms,
        text=utterance.text.strip(),
        confidence=_fraction(utterance.confidence),
        words=tuple(
            Word(
                text=word.text.strip(),
                start_ms=place.start_ms,
                end_ms=place.end_ms,
                confidence=_fraction(word.confidence),
            )
            for word, place in zip(words, places, strict=True)
        ),
    )


def _place(heard: Sequence[Heard], bounds: Window, *, origin_ms: int) -> list[Span]:
    """Non-overlapping spans within the bounds: a start never goes back, an end yields to it."""
    starts: list[int] = []
    floor = bounds.start_ms
    for item in heard:
        floor = _clamp(item.start_s, origin_ms, low=floor, high=bounds.end_ms)
        starts.append(floor)
    return [
        Span(start_ms=start, end_ms=_clamp(item.end_s, origin_ms, low=start, high=limit))
        for item, (start, limit) in zip(heard, pairwise([*starts, bounds.end_ms]), strict=True)
    ]


def _clamp(seconds: float, origin_ms: int, *, low: int, high: int) -> int:
    """Recording time in milliseconds, within bounds; what is not a number becomes the lower one."""
    if isnan(seconds):
        return low
    return round(min(max(origin_ms + seconds * 1000, low), high))


def _fraction(confidence: float) -> float:
    return 0.0 if isnan(confidence) else min(max(confidence, 0.0), 1.0)
