"""Silero in a worker, compared with onnxruntime in this process."""

import asyncio
import itertools
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
import pytest
from hosted import DATA, canary, clip, detect, hosted, shipped

from edged.models.engines.silero import MAX_STREAMS
from edged.models.runtime import ModelSpec

WINDOW_BYTES = 1024
SPEECH = bytes(clip(DATA / "tiny-whisper" / "kettle.wav").data)
WHOLE = SPEECH[: len(SPEECH) // WINDOW_BYTES * WINDOW_BYTES]


@pytest.fixture
def spec(home: Path) -> ModelSpec:
    return shipped("silero-v6", home)


def reference(spec: ModelSpec, pcm: bytes) -> npt.NDArray[np.float32]:
    """One window after the other, written down from the model's own description."""
    session = onnxruntime.InferenceSession(
        spec.files["model.onnx"], providers=["CPUExecutionProvider"]
    )
    samples = np.frombuffer(pcm, "<i2").astype(np.float32) / np.float32(32768)
    h = c = np.zeros((1, 1, 128), np.float32)
    context: npt.NDArray[np.float32] = np.zeros(64, np.float32)
    found = []
    for window in samples.reshape(-1, 512):
        row = np.concatenate([context, window])[np.newaxis]
        probability, h, c = session.run(None, {"input": row, "h": h, "c": c})
        context = window[-64:]
        found.append(probability[0])
    return np.array(found, np.float32)


def test_one_pass_gives_what_onnxruntime_gives_in_this_process(spec: ModelSpec) -> None:
    async def passed() -> bytes:
        async with hosted(spec) as worker:
            return await detect(worker, WHOLE)

    found = np.frombuffer(asyncio.run(passed()), np.float32)

    expected = reference(spec, WHOLE)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < 1e-6
    assert expected.max() > 0.9


def test_a_stream_in_any_chunks_equals_one_pass(spec: ModelSpec) -> None:
    sizes = itertools.cycle([2, 1022, 1024, 8192, 1536, 700, 3 * 1024])

    async def both() -> tuple[bytes, bytes]:
        async with hosted(spec) as worker:
            whole = await detect(worker, SPEECH, final=True)
            parts, at = [], 0
            while at < len(SPEECH):
                size = next(sizes)
                final = at + size >= len(SPEECH)
                part = SPEECH[at : at + size]
                parts.append(await detect(worker, part, stream="live", final=final))
                at += size
            return whole, b"".join(parts)

    whole, parts = asyncio.run(both())

    assert len(whole) == -(-len(SPEECH) // WINDOW_BYTES) * 4
    assert np.allclose(np.frombuffer(parts, "<f4"), np.frombuffer(whole, "<f4"), atol=1e-6)


def test_streams_share_no_state_and_a_final_one_is_forgotten(spec: ModelSpec) -> None:
    async def interleaved() -> list[bytes]:
        async with hosted(spec) as worker:
            alone = await detect(worker, WHOLE)
            half = len(WHOLE) // 2048 * 1024
            first = await detect(worker, WHOLE[:half], stream="one")
            await detect(worker, WHOLE[half:], stream="two")
            await detect(worker, WHOLE)
            second = await detect(worker, WHOLE[half:], stream="one", final=True)
            again = await detect(worker, WHOLE, stream="one")
            return [alone, first + second, again]

    alone, halves, again = (np.frombuffer(one, "<f4") for one in asyncio.run(interleaved()))

    assert np.allclose(alone, halves, atol=1e-6)
    assert np.allclose(alone, again, atol=1e-6)


def test_the_stream_unused_for_longest_is_dropped_beyond_the_bound(spec: ModelSpec) -> None:
    async def crowded() -> tuple[bytes, bytes, bytes]:
        async with hosted(spec) as worker:
            fresh = await detect(worker, WHOLE[-4096:])
            for name in ("old", "used"):
                await detect(worker, WHOLE[:4608], stream=name)
            for number in range(MAX_STREAMS - 1):
                await detect(worker, b"", stream=f"s{number}")
                if number == 0:
                    await detect(worker, b"", stream="used")
            old = await detect(worker, WHOLE[-4096:], stream="old")
            used = await detect(worker, WHOLE[-4096:], stream="used")
            return fresh, old, used

    fresh, old, used = asyncio.run(crowded())

    assert old == fresh
    assert used != fresh


def test_the_last_window_is_padded_only_when_final(spec: ModelSpec) -> None:
    async def lengths() -> list[int]:
        async with hosted(spec) as worker:
            return [
                len(await detect(worker, bytes(1026))),
                len(await detect(worker, bytes(1026), final=True)),
                len(await detect(worker, b"", final=True)),
                len(await detect(worker, bytes(40 * 32_000))),
            ]

    assert asyncio.run(lengths()) == [4, 8, 0, 1250 * 4]


def test_the_canary_is_the_one_of_the_manifest(spec: ModelSpec) -> None:
    async def sung() -> str:
        async with hosted(spec) as worker:
            return await canary(worker)

    assert asyncio.run(sung()) == spec.canary
