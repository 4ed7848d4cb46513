"""The lanes of a report's timeline: who speaks, what hands do, how bodies hold themselves, how much they move."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from edged.cli import render
from edged.cli.report.story import REST, Story, length, union
from edged.messages.seeing import Derived

HUES = 8
"""Colours of things with names; docs/SEEING.md lists seven gestures."""

GESTURES = (
    "Closed_Fist",
    "Open_Palm",
    "Pointing_Up",
    "Thumb_Up",
    "Thumb_Down",
    "Victory",
    "ILoveYou",
)
POSTURES = ("standing", "sitting", "lying", "arms_raised", "bending")
KINDS = {"pose": "Body", "hands": "Hands", "face": "Face"}

MOST_OBJECTS = 12
"""Labels of objects with a lane of their own: those that are seen longest."""


@dataclass(frozen=True)
class Mark:
    """A stretch on a lane. hue: 0 to 7, or None for what has no name; line: of the transcript."""

    start_ms: int
    end_ms: int
    title: str
    label: str = ""
    hue: int | None = None
    line: int | None = None


@dataclass(frozen=True)
class Lane:
    """One row of the timeline. hint: under its name; told: what a reader without eyes hears.

    curve: (milliseconds, value) steps instead of marks; None where nothing was measured.
    kind: `speech`, `hand`, `posture`, `seen`, `gap` or `curve`.
    """

    group: str
    name: str
    told: str
    kind: str
    marks: tuple[Mark, ...] = ()
    curve: tuple[tuple[int, float | None], ...] = ()
    hint: str = ""


def lanes(story: Story) -> tuple[Lane, ...]:
    """Every lane that has something to show, in the order of the page."""
    return (
        *_voices(story),
        *_hands(story),
        *_postures(story),
        *_curves(story),
        *_presence(story),
        *_objects(story),
        *_gaps(story),
    )


def hue_of(name: str, known: Sequence[str]) -> int:
    """A colour that stays the same for a name; others than the known ones share the last."""
    return known.index(name) % HUES if name in known else HUES - 1


def words_of(name: str) -> str:
    """`Thumb_Up` as Thumb up, `ILoveYou` as I love you."""
    if name == "ILoveYou":
        return "I love you"
    return name.replace("_", " ").capitalize()


def _voices(story: Story) -> list[Lane]:
    shown = story.shown_voices()
    found: dict[str, list[Mark]] = {name: [] for name in shown}
    for line in story.lines:
        name = line.voice if line.voice in found else REST
        hue = shown.index(name) % HUES if name in shown else None
        at = f"{render.clock(line.start_ms)} {line.voice}: {line.text}"
        mark = Mark(line.start_ms, line.end_ms, at, hue=hue, line=line.number)
        found.setdefault(name, []).append(mark)
    return [
        Lane("Speech", name, _told(marks), "speech", tuple(marks), hint=_share(story, marks))
        for name, marks in found.items()
    ]


def _share(story: Story, marks: Sequence[Mark]) -> str:
    talk_ms = length(union((mark.start_ms, mark.end_ms) for mark in marks))
    return f"{render.clock(talk_ms)}, {talk_ms / story.duration_ms:.0%}"


def _told(marks: Sequence[Mark]) -> str:
    spans = union((mark.start_ms, mark.end_ms) for mark in marks)
    return f"{render.counted(len(marks), 'time')}, {render.clock(length(spans))} in all"


def _hands(story: Story) -> list[Lane]:
    gestures = story.of_track("gestures")
    found = []
    for hand, name in (("Left", "Left hand"), ("Right", "Right hand"), ("", "Hands")):
        marks = _labelled([one for one in gestures if one.hand == hand], GESTURES)
        if marks:
            found.append(Lane("Gestures", name, _told(marks), "hand", marks))
    return found


def _postures(story: Story) -> list[Lane]:
    marks = _labelled(story.of_track("posture"), POSTURES)
    return [Lane("Body", "Posture", _told(marks), "posture", marks)] if marks else []


def _labelled(stretches: Iterable[Derived], known: Sequence[str]) -> tuple[Mark, ...]:
    return tuple(
        Mark(
            one.start_ms,
            one.end_ms,
            f"{render.clock(one.start_ms)} {words_of(one.label)}, "
            f"{render.ago(one.end_ms - one.start_ms)}",
            label=words_of(one.label),
            hue=hue_of(one.label, known),
        )
        for one in stretches
        if one.label
    )


def _curves(story: Story) -> list[Lane]:
    found = []
    for track, name in (("activity", "Activity"), ("blinks", "Blinks")):
        measured = [one for one in story.derived if one.track == track and one.value is not None]
        if len(measured) > 1:  # a single figure is no curve
            found.append(_curve(name, measured))
    return found


def _curve(name: str, measured: Sequence[Derived]) -> Lane:
    values = [one.value for one in measured if one.value is not None]
    unit = measured[0].unit
    most, mean = max(values), sum(values) / len(values)
    told = f"on average {mean:.2g}, at most {most:.2g} {unit}"
    hint = f"at most {most:.2g} {unit}"
    return Lane("Body", name, told, "curve", curve=_steps(measured), hint=hint)


def _steps(measured: Sequence[Derived]) -> tuple[tuple[int, float | None], ...]:
    """A value holds from its time on; None ends it where the next one does not follow at once."""
    ordered = sorted(measured, key=lambda one: one.start_ms)
    steps: list[tuple[int, float | None]] = []
    for one, later in zip(ordered, [*ordered[1:], None], strict=True):
        steps.append((one.start_ms, one.value))
        if later is None or later.start_ms > one.end_ms:
            steps.append((one.end_ms, None))
    return tuple(steps)


def _presence(story: Story) -> list[Lane]:
    found = []
    for kind, name in KINDS.items():
        spans = story.presence.get(kind, ())
        if spans:
            marks = tuple(
                Mark(start, end, f"{render.clock(start)} to {render.clock(end)}")
                for start, end in spans
            )
            hint = f"{length(spans) / story.duration_ms:.0%} of the time"
            found.append(Lane("In the picture", name, _told(marks), "seen", marks, hint=hint))
    return found


def _objects(story: Story) -> list[Lane]:
    marks: dict[str, list[Mark]] = {}
    for one in story.sightings:
        title = f"{render.clock(one.start_ms)} {one.label}, score {one.score:.2f}"
        marks.setdefault(one.label, []).append(Mark(one.start_ms, one.end_ms, title))
    longest = sorted(marks, key=lambda label: -sum(m.end_ms - m.start_ms for m in marks[label]))
    return [
        Lane("In the picture", label, _told(marks[label]), "seen", tuple(marks[label]))
        for label in longest[:MOST_OBJECTS]
    ]


def _gaps(story: Story) -> list[Lane]:
    found = []
    for what in ("Sound", "Picture"):
        marks = tuple(
            Mark(
                gap.start_ms,
                gap.end_ms,
                f"{render.clock(gap.start_ms)} {words_of(gap.reason).lower()}, "
                f"{render.ago(gap.end_ms - gap.start_ms)}",
            )
            for gap in story.gaps
            if gap.what == what
        )
        if marks:
            found.append(Lane("Not captured", what, _told(marks), "gap", marks))
    return found
