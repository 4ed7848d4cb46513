"""Sessions to be exported."""

import re

from hypothesis import strategies as st

from edged.messages.records import Segment, Word
from edged.speech.exporting.told import Line, Told, Turn, merged

DAY_MS = 86_400_000


def line(
    start_ms: int,
    end_ms: int,
    text: str,
    *,
    speaker: str = "",
    recording: str = "r1",
    seq: int = 0,
) -> Line:
    """A line whose words are those of its text, one millisecond each."""
    words = tuple(
        Word(text=word, start_ms=start_ms + number, end_ms=start_ms + number + 1, confidence=0.5)
        for number, word in enumerate(text.split())
    )
    segment = Segment(
        seq=seq,
        start_ms=start_ms,
        end_ms=end_ms,
        text=text,
        confidence=0.5,
        words=words,
        speaker=speaker,
    )
    return Line(segment=segment, recording_id=recording, source="microphone", speaker=speaker)


def told(*lines: Line, turns: tuple[Turn, ...] = (), duration_ms: int = 0) -> Told:
    """A session with these lines and two recordings."""
    return Told(
        session_id="5e551055e5510501",
        name="standup",
        started_at="2026-11-21T08:00:00.000Z",
        duration_ms=duration_ms,
        lines=merged(lines),
        turns=turns,
        recordings={"r1": "microphone", "r2": "loopback"},
    )


def milliseconds(clock: str) -> int:
    """What HH:MM:SS.mmm or HH:MM:SS,mmm means."""
    hours, minutes, seconds, rest = re.split("[:.,]", clock)
    return ((int(hours) * 60 + int(minutes)) * 60 + int(seconds)) * 1000 + int(rest)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
NAMES = st.sampled_from(["", "Mei Ling", 'a "b" <c> & d', "SPEAKER_00"])


@st.composite
def sessions(draw: st.DrawFn) -> Told:
    """Any session: overlaps, lines of no length, two recordings, more than a day."""
    lines = [
        line(start, start + length, text, speaker=name, recording=recording, seq=seq)
        for seq, (start, length, text, name, recording) in enumerate(
            draw(
                st.lists(
                    st.tuples(
                        st.integers(0, 3 * DAY_MS),
                        st.integers(0, 5000),
                        TEXTS,
                        NAMES,
                        st.sampled_from(["r1", "r2"]),
                    ),
                    max_size=8,
                )
            )
        )
    ]
    return told(*lines, duration_ms=draw(st.integers(0, DAY_MS)))
