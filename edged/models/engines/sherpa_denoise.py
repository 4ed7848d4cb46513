"""sherpa-onnx's speech enhancement: GTCRN, frame by frame with its own memory of what was before."""

import os

import numpy as np
import sherpa_onnx

from edged.errors import Busy, CorruptModel, Internal, ModelMissing
from edged.media import SPEECH_RATE, AudioChunk
from edged.models.engines import placement
from edged.models.engines.inputs import file_of, samples_of, spec_from, word_of
from edged.models.engines.sherpa import provider_of, where
from edged.models.engines.voice import we_are
from edged.models.listening import SeparateOptions
from edged.models.runtime import ModelSpec
from edged.workers.context import WorkerContext

MOST_STREAMS = 16
"""Pieces that one worker works on at once; each has an engine of its own, of half a megabyte."""


def load(argument: bytes, context: WorkerContext) -> "SherpaDenoise":
    """The denoiser that a worker hosts; parameter `kind`: gtcrn or dpdfnet, file `model`.

    Raises:
        ModelMissing: the file is not there. CorruptModel: the engine refuses it.
    """
    del context
    spec = spec_from(argument)
    if not os.path.isfile(file_of(spec, "model")):
        raise ModelMissing(f"a file of {spec.id} is not there", model=spec.id)
    denoiser = SherpaDenoise(spec)
    denoiser.check()
    return denoiser


class SherpaDenoise:
    """Fulfils Denoiser."""

    def __init__(self, spec: ModelSpec) -> None:
        self._spec = spec
        self._streams: dict[str, _Stream] = {}

    def check(self) -> None:
        """Load the graph once.

        Raises:
            CorruptModel: the engine refuses it, or it wants another rate.
        """
        engine = self._engine()
        placement.note(self._spec.id, engine, lambda _: where(self._spec))
        self._kept = engine  # placement is asked after the canary, of an engine that lives
        if engine.sample_rate != SPEECH_RATE:
            raise CorruptModel(f"{self._spec.id} does not take 16 kHz", model=self._spec.id)

    def denoise(self, audio: AudioChunk, options: SeparateOptions) -> AudioChunk:
        """What is finished by now, 16 kHz mono; all of the rest with the final part.

        Raises:
            BadRequest: half a sample. Busy: too many pieces at once.
        """
        stream = self._streams.pop(options.stream, None)
        if stream is None:
            if len(self._streams) >= MOST_STREAMS:
                raise Busy(f"{MOST_STREAMS} pieces are cleaned at once", retry_after_ms=5_000)
            stream = _Stream(self._engine(), start=audio.start)
        cleaned = stream.feed(audio, final=options.final)
        if not options.final:
            self._streams[options.stream] = stream
        return cleaned

    def forget(self, options: SeparateOptions) -> None:
        """Drop a stream that will not be finished; none of that name is well too."""
        self._streams.pop(options.stream, None)

    def canary(self) -> str:
        """How loud a made-up voice is afterwards, in steps of a hundredth of full scale."""
        cleaned = _Stream(self._engine(), start=0).feed(AudioChunk(data=we_are()), final=True)
        samples = np.frombuffer(cleaned.data, "<i2").astype(np.float32) / np.float32(2**15)
        return f"{np.sqrt(np.square(samples).mean()):.2f}"

    def _engine(self) -> sherpa_onnx.OnlineSpeechDenoiser:
        """An engine with a memory of its own: sherpa-onnx keeps the state in it."""
        kind = word_of(self._spec, "kind", "gtcrn", among=("gtcrn", "dpdfnet"))
        path = file_of(self._spec, "model")
        graphs = {
            "gtcrn": sherpa_onnx.OfflineSpeechDenoiserGtcrnModelConfig,
            "dpdfnet": sherpa_onnx.OfflineSpeechDenoiserDpdfNetModelConfig,
        }
        model = sherpa_onnx.OfflineSpeechDenoiserModelConfig(
            num_threads=self._spec.threads,
            provider=provider_of(self._spec),
            **{kind: graphs[kind](model=path)},
        )
        try:
            return sherpa_onnx.OnlineSpeechDenoiser(
                sherpa_onnx.OnlineSpeechDenoiserConfig(model=model)
            )
        except (RuntimeError, ValueError) as error:
            raise CorruptModel(
                f"sherpa-onnx refuses the file of {self._spec.id}", model=self._spec.id
            ) from error


class _Stream:
    """One piece on its way: as many samples come out, in the end, as went in."""

    def __init__(self, engine: sherpa_onnx.OnlineSpeechDenoiser, *, start: int) -> None:
        self._engine = engine
        self._start = start
        self._fed = 0
        self._given = 0

    def feed(self, audio: AudioChunk, *, final: bool) -> AudioChunk:
        samples = samples_of(audio)
        self._fed += len(samples)
        pieces = []
        try:
            if len(samples):
                pieces.append(self._engine.run(samples, SPEECH_RATE).samples)
            if final:
                pieces.append(self._engine.flush().samples)
        except (RuntimeError, ValueError) as error:
            raise Internal("sherpa-onnx failed in cleaning speech") from error
        cleaned = np.concatenate([np.asarray(piece, np.float32) for piece in pieces] or [samples])
        cleaned = cleaned[: self._fed - self._given]
        if final:
            cleaned = np.pad(cleaned, (0, self._fed - self._given - len(cleaned)))
        start = self._start + self._given
        self._given += len(cleaned)
        scaled = np.rint(np.clip(cleaned, -1, 1) * np.float32(2**15 - 1)).astype("<i2")
        return AudioChunk(data=scaled.tobytes(), start=start)
