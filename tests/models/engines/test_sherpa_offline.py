"""sherpa-onnx with a transducer whose weights are set by hand: it hears loud and soft."""

import asyncio

import pytest
from hosted import DATA, assert_words_are_in_order, canary, hosted, spec_for, transcribe

from edged.errors import CorruptModel, Unsupported
from edged.media import AudioChunk
from edged.models.engines.voice import we_are
from edged.models.runtime import ModelSpec, TranscribeOptions, Utterance

TINY = DATA / "tiny-transducer"
TWICE = AudioChunk(data=we_are() + bytes(32_000) + we_are())


def tiny(*languages: str, kind: str = "transducer") -> ModelSpec:
    files = {name: str(TINY / f"{name}.onnx") for name in ("decoder", "joiner")}
    files |= {"encoder": str(TINY / "offline-encoder.onnx"), "tokens": str(TINY / "tokens.txt")}
    return spec_for(
        "sherpa_offline", files, languages=languages or ("en",), parameters={"kind": kind}
    )


def heard(audio: AudioChunk, options: TranscribeOptions | None = None) -> list[Utterance]:
    async def ask() -> list[Utterance]:
        async with hosted(tiny()) as worker:
            return await transcribe(worker, audio, options)

    return asyncio.run(ask())


def test_a_hand_made_transducer_hears_when_it_is_loud_and_when_it_ends() -> None:
    found = heard(TWICE)

    assert [one.text for one in found] == ["loud soft loud soft"]
    assert_words_are_in_order(found, TWICE)
    loud = [word.start_s for word in found[0].words if word.text == "loud"]
    assert loud == pytest.approx([0.2, 2.0], abs=0.1)
    assert found[0].language == "en"


def test_silence_and_shreds_of_audio_hold_no_words() -> None:
    async def ask() -> list[list[Utterance]]:
        async with hosted(tiny()) as worker:
            return [
                await transcribe(worker, AudioChunk(data=bytes(size))) for size in (0, 2, 32_000)
            ]

    assert asyncio.run(ask()) == [[], [], []]


def test_words_are_optional() -> None:
    found = heard(TWICE, TranscribeOptions(words=False))

    assert found[0].words == ()
    assert 0 < found[0].confidence <= 1


def test_a_model_that_detects_the_language_will_not_be_told() -> None:
    async def ask() -> None:
        async with hosted(tiny("en", "zh")) as worker:
            with pytest.raises(Unsupported, match="detects"):
                await transcribe(worker, TWICE, TranscribeOptions(language="zh"))

    asyncio.run(ask())


def test_an_unknown_kind_is_a_fault_of_the_manifest() -> None:
    async def ask() -> None:
        async with hosted(tiny(kind="parrot")):
            pass

    with pytest.raises(CorruptModel, match="kind"):
        asyncio.run(ask())


def test_the_canary_answers() -> None:
    async def sung() -> str:
        async with hosted(tiny()) as worker:
            return await canary(worker)

    assert asyncio.run(sung()) == "loud soft"
