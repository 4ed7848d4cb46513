"""Stretches of recordings as new files: 16 kHz mono, as WAV, Opus or FLAC."""

import struct
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Literal

from msgspec import Struct

from edged.capture.cutting import PIECE_BYTES, ClipCodec
from edged.errors import BadRequest, Unsupported
from edged.media import SPEECH_RATE, ms_to_samples
from edged.pipeline.decoders import Decoders
from edged.pipeline.sources import Audible

CutFormat = Literal["wav", "opus", "flac"]

MEDIA_TYPES: dict[CutFormat, str] = {"wav": "audio/wav", "opus": "audio/ogg", "flac": "audio/flac"}

LONGEST_ENCODED_MS = 3_600_000
"""Of Opus and FLAC, which are made as a whole; WAV flows, so it has no such bound."""

_SAMPLE_BYTES = 2
_MOST_WAV_BYTES = 2**32 - 1


class Cut(Struct, frozen=True):
    """A new file: its size, and its bytes in pieces of at most 1 MiB."""

    size_bytes: int
    pieces: AsyncGenerator[bytes, None]


@asynccontextmanager
async def cut(
    source: Audible, *, from_ms: int, to_ms: int, into: CutFormat, decoders: Decoders
) -> AsyncIterator[Cut]:
    """A stretch of a recording as a new file; where the audio ends before `to_ms`, there is silence.

    Args:
        source: what is cut.
        from_ms: from the recording's start.
        to_ms: likewise, behind from_ms.
        into: the format.
        decoders: decode and encode.

    Raises:
        BadRequest: an empty stretch. Unsupported: it is too long for the format.
        BadMedia, WorkerGone, Deadline: see Decoders.open.
    """
    if to_ms <= from_ms:
        raise BadRequest("the stretch is empty", fix="give from_ms below to_ms")
    samples = ms_to_samples(to_ms) - ms_to_samples(from_ms)
    pcm = _pcm(source, ms_to_samples(from_ms), samples, decoders)
    async with aclosing(pcm):
        if into == "wav":
            size = samples * _SAMPLE_BYTES
            if size + len(_header(0)) > _MOST_WAV_BYTES:
                raise Unsupported("a WAV file holds at most 37 hours of speech")
            yield Cut(size + len(_header(size)), _wav(pcm, size))
            return
        if to_ms - from_ms > LONGEST_ENCODED_MS:
            raise Unsupported(
                f"{into} is made of at most an hour at once", fix="take a shorter stretch, or wav"
            )
        async with _encoded(pcm, into, decoders) as made:
            yield made


@asynccontextmanager
async def _encoded(
    pcm: AsyncGenerator[bytes, None], codec: ClipCodec, decoders: Decoders
) -> AsyncIterator[Cut]:
    async with decoders.clipping(codec) as clipping:
        async for data in pcm:
            await clipping.feed(data, final=False)
        size = await clipping.feed(b"", final=True)

        async def pieces() -> AsyncGenerator[bytes, None]:
            for offset in range(0, size, PIECE_BYTES):
                yield await clipping.piece(offset)

        yield Cut(size, pieces())


async def _wav(pcm: AsyncGenerator[bytes, None], size: int) -> AsyncGenerator[bytes, None]:
    yield _header(size)
    async for data in pcm:
        yield data


def _header(size: int) -> bytes:
    """Of a WAV file with so many bytes of samples. Source: RIFF, WAVE_FORMAT_PCM, 44 bytes."""
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF",
        36 + size,
        b"WAVE",
        b"fmt ",
        16,
        1,
        1,
        SPEECH_RATE,
        SPEECH_RATE * _SAMPLE_BYTES,
        _SAMPLE_BYTES,
        8 * _SAMPLE_BYTES,
        b"data",
        size,
    )


async def _pcm(
    source: Audible, first: int, samples: int, decoders: Decoders
) -> AsyncGenerator[bytes, None]:
    """Exactly so many samples from the first one on."""
    at = first
    async with source.open(decoders) as media, aclosing(media.parts()) as parts:
        async for part in parts:
            end = part.start + part.audio.samples
            if end <= at:
                continue
            last = min(end, first + samples)
            if part.start < last:
                yield part.pcm[
                    (at - part.start) * _SAMPLE_BYTES : (last - part.start) * _SAMPLE_BYTES
                ]
                at = last
            if at >= first + samples:
                return
    while at < first + samples:
        size = min(first + samples - at, PIECE_BYTES // _SAMPLE_BYTES)
        at += size
        yield bytes(size * _SAMPLE_BYTES)
