"""Groups utterances into the windows that a model is given at once."""

from collections.abc import Iterable

from msgspec import Struct

from edged.messages.records import Span

MAX_GAP_MS = 2_000
"""A longer silence is not packed into a window: recognisers invent words in it.

Source: faster-whisper VadOptions.min_silence_duration_ms.
"""


class SpeechWindow(Struct, frozen=True):
    """Neighbouring utterances that are recognised in one call, in order of time; never empty.

    The window's audio reaches from the first start to the last end, the silence between included.
    """

    spans: tuple[Span, ...]

    @property
    def start_ms(self) -> int:
        """Milliseconds from the recording's start to the first utterance."""
        return self.spans[0].start_ms

    @property
    def end_ms(self) -> int:
        """Milliseconds from the recording's start to the last utterance's end."""
        return self.spans[-1].end_ms


class Packer:
    """Fills windows with utterances as they come.

    Args:
        window_ms: no window of several utterances is longer. An utterance that is longer by
            itself stands alone; the Segmenter's max_ms keeps that from happening.
        packs: whether the model takes several utterances at once; else each is its own window.
        max_gap_ms: a longer silence begins a new window.
    """

    def __init__(self, window_ms: int, *, packs: bool, max_gap_ms: int = MAX_GAP_MS) -> None:
        self._window_ms = window_ms
        self._packs = packs
        self._max_gap_ms = max_gap_ms
        self._open: list[Span] = []

    @property
    def needed_from_ms(self) -> int | None:
        """Where the open window begins: audio from there on is still needed. None: no window."""
        return self._open[0].start_ms if self._open else None

    def add(self, utterances: Iterable[Span]) -> list[SpeechWindow]:
        """Add utterances, in order of time, and return the windows that they complete."""
        windows: list[SpeechWindow] = []
        for utterance in utterances:
            if self._open and not self._fits(utterance):
                windows += self.finish()
            self._open.append(utterance)
            if not self._packs:
                windows += self.finish()
        return windows

    def finish(self) -> list[SpeechWindow]:
        """Return the open window, if any; a next utterance begins a new one."""
        if not self._open:
            return []
        window = SpeechWindow(tuple(self._open))
        self._open.clear()
        return [window]

    def _fits(self, utterance: Span) -> bool:
        length_ms = utterance.end_ms - self._open[0].start_ms
        gap_ms = utterance.start_ms - self._open[-1].end_ms
        return length_ms <= self._window_ms and gap_ms <= self._max_gap_ms
