"""Hybrid Transformer Demucs as one ONNX graph: drums, bass, other and vocals.

The graph takes `mix` (1, 2, 343,980) at 44.1 kHz, 7.8 s, and gives (1, 4, 2, 343,980); its own
transforms are inside. Windows overlap by a quarter, as in its authors' program.
Source: the model card of the export that the manifest names; Rouard, Massa, Défossez 2023.
"""

import hashlib

import numpy as np
import onnxruntime as ort

from edged.errors import CorruptModel
from edged.models.engines.inputs import number_of, spec_from, word_of
from edged.models.engines.ort import ORT_ERRORS, open_session
from edged.models.engines.overlap import OverlapAdd, Sound, Stems
from edged.models.engines.stems import StemModel
from edged.models.runtime import ModelSpec
from edged.workers.context import WorkerContext

STEMS = "drums bass other vocals"
WINDOW = 343_980
"""Frames. Source: the model card; used where the graph leaves the length free."""


def load(argument: bytes, context: WorkerContext) -> "Demucs":
    """The separator that a worker hosts; its file is `model`.

    Parameters: `stems`: their names with spaces between, in the graph's order; `overlap`: the share
    of a window that the next one has too, in (0, 0.5].

    Raises:
        ModelMissing, CorruptModel: the file is absent, no graph, or of other shapes.
    """
    del context
    spec = spec_from(argument)
    session = open_session(spec, "model")
    return Demucs(spec, session)


class Demucs(StemModel):
    """Fulfils Separator."""

    def __init__(self, spec: ModelSpec, session: ort.InferenceSession) -> None:
        self._spec = spec
        self._session = session
        super().__init__(tuple(word_of(spec, "stems", STEMS).split()), self._open)
        self._input = session.get_inputs()[0].name
        self._window = _window(spec, session)
        share = number_of(spec, "overlap", 0.25)
        if not 0 < share <= 0.5:  # noqa: PLR2004 - more than two windows would meet
            raise CorruptModel(f"parameter overlap of {spec.id} is not in (0, 0.5]", model=spec.id)
        self._overlap = max(1, round(share * self._window))

    def canary(self) -> str:
        """A hash of what a made-up second becomes, in steps of a thousandth."""
        time = np.arange(self._window, dtype=np.float32) / np.float32(44_100)
        tone = np.sin(2 * np.pi * 220 * time) * np.float32(0.25)
        stems = self._run(np.stack((tone, tone)).astype(np.float32))
        loudness = np.round(np.sqrt(np.square(stems).mean(axis=(1, 2))), 3)
        return hashlib.sha256(loudness.astype("<f4").tobytes()).hexdigest()[:16]

    def _open(self) -> OverlapAdd:
        return OverlapAdd(window=self._window, overlap=self._overlap, run=self._run, whole=True)

    def _run(self, sound: Sound) -> Stems:
        try:
            (stems,) = self._session.run(None, {self._input: sound[np.newaxis]})[:1]
        except ORT_ERRORS as error:
            raise CorruptModel(
                f"the graph of {self._spec.id} fails", model=self._spec.id
            ) from error
        if stems.shape != (1, len(self._names), *sound.shape):
            raise CorruptModel(
                f"the graph of {self._spec.id} gives other shapes than a separator's",
                model=self._spec.id,
            )
        found: Stems = stems[0].astype(np.float32, copy=False)
        return found


def _window(spec: ModelSpec, session: ort.InferenceSession) -> int:
    """Frames that the graph takes at once."""
    shape = session.get_inputs()[0].shape
    if len(shape) != 3 or (shape[1] not in (2, None) and not isinstance(shape[1], str)):  # noqa: PLR2004 - stereo
        raise CorruptModel(f"the graph of {spec.id} takes no stereo sound", model=spec.id)
    return shape[2] if isinstance(shape[2], int) else WINDOW
