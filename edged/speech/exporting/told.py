"""What was said in a session, as all formats take it: the lines of its recordings on one clock."""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from edged.messages.records import Segment


class Line(Struct, frozen=True, kw_only=True):
    """One segment of one recording. source: what the recording heard: microphone, a device, ...

    speaker: the name of whoever speaks, or the label; empty while nobody knows.
    """

    segment: Segment
    recording_id: str
    source: str = ""
    speaker: str = ""

    @property
    def start_ms(self) -> int:
        """From the session's start."""
        return self.segment.start_ms

    @property
    def end_ms(self) -> int:
        """From the session's start; always after the start, as players want it."""
        return max(self.segment.end_ms, self.segment.start_ms + 1)

    @property
    def text(self) -> str:
        """On one line; white space of any width is one space."""
        return plain(self.segment.text)


class Turn(Struct, frozen=True, kw_only=True):
    """One stretch of one speaker, as diarization found it; speaker: the label."""

    start_ms: int
    end_ms: int
    speaker: str
    recording_id: str


class Told(Struct, frozen=True, kw_only=True):
    """A session. lines and turns: in order of time, over all recordings.

    speakers: name by label. recordings: id and source, in the order of the session's sources.
    """

    session_id: str
    name: str
    started_at: str
    duration_ms: int
    group: str = ""
    language: str = ""
    lines: tuple[Line, ...] = ()
    turns: tuple[Turn, ...] = ()
    speakers: Mapping[str, str] = {}
    recordings: Mapping[str, str] = {}

    @property
    def spoken(self) -> tuple[Line, ...]:
        """The lines with a text: what a reader can read."""
        return tuple(line for line in self.lines if line.text)

    @property
    def end_ms(self) -> int:
        """When all is over, at least 1."""
        lines = max((line.end_ms for line in self.lines), default=0)
        turns = max((turn.end_ms for turn in self.turns), default=0)
        return max(self.duration_ms, lines, turns, 1)


def merged(lines: Iterable[Line]) -> tuple[Line, ...]:
    """Lines of several recordings in order of time."""
    return tuple(
        sorted(
            lines,
            key=lambda line: (line.start_ms, line.end_ms, line.recording_id, line.segment.seq),
        )
    )


def plain(text: str) -> str:
    """A text on one line, without characters that no text file should hold."""
    return " ".join(text.replace("\0", "\ufffd").split())


def clock(milliseconds: int, *, point: str = ".") -> str:
    """HH:MM:SS.mmm; hours have as many digits as they need."""
    seconds, rest = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{point}{rest:03}"


def seconds(milliseconds: int) -> str:
    """Seconds with three decimals, exactly."""
    return f"{milliseconds // 1000}.{milliseconds % 1000:03}"
