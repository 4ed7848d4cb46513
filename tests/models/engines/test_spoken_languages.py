"""Whisper tells which language is spoken, when it knows several."""

import asyncio

import pytest
from hosted import DATA, DEADLINE_S, asset, clip, folder_files, hosted, spec_for

from edged.errors import Unsupported
from edged.media import AudioChunk
from edged.models.runtime import Classified, ClassifyOptions, ModelSpec

CLIP = clip(DATA / "tiny-whisper" / "kettle.wav")


def asked(spec: ModelSpec, audio: AudioChunk, options: ClassifyOptions) -> Classified:
    async def ask() -> Classified:
        async with hosted(spec) as worker:
            answer = await worker.call("languages", audio, options, deadline_s=DEADLINE_S)
            return answer.to(Classified)

    return asyncio.run(ask())


def test_a_model_of_one_language_says_that_it_knows_no_other() -> None:
    spec = spec_for("faster_whisper", folder_files(DATA / "tiny-whisper"))

    with pytest.raises(Unsupported, match="one language"):
        asked(spec, CLIP, ClassifyOptions())


def test_a_model_trained_on_english_hears_english() -> None:
    """All it ever learnt after the start of a transcript is the sign for English."""
    folder = asset("asr/tiny-whisper-overfit")
    spec = spec_for("faster_whisper", folder_files(folder), languages=("en", "de"))

    found = asked(spec, CLIP, ClassifyOptions(top_k=3))

    assert found.classes[0].label == "en"
    assert [one.index for one in found.classes] == [0, 1, 2]
    scores = [one.score for one in found.classes]
    assert scores == sorted(scores, reverse=True)
    assert 0.5 < sum(scores) <= 1.001
