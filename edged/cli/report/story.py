"""What a report is made of, and the figures that follow from it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from edged.messages.people import Speaker
from edged.messages.records import Segment
from edged.messages.seeing import Derived, DerivedKind, Sighting
from edged.messages.sessions import Session

Span = tuple[int, int]
"""Start and end in milliseconds of the session's clock."""

MOST_VOICES = 20
"""Speakers with a lane of their own; whoever says less shares the last one."""

NOBODY = "Speech"
REST = "Everyone else"


@dataclass(frozen=True)
class Line:
    """One utterance on the session's clock. voice: the name of whoever says it; number: from 0."""

    number: int
    start_ms: int
    end_ms: int
    voice: str
    text: str
    emotion: str = ""
    words: int = 0


@dataclass(frozen=True)
class Gap:
    """Time without sound or without pictures. what: `Sound` or `Picture`."""

    what: str
    start_ms: int
    end_ms: int
    reason: str


@dataclass(frozen=True)
class Story:
    """A session as it is reported.

    derived, definitions: experimental tracks, and what each of them is.
    presence: when a body, hands or a face were in the picture, by kind.
    sightings: stretches of objects. notes: what could not be told, and why.
    """

    session: Session
    lines: tuple[Line, ...] = ()
    derived: tuple[Derived, ...] = ()
    definitions: Mapping[str, str] = field(default_factory=dict)
    presence: Mapping[str, tuple[Span, ...]] = field(default_factory=dict)
    sightings: tuple[Sighting, ...] = ()
    gaps: tuple[Gap, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def duration_ms(self) -> int:
        """The length of the page's clock; at least one millisecond."""
        ends = [line.end_ms for line in self.lines]
        ends += [one.end_ms for one in self.derived]
        ends += [end for spans in self.presence.values() for _, end in spans]
        return max(1, self.session.duration_ms, *ends)

    def of_track(self, track: DerivedKind) -> tuple[Derived, ...]:
        """The stretches of one derived track."""
        return tuple(one for one in self.derived if one.track == track)

    def voices(self) -> dict[str, int]:
        """Milliseconds of speech of everyone, who spoke first comes first."""
        found: dict[str, int] = {}
        for line in self.lines:
            found[line.voice] = found.get(line.voice, 0) + line.end_ms - line.start_ms
        return found

    @property
    def is_told_apart(self) -> bool:
        """Whether anybody knows who speaks."""
        return any(line.voice != NOBODY for line in self.lines)

    def shown_voices(self) -> tuple[str, ...]:
        """Whoever has a lane: everyone, or those who say most."""
        voices = self.voices()
        most = sorted(voices, key=lambda name: -voices[name])[:MOST_VOICES]
        return tuple(name for name in voices if name in most)


def lines_of(segments: Iterable[Segment], speakers: Iterable[Speaker]) -> tuple[Line, ...]:
    """Utterances in order of time, with the names that people gave to their speakers."""
    names = {one.id: _name(one) for one in speakers}
    ordered = sorted(segments, key=lambda one: (one.start_ms, one.end_ms))
    return tuple(
        Line(
            number=number,
            start_ms=one.start_ms,
            end_ms=max(one.start_ms, one.end_ms),
            voice=names.get(one.speaker_id or "", one.speaker) or NOBODY,
            text=one.text,
            emotion=one.emotion,
            words=len(one.words) or len(one.text.split()),
        )
        for number, one in enumerate(ordered)
    )


def _name(speaker: Speaker) -> str:
    return speaker.attributed_to or speaker.guest_name or speaker.label


def union(spans: Iterable[Span], *, bridge_ms: int = 0) -> tuple[Span, ...]:
    """Spans without overlaps, in order; holes of at most `bridge_ms` are closed."""
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1] + bridge_ms:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return tuple(merged)


def length(spans: Iterable[Span]) -> int:
    """Milliseconds that spans without overlaps last."""
    return sum(end - start for start, end in spans)
