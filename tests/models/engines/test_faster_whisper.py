"""The Whisper engine with models that are not real Whisper: they know a few clips, no more."""

import asyncio

import pytest
from hosted import (
    DATA,
    assert_words_are_in_order,
    asset,
    canary,
    clip,
    folder_files,
    hosted,
    sentences,
    spec_for,
    transcribe,
)

from edged.errors import Unsupported
from edged.media import AudioChunk
from edged.models.runtime import ModelSpec, TranscribeOptions, Utterance

TINY = DATA / "tiny-whisper"


def tiny() -> ModelSpec:
    files = {name: path for name, path in folder_files(TINY).items() if ".wav" not in name}
    return spec_for("faster_whisper", files)


def heard(spec: ModelSpec, *audio: AudioChunk, **options: object) -> list[list[Utterance]]:
    async def ask() -> list[list[Utterance]]:
        asked = TranscribeOptions(**options)  # type: ignore[arg-type] # a test's own options
        async with hosted(spec) as worker:
            return [await transcribe(worker, one, asked) for one in audio]

    return asyncio.run(ask())


def test_a_tiny_model_that_is_not_real_whisper_says_its_own_clips_in_order() -> None:
    said = sentences(TINY)
    audio = [clip(TINY / name) for name in said]

    found = heard(tiny(), *audio)

    assert [" ".join(one.text for one in each) for each in found] == list(said.values())
    for each, chunk in zip(found, audio, strict=True):
        assert_words_are_in_order(each, chunk)
        assert " ".join(word.text for word in each[0].words) == each[0].text
        assert each[0].confidence > 0.8
        assert (each[0].language, each[0].language_detected) == ("en", False)


def test_an_answer_of_the_tiny_model_that_is_not_real_whisper_is_the_same_every_time() -> None:
    kettle, birds = clip(TINY / "kettle.wav"), clip(TINY / "birds.wav")

    first, _, again = heard(tiny(), kettle, birds, kettle)

    assert first == again


def test_without_words_the_tiny_model_that_is_not_real_whisper_still_states_its_confidence() -> (
    None
):
    found = heard(tiny(), clip(TINY / "kettle.wav"), language="en", words=False)[0]

    assert found[0].words == ()
    assert 0.5 < found[0].confidence <= 1


def test_an_empty_chunk_holds_nothing_for_the_tiny_model_that_is_not_real_whisper() -> None:
    assert heard(tiny(), AudioChunk(data=b"")) == [[]]


def test_a_language_that_the_manifest_does_not_list_is_refused() -> None:
    with pytest.raises(Unsupported, match="language"):
        heard(tiny(), clip(TINY / "kettle.wav"), language="de")


def test_the_canary_of_the_tiny_model_that_is_not_real_whisper_is_stable() -> None:
    async def twice() -> list[str]:
        async with hosted(tiny()) as worker:
            return [await canary(worker), await canary(worker)]

    first, second = asyncio.run(twice())

    assert first == second


def test_the_overfitted_model_that_is_not_real_whisper_detects_the_language_and_says_its_clips() -> (
    None
):
    clips = asset("asr/tiny-whisper-clips")
    files = folder_files(asset("asr/tiny-whisper-overfit"))
    said = sentences(clips)
    audio = [clip(clips / name) for name in said]

    found = heard(spec_for("faster_whisper", files, languages=("en", "de")), *audio)

    assert [" ".join(one.text for one in each) for each in found] == list(said.values())
    for each, chunk in zip(found, audio, strict=True):
        assert_words_are_in_order(each, chunk)
        assert (each[0].language, each[0].language_detected) == ("en", True)


def test_the_overfitted_model_that_is_not_real_whisper_says_what_kennedy_said() -> None:
    files = folder_files(asset("asr/tiny-whisper-overfit"))
    audio = clip(asset("media/speech/jfk.wav"))

    found = heard(spec_for("faster_whisper", files), audio, language="en")[0]

    text = " ".join(one.text for one in found)
    assert text.startswith("And so, my fellow Americans, ask not what your country can do for you")
    assert_words_are_in_order(found, audio)
    assert not found[0].language_detected
