"""Microphones whose sound, losses and refusals a test decides; a clock that it sets."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from edged.capture.source import CapturedPart, CaptureOptions, Gap, SealedChunk
from edged.errors import EdgedError
from edged.media import AudioChunk, ms_to_samples

SECOND_NS = 1_000_000_000


class FakeClock:
    """Nanoseconds that pass only when a test says so."""

    def __init__(self) -> None:
        self.ns = 77 * SECOND_NS

    def __call__(self) -> int:
        return self.ns


class FakeCapture:
    """One open device; fulfils edged.capture.source.Capture."""

    def __init__(self, options: CaptureOptions, clock: FakeClock) -> None:
        self.options = options
        self.origin_ns = clock() if options.origin_ns is None else options.origin_ns
        self.discarded = False
        self._clock = clock
        self._queue: asyncio.Queue[CapturedPart | EdgedError | None] = asyncio.Queue()
        self._at_ms = self._now_ms()
        self._chunk_ms = self._at_ms
        self._number = options.first_chunk
        self._queue.put_nowait(CapturedPart(audio=AudioChunk(data=b"")))  # open, no sound yet
        first = CapturedPart(
            audio=AudioChunk(data=b""), device="Fake device", origin_ns=self.origin_ns
        )
        self._queue.put_nowait(first)

    def _now_ms(self) -> int:
        return (self._clock() - self.origin_ns) // 1_000_000

    def hear(self, milliseconds: int, *, silent: bool = False) -> None:
        """Time passes, and all of it is heard; full chunks are sealed."""
        self._clock.ns += milliseconds * 1_000_000
        end_ms = self._at_ms + milliseconds
        sealed = []
        length = self.options.chunk_ms
        while (border := (self._chunk_ms // length + 1) * length) <= end_ms:
            sealed.append(self._seal(border, silent=silent))
        start, self._at_ms = self._at_ms, end_ms
        pcm = bytes(2 * ms_to_samples(milliseconds))
        audio = AudioChunk(data=pcm, start=ms_to_samples(start))
        self._put(audio=audio, sealed=tuple(sealed), level=0.0 if silent else 0.5)

    def lose(self, milliseconds: int, reason: str = "device_lost") -> None:
        """Time passes unheard; the open chunk is sealed before it."""
        self._put(sealed=self._rest(), gaps=(self._gap(None, reason),))
        start = self._at_ms
        self._clock.ns += milliseconds * 1_000_000
        self._at_ms = self._chunk_ms = start + milliseconds
        self._put(gaps=(Gap(start_ms=start, end_ms=self._at_ms, reason=reason),))

    def go_away(self, reason: str = "device_lost") -> None:
        """A gap begins that does not end."""
        self._put(sealed=self._rest(), gaps=(self._gap(None, reason),))

    def fail(self, error: EdgedError) -> None:
        """The capture itself breaks."""
        self._queue.put_nowait(error)

    async def parts(self) -> AsyncGenerator[CapturedPart, None]:
        while (part := await self._queue.get()) is not None:
            if isinstance(part, EdgedError):
                raise part
            yield part

    async def stop(self, *, discard: bool = False) -> None:
        self.discarded = discard
        if not discard:
            self._put(sealed=self._rest())
        self._queue.put_nowait(None)

    async def settled(self) -> None:
        """Everything that was put was taken by the session."""
        while not self._queue.empty():
            await asyncio.sleep(0)

    def _put(self, **facts: Any) -> None:
        facts.setdefault("audio", AudioChunk(data=b"", start=ms_to_samples(self._at_ms)))
        self._queue.put_nowait(CapturedPart(**facts))

    def _gap(self, end_ms: int | None, reason: str) -> Gap:
        return Gap(start_ms=self._at_ms, end_ms=end_ms, reason=reason)

    def _rest(self) -> tuple[SealedChunk, ...]:
        if self._at_ms == self._chunk_ms:
            return ()
        return (self._seal(self._at_ms, silent=False),)

    def _seal(self, end_ms: int, *, silent: bool) -> SealedChunk:
        chunk = SealedChunk(
            number=self._number,
            start_ms=self._chunk_ms,
            duration_ms=end_ms - self._chunk_ms,
            codec=self.options.codec,
            data=f"chunk {self._number} ".encode() * 100,
            silent=silent,
        )
        self._chunk_ms = end_ms
        self._number += 1
        return chunk


class FakeMicrophones:
    """Opens FakeCaptures, or refuses as `refusals` say, first come first served."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.captures: list[FakeCapture] = []
        self.refusals: list[EdgedError | None] = []
        self.closed = 0

    @asynccontextmanager
    async def open(self, kind: str, options: CaptureOptions) -> AsyncGenerator[FakeCapture, None]:
        assert kind in ("microphone", "loopback")
        if self.refusals and (refusal := self.refusals.pop(0)) is not None:
            raise refusal
        capture = FakeCapture(options, self.clock)
        self.captures.append(capture)
        try:
            yield capture
        finally:
            self.closed += 1
