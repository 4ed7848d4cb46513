"""Finds utterances in a stream of speech probabilities: hysteresis, padding, a bounded length.

Pure: no engine, no clock, no numpy. One window is 512 samples at 16 kHz (32 ms).
"""

import sys
from array import array
from math import inf

from msgspec import Struct

from edged.errors import BadRequest
from edged.media import RMS_WINDOW_MS
from edged.messages.records import Span

Buffer = bytes | bytearray | memoryview

_FLOAT_BYTES = 4


class SegmenterOptions(Struct, frozen=True, kw_only=True):
    """When speech begins and ends. Durations are milliseconds, rounded to whole windows.

    threshold: a probability from here on starts an utterance.
    release: a probability below it is silence; between the two the state stays as it is.
    min_speech_ms: what is shorter (without padding) is noise and is left out.
    min_silence_ms: so much silence ends an utterance.
    padding_ms: kept before and after the speech, where it meets no neighbour.
    max_ms: no utterance is longer; a longer one is cut at the quietest window of its last third.

    Source of threshold, release and min_speech_ms: Silero VAD `get_speech_timestamps` defaults,
    github.com/snakers4/silero-vad (0.5, 0.15 below it, 250 ms; no bound on the length).
    Measured (2026-11, Silero v6 and PocketSphinx on four recordings of read and public speech):
    Silero's 100 ms of silence and 30 ms of padding split sentences and cost first sounds ("and i
    might go america"); 500 and 200 ms give half as many utterances and better words ("and i know
    my fellow americans"), 100/100 and 300/100 lie between.
    """

    threshold: float = 0.5
    release: float = 0.35
    min_speech_ms: int = 250
    min_silence_ms: int = 500
    padding_ms: int = 200
    max_ms: int = 10_000


class Opening(Struct, frozen=True, kw_only=True):
    """An utterance that has begun and is not known to have ended.

    end_ms: where it would end if no more came; after a pause of the padding's length it stays there.
    paused: such a pause is there: with more silence the utterance is exactly this stretch.
    """

    start_ms: int
    end_ms: int
    paused: bool


class Segmenter:
    """Turns probabilities into utterances that are ordered and never overlap.

    Memory does not grow with the length of the stream. The result does not depend on how the
    windows are divided between calls.

    Args:
        options: when speech begins and ends.
        start_ms: where the first window begins in the recording; a multiple of 32.

    Raises:
        BadRequest: the options contradict each other.
    """

    def __init__(self, options: SegmenterOptions | None = None, *, start_ms: int = 0) -> None:
        options = options or SegmenterOptions()
        _check(options, start_ms)
        self._threshold = options.threshold
        self._release = options.release
        self._max = options.max_ms // RMS_WINDOW_MS
        self._tail = max(1, self._max // 3)
        self._padding = min(_windows(options.padding_ms), self._max // 2)
        self._min_speech = _windows(options.min_speech_ms)
        self._min_silence = max(1, _windows(options.min_silence_ms))
        self._next = start_ms // RMS_WINDOW_MS
        self._free_from = self._next
        self._quietest_rms = inf
        self._become_silent()

    @property
    def position_ms(self) -> int:
        """Where the next window begins, in milliseconds from the recording's start."""
        return self._next * RMS_WINDOW_MS

    @property
    def needed_from_ms(self) -> int:
        """Audio before this point belongs to no later utterance and may be forgotten."""
        if self._speaking:
            return self._start * RMS_WINDOW_MS
        return max(self._free_from, self._next - self._padding) * RMS_WINDOW_MS

    @property
    def opening(self) -> Opening | None:
        """The utterance that is open now; None while there is none, or too little to be speech."""
        if not self._speaking:
            return None
        silent = self._silent_from >= 0
        end = self._silent_from if silent else self._next
        if end - self._onset < self._min_speech and not self._was_cut:
            return None
        padded = min(end + self._padding, self._next) if silent else end
        return Opening(
            start_ms=self._start * RMS_WINDOW_MS,
            end_ms=padded * RMS_WINDOW_MS,
            paused=silent and self._next >= end + self._padding,
        )

    def feed(self, probability: float, rms: float) -> list[Span]:
        """Add one window and return the utterances (at most one) that it completes.

        Args:
            probability: that the window holds speech, [0, 1].
            rms: its loudness, of full scale 1.0.
        """
        span = self._step(probability, rms)
        return [] if span is None else [span]

    def feed_many(self, probabilities: Buffer, rms: Buffer) -> list[Span]:
        """Add windows and return the utterances that they complete.

        Args:
            probabilities: float32, little-endian, one per window, [0, 1].
            rms: float32, little-endian, as many, of full scale 1.0.

        Raises:
            BadRequest: the two differ in length, or hold no whole number of values.
        """
        if len(probabilities) != len(rms) or len(rms) % _FLOAT_BYTES:
            raise BadRequest("as many loudness values as probabilities are needed")
        spans: list[Span] = []
        threshold = self._threshold
        for probability, loudness in zip(_floats(probabilities), _floats(rms), strict=True):
            if not self._speaking and probability < threshold:
                self._next += 1
            elif span := self._step(probability, loudness):
                spans.append(span)
        return spans

    def finish(self) -> list[Span]:
        """End the stream and return the utterance that was still open, if any."""
        if not self._speaking:
            return []
        span = self._close()
        return [] if span is None else [span]

    def _step(self, probability: float, rms: float) -> Span | None:
        window = self._next
        self._next = window + 1
        if probability >= self._threshold:
            if not self._speaking:
                self._begin(window)
            self._silent_from = -1
        elif not self._speaking:
            return None
        elif probability < self._release and self._silent_from < 0:
            self._silent_from = window
        if 0 <= self._silent_from <= window + 1 - self._min_silence:
            return self._close()
        if window >= self._start + self._max - self._tail and rms <= self._quietest_rms:
            self._quietest, self._quietest_rms = window, rms
        return self._cut() if self._next - self._start >= self._max else None

    def _begin(self, window: int) -> None:
        self._speaking = True
        self._onset = window
        self._start = max(self._free_from, window - self._padding)
        self._forget_quietest()

    def _close(self) -> Span | None:
        """End the open utterance where its silence began; too short a one is left out."""
        end = self._silent_from if self._silent_from >= 0 else self._next
        start, onset, cut = self._start, self._onset, self._was_cut
        self._become_silent()
        if end <= start or (end - onset < self._min_speech and not cut):
            return None
        return self._span(start, min(end + self._padding, self._next))

    def _cut(self) -> Span:
        """End the open utterance after its quietest window; the next one begins right there."""
        start, end = self._start, (self._quietest if self._quietest >= 0 else self._next - 1) + 1
        self._start = end
        self._was_cut = True
        self._forget_quietest()
        return self._span(start, end)

    def _span(self, start: int, end: int) -> Span:
        self._free_from = end
        return Span(start_ms=start * RMS_WINDOW_MS, end_ms=end * RMS_WINDOW_MS)

    def _become_silent(self) -> None:
        self._speaking = False
        self._was_cut = False
        self._start = self._onset = 0
        self._silent_from = -1
        self._forget_quietest()

    def _forget_quietest(self) -> None:
        # The tail is a third of the length, so a window seen before a cut is in no later tail.
        self._quietest = -1
        self._quietest_rms = inf


def _check(options: SegmenterOptions, start_ms: int) -> None:
    if not 0.0 <= options.release <= options.threshold <= 1.0:
        raise BadRequest("needed: 0 <= release <= threshold <= 1")
    if min(options.min_speech_ms, options.min_silence_ms, options.padding_ms) < 0:
        raise BadRequest("a duration of the segmenter is negative")
    if options.max_ms < 2 * RMS_WINDOW_MS:
        raise BadRequest(f"max_ms is below {2 * RMS_WINDOW_MS}")
    if start_ms < 0 or start_ms % RMS_WINDOW_MS:
        raise BadRequest(f"start_ms is no multiple of {RMS_WINDOW_MS}")


def _windows(milliseconds: int) -> int:
    """Whole windows, rounded up."""
    return -(-milliseconds // RMS_WINDOW_MS)


def _floats(data: Buffer) -> "array[float]":
    values = array("f")
    values.frombytes(data)
    if sys.byteorder == "big":
        values.byteswap()
    return values
