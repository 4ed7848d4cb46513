"""The way of one source's sound: from blocks of a device to parts and chunks on a session's clock.

Worker side only, without a device: what the clock says comes with each block. Sound without a
break is a `_Run`; the machine's sleep or lost samples end it, and the next one begins behind a gap.
"""

from collections import deque

import numpy as np

from edged.capture.clock import DeviceClock
from edged.capture.encoder import Encoder, kept_rate
from edged.capture.encoder import Pcm as Samples
from edged.capture.mono import loudness
from edged.capture.orders import CaptureOrder, ChunkFacts, Heard
from edged.capture.parts import WINDOW_SAMPLES
from edged.capture.source import Gap
from edged.capture.stretching import Stretcher
from edged.capture.tap import Block
from edged.media import SPEECH_RATE

PART_WINDOWS = 4
"""A part is given out when so many windows are there: 128 ms."""

SLEEP_NS = 200_000_000
"""A shorter stop of the machine is jitter."""

SILENT = 0.001
"""Of full scale, -60 dB: a quiet room with a good microphone is louder."""


class Line:
    """One source, from its first block to its end.

    Args:
        order: what is to be kept, and where the session's clock begins.
        rate: what the device gives, in Hz. channels: 1 or 2.
    """

    def __init__(self, order: CaptureOrder, rate: int, channels: int) -> None:
        self._order = order
        self._origin_ns = order.origin_ns
        self._rate = rate
        self._channels = channels
        self._kept_rate = kept_rate(order.codec, order.sample_rate)
        self._chunks = _Chunks(order, self._kept_rate)
        self._windows = _Windows()
        self._gaps: list[Gap] = []
        self._run: _Run | None = None
        self._slept_ns = 0
        self._break_ms = 0
        self._reason = ""
        self._ready: deque[Heard] = deque()

    def feed(self, block: Block) -> None:
        """Add a block, in order."""
        frames = len(block.pcm) // (2 * self._channels)
        if self._origin_ns is None:
            self._origin_ns = block.arrived_ns - frames * 1_000_000_000 // self._rate
        arrived_s = (block.arrived_ns - self._origin_ns) / 1e9
        if self._run is not None and block.slept_ns - self._slept_ns > SLEEP_NS:
            self._break("suspended")
        self._slept_ns = block.slept_ns
        clock = self._run.clock if self._run is not None else DeviceClock(self._rate)
        clock.lose(block.lost)
        lost = clock.arrive(arrived_s, frames) + block.lost
        if lost and self._run is not None:
            self._break("overrun")
        if self._run is None:
            self._begin(clock)
        self._add(np.frombuffer(block.pcm, "<i2"))

    def take(self) -> Heard | None:
        """What is ready to be given out, when it is enough, or a chunk or a gap is among it."""
        if self._ready:
            return self._ready.popleft()
        if self._windows.ready < PART_WINDOWS and not self._chunks.sealed and not self._gaps:
            return None
        return self._heard()

    def finish(self) -> list[Heard]:
        """All that is left; the open chunk is sealed."""
        self._end_run()
        left = [*self._ready, self._heard()]
        self._ready.clear()
        return left

    def wipe(self) -> None:
        """Forget what is not given out; what is ours of it is overwritten."""
        self._run = None
        self._ready.clear()
        self._gaps.clear()
        self._chunks.wipe()
        self._windows.wipe()

    def _begin(self, clock: DeviceClock) -> None:
        """Sound comes, for the first time or behind a gap."""
        start_s = max(0.0, clock.block_s)
        self._run = _Run(clock, start_s, self._stretchers())
        self._windows.begin(round(start_s * SPEECH_RATE))
        self._chunks.begin(round(start_s * self._kept_rate))
        if self._reason and self._chunks.end_ms > self._break_ms:
            gap = Gap(start_ms=self._break_ms, end_ms=self._chunks.end_ms, reason=self._reason)
            self._gaps.append(gap)
        self._reason = ""

    def _break(self, reason: str) -> None:
        """The sound is interrupted until the next run begins."""
        self._end_run()
        self._break_ms = self._chunks.end_ms
        self._reason = reason
        self._ready.append(self._heard())

    def _stretchers(self) -> tuple[Stretcher, Stretcher | None]:
        """To the kept form, and to the models' when that is another one."""
        kept = Stretcher(self._rate, self._channels, self._kept_rate, self._order.channels)
        if (self._kept_rate, self._order.channels) == (SPEECH_RATE, 1):
            return kept, None
        return kept, Stretcher(self._rate, self._channels, SPEECH_RATE, 1)

    def _add(self, pcm: Samples) -> None:
        if self._run is not None:
            kept, speech = self._run.feed(pcm)
            self._chunks.feed(kept)
            self._windows.feed(speech)

    def _end_run(self) -> None:
        run, self._run = self._run, None
        if run is not None:
            kept, speech = run.finish()
            self._chunks.feed(kept)
            self._windows.feed(speech)
        self._chunks.seal()

    def _heard(self) -> Heard:
        start, samples = self._windows.take()
        rms = loudness(samples)
        sealed, self._chunks.sealed = self._chunks.sealed, []
        gaps, self._gaps = self._gaps, []
        return Heard(
            pcm=samples.tobytes(),
            start=start,
            rms=rms.tobytes(),
            level=min(1.0, float(rms.max(initial=0.0))),
            chunks=tuple(facts for facts, _ in sealed),
            files=tuple(data for _, data in sealed),
            gaps=tuple(gaps),
            start_ms=self._chunks.first_ms,
            end_ms=self._chunks.end_ms,
            origin_ns=self._origin_ns,
        )


class _Run:
    """Sound without a break: the device's clock, and the resamplers that follow it."""

    def __init__(
        self, clock: DeviceClock, start_s: float, stretchers: tuple[Stretcher, Stretcher | None]
    ) -> None:
        self.clock = clock
        self._start_s = start_s
        self._kept, self._speech = stretchers

    def feed(self, pcm: Samples) -> tuple[Samples, Samples]:
        """The newest block's samples; gives the kept ones and the models' that are ready."""
        at_s = self.clock.block_s - self._start_s
        kept = self._kept.feed(pcm, at_s)
        return kept, kept if self._speech is None else self._speech.feed(pcm, at_s)

    def finish(self) -> tuple[Samples, Samples]:
        """What the resamplers held back."""
        kept = self._kept.finish()
        return kept, kept if self._speech is None else self._speech.finish()


class _Windows:
    """The models' copy: whole windows, on one grid with the session's clock."""

    def __init__(self) -> None:
        self._waiting: list[Samples] = []
        self._samples = 0
        self._skip = 0
        self._next = 0

    @property
    def ready(self) -> int:
        """How many whole windows wait."""
        return self._samples // WINDOW_SAMPLES

    def begin(self, position: int) -> None:
        """The next sample is at this place; those up to the next window's start are left out."""
        self._waiting, self._samples = [], 0
        self._skip = -position % WINDOW_SAMPLES
        self._next = position + self._skip

    def feed(self, samples: Samples) -> None:
        """Add samples, shape (n, 1)."""
        wanted = samples[self._skip :, 0]
        self._skip -= min(self._skip, len(samples))
        self._waiting.append(wanted)
        self._samples += len(wanted)

    def take(self) -> tuple[int, Samples]:
        """Where the whole windows begin that wait, and their samples, shape (n,)."""
        samples = np.concatenate(self._waiting) if self._waiting else np.empty(0, np.int16)
        whole = len(samples) // WINDOW_SAMPLES * WINDOW_SAMPLES
        self._waiting = [samples[whole:]]
        self._samples -= whole
        start, self._next = self._next, self._next + whole
        return start, samples[:whole]

    def wipe(self) -> None:
        """Forget what waits."""
        self.begin(0)


class _Chunks:
    """The kept copy: one file per stretch between the borders, which are the same for all sources."""

    def __init__(self, order: CaptureOrder, rate: int) -> None:
        self._order = order
        self._rate = rate
        self._length = max(1, order.chunk_ms * rate // 1000)
        self._number = order.first_chunk
        self._position = 0
        self._start = 0
        self._first: int | None = None
        self._encoder: Encoder | None = None
        self._silent = True
        self.sealed: list[tuple[ChunkFacts, bytes]] = []

    @property
    def first_ms(self) -> int:
        """Where the first sample of all was."""
        return self._ms(self._first or 0)

    @property
    def end_ms(self) -> int:
        """Where the next sample will be."""
        return self._ms(self._position)

    def begin(self, position: int) -> None:
        """The next sample is at this place; never before the last one."""
        self._position = max(position, self._position)
        if self._first is None:
            self._first = self._position

    def feed(self, samples: Samples) -> None:
        """Add samples, shape (n, channels)."""
        while len(samples):
            border = (self._position // self._length + 1) * self._length
            piece, samples = np.split(samples, [border - self._position])
            self._encode(piece)
            if self._position == border:
                self.seal()

    def _encode(self, piece: Samples) -> None:
        if self._encoder is None:
            self._encoder = Encoder(self._order.codec, self._rate, self._order.channels)
            self._start = self._position
            self._silent = True
        self._encoder.feed(piece)
        self._position += len(piece)
        power = np.square(piece.astype(np.float32) / 2**15).mean()
        self._silent = self._silent and bool(power < SILENT**2)

    def seal(self) -> None:
        """Finish the open chunk, if there is one; less than a millisecond is left out."""
        encoder, self._encoder = self._encoder, None
        if encoder is None:
            return
        data = encoder.finish()
        start_ms, duration_ms = self._ms(self._start), self.end_ms - self._ms(self._start)
        if duration_ms:
            facts = ChunkFacts(
                number=self._number, start_ms=start_ms, duration_ms=duration_ms, silent=self._silent
            )
            self.sealed.append((facts, data))
            self._number += 1

    def wipe(self) -> None:
        """Forget the open chunk and what was sealed."""
        encoder, self._encoder = self._encoder, None
        if encoder is not None:
            encoder.wipe()
        self.sealed.clear()

    def _ms(self, position: int) -> int:
        return position * 1000 // self._rate
