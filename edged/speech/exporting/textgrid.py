"""Praat's TextGrid (.TextGrid): what each speaker says, and each word, as tiers of intervals.

Source: fon.hum.uva.nl/praat/manual/TextGrid_file_formats.html. Praat wants the intervals of a tier
to touch each other from the first to the last moment; so gaps are intervals without text.
"""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from edged.messages.records import Word
from edged.speech.exporting.told import Line, Told, plain, seconds

UNKNOWN = "speech"
"""The tier of what nobody is known to have said."""


class Interval(Struct, frozen=True):
    """A stretch of a tier, milliseconds from the session's start; a gap has no text."""

    start_ms: int
    end_ms: int
    text: str


def write(told: Told) -> str:
    """Two tiers for each speaker: their segments, and their words (`NAME - words`)."""
    end_ms = told.end_ms
    tiers = list(_tiers(told))
    head = (
        'File type = "ooTextFile"\nObject class = "TextGrid"\n\n'
        f"xmin = 0\nxmax = {seconds(end_ms)}\ntiers? <exists>\nsize = {len(tiers)}\nitem []:\n"
    )
    return head + "".join(
        _tier(number, name, filled(intervals, end_ms), end_ms)
        for number, (name, intervals) in enumerate(tiers, 1)
    )


def filled(intervals: Iterable[Interval], end_ms: int) -> list[Interval]:
    """Intervals that touch each other from 0 to the end, whatever was given.

    One that begins inside another begins at its end; one that lies wholly inside gives its text to
    it. What lies after the end is cut.
    """
    touching: list[Interval] = []
    at = 0
    for one in sorted(intervals, key=lambda one: (one.start_ms, one.end_ms)):
        start, end = max(one.start_ms, at), min(one.end_ms, end_ms)
        if start < end:
            if start > at:
                touching.append(Interval(at, start, ""))
            touching.append(Interval(start, end, one.text))
            at = end
        elif touching:
            last = touching[-1]
            text = f"{last.text} {one.text}".strip()
            touching[-1] = Interval(last.start_ms, last.end_ms, text)
    if at < end_ms or not touching:
        touching.append(Interval(at, end_ms, ""))
    return touching


def _tiers(told: Told) -> Iterator[tuple[str, list[Interval]]]:
    spoken: dict[str, list[Line]] = {}
    for line in told.lines:
        spoken.setdefault(plain(line.speaker) or UNKNOWN, []).append(line)
    for name, lines in (spoken or {UNKNOWN: []}).items():
        yield name, [Interval(line.start_ms, line.end_ms, line.text) for line in lines]
        yield f"{name} - words", [_word(word) for line in lines for word in line.segment.words]


def _word(word: Word) -> Interval:
    return Interval(word.start_ms, max(word.end_ms, word.start_ms + 1), plain(word.text))


def _tier(number: int, name: str, intervals: list[Interval], end_ms: int) -> str:
    head = (
        f'    item [{number}]:\n        class = "IntervalTier"\n        name = "{_quoted(name)}"\n'
        f"        xmin = 0\n        xmax = {seconds(end_ms)}\n"
        f"        intervals: size = {len(intervals)}\n"
    )
    return head + "".join(_interval(number, one) for number, one in enumerate(intervals, 1))


def _interval(number: int, one: Interval) -> str:
    return (
        f"        intervals [{number}]:\n            xmin = {seconds(one.start_ms)}\n"
        f"            xmax = {seconds(one.end_ms)}\n"
        f'            text = "{_quoted(one.text)}"\n'
    )


def _quoted(text: str) -> str:
    """A quotation mark is written twice."""
    return text.replace('"', '""')
