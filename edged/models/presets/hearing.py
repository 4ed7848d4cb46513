"""audio_classify: what is heard, in windows of the length that the graph takes."""

from collections.abc import Iterator
from time import perf_counter_ns
from typing import Protocol

import numpy as np
import numpy.typing as npt

from edged.errors import CorruptModel
from edged.media import SPEECH_RATE, AudioChunk, samples_to_ms
from edged.messages.records import AudioWindow, Class, SignatureTensor
from edged.models.engines.graph import Array, Graph
from edged.models.engines.inputs import Samples, samples_of
from edged.models.engines.quantized import stored
from edged.models.presets import labels, outputs, scores
from edged.models.presets.clock import since
from edged.models.presets.mel import Mel, MelOptions, MelScale
from edged.models.presets.metadata import notes_of
from edged.models.presets.parameters import (
    check_known,
    flag_of,
    number_of,
    whole_of,
    word_of,
    wrong,
)
from edged.models.runtime import Heard, HearOptions, ModelSpec

LONGEST_MS = 600_000
_Sums = npt.NDArray[np.float64]


class Ear(Protocol):
    """Turns a window of samples into the graph's input."""

    window: int

    def tensor(self, samples: Samples) -> Array:
        """So many samples in the graph's shape."""
        ...


class _Waveform:
    """Samples as they are, in [-1, 1)."""

    def __init__(self, tensor: SignatureTensor, spec: ModelSpec) -> None:
        *front, last = tensor.shape or (-1,)
        if any(one not in {1, -1} for one in front):
            raise CorruptModel(f"{spec.id} does not take one window of audio", model=spec.id)
        if last < 1:
            milliseconds = whole_of(spec, "window_ms", 975, least=10, most=LONGEST_MS)
            last = milliseconds * SPEECH_RATE // 1000
        self.window = last
        self._shape = (*(1 for _ in front), last)

    def tensor(self, samples: Samples) -> Array:
        return samples.reshape(self._shape)


class _LogMel:
    """A spectrogram of the window."""

    def __init__(self, tensor: SignatureTensor, spec: ModelSpec) -> None:
        shape = tensor.shape
        if len(shape) < len(("frames", "mels")) or any(one not in {1, -1} for one in shape[:-2]):
            raise CorruptModel(f"{spec.id} does not take one spectrogram", model=spec.id)
        axes = word_of(spec, "mel_axes", "frames_mels", among=("frames_mels", "mels_frames"))
        self._turned = axes == "mels_frames"
        mels, frames = shape[-2:] if self._turned else shape[:-3:-1]
        if frames < 1:
            frames = whole_of(spec, "frames", 96, least=1, most=100_000)
        options = _mel_options(spec, mels)
        self._mel = Mel(options)
        self._shape = (*(1 for _ in shape[:-2]), frames, options.n_mels)
        self.window = options.samples(frames)
        self._mean = float(number_of(spec, "mean", 0.0))
        self._deviation = float(number_of(spec, "std", 1.0))
        if not self._deviation:
            raise wrong(spec, "std", "more than zero")

    def tensor(self, samples: Samples) -> Array:
        found = (self._mel.spectrogram(samples) - self._mean) / self._deviation
        shaped = found[: self._shape[-2]].reshape(self._shape).astype(np.float32)
        return np.ascontiguousarray(shaped.swapaxes(-1, -2)) if self._turned else shaped


def _mel_options(spec: ModelSpec, mels: int) -> MelOptions:
    scale: MelScale = (
        "slaney"
        if word_of(spec, "mel_scale", "htk", among=("htk", "slaney")) == "slaney"
        else "htk"
    )
    n_fft = whole_of(spec, "n_fft", 512, least=16, most=2**16)
    options = MelOptions(
        n_fft=n_fft,
        length=whole_of(spec, "window_length", min(400, n_fft), least=16, most=n_fft),
        hop=whole_of(spec, "hop_length", 160, least=1, most=2**16),
        n_mels=mels if mels > 0 else whole_of(spec, "n_mels", 64, least=1, most=1024),
        fmin=float(number_of(spec, "fmin", 125.0)),
        fmax=float(number_of(spec, "fmax", 7500.0)),
        power=whole_of(spec, "power", 1, least=1, most=2),
        offset=float(number_of(spec, "log_offset", 0.001)),
        decadic=flag_of(spec, "log10", default=False),
        scale=scale,
        area=flag_of(spec, "mel_area", default=False),
        centred=flag_of(spec, "centred", default=False),
    )
    if not 0 <= options.fmin < options.fmax <= SPEECH_RATE / 2:
        raise wrong(spec, "fmax", f"above fmin, and at most {SPEECH_RATE // 2}")
    if options.offset <= 0:
        raise wrong(spec, "log_offset", "more than zero")
    return options


class SoundClassifier:
    """Fulfils AudioClassifier over a graph that scores one window at a time.

    Raises:
        CorruptModel: the graph takes no audio, or a parameter is wrong.
    """

    def __init__(self, graph: Graph, spec: ModelSpec) -> None:
        check_known(spec)
        inputs = graph.signature().inputs
        if len(inputs) != 1:
            raise CorruptModel(f"{spec.id} does not take audio alone", model=spec.id)
        self._tensor = inputs[0]
        self._ear = ear_of(self._tensor, spec)
        own_ms = samples_to_ms(self._ear.window)
        hop_ms = whole_of(spec, "hop_ms", own_ms, least=1, most=LONGEST_MS)
        self._hop = self._ear.window if hop_ms == own_ms else hop_ms * SPEECH_RATE // 1000
        self._outcome = outputs.Outcome(graph, spec)
        self._scale = scores.Scale(spec, labels.labels_of(spec, notes_of(spec)))

    def hear(self, audio: AudioChunk, options: HearOptions) -> Heard:
        """The labels of each window, and of all so far.

        Raises:
            BadRequest: half a sample. CorruptModel: what comes out are no scores.
        """
        began = perf_counter_ns()
        samples = samples_of(audio)
        hop = max(self._hop, options.hop)
        windows: list[AudioWindow] = []
        sums: _Sums = np.frombuffer(options.sums, "<f8").copy()
        starts = list(self._starts(len(samples), hop, final=options.final))
        for start in starts:
            found = self._scores(samples[start : start + self._ear.window])
            heard = min(hop, self._ear.window, len(samples) - start)
            sums = _added(sums, found, heard)
            windows.append(self._window(audio.start + start, found, options))
        used = starts[-1] + hop if starts else 0
        return Heard(
            classes=self._overall(sums, options),
            windows=tuple(windows),
            hop=hop,
            used=len(samples) if options.final else used,
            sums=sums.astype("<f8").tobytes(),
            computed_us=since(began),
        )

    def canary(self) -> str:
        """The class of silence."""
        return str(int(self._scores(np.zeros(self._ear.window, np.float32)).argmax()))

    def _starts(self, samples: int, hop: int, *, final: bool) -> Iterator[int]:
        """Where windows begin; at the end one that is not full counts when the others leave a rest."""
        full = max(0, (samples - self._ear.window) // hop + 1)
        for index in range(full):
            yield index * hop
        heard = (full - 1) * hop + self._ear.window if full else 0
        if final and samples > heard and samples > full * hop:
            yield full * hop

    def _scores(self, samples: Samples) -> scores.Scores:
        """Of one window, padded with silence."""
        padded = np.pad(samples, (0, self._ear.window - len(samples)))
        inputs = {self._tensor.name: self._ear.tensor(padded)}
        found = self._outcome.of(stored((self._tensor,), inputs))
        return self._scale.scores(found.reshape(-1))

    def _window(self, start: int, found: scores.Scores, options: HearOptions) -> AudioWindow:
        return AudioWindow(
            start_ms=samples_to_ms(start),
            end_ms=samples_to_ms(start + self._ear.window),
            classes=self._scale.best(found, options.top_k, options.min_score),
        )

    def _overall(self, sums: _Sums, options: HearOptions) -> tuple[Class, ...]:
        if not sums.size or not sums[0]:
            return ()
        mean = (sums[1:] / sums[0]).astype(np.float32)
        return self._scale.best(mean, options.top_k, options.min_score)


def ear_of(tensor: SignatureTensor, spec: ModelSpec) -> Ear:
    """What a graph with this input hears with: samples as they are, or a spectrogram of them.

    Raises:
        CorruptModel: it takes no audio, or a parameter is wrong.
    """
    kind = word_of(spec, "kind", "waveform", among=("waveform", "log_mel"))
    return _Waveform(tensor, spec) if kind == "waveform" else _LogMel(tensor, spec)


def _added(sums: _Sums, found: scores.Scores, heard: int) -> _Sums:
    """Each window counts as much as the time in it that no later one hears."""
    new = np.concatenate([[1.0], found.astype(np.float64)]) * heard
    return sums + new if sums.size else new
