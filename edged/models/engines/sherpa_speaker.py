"""sherpa-onnx's speaker models: a voice as a vector."""

import os

import numpy as np
import sherpa_onnx

from edged.errors import BadMedia, CorruptModel, Internal, ModelMissing
from edged.media import SPEECH_RATE, AudioChunk
from edged.models.engines import placement
from edged.models.engines.inputs import Samples, file_of, samples_of, spec_from
from edged.models.engines.sherpa import provider_of, where
from edged.models.engines.voice import we_are
from edged.models.runtime import ModelSpec, Vector
from edged.workers.context import WorkerContext

LEAST_S = 0.3
"""A shorter piece holds no voice."""


def load(argument: bytes, context: WorkerContext) -> "SherpaSpeaker":
    """The speaker model that a worker hosts; file `model`.

    Raises:
        ModelMissing: the file is not there. CorruptModel: the engine refuses it.
    """
    del context
    return SherpaSpeaker(spec_from(argument), "model")


class SherpaSpeaker:
    """Fulfils SpeakerEmbedder; file: the name of the model's file."""

    def __init__(self, spec: ModelSpec, file: str) -> None:
        self._extractor = _open(spec, file_of(spec, file))
        placement.note(spec.id, self._extractor, lambda _: where(spec))

    @property
    def dimensions(self) -> int:
        """How many numbers a vector has."""
        return int(self._extractor.dim)

    def voice(self, audio: AudioChunk) -> Vector:
        """The voice in a piece of speech, a vector of length 1.

        Raises:
            BadRequest: half a sample. BadMedia: too little speech for a vector.
        """
        found = self.direction(samples_of(audio))
        if found is None:
            raise BadMedia("too little speech for a voice")
        return Vector(data=found.astype("<f4").tobytes())

    def direction(self, samples: Samples) -> Samples | None:
        """The vector of length 1 of a piece, shape (n,); None: it is too short, or silent."""
        if len(samples) < LEAST_S * SPEECH_RATE or not samples.any():
            return None
        try:
            stream = self._extractor.create_stream()
            stream.accept_waveform(SPEECH_RATE, samples)
            stream.input_finished()
            if not self._extractor.is_ready(stream):
                return None
            vector = np.asarray(self._extractor.compute(stream), np.float32)
        except (RuntimeError, ValueError) as error:
            raise Internal("sherpa-onnx failed in hearing a voice") from error
        length = float(np.linalg.norm(vector))
        return vector / np.float32(length) if np.isfinite(length) and length > 0 else None

    def canary(self) -> str:
        """The first numbers of the vector of a made-up voice, in tenths."""
        found = self.direction(samples_of(AudioChunk(data=we_are())))
        return "" if found is None else " ".join(f"{value:.1f}" for value in found[:8])


def _open(spec: ModelSpec, path: str) -> sherpa_onnx.SpeakerEmbeddingExtractor:
    if not os.path.isfile(path):
        raise ModelMissing(f"a file of {spec.id} is not there", model=spec.id)
    config = sherpa_onnx.SpeakerEmbeddingExtractorConfig(
        model=path, num_threads=spec.threads, provider=provider_of(spec)
    )
    if not config.validate():
        raise CorruptModel(f"sherpa-onnx refuses the file of {spec.id}", model=spec.id)
    try:
        return sherpa_onnx.SpeakerEmbeddingExtractor(config)
    except (RuntimeError, ValueError) as error:
        raise CorruptModel(f"sherpa-onnx refuses the file of {spec.id}", model=spec.id) from error
