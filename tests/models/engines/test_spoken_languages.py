"""Whisper tells which language is spoken, when it knows several."""

import asyncio
from pathlib import Path

import pytest
from hosted import DATA, DEADLINE_S, clip, folder_files, hosted, spec_for
from whisper_folders import write_opinion

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


def test_languages_are_as_likely_as_the_model_finds_them(tmp_path: Path) -> None:
    """Its weights: German 30, French 11, eight others 1."""
    folder = write_opinion(tmp_path, {"de": 30.0, "fr": 11.0})
    spec = spec_for("faster_whisper", folder_files(folder), languages=("en", "de", "fr"))

    found = asked(spec, CLIP, ClassifyOptions(top_k=3))

    assert [(one.label, one.index) for one in found.classes] == [("de", 0), ("fr", 1), ("en", 2)]
    scores = [one.score for one in found.classes]
    assert scores == pytest.approx([30 / 49, 11 / 49, 1 / 49], abs=0.01)


def test_unlikely_languages_are_left_out(tmp_path: Path) -> None:
    folder = write_opinion(tmp_path, {"de": 30.0, "fr": 11.0})
    spec = spec_for("faster_whisper", folder_files(folder), languages=("en", "de", "fr"))

    found = asked(spec, CLIP, ClassifyOptions(top_k=10, min_score=0.1))

    assert [one.label for one in found.classes] == ["de", "fr"]
