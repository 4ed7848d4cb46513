"""LiteRT with real small graphs, when they are there."""

import asyncio
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hosted import DEADLINE_S, asset, canary, clip, hosted, spec_for

from edged.errors import BadRequest, CorruptModel
from edged.messages.records import TensorFacts
from edged.models.engines.litert import LiteRtGraph
from edged.models.engines.tflite import open_interpreter
from edged.models.runtime import InferOptions, ModelSpec, Tensors
from edged.workers.process import Worker

TINYVAD = "asr/moonshine-micro/tinyvad_cnn_speech_mel_fp32.tflite"
YAMNET = "audio/yamnet_audio_classifier_with_metadata.tflite"
SPEECH_CLASS = 0
"""Of AudioSet's 521."""


def graph(path: Path) -> ModelSpec:
    return spec_for("litert", {"model.tflite": str(path)})


def tensors(name: str, array: npt.NDArray[np.float32]) -> Tensors:
    facts = TensorFacts(name=name, dtype="float32", shape=array.shape)
    return Tensors(tensors=(facts,), parts=(array.tobytes(),))


async def infer(worker: Worker, inputs: Tensors) -> Tensors:
    return (await worker.call("infer", inputs, InferOptions(), deadline_s=DEADLINE_S)).to(Tensors)


def test_yamnet_hears_speech_in_speech() -> None:
    path, speech = asset(YAMNET), clip(asset("media/speech/jfk.wav"))
    samples = np.frombuffer(speech.data, "<i2")[8_000:23_600].astype(np.float32) / np.float32(32768)

    async def classified() -> Tensors:
        async with hosted(graph(path)) as worker:
            return await infer(worker, tensors("waveform_binary", samples))

    found = asyncio.run(classified())

    assert [one.shape for one in found.tensors] == [(1, 521)]
    assert int(np.frombuffer(found.parts[0], np.float32).argmax()) == SPEECH_CLASS


def test_the_same_input_gives_the_same_output_and_the_canary_answers() -> None:
    path = asset(TINYVAD)
    mel = np.linspace(-4, 4, 512, dtype=np.float32).reshape(1, 1, 32, 16)

    async def twice() -> tuple[Tensors, Tensors, str]:
        async with hosted(graph(path)) as worker:
            inputs = tensors("serving_default_args_0", mel)
            first = await infer(worker, inputs)
            sung = await canary(worker)
            return first, await infer(worker, inputs), sung

    first, second, sung = asyncio.run(twice())

    assert first.parts == second.parts
    assert np.isfinite(np.frombuffer(first.parts[0], np.float32)).all()
    assert sung == "0"


def test_tensors_that_are_not_the_graphs_are_refused_and_the_next_call_works() -> None:
    path = asset(TINYVAD)
    right = tensors("serving_default_args_0", np.zeros((1, 1, 32, 16), np.float32))
    wrong = [
        tensors("other", np.zeros((1, 1, 32, 16), np.float32)),
        tensors("serving_default_args_0", np.zeros((1, 512), np.float32)),
        Tensors(tensors=right.tensors, parts=(right.parts[0][:-1],)),
        Tensors(tensors=(), parts=()),
        Tensors(tensors=(*right.tensors, *right.tensors), parts=right.parts),
        Tensors(
            tensors=(TensorFacts(name="x", dtype="int8", shape=(-4, -512)),), parts=(bytes(2048),)
        ),
    ]

    async def asked() -> Tensors:
        async with hosted(graph(path)) as worker:
            for one in wrong:
                with pytest.raises(BadRequest):
                    await infer(worker, one)
            return await infer(worker, right)

    assert len(asyncio.run(asked()).parts[0]) == 4


def test_free_dimensions_follow_what_comes_and_go_back() -> None:
    """In this process: the same graph for one row, for three, and for one again."""
    spec = graph(asset("text/regex_one_embedding_with_metadata.tflite"))
    opened = LiteRtGraph(open_interpreter(spec), spec)
    words = np.arange(3 * 256, dtype=np.int32).reshape(3, 256) % 50
    (name,), (output,) = (
        [one.name for one in tensors]
        for tensors in (opened.signature().inputs, opened.signature().outputs)
    )

    together = opened.run({name: words})[output]
    alone = [opened.run({name: row[None]})[output] for row in words]

    assert together.shape == (3, 16)
    np.testing.assert_allclose(np.concatenate(alone), together, rtol=1e-5)


def test_a_file_whose_buffers_lead_out_of_it_is_not_opened(tmp_path: Path) -> None:
    whole = asset(TINYVAD).read_bytes()
    path = tmp_path / "model.tflite"
    path.write_bytes(whole[: len(whole) // 2])

    async def opened() -> None:
        async with hosted(graph(path)):
            pass

    with pytest.raises(CorruptModel, match="leads out"):
        asyncio.run(opened())
