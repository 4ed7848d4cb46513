"""Audio that a client sends: checked, brought to 16 kHz where needed, pushed into live captions.

Bounded by the backlog that is allowed. A client that sends in real time is never held up: live
recognition skips ahead. One that sends faster (a file) is told `busy` and when to go on.
"""

import asyncio
import secrets
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from edged.capture.parts import ConvertOptions
from edged.capture.source import CapturedPart
from edged.errors import BadRequest, Busy, Conflict, TooLarge, WorkerGone
from edged.media import SPEECH, AudioChunk, AudioFormat

Buffer = bytes | memoryview

MOST_AT_ONCE_MS = 10_000
AHEAD_MS = 2_000
"""So far may a client be ahead of the clock and still count as one that sends in real time."""

SOONEST_MS, LATEST_MS = 50, 5_000
"""When a client is told to come back."""


class Captions(Protocol):
    """What is fed; fulfilled by edged.pipeline.live.captions.Live."""

    @property
    def backlog_ms(self) -> int:
        """Pushed and not yet recognised."""
        ...

    @property
    def eta_ms(self) -> int | None:
        """When it will be."""
        ...

    def push(self, part: CapturedPart) -> None:
        """Add audio; never waits."""
        ...


class Converter(Protocol):
    """Fulfilled by edged.pipeline.decoders.Decoders."""

    async def convert(self, data: Buffer, options: ConvertOptions) -> AudioChunk:
        """A piece of live PCM as mono s16le at 16 kHz."""
        ...


class Feed:
    """One client's audio on its way into captions. Loop thread only.

    Args:
        captions: where it goes.
        converter: for every format but 16 kHz mono s16le.
        audio: the format of all that comes.
        backlog_ms: what may wait.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        captions: Captions,
        converter: Converter,
        audio: AudioFormat,
        *,
        backlog_ms: int,
        clock: Callable[[], float],
    ) -> None:
        self._captions = captions
        self._converter = converter
        self._audio = audio
        self._most_ms = backlog_ms
        self._clock = clock
        self._opened = clock()
        self._frames = 0
        self._pushed = 0
        self._pieces: deque[bytes] = deque()
        self._waiting_frames = 0
        self._more = asyncio.Event()
        self._closed = False
        self._stream = secrets.token_hex(8)

    @property
    def position_ms(self) -> int:
        """How much audio was taken."""
        return self._ms(self._frames)

    @property
    def backlog_ms(self) -> int:
        """Taken and not yet recognised."""
        return self._ms(self._waiting_frames) + self._captions.backlog_ms

    def take(self, parts: Sequence[Buffer]) -> None:
        """Take the next audio; never waits.

        Raises:
            BadRequest: none, or it ends within a sample. TooLarge: more than 10 s at once.
            Busy: too much waits already; nothing was taken.
            Conflict: the stream is being closed.
        """
        size = sum(len(part) for part in parts)
        self._check(size)
        frames = size // self._audio.frame_bytes
        self._check_room(self._ms(frames))
        data = b"".join(parts)
        self._frames += frames
        if self._audio == SPEECH:
            self._push(data)
            return
        self._pieces.append(data)
        self._waiting_frames += frames
        self._more.set()

    def close(self) -> None:
        """Take nothing more; `convert` ends when all is pushed."""
        self._closed = True
        self._more.set()

    async def convert(self) -> None:
        """Bring what was taken to 16 kHz and push it, until closed.

        Raises:
            BadMedia: samples that are not finite numbers, or a rate out of bounds.
            WorkerGone, EngineMissing: it cannot be converted here.
        """
        if self._audio == SPEECH:
            return
        while self._pieces or not self._closed:
            if self._pieces:
                await self._convert_one(self._pieces[0])
            else:
                self._more.clear()
                await self._more.wait()
        self._push((await self._converted(b"", final=True)).data)

    async def _convert_one(self, data: bytes) -> None:
        chunk = await self._converted(data, final=False)
        self._pieces.popleft()
        self._waiting_frames -= len(data) // self._audio.frame_bytes
        self._push(chunk.data)

    async def _converted(self, data: bytes, *, final: bool) -> AudioChunk:
        """Once more when the worker died of something else."""
        options = ConvertOptions(stream=self._stream, audio=self._audio, final=final)
        try:
            return await self._converter.convert(data, options)
        except WorkerGone:
            return await self._converter.convert(data, options)

    def _push(self, data: Buffer) -> None:
        chunk = AudioChunk(data=data, start=self._pushed)
        self._pushed += chunk.samples
        self._captions.push(CapturedPart(audio=chunk))

    def _check(self, size: int) -> None:
        if self._closed:
            raise Conflict("the stream is being closed", fix="open another one")
        if not size:
            raise BadRequest("no audio came with the request", fix="send it as binary frames")
        if size % self._audio.frame_bytes:
            raise BadRequest(
                f"{size} bytes are no whole number of {self._audio.frame_bytes}-byte samples"
            )
        if self._ms(size // self._audio.frame_bytes) > MOST_AT_ONCE_MS:
            raise TooLarge(
                f"more than {MOST_AT_ONCE_MS} ms of audio at once",
                fix="send 20 ms to 1 s at a time",
            )

    def _check_room(self, more_ms: int) -> None:
        """Refuse what does not fit; for a client in real time, live recognition makes room itself."""
        elapsed_ms = (self._clock() - self._opened) * 1000
        in_real_time = self.position_ms + more_ms <= elapsed_ms + AHEAD_MS
        waiting_ms = self._ms(self._waiting_frames) if in_real_time else self.backlog_ms
        if waiting_ms + more_ms <= self._most_ms:
            return
        eta_ms = self._captions.eta_ms
        wait_ms = 1_000 if eta_ms is None else eta_ms // 2
        raise Busy(
            f"{waiting_ms} ms of audio are not recognised yet",
            fix="send the same audio again after retry_after_ms, or slower",
            retry_after_ms=max(SOONEST_MS, min(wait_ms, LATEST_MS)),
        )

    def _ms(self, frames: int) -> int:
        return frames * 1000 // self._audio.sample_rate
