"""Stretches of audio as new files, made by a real decode worker and read by it again."""

import asyncio
from array import array
from collections.abc import Awaitable, Callable

import pytest

from edged.errors import BadRequest, Unsupported
from edged.media import SPEECH, AudioFormat
from edged.pipeline import sources
from edged.pipeline.cuts import CutFormat, cut
from edged.pipeline.decoders import Decoders

SECOND = 16_000
RAMP = array("h", [sample % 20_000 - 10_000 for sample in range(4 * SECOND)])


def _run(scenario: Callable[[Decoders], Awaitable[None]]) -> None:
    async def bounded() -> None:
        decoders = Decoders()
        try:
            async with asyncio.timeout(15):
                await scenario(decoders)
        finally:
            await decoders.close()

    asyncio.run(bounded())


async def _made(decoders: Decoders, into: CutFormat, from_ms: int, to_ms: int) -> bytes:
    source = await sources.from_bytes([RAMP.tobytes()], audio=SPEECH, name="")
    try:
        async with cut(source, from_ms=from_ms, to_ms=to_ms, into=into, decoders=decoders) as made:
            data = b"".join([piece async for piece in made.pieces])
            assert len(data) == made.size_bytes
            return data
    finally:
        source.close()


async def _samples(decoders: Decoders, data: bytes, audio: AudioFormat | None) -> list[int]:
    source = await sources.from_bytes([data], audio=audio, name="")
    try:
        async with source.open(decoders) as media:
            pcm = b"".join([part.pcm async for part in media.parts()])
            return array("h", pcm).tolist()
    finally:
        source.close()


def test_wav_and_flac_hold_exactly_the_stretch() -> None:
    async def scenario(decoders: Decoders) -> None:
        for into in ("wav", "flac"):
            data = await _made(decoders, into, 1_250, 3_001)
            found = await _samples(decoders, data, None)
            assert found == RAMP[20_000 : 3_001 * 16].tolist(), into

    _run(scenario)


def test_opus_holds_as_much_as_was_asked_for() -> None:
    async def scenario(decoders: Decoders) -> None:
        data = await _made(decoders, "opus", 500, 3_500)

        found = await _samples(decoders, data, None)

        assert data.startswith(b"OggS")
        assert len(data) < len(RAMP)
        assert len(found) == 3 * SECOND

    _run(scenario)


def test_behind_the_end_there_is_silence() -> None:
    async def scenario(decoders: Decoders) -> None:
        data = await _made(decoders, "wav", 3_900, 4_100)

        found = await _samples(decoders, data, None)

        assert found == RAMP[3_900 * 16 :].tolist() + [0] * 1_600

    _run(scenario)


def test_what_cannot_be_made_is_refused() -> None:
    async def scenario(decoders: Decoders) -> None:
        with pytest.raises(BadRequest):
            await _made(decoders, "wav", 1_000, 1_000)
        with pytest.raises(Unsupported):
            await _made(decoders, "flac", 0, 3_600_001)

    _run(scenario)
