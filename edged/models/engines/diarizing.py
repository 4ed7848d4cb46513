"""What diarizers share: recordings that come in parts, and turns as they are told."""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from typing import Generic, Protocol, TypeVar

from edged.errors import BadRequest, Busy
from edged.media import SPEECH_RATE, AudioChunk
from edged.models.listening import DiarizeOptions, SpeakerTurn

MOST_STREAMS = 4
"""Recordings in one worker at once. One more makes the one unused for longest go: nobody said that
it will not be finished. Its next part is refused: no turns are better than some without a start."""

MOST_SAMPLES = 61 * SPEECH_RATE
"""Of one part; somewhat more than the 60 s that are promised."""


class Turn(Protocol):
    """One stretch of one speaker, in milliseconds from the recording's start."""

    @property
    def start_ms(self) -> int:
        """Where it begins."""
        ...

    @property
    def end_ms(self) -> int:
        """Where it ends."""
        ...

    @property
    def speaker(self) -> int:
        """Number, from 0."""
        ...


Kept = TypeVar("Kept")


class Streams(Generic[Kept]):
    """Recordings by the names of their streams; a part must begin where the last one ended."""

    def __init__(self, begin: Callable[[], Kept]) -> None:
        self._begin = begin
        self._kept: OrderedDict[str, tuple[int, Kept]] = OrderedDict()
        self._dropped: deque[str] = deque(maxlen=64)

    def take(self, audio: AudioChunk, options: DiarizeOptions) -> Kept:
        """The recording of a stream, which is out of the books until it is kept again.

        Raises:
            BadRequest: the part is too long, or is not the next one.
            Busy: the recording was dropped for others.
        """
        if audio.samples > MOST_SAMPLES:
            raise BadRequest("a part to diarize is longer than 60 s")
        if options.stream in self._dropped:
            self._dropped.remove(options.stream)
            raise Busy(f"more than {MOST_STREAMS} recordings are diarized at once")
        expected, recording = self._kept.pop(options.stream, (0, None))
        if audio.start and audio.start != expected:
            raise BadRequest("a part to diarize does not begin where the last one ended")
        return self._begin() if recording is None else recording

    def keep(self, recording: Kept, audio: AudioChunk, options: DiarizeOptions) -> None:
        """Put a recording back after a part that is not the last one."""
        expected = audio.start + audio.samples
        self._kept[options.stream] = (expected, recording)
        while len(self._kept) > MOST_STREAMS:
            self._dropped.append(self._kept.popitem(last=False)[0])

    def forget(self, stream: str) -> None:
        """Drop a recording; none of that name is well too."""
        self._kept.pop(stream, None)


def span_pairs(options: DiarizeOptions) -> list[tuple[int, int]]:
    """The spans of speech as pairs of milliseconds."""
    return [(span.start_ms, span.end_ms) for span in options.speech]


def turns_of(turns: Iterable[Turn]) -> tuple[SpeakerTurn, ...]:
    """The turns as they are told."""
    return tuple(
        SpeakerTurn(start_ms=turn.start_ms, end_ms=turn.end_ms, speaker=turn.speaker)
        for turn in turns
    )
