"""Sound through a model, part by part: separated, or cleaned. The daemon holds one part of it."""

import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from typing import TypeVar

from msgspec import Struct

from edged.capture.parts import DecodedPart
from edged.errors import EdgedError
from edged.media import AudioChunk, AudioFormat, samples_to_ms
from edged.messages.wire import Priority
from edged.models.lease import Lease
from edged.models.listening import Denoiser, SeparateOptions, Separator, Sound, StemSound
from edged.models.pool import Pool
from edged.models.turns import urgency_of
from edged.pipeline.decoders import Decoders
from edged.pipeline.sources import Source

MUSIC = AudioFormat(sample_rate=44_100, channels=2, sample_format="f32le")
"""What separators take."""

M = TypeVar("M", Separator, Denoiser)


class Cleaned(Struct, frozen=True, kw_only=True):
    """A run of cleaned speech; progress: of the source, in [0, 1], as far as its length is known."""

    audio: AudioChunk
    progress: float


class Sounding:
    """Answers `separate` and `denoise`. Loop thread only.

    Args:
        pool: lends the models. decoders: bring any media to what they take.
    """

    def __init__(self, pool: Pool, decoders: Decoders) -> None:
        self._pool = pool
        self._decoders = decoders

    async def separate(
        self,
        source: Source,
        model: str,
        *,
        two: bool,
        priority: Priority = "interactive",
        keep_alive_ms: int | None = None,
    ) -> AsyncGenerator[tuple[StemSound, float], None]:
        """The stems of a source in runs of at most 10 s, those of one time one after the other.

        Each with how much of the source is done, in [0, 1], 0 while its length is unknown.

        Raises:
            BadMedia, WorkerGone, Deadline and what borrowing a model raises.
        """
        stream = secrets.token_hex(8)
        async with (
            self._pool.borrow(
                model, Separator, priority=priority, keep_alive_ms=keep_alive_ms
            ) as lease,
            _forgotten(lease, lease.model.forget, stream),
            self._parts(source, priority, MUSIC) as parts,
        ):
            async for part, stated_ms in parts:
                sound = Sound(data=part.pcm, audio=MUSIC)
                options = SeparateOptions(stream=stream, final=part.final, two=two)
                runs = lease.stream(lease.model.separate, sound, options)
                async with aclosing(runs):
                    async for run in runs:
                        yield run, _done(run.start * 1000 // run.audio.sample_rate, stated_ms)

    async def denoise(
        self,
        source: Source,
        model: str,
        *,
        priority: Priority = "interactive",
        keep_alive_ms: int | None = None,
    ) -> AsyncGenerator[Cleaned, None]:
        """The speech of a source without its noise, 16 kHz mono, in runs of at most 30 s.

        Raises:
            BadMedia, WorkerGone, Deadline and what borrowing a model raises.
        """
        stream = secrets.token_hex(8)
        async with (
            self._pool.borrow(
                model, Denoiser, priority=priority, keep_alive_ms=keep_alive_ms
            ) as lease,
            _forgotten(lease, lease.model.forget, stream),
            self._parts(source, priority, None) as parts,
        ):
            async for part, stated_ms in parts:
                options = SeparateOptions(stream=stream, final=part.final)
                audio = await lease.call(lease.model.denoise, part.audio, options)
                at_ms = samples_to_ms(audio.start + audio.samples)
                progress = 1.0 if part.final else _done(at_ms, stated_ms)
                yield Cleaned(audio=audio, progress=progress)

    @asynccontextmanager
    async def _parts(
        self, source: Source, priority: Priority, wanted: AudioFormat | None
    ) -> AsyncIterator[AsyncGenerator[tuple[DecodedPart, int], None]]:
        """Decoded parts, each with the length that the media state."""
        opened = self._decoders.open(
            source.fd, source.audio, priority=urgency_of(priority), wanted=wanted
        )
        async with opened as media, aclosing(media.parts()) as parts:

            async def told() -> AsyncGenerator[tuple[DecodedPart, int], None]:
                async for part in parts:
                    yield part, media.facts.audio_ms

            async with aclosing(told()) as found:
                yield found


def _done(at_ms: int, stated_ms: int) -> float:
    return min(1.0, at_ms / stated_ms) if stated_ms else 0.0


@asynccontextmanager
async def _forgotten(
    lease: Lease[M], forget: Callable[[SeparateOptions], None], stream: str
) -> AsyncIterator[None]:
    """Let the model drop a stream that did not come to its end."""
    try:
        yield
    except BaseException:
        with suppress(EdgedError):  # the worker is gone, and the stream with it
            await lease.call(forget, SeparateOptions(stream=stream))
        raise
