"""PocketSphinx with its own en-us model, in a worker."""

import asyncio
from collections.abc import Awaitable
from pathlib import Path

import pytest
from hosted import (
    DATA,
    assert_words_are_in_order,
    asset,
    canary,
    clip,
    hosted,
    sentences,
    shipped,
    transcribe,
)

from edged.errors import BadRequest, Unsupported
from edged.media import AudioChunk
from edged.models.runtime import ModelSpec, TranscribeOptions, Utterance
from edged.workers.process import CallYielded

KETTLE = clip(DATA / "tiny-whisper" / "kettle.wav")
SISTER = clip(DATA / "tiny-whisper" / "sister.wav")
LONG = AudioChunk(data=bytes(KETTLE.data) + bytes(SISTER.data))


@pytest.fixture
def spec(home: Path) -> ModelSpec:
    return shipped("pocketsphinx-en-us", home)


def test_it_hears_most_words_of_a_synthetic_voice_with_their_times(spec: ModelSpec) -> None:
    async def heard() -> list[Utterance]:
        async with hosted(spec) as worker:
            return await transcribe(worker, KETTLE)

    found = asyncio.run(heard())

    said = sentences(DATA / "tiny-whisper")["kettle.wav"].lower().strip(".").split()
    assert len(found) == 1
    assert len(set(found[0].text.split()) & set(said)) >= len(set(said)) - 1
    assert (found[0].language, found[0].language_detected) == ("en", False)
    assert 0 < found[0].confidence < 1
    assert_words_are_in_order(found, KETTLE)
    assert found[0].text == " ".join(word.text for word in found[0].words)
    assert not any(set("<>[]()+") & set(word.text) for word in found[0].words)


def test_a_window_gives_the_same_bits_whatever_was_decoded_before(spec: ModelSpec) -> None:
    async def three_times() -> list[list[Utterance]]:
        async with hosted(spec) as worker:
            found = [await transcribe(worker, KETTLE)]
            await transcribe(worker, SISTER)
            await transcribe(worker, AudioChunk(data=b"\x00\x70\x00\x90" * 8000))
            found.append(await transcribe(worker, KETTLE))
            await canary(worker)
            return [*found, await transcribe(worker, KETTLE)]

    first, second, third = asyncio.run(three_times())

    assert first == second == third


def test_batch_work_gives_way_and_leaves_the_decoder_usable(spec: ModelSpec) -> None:
    async def interrupted() -> tuple[list[Utterance], list[Utterance]]:
        async with hosted(spec) as worker:
            alone = await transcribe(worker, LONG)
            async with asyncio.TaskGroup() as group:
                batch = group.create_task(
                    _given_way(
                        transcribe(worker, LONG, TranscribeOptions(yieldable=True), priority=2)
                    )
                )
                group.create_task(transcribe(worker, KETTLE))
            assert batch.result()
            return alone, await transcribe(worker, LONG)

    alone, after = asyncio.run(interrupted())

    assert alone == after


async def _given_way(call: Awaitable[object]) -> bool:
    try:
        await call
    except CallYielded:
        return True
    return False


def test_silence_and_shreds_of_audio_hold_no_words(spec: ModelSpec) -> None:
    shreds = [b"", bytes(2), bytes(200), bytes(32_000)]

    async def heard() -> list[list[Utterance]]:
        async with hosted(spec) as worker:
            return [await transcribe(worker, AudioChunk(data=one)) for one in shreds]

    assert asyncio.run(heard()) == [[], [], [], []]


def test_other_languages_and_half_samples_are_refused_and_words_are_optional(
    spec: ModelSpec,
) -> None:
    async def asked() -> list[Utterance]:
        async with hosted(spec) as worker:
            with pytest.raises(Unsupported, match="language"):
                await transcribe(worker, KETTLE, TranscribeOptions(language="de"))
            with pytest.raises(BadRequest, match="half a sample"):
                await transcribe(worker, AudioChunk(data=bytes(3)))
            return await transcribe(worker, KETTLE, TranscribeOptions(language="en", words=False))

    found = asyncio.run(asked())

    assert found[0].text
    assert found[0].words == ()


def test_the_canary_is_the_one_of_the_manifest(spec: ModelSpec) -> None:
    async def sung() -> str:
        async with hosted(spec) as worker:
            return await canary(worker)

    assert asyncio.run(sung()) == spec.canary == "we are"


@pytest.mark.long
def test_a_noisy_microphone_is_heard_because_its_mean_is_taken_first(spec: ModelSpec) -> None:
    """Without the first hearing nearly every one of these words is wrong."""
    audio = clip(asset("media/speech/jfk.wav"))

    async def heard() -> list[Utterance]:
        async with hosted(spec) as worker:
            return await transcribe(worker, audio)

    words = asyncio.run(heard())[0].text.split()

    assert len({"fellow", "what", "your", "country", "can", "do", "for", "you"} & set(words)) >= 7
