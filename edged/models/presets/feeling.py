"""speech_emotion: how a stretch of speech sounds, by a graph of its samples or of its spectrogram."""

from time import perf_counter_ns

import numpy as np

from edged.errors import CorruptModel
from edged.media import SPEECH_RATE, AudioChunk
from edged.messages.records import SignatureTensor
from edged.models.engines.graph import Array, Graph
from edged.models.engines.inputs import Samples, samples_of
from edged.models.engines.quantized import stored
from edged.models.presets import hearing, labels, outputs, scores
from edged.models.presets.clock import since
from edged.models.presets.metadata import notes_of
from edged.models.presets.parameters import check_known, flag_of, word_of
from edged.models.runtime import Classified, ClassifyOptions, ModelSpec

_LEAST = SPEECH_RATE // 2
"""Samples that a graph without a length of its own is given at least, filled with silence."""


class _Whole:
    """Samples of any number, as wav2vec 2.0 takes them."""

    def __init__(self, tensor: SignatureTensor) -> None:
        self._front = tuple(1 for _ in tensor.shape[:-1])

    def tensors(self, samples: Samples) -> list[Array]:
        padded = np.pad(samples, (0, max(0, _LEAST - len(samples))))
        return [padded.reshape((*self._front, -1))]


class _Windows:
    """Windows of the graph's length, one after the other; the last is filled with silence."""

    def __init__(self, ear: hearing.Ear) -> None:
        self._ear = ear

    def tensors(self, samples: Samples) -> list[Array]:
        window = self._ear.window
        padded = np.pad(samples, (0, -len(samples) % window or (0 if samples.size else window)))
        starts = range(0, len(padded), window)
        return [self._ear.tensor(padded[start : start + window]) for start in starts]


class SpokenFeeling:
    """Fulfils FeelingModel over a graph with one score for each emotion.

    Raises:
        CorruptModel: the graph takes no audio, a parameter is wrong, or an emotion has no label.
    """

    def __init__(self, graph: Graph, spec: ModelSpec) -> None:
        check_known(spec)
        inputs = graph.signature().inputs
        if len(inputs) != 1:
            raise CorruptModel(f"{spec.id} does not take audio alone", model=spec.id)
        self._spec = spec
        self._tensor = inputs[0]
        self._cut = _cut(self._tensor, spec)
        self._normalize = flag_of(spec, "normalize", default=False)
        self._outcome = outputs.Outcome(graph, spec)
        self._scale = scores.Scale(spec, labels.labels_of(spec, notes_of(spec)))

    def feel(self, audio: AudioChunk, options: ClassifyOptions) -> Classified:
        """Every emotion with its score, summing to 1; of several windows the mean.

        Raises:
            BadRequest: half a sample. CorruptModel: what comes out are no scores, or not a label each.
        """
        began = perf_counter_ns()
        found = self._scores(samples_of(audio))
        classes = self._scale.best(found, options.top_k, options.min_score)
        if not all(one.label for one in classes):
            raise CorruptModel(
                f"{self._spec.id} has more emotions than labels",
                fix="give `labels` in its manifest",
                model=self._spec.id,
            )
        return Classified(classes=classes, computed_us=since(began))

    def canary(self) -> str:
        """The emotion of half a second of silence."""
        return str(int(self._scores(np.zeros(_LEAST, np.float32)).argmax()))

    def _scores(self, samples: Samples) -> scores.Scores:
        if self._normalize and samples.size:
            samples = (samples - samples.mean()) / np.sqrt(samples.var() + np.float32(1e-7))
        found = [self._one(tensor) for tensor in self._cut.tensors(samples)]
        mean = np.mean(found, axis=0, dtype=np.float32)
        return np.asarray(mean / max(float(mean.sum()), 1e-9), np.float32)

    def _one(self, tensor: Array) -> scores.Scores:
        inputs = {self._tensor.name: tensor.astype(np.float32)}
        found = self._outcome.of(stored((self._tensor,), inputs))
        return self._scale.scores(found.reshape(-1))


def _cut(tensor: SignatureTensor, spec: ModelSpec) -> _Whole | _Windows:
    kind = word_of(spec, "kind", "waveform", among=("waveform", "log_mel"))
    free = not tensor.shape or tensor.shape[-1] < 1
    if kind == "waveform" and free and "window_ms" not in spec.parameters:
        return _Whole(tensor)
    return _Windows(hearing.ear_of(tensor, spec))
