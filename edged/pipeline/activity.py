"""Voice activity of a client's own audio: whole pieces, and streams that live on between requests."""

import secrets
from array import array
from collections import OrderedDict
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from edged.capture.parts import DecodedPart
from edged.errors import BadRequest, Unsupported
from edged.media import RMS_WINDOW_MS, SPEECH, AudioChunk, AudioFormat
from edged.messages.records import Span
from edged.messages.replies import VadResult
from edged.models.lease import Lease
from edged.models.pool import Pool
from edged.models.runtime import VadOptions, VoiceActivity
from edged.pipeline import sources
from edged.pipeline.decoders import Decoders
from edged.pipeline.plan import of_task
from edged.speech.segmenter import Segmenter

Buffer = bytes | memoryview

MOST_STREAMS = 64
"""Streams whose segmenter is kept; the one that was silent longest is forgotten first."""


@dataclass(slots=True)
class _Listening:
    """A client's stream: its model, and what the segmenter knows of it."""

    model: str
    segmenter: Segmenter = field(default_factory=Segmenter)


class Activity:
    """Answers `vad`. Loop thread only.

    Args:
        pool: lends the model; it keeps each stream's recurrent state in the worker.
        decoders: brings other formats to 16 kHz mono.
    """

    def __init__(self, pool: Pool, decoders: Decoders) -> None:
        self._pool = pool
        self._decoders = decoders
        self._streams: OrderedDict[str, _Listening] = OrderedDict()

    def expected_load_ms(self, model: str | None) -> int:
        """How long a request waits for the model; 0 when it is loaded."""
        return self._pool.expected_load_ms(self.model(model))

    async def whole(
        self,
        audio: AudioFormat,
        parts: Sequence[Buffer],
        *,
        model: str | None,
        keep_alive_ms: int | None = None,
    ) -> VadResult:
        """One piece of audio in any format; nothing of it is kept.

        Raises:
            BadRequest: no audio, or PCM that ends within a sample. BadMedia: NaN or Inf in it.
        """
        segmenter = Segmenter()
        probabilities = array("f")
        spans: list[Span] = []
        stream = secrets.token_hex(8)
        borrowed = self._pool.borrow(self.model(model), VoiceActivity, keep_alive_ms=keep_alive_ms)
        async with (
            borrowed as lease,
            aclosing(self._pieces(audio, parts)) as pieces,
        ):
            async for piece in pieces:
                options = VadOptions(stream=stream, final=piece.final)
                found = await lease.call(lease.model.detect, piece.audio, options)
                probabilities.frombytes(found.data)
                spans += _feed(segmenter, found.data, piece.rms)
        spans += segmenter.finish()
        return _result(probabilities, spans, segmenter.position_ms)

    async def next(
        self,
        stream: str,
        audio: AudioFormat,
        parts: Sequence[Buffer],
        *,
        model: str | None,
        final: bool,
        keep_alive_ms: int | None = None,
    ) -> VadResult:
        """The next audio of a stream.

        Raises:
            Unsupported: the stream is not 16 kHz mono s16le.
        """
        if audio != SPEECH:
            raise Unsupported("a stream takes 16 kHz mono s16le", fix="resample, or send it whole")
        data = parts[0] if len(parts) == 1 else b"".join(parts)
        if len(data) % SPEECH.frame_bytes:
            raise BadRequest("PCM that ends within a sample")
        listening = self._listening(stream, model)
        segmenter = listening.segmenter
        async with self._pool.borrow(
            listening.model, VoiceActivity, keep_alive_ms=keep_alive_ms
        ) as lease:
            found = await self._detect(lease, data, stream, final=final)
        probabilities = array("f", found)
        spans = segmenter.feed_many(found, bytes(len(found)))
        if final:
            spans += segmenter.finish()
            self._streams.pop(stream, None)
        return _result(probabilities, spans, segmenter.position_ms)

    async def _detect(
        self, lease: Lease[VoiceActivity], data: Buffer, stream: str, *, final: bool
    ) -> bytes:
        options = VadOptions(stream=stream, final=final)
        found = await lease.call(lease.model.detect, AudioChunk(data=data), options)
        return found.data

    def _listening(self, stream: str, asked: str | None) -> "_Listening":
        """A stream as it stands; without being asked for another model it keeps its own."""
        found = self._streams.pop(stream, None)
        if found is None or (asked and asked != found.model):
            found = _Listening(self.model(asked))
        self._streams[stream] = found
        while len(self._streams) > MOST_STREAMS:
            self._streams.popitem(last=False)
        return found

    def model(self, asked: str | None) -> str:
        """The model that answers a request, checked to be known."""
        return self._pool.manifest(asked).id if asked else of_task(self._pool, "vad").id

    async def _pieces(
        self, audio: AudioFormat, parts: Sequence[Buffer]
    ) -> AsyncGenerator[DecodedPart, None]:
        source = await sources.from_bytes(parts, audio=audio, name="")
        try:
            async with (
                self._decoders.open(source.fd, audio) as media,
                aclosing(media.parts()) as decoded,
            ):
                async for part in decoded:
                    yield part
        finally:
            source.close()


def _feed(segmenter: Segmenter, probabilities: bytes, rms: bytes) -> list[Span]:
    """As many windows as both know; the last, short one has its loudness too."""
    size = min(len(probabilities), len(rms))
    return segmenter.feed_many(probabilities[:size], rms[:size])


def _result(probabilities: "array[float]", spans: list[Span], position_ms: int) -> VadResult:
    return VadResult(
        probabilities=tuple(round(value, 4) for value in probabilities),
        window_ms=RMS_WINDOW_MS,
        speech=tuple(spans),
        position_ms=position_ms,
    )
