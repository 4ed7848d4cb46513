"""Separators with graphs whose shares are known: what comes out, in which order, of what length."""

import asyncio
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from hosted import DEADLINE_S, canary, hosted, spec_for
from voice_graphs import divider, spectrogram_scaler

from edged.errors import BadRequest, CorruptModel, ModelMissing
from edged.media import AudioFormat
from edged.models.engines.stems import RATE, STEREO
from edged.models.listening import SeparateOptions, Sound, StemSound
from edged.models.runtime import ModelSpec
from edged.workers.process import Worker

SECOND = 44_100


def _tone(seconds: float) -> np.ndarray:
    """Two tones, another in each ear, shape (frames, 2)."""
    time = np.arange(int(seconds * SECOND)) / SECOND
    ears = (np.sin(2 * np.pi * 440 * time) * 0.3, np.sin(2 * np.pi * 1000 * time) * 0.2)
    return np.stack(ears, axis=1).astype("<f4")


async def _separated(
    worker: Worker, sound: np.ndarray, step: int, *, two: bool = False
) -> dict[str, np.ndarray]:
    """The stems of a piece that is fed in steps; asserts that they come without holes."""
    found: dict[str, list[np.ndarray]] = defaultdict(list)
    at: dict[str, int] = defaultdict(int)
    for first in range(0, len(sound), step):
        final = first + step >= len(sound)
        data = sound[first : first + step].tobytes()
        answers = worker.stream(
            "separate",
            Sound(data=data, audio=STEREO),
            SeparateOptions(stream="one", final=final, two=two),
            deadline_s=DEADLINE_S,
        )
        async for answer in answers:
            run = answer.to(StemSound)
            assert run.start == at[run.stem]
            samples = np.frombuffer(run.data, "<i2").reshape(-1, 2) / 32767
            at[run.stem] += len(samples)
            found[run.stem].append(samples)
    return {name: np.concatenate(runs) for name, runs in found.items()}


def _spleeter(folder: Path) -> ModelSpec:
    """Magnitudes times 3 and 1: ratio masks of 0.9 and 0.1."""
    files = {
        "vocals.onnx": str(spectrogram_scaler(folder / "vocals.onnx", 3.0)),
        "accompaniment.onnx": str(spectrogram_scaler(folder / "accompaniment.onnx", 1.0)),
    }
    return spec_for("sherpa_separation", files, task="separate")


def _demucs(folder: Path, *, frames: int = 8_000, stems: str = "") -> ModelSpec:
    files = {"model.onnx": str(divider(folder / "model.onnx", (0.4, 0.3, 0.2, 0.1), frames))}
    parameters = {"stems": stems} if stems else None
    return spec_for("demucs", files, task="separate", parameters=parameters)  # type: ignore[arg-type]


def test_spleeter_divides_by_the_masks_of_its_graphs(tmp_path: Path) -> None:
    sound = _tone(33.7)  # more than one window, and no whole number of steps

    async def scenario() -> tuple[dict[str, np.ndarray], str]:
        async with hosted(_spleeter(tmp_path)) as worker:
            return await _separated(worker, sound, 10 * SECOND), await canary(worker)

    stems, word = asyncio.run(scenario())

    assert list(stems) == ["vocals", "music"]
    assert len(word) == 16
    middle = slice(SECOND, -SECOND)
    for name, share in (("vocals", 0.9), ("music", 0.1)):
        assert stems[name].shape == sound.shape
        np.testing.assert_allclose(stems[name][middle], sound[middle] * share, atol=0.003)


def test_demucs_windows_add_up_to_the_shares_of_its_graph(tmp_path: Path) -> None:
    sound = _tone(1.13)

    async def scenario() -> tuple[dict[str, np.ndarray], str]:
        async with hosted(_demucs(tmp_path)) as worker:
            return await _separated(worker, sound, 7_001), await canary(worker)

    stems, word = asyncio.run(scenario())

    assert list(stems) == ["drums", "bass", "other", "vocals"]
    assert len(word) == 16
    for share, stem in zip((0.4, 0.3, 0.2, 0.1), stems.values(), strict=True):
        np.testing.assert_allclose(stem, sound * share, atol=2e-5)


def test_four_stems_are_two_when_two_are_asked_for(tmp_path: Path) -> None:
    sound = _tone(0.4)

    async def scenario() -> dict[str, np.ndarray]:
        async with hosted(_demucs(tmp_path)) as worker:
            return await _separated(worker, sound, 5_000, two=True)

    stems = asyncio.run(scenario())

    assert list(stems) == ["vocals", "music"]
    np.testing.assert_allclose(stems["music"], sound * 0.9, atol=2e-5)


def test_graphs_of_other_shapes_and_sounds_of_other_formats_are_refused(tmp_path: Path) -> None:
    async def wrong_names() -> None:
        async with hosted(_demucs(tmp_path, stems="left right")) as worker:
            await canary(worker)

    async def wrong_format() -> None:
        sound = Sound(data=bytes(8), audio=AudioFormat(sample_rate=RATE, channels=1))
        async with hosted(_demucs(tmp_path)) as worker:
            options = SeparateOptions(stream="one")
            async for _ in worker.stream("separate", sound, options, deadline_s=DEADLINE_S):
                pass

    async def absent() -> None:
        files = {name: str(tmp_path / "none") for name in ("vocals.onnx", "accompaniment.onnx")}
        async with hosted(spec_for("sherpa_separation", files, task="separate")):
            pass

    with pytest.raises(CorruptModel, match="other shapes"):
        asyncio.run(wrong_names())
    with pytest.raises(BadRequest, match="stereo"):
        asyncio.run(wrong_format())
    with pytest.raises(ModelMissing):
        asyncio.run(absent())
