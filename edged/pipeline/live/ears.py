"""The first half of live captions: audio as it is pushed, to utterances as they end.

Bounded: what waits to be heard and what waits to be recognised are together never longer than the
backlog that is allowed. Beyond it the oldest is let go; the work after the end hears it.
"""

import asyncio
import secrets
from collections import deque

from msgspec import Struct

from edged.errors import WorkerGone
from edged.media import AudioChunk, ms_to_samples, samples_to_ms
from edged.models.runtime import VadOptions, VoiceActivity
from edged.pipeline.live.loudness import Loudness
from edged.pipeline.live.models import Borrowed
from edged.pipeline.tape import Tape
from edged.speech.segmenter import Opening, Segmenter, SegmenterOptions

LISTEN_SAMPLES = 1024
"""Two windows, 64 ms: fewer calls than one by one, and not much later."""

QUIET_SAMPLES = 4096
"""While nobody speaks, 256 ms: a quarter of the calls, and the end of an utterance is not noticed
later. Measured: 2026-11, 2 vCPU: 0.6 % of a core less than with 128 ms."""

MOST_SAMPLES = 160_000
"""Heard in one call when there is much to catch up with: 10 s."""

TOLERANCE_SAMPLES = 800
"""50 ms: a source's clock is only known so well; what starts farther off is a jump."""

LEAD_MS = 104
"""Of the sound before an utterance: its first consonant is quieter than the threshold."""

_FAILURES = 3


class LiveUtterance(Struct, frozen=True, kw_only=True):
    """Speech that has ended, with its audio; milliseconds from the session's start.

    audio_ms: where the audio begins, a little before the speech.
    """

    start_ms: int
    audio_ms: int
    end_ms: int
    audio: AudioChunk

    @property
    def duration_ms(self) -> int:
        """Its length."""
        return self.end_ms - self.start_ms


class Ears:
    """Loop thread only: one task listens, one takes utterances, anyone pushes.

    Args:
        options: when speech begins and ends.
        backlog_ms: the most that may wait.
    """

    def __init__(self, options: SegmenterOptions, *, backlog_ms: int) -> None:
        self._options = options
        self._most = ms_to_samples(backlog_ms)
        self._incoming: deque[AudioChunk] = deque()
        self._incoming_samples = 0
        self._ready: deque[LiveUtterance] = deque()
        self._ready_samples = 0
        self._more = asyncio.Event()
        self._changed = asyncio.Event()
        self._closed = False
        self._origin = self._next = -1
        self._begin(0)
        self.done = False
        self.skipped_from_ms: int | None = None

    def _begin(self, start: int) -> None:
        """A stretch without jumps; its segmenter counts from 0."""
        self._origin = self._next = start
        self._segmenter = Segmenter(self._options)
        self._loudness = Loudness()
        self._tape = Tape()
        self._free_from_ms = 0
        self._stream = secrets.token_hex(8)

    # --- pushing ---

    def push(self, audio: AudioChunk) -> None:
        """Add what was captured; never waits. `audio.start` counts from the session's start."""
        if self._closed or not audio.samples:
            return
        self._incoming.append(audio)
        self._incoming_samples += audio.samples
        self._let_go()
        if self._incoming_samples >= self._enough:
            self._more.set()

    def close(self) -> None:
        """Nothing more is pushed; what is there is still heard."""
        self._closed = True
        self._more.set()

    def _let_go(self) -> None:
        """Skip ahead: the oldest is put off until after the end."""
        while self._incoming_samples + self._ready_samples > self._most:
            if (utterance := self.take()) is not None:
                self.skip(utterance)
            elif len(self._incoming) > 1:
                chunk = self._incoming.popleft()
                self._incoming_samples -= chunk.samples
                self._note_skipped(chunk.start_ms)
            else:
                return

    def skip(self, utterance: LiveUtterance) -> None:
        """Leave an utterance to the work after the end."""
        self._note_skipped(utterance.start_ms)

    def heard_up_to(self, milliseconds: int) -> int:
        """All audio before is recognised, when everything that was not skipped is up to here."""
        if self.skipped_from_ms is None:
            return milliseconds
        return min(milliseconds, self.skipped_from_ms)

    def _note_skipped(self, start_ms: int) -> None:
        if self.skipped_from_ms is None:
            self.skipped_from_ms = start_ms

    @property
    def _enough(self) -> int:
        """So many samples are worth a call."""
        return QUIET_SAMPLES if self._segmenter.opening is None else LISTEN_SAMPLES

    # --- what there is ---

    @property
    def waiting_ms(self) -> int:
        """Audio that waits to be heard, and utterances that wait to be recognised."""
        return samples_to_ms(self._incoming_samples + self._ready_samples)

    @property
    def position_ms(self) -> int:
        """Up to where everything was listened to."""
        return samples_to_ms(self._next)

    @property
    def opening(self) -> Opening | None:
        """The utterance that goes on now, on the session's clock."""
        found = self._segmenter.opening
        if found is None:
            return None
        origin_ms = samples_to_ms(self._origin)
        return Opening(
            start_ms=origin_ms + found.start_ms,
            end_ms=origin_ms + found.end_ms,
            paused=found.paused,
        )

    def cut(self, start_ms: int, end_ms: int) -> AudioChunk:
        """Audio of the open utterance, or what is left of it; with a lead before its start."""
        return self._tape.cut(start_ms, end_ms)

    def lead_ms(self, start_ms: int) -> int:
        """Where the audio begins that a recogniser is given for an utterance."""
        return max(start_ms - LEAD_MS, self._free_from_ms, 0)

    def take(self) -> LiveUtterance | None:
        """The oldest utterance that ended; None when there is none."""
        if not self._ready:
            return None
        utterance = self._ready.popleft()
        self._ready_samples -= utterance.audio.samples
        return utterance

    async def changed(self) -> None:
        """Wait until something was heard since the last time."""
        await self._changed.wait()
        self._changed.clear()

    def wake(self) -> None:
        """Make `changed` return."""
        self._changed.set()

    # --- listening ---

    async def listen(self, lease: Borrowed[VoiceActivity]) -> None:
        """Hear everything that is pushed, until closed.

        Raises:
            EdgedError: the model fails again and again.
        """
        failures = 0
        while (chunk := await self._take_incoming()) is not None:
            try:
                await self._hear(lease, chunk)
                failures = 0
            except WorkerGone:
                failures += 1
                if failures >= _FAILURES:
                    raise
                self._note_skipped(chunk.start_ms)
                self._finish_stretch(chunk.start + chunk.samples)
            self._changed.set()
        self._finish_stretch(self._next)
        self.done = True
        self._changed.set()

    async def _take_incoming(self) -> AudioChunk | None:
        """What waits, joined up to the next jump; None at the end."""
        while not self._closed and self._incoming_samples < self._enough:
            self._more.clear()
            await self._more.wait()
        if not self._incoming:
            return None
        first = self._incoming.popleft()
        pieces, end = [first.data], first.start + first.samples
        while self._incoming and _follows(self._incoming[0], end, first):
            chunk = self._incoming.popleft()
            pieces.append(chunk.data)
            end += chunk.samples
        self._incoming_samples -= end - first.start
        return AudioChunk(data=b"".join(pieces), start=first.start)

    async def _hear(self, lease: Borrowed[VoiceActivity], chunk: AudioChunk) -> None:
        if abs(chunk.start - self._next) > TOLERANCE_SAMPLES:
            self._finish_stretch(chunk.start)
        chunk = AudioChunk(data=chunk.data, start=self._next)
        self._tape.append(chunk)
        options = VadOptions(stream=self._stream)
        found = await lease.call(lease.model.detect, chunk, options)
        self._next += chunk.samples
        loudness = self._loudness.feed(chunk.data)
        size = min(len(found.data), len(loudness))
        for span in self._segmenter.feed_many(found.data[:size], loudness[:size]):
            self._ended(span.start_ms, span.end_ms)
        self._tape.forget_before(self._origin_ms + self._segmenter.needed_from_ms - LEAD_MS)
        self._let_go()

    @property
    def _origin_ms(self) -> int:
        return samples_to_ms(self._origin)

    def _ended(self, start_ms: int, end_ms: int) -> None:
        start, end = self._origin_ms + start_ms, self._origin_ms + end_ms
        lead = self.lead_ms(start)
        audio = self._tape.cut(lead, end)
        self._free_from_ms = end
        utterance = LiveUtterance(start_ms=start, audio_ms=lead, end_ms=end, audio=audio)
        self._ready.append(utterance)
        self._ready_samples += audio.samples

    def _finish_stretch(self, start: int) -> None:
        """End what is open, and begin anew where the audio goes on."""
        for span in self._segmenter.finish():
            self._ended(span.start_ms, span.end_ms)
        self._begin(start)


def _follows(chunk: AudioChunk, end: int, first: AudioChunk) -> bool:
    near = abs(chunk.start - end) <= TOLERANCE_SAMPLES
    return near and end + chunk.samples - first.start <= MOST_SAMPLES
