"""The way ahead of recognition: decode, find speech, cut the windows that a recogniser is given."""

import secrets
from collections.abc import AsyncGenerator
from contextlib import aclosing

from msgspec import Struct

from edged.capture.parts import DecodedPart
from edged.media import AudioChunk
from edged.messages.records import Span
from edged.messages.wire import Priority
from edged.models.lease import Lease
from edged.models.pool import Pool
from edged.models.runtime import VadOptions, VoiceActivity
from edged.pipeline.decoders import Decoders
from edged.pipeline.plan import Plan
from edged.pipeline.sources import Audible, Media
from edged.pipeline.tape import Tape
from edged.speech.segmenter import Segmenter
from edged.speech.windows import Packer, SpeechWindow


class Passage(Struct, frozen=True):
    """One step: a window with its audio, or (without a window) how far decoding has come.

    audio_ms: length of the recording, as stated until it is known.
    position_ms: everything before was looked at.
    """

    audio: AudioChunk
    position_ms: int
    audio_ms: int
    window: SpeechWindow | None = None


class Speech:
    """Cuts one source into passages.

    Args:
        pool: lends the voice activity model. decoders: bring any media to 16 kHz mono.
        plan: which models, and how to cut.
        priority: of the calls.
    """

    def __init__(self, pool: Pool, decoders: Decoders, plan: Plan, *, priority: Priority) -> None:
        self._pool = pool
        self._decoders = decoders
        self._plan = plan
        self._priority = priority
        self._segmenter = Segmenter(plan.segmenter)
        self._packer = Packer(plan.window_ms, packs=plan.packs)
        self._tape = Tape()
        self._loudness = b""
        self._stream = secrets.token_hex(8)

    async def passages(self, source: Audible) -> AsyncGenerator[Passage, None]:
        """Windows in order of time, and a passage without a window after every decoded part.

        Memory is bounded: a part of 30 s, and what an open window still needs.

        Raises:
            BadMedia, WorkerGone, Deadline and what borrowing a model raises.
        """
        borrowed = self._pool.borrow(self._plan.vad, VoiceActivity, priority=self._priority)
        async with (
            borrowed as lease,
            source.open(self._decoders) as media,
            aclosing(media.parts()) as parts,
        ):
            async for part in parts:
                spans = await self._listen(lease, part)
                for window in self._windows(spans, final=part.final):
                    yield self._passage(media, window, final=part.final)
                self._forget()
                yield self._passage(media, None, final=part.final)

    async def _listen(self, lease: Lease[VoiceActivity], part: DecodedPart) -> list[Span]:
        """Utterances that end within a part."""
        self._tape.append(part.audio)
        options = VadOptions(stream=self._stream, final=part.final)
        found = await lease.call(lease.model.detect, part.audio, options)
        loudness = self._loudness + part.rms
        size = min(len(found.data), len(loudness))
        self._loudness = loudness[size:]
        return self._segmenter.feed_many(found.data[:size], loudness[:size])

    def _windows(self, spans: list[Span], *, final: bool) -> list[SpeechWindow]:
        windows = self._packer.add(spans)
        if final:
            windows += self._packer.add(self._segmenter.finish())
            windows += self._packer.finish()
        return windows

    def _passage(self, media: Media, window: SpeechWindow | None, *, final: bool) -> Passage:
        position_ms = self._tape.end_ms
        audio_ms = position_ms if final else max(media.audio_ms, position_ms)
        audio = self._tape.cut(window.start_ms, window.end_ms) if window else AudioChunk(data=b"")
        return Passage(audio=audio, position_ms=position_ms, audio_ms=audio_ms, window=window)

    def _forget(self) -> None:
        needed = self._packer.needed_from_ms
        point = self._segmenter.needed_from_ms
        self._tape.forget_before(point if needed is None else min(point, needed))
