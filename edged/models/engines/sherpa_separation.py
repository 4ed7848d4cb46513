"""sherpa-onnx's separators: Spleeter (two graphs) and UVR's MDX-Net (one), vocals and music.

The engine takes a whole piece at once; it is given windows of half a minute, so that memory stays
bounded, which share a second with their neighbours. Spleeter hears nothing above 11 kHz.
"""

import hashlib
import os

import numpy as np
import sherpa_onnx

from edged.errors import CorruptModel, Internal, ModelMissing
from edged.models.engines import placement
from edged.models.engines.inputs import file_of, spec_from, word_of
from edged.models.engines.overlap import OverlapAdd, Sound, Stems
from edged.models.engines.sherpa import provider_of, where
from edged.models.engines.stems import RATE, StemModel
from edged.models.runtime import ModelSpec
from edged.workers.context import WorkerContext

STEMS = ("vocals", "music")

STEP = 1_024
"""The engine gives whole steps of its transform and drops the rest: windows are multiples of it."""

WINDOW = 1_292 * STEP
"""30 s at 44.1 kHz."""

OVERLAP = 43 * STEP
"""1 s: wider than the reach of the transform, and of what the models look at beside a moment."""


def load(argument: bytes, context: WorkerContext) -> "SherpaSeparation":
    """The separator that a worker hosts.

    Files by parameter `kind`: spleeter `vocals`, `accompaniment`; uvr `model`.

    Raises:
        ModelMissing: a file is not there. CorruptModel: the engine refuses it.
    """
    del context
    spec = spec_from(argument)
    missing = [name for name, path in spec.files.items() if not os.path.isfile(path)]
    if missing:
        raise ModelMissing(f"a file of {spec.id} is not there", model=spec.id)
    config = sherpa_onnx.OfflineSourceSeparationConfig(model=_graphs(spec))
    try:
        engine = sherpa_onnx.OfflineSourceSeparation(config)
    except (RuntimeError, ValueError) as error:
        raise CorruptModel(f"sherpa-onnx refuses the files of {spec.id}", model=spec.id) from error
    placement.note(spec.id, engine, lambda _: where(spec))
    return SherpaSeparation(engine)


def _graphs(spec: ModelSpec) -> sherpa_onnx.OfflineSourceSeparationModelConfig:
    kind = word_of(spec, "kind", "spleeter", among=("spleeter", "uvr"))
    common = {"num_threads": spec.threads, "provider": provider_of(spec)}
    if kind == "uvr":
        uvr = sherpa_onnx.OfflineSourceSeparationUvrModelConfig(model=file_of(spec, "model"))
        return sherpa_onnx.OfflineSourceSeparationModelConfig(uvr=uvr, **common)
    spleeter = sherpa_onnx.OfflineSourceSeparationSpleeterModelConfig(
        vocals=file_of(spec, "vocals"), accompaniment=file_of(spec, "accompaniment")
    )
    return sherpa_onnx.OfflineSourceSeparationModelConfig(spleeter=spleeter, **common)


class SherpaSeparation(StemModel):
    """Fulfils Separator."""

    def __init__(self, engine: sherpa_onnx.OfflineSourceSeparation) -> None:
        super().__init__(STEMS, self._open)
        self._engine = engine

    def canary(self) -> str:
        """A hash of how loud the stems of a made-up second are, in steps of a thousandth."""
        time = np.arange(43 * STEP, dtype=np.float32) / np.float32(RATE)
        tone = (np.sin(2 * np.pi * 220 * time) * 0.25).astype(np.float32)
        stems = self._run(np.stack((tone, tone)))
        loudness = np.round(np.sqrt(np.square(stems).mean(axis=(1, 2))), 3)
        return hashlib.sha256(loudness.astype("<f4").tobytes()).hexdigest()[:16]

    def _open(self) -> OverlapAdd:
        return OverlapAdd(window=WINDOW, overlap=OVERLAP, run=self._run, whole=False)

    def _run(self, sound: Sound) -> Stems:
        """Sound of any length: filled to whole steps, and cut again."""
        frames = sound.shape[1]
        filled = np.pad(sound, ((0, 0), (0, -frames % STEP + STEP)))
        try:
            found = self._engine.process(sample_rate=RATE, samples=np.ascontiguousarray(filled))
        except (RuntimeError, ValueError) as error:
            raise Internal("sherpa-onnx failed in separating") from error
        return np.stack([np.asarray(stem.data, np.float32)[:, :frames] for stem in found.stems])
