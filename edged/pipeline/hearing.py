"""What is heard in audio of any length: decoded part by part, classified window by window."""

from collections.abc import Awaitable, Callable
from contextlib import aclosing

from msgspec import Struct

from edged.capture.parts import DecodedPart
from edged.media import SPEECH, AudioChunk, ms_to_samples, samples_to_ms
from edged.messages.records import AudioWindow, Class
from edged.messages.wire import Priority
from edged.models import runtime
from edged.models.pool import Pool
from edged.models.runtime import AudioClassifier, ClassifyOptions, HearOptions
from edged.models.turns import urgency_of
from edged.pipeline.decoders import Decoders
from edged.pipeline.sources import Source

MOST_WINDOWS = 3_600
MOST_CLASSES = 36_000
"""What one reply tells at most, windows and the labels in all of them: 2 MB. For more, the windows
are taken farther apart."""


class Heard(Struct, frozen=True, kw_only=True):
    """What is heard in the whole (the mean over its time), and in each window; device: that ran it."""

    classes: tuple[Class, ...]
    windows: tuple[AudioWindow, ...]
    audio_ms: int
    device: str
    computed_us: int


class Hearing:
    """Answers `audio.classify`. Loop thread only.

    Args:
        pool: lends the model. decoders: bring any media to 16 kHz mono.
    """

    def __init__(self, pool: Pool, decoders: Decoders) -> None:
        self._pool = pool
        self._decoders = decoders

    async def hear(
        self,
        source: Source,
        model: str,
        options: ClassifyOptions,
        *,
        priority: Priority = "interactive",
        keep_alive_ms: int | None = None,
    ) -> Heard:
        """Every window of a source; of a long one not more than fit into a reply.

        Memory is bounded: a decoded part of 30 s, and what is told.

        Raises:
            BadMedia, WorkerGone, Deadline and what borrowing a model raises.
        """
        borrowed = self._pool.borrow(
            model, AudioClassifier, priority=priority, keep_alive_ms=keep_alive_ms
        )
        urgency = urgency_of(priority)
        async with (
            borrowed as lease,
            self._decoders.open(source.fd, source.audio, priority=urgency) as media,
            aclosing(media.parts()) as parts,
        ):
            listening = Listening(
                lambda piece, how: lease.call(lease.model.hear, piece, how),
                options,
                stated_ms=media.facts.audio_ms,
            )
            async for part in parts:
                await listening.listen(part)
            return listening.result(lease.device)


class Listening:
    """One source on its way through the model.

    Args:
        hear: the model's. options: what to tell.
        stated_ms: how long it is, as far as the media say; 0: they do not.
    """

    def __init__(
        self,
        hear: Callable[[AudioChunk, HearOptions], Awaitable[runtime.Heard]],
        options: ClassifyOptions,
        *,
        stated_ms: int,
    ) -> None:
        self._hear = hear
        self._options = options
        self._most = max(1, min(MOST_WINDOWS, MOST_CLASSES // options.top_k))
        self._hop = -(-ms_to_samples(stated_ms) // self._most)
        self._windows: list[AudioWindow] = []
        self._classes: tuple[Class, ...] = ()
        self._sums: bytes | memoryview = b""
        self._rest = b""
        self._next = 0
        self._samples = 0
        self._computed_us = 0

    async def listen(self, part: DecodedPart) -> None:
        """Classify what the part completes."""
        chunk = self._joined(part)
        options = HearOptions(
            top_k=self._options.top_k,
            min_score=self._options.min_score,
            hop=self._hop,
            final=part.final,
            sums=self._sums,
        )
        heard = await self._hear(chunk, options)
        self._classes, self._sums, self._hop = heard.classes, heard.sums, heard.hop
        self._computed_us += heard.computed_us
        self._next += heard.used
        self._rest = bytes(chunk.data)[heard.used * SPEECH.frame_bytes :]
        self._windows += heard.windows
        self._thin_out()

    def _joined(self, part: DecodedPart) -> AudioChunk:
        """What the next window begins with: of the parts before, then of this one."""
        before = self._samples
        self._samples += part.audio.samples
        if self._rest:
            return AudioChunk(data=self._rest + part.pcm, start=self._next)
        skipped = min(part.audio.samples, self._next - before)
        return AudioChunk(data=part.pcm[skipped * SPEECH.frame_bytes :], start=before + skipped)

    def _thin_out(self) -> None:
        """Leave out every second window while there are too many: the stated length was too short."""
        while len(self._windows) > self._most:
            del self._windows[1::2]
            self._hop *= 2

    def result(self, device: str) -> Heard:
        """All that was heard, by a model on a device."""
        return Heard(
            classes=self._classes,
            windows=tuple(self._windows),
            audio_ms=samples_to_ms(self._samples),
            device=device,
            computed_us=self._computed_us,
        )
