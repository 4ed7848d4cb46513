"""GTCRN with its real weights: noise goes, speech stays, and the pieces do not matter."""

import asyncio

import numpy as np
import pytest
from hosted import DEADLINE_S, asset, canary, clip, hosted, spec_for

from edged.errors import CorruptModel
from edged.media import AudioChunk
from edged.models.listening import SeparateOptions
from edged.models.runtime import ModelSpec
from edged.workers.process import Worker


def _gtcrn() -> ModelSpec:
    path = asset("audio/derived/gtcrn_simple_sherpa_meta.onnx")
    return spec_for("sherpa_denoise", {"model.onnx": str(path)}, task="denoise")


async def _denoised(worker: Worker, pcm: bytes, step: int) -> np.ndarray:
    found = bytearray()
    for first in range(0, len(pcm), step):
        final = first + step >= len(pcm)
        chunk = AudioChunk(data=pcm[first : first + step], start=first // 2)
        options = SeparateOptions(stream="one", final=final)
        answer = await worker.call("denoise", chunk, options, deadline_s=DEADLINE_S)
        cleaned = answer.to(AudioChunk)
        assert cleaned.start == len(found) // 2
        found += cleaned.data
    return np.frombuffer(bytes(found), "<i2").astype(float)


def test_noise_is_taken_out_of_speech_whatever_the_pieces() -> None:
    speech = np.frombuffer(clip(asset("media/speech/jfk.wav")).data, "<i2").astype(float)[:80_000]
    noise = np.random.default_rng(3).standard_normal(len(speech)) * 500
    noisy = np.clip(speech + noise, -32768, 32767).astype("<i2").tobytes()

    async def scenario() -> tuple[np.ndarray, np.ndarray, str]:
        async with hosted(_gtcrn()) as worker:
            whole = await _denoised(worker, noisy, len(noisy))
            return whole, await _denoised(worker, noisy, 9_998), await canary(worker)

    whole, pieces, word = asyncio.run(scenario())

    assert len(whole) == len(speech)
    np.testing.assert_allclose(whole, pieces, atol=2)
    assert float(word) > 0
    quiet = slice(0, 4_000)  # before the first word
    assert np.sqrt((whole[quiet] ** 2).mean()) < 0.3 * np.sqrt((noise[quiet] ** 2).mean())
    assert np.corrcoef(whole, speech)[0, 1] > 0.9


def test_silence_stays_silent_and_nothing_is_nothing() -> None:
    async def scenario() -> tuple[np.ndarray, int]:
        async with hosted(_gtcrn()) as worker:
            silent = await _denoised(worker, bytes(32_000), 32_000)
            options = SeparateOptions(stream="two", final=True)
            empty = await worker.call("denoise", AudioChunk(data=b""), options, deadline_s=5)
            return silent, len(empty.to(AudioChunk).data)

    silent, nothing = asyncio.run(scenario())

    assert np.abs(silent).max() <= 1
    assert nothing == 0


def test_a_file_that_is_no_graph_is_corrupt() -> None:
    path = asset("audio/yamnet_audio_classifier_with_metadata.tflite")

    async def scenario() -> None:
        async with hosted(spec_for("sherpa_denoise", {"model.onnx": str(path)}, task="denoise")):
            pass

    with pytest.raises(CorruptModel):
        asyncio.run(scenario())
