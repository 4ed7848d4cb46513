"""Voices: one whose curve is known, and the system's programs."""

import asyncio
import shutil
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hosted import DEADLINE_S, canary, hosted, spec_for
from voice_graphs import STEP, curve_voice

from edged.errors import BadRequest, CorruptModel, UnsupportedLanguage
from edged.models.engines.sentences import LONGEST, sentences
from edged.models.listening import SpeakOptions, SpokenSound
from edged.models.runtime import ModelSpec, Text
from edged.workers.process import Worker, WorkerSpec


async def _spoken(
    worker: Worker, text: str, options: SpeakOptions | None = None
) -> list[SpokenSound]:
    answers = worker.stream(
        "speak", Text(text=text), options or SpeakOptions(), deadline_s=DEADLINE_S
    )
    return [answer.to(SpokenSound) async for answer in answers]


def _curve(sound: SpokenSound) -> list[int]:
    samples = np.frombuffer(sound.data, "<i2") / 2**15
    return [round(height * 100) for height in samples[::STEP]]


def test_a_voice_says_the_tokens_of_its_lexicon_sentence_by_sentence(tmp_path: Path) -> None:
    spec = spec_for("sherpa_voice", curve_voice(tmp_path), task="speak")

    async def scenario() -> tuple[list[SpokenSound], str]:
        async with hosted(spec) as worker:
            return await _spoken(worker, "Hello world. Hello!"), await canary(worker)

    spoken, word = asyncio.run(scenario())

    assert [_curve(one) for one in spoken] == [[10, 20, 5, 30, 30, 5, 2, 5], [10, 20, 5, 3, 5]]
    assert spoken[0].audio.sample_rate == 16_000
    assert [one.progress for one in spoken] == [pytest.approx(12 / 19), pytest.approx(18 / 19)]
    assert word == "32 ms 0.2"


def test_a_voice_that_it_has_not_and_a_language_that_it_does_not_speak(tmp_path: Path) -> None:
    spec = spec_for("sherpa_voice", curve_voice(tmp_path), task="speak")

    async def ask(options: SpeakOptions) -> None:
        async with hosted(spec) as worker:
            await _spoken(worker, "hello", options)

    with pytest.raises(BadRequest, match="no such voice"):
        asyncio.run(ask(SpeakOptions(voice="7")))
    with pytest.raises(UnsupportedLanguage):
        asyncio.run(ask(SpeakOptions(language="de")))


def test_files_that_are_no_voice_are_corrupt(tmp_path: Path) -> None:
    files = curve_voice(tmp_path)
    (tmp_path / "model.onnx").write_bytes(b"no graph")

    async def load() -> None:
        async with hosted(spec_for("sherpa_voice", files, task="speak")):
            pass

    with pytest.raises(CorruptModel):
        asyncio.run(load())


def _program(engine: str, program: str, voice: str) -> tuple[ModelSpec, WorkerSpec]:
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"{program} is not installed")
    spec = spec_for(engine, {}, task="speak", languages=("en", "de"), parameters={"voice": voice})
    return spec, WorkerSpec(
        name="voice",
        module="edged.models.engines.voice_program",
        argument=msgspec.msgpack.encode(spec),
        programs=(path,),
    )


@pytest.mark.parametrize(
    ("engine", "program", "voice", "rate"),
    [("espeak_ng", "espeak-ng", "en", 22_050), ("flite", "flite", "slt", 16_000)],
)
def test_a_program_of_the_system_speaks_from_within_a_worker(
    engine: str, program: str, voice: str, rate: int
) -> None:
    _, worker_spec = _program(engine, program, voice)

    async def scenario() -> tuple[list[SpokenSound], list[SpokenSound], str]:
        worker = await Worker.spawn(worker_spec, load_deadline_s=DEADLINE_S)
        try:
            normal = await _spoken(worker, "One two three. Four five.")
            quick = await _spoken(worker, "One two three.", SpeakOptions(speed=2.0))
            with pytest.raises(BadRequest):
                await _spoken(worker, "x", SpeakOptions(voice="--help"))
            with pytest.raises(UnsupportedLanguage):
                await _spoken(worker, "x", SpeakOptions(language="xx"))
            return normal, quick, await canary(worker)
        finally:
            await worker.end(grace_s=0)

    normal, quick, word = asyncio.run(scenario())

    assert len(normal) == 2
    assert word == f"{rate} 1 s16le"
    samples = np.frombuffer(normal[0].data, "<i2").astype(float)
    assert 0.5 < len(samples) / rate < 3
    assert np.sqrt((samples**2).mean()) > 300
    assert len(quick[0].data) < 0.75 * len(normal[0].data)


def test_sentences_keep_every_word_and_no_piece_is_too_long() -> None:
    text = "One. Two? " + "word, " * 200 + "end.\n\nNew paragraph without an end " + "x" * 900

    found = list(sentences(text))

    assert max(map(len, found)) <= LONGEST
    assert "".join(found).replace(" ", "") == text.replace(" ", "").replace("\n", "")
    assert found[:2] == ["One.", "Two?"]
    assert list(sentences("  \n ")) == []
