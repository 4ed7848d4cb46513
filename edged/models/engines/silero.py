"""Silero VAD v6, as the faster-whisper wheel brings it, on onnxruntime.

The graph takes any number of windows in one run: 512 samples after the 64 before them. The state
of its LSTM goes in and comes out, so that it can be carried from call to call, one per stream.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import onnxruntime

from edged.errors import CorruptModel, Internal
from edged.media import AudioChunk
from edged.models.engines.inputs import Samples, samples_of, spec_from
from edged.models.engines.ort import ORT_ERRORS, open_session
from edged.models.engines.voice import we_are
from edged.models.runtime import ModelSpec, Probabilities, VadOptions
from edged.workers.context import WorkerContext

WINDOW = 512
"""Samples per probability: 32 ms at 16 kHz."""

CONTEXT = 64
"""Samples before a window that the graph sees too. Source: silero-vad, OnnxWrapper."""

MAX_STREAMS = 256
"""Streams whose state is kept, 3 KB each; the one unused for longest is dropped first."""

_MAX_WINDOWS_PER_RUN = 64
"""Bounds the graph's working memory. Measured: 2026-11, 2 vCPU: 30 s take 53 ms so; in one run 59,
for 10 MB are then mapped and faulted in with each call."""

_INPUTS = {"input": [CONTEXT + WINDOW], "h": [1, 1, 128], "c": [1, 1, 128]}


def load(argument: bytes, context: WorkerContext) -> "Silero":
    """The detector that a worker hosts; file `model.onnx`.

    Raises:
        ModelMissing: the file is not there.
        CorruptModel: onnxruntime refuses it, or it is another model.
    """
    del context  # a call is too short to give way
    spec = spec_from(argument)
    return Silero(_open(spec))


def _open(spec: ModelSpec) -> onnxruntime.InferenceSession:
    session = open_session(spec, "model.onnx")
    found = {one.name: one.shape for one in session.get_inputs()}
    if {name: shape[-len(_INPUTS.get(name, [])) :] for name, shape in found.items()} != _INPUTS:
        raise CorruptModel(f"the file of {spec.id} is another model", model=spec.id)
    return session


def _silence(samples: int) -> Callable[[], Samples]:
    return lambda: np.zeros(samples, np.float32)


@dataclass(slots=True)
class _State:
    """Where a stream stands between two calls.

    h, c: of the LSTM. context: the last samples of the last window. rest: what fills no window.
    """

    h: npt.NDArray[np.float32] = field(default_factory=lambda: np.zeros((1, 1, 128), np.float32))
    c: npt.NDArray[np.float32] = field(default_factory=lambda: np.zeros((1, 1, 128), np.float32))
    context: Samples = field(default_factory=_silence(CONTEXT))
    rest: Samples = field(default_factory=_silence(0))


class Silero:
    """Fulfils VoiceActivity; one state per stream, none shared."""

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self._session = session
        self._streams: OrderedDict[str, _State] = OrderedDict()

    def detect(self, audio: AudioChunk, options: VadOptions) -> Probabilities:
        """One probability per 512 samples, counted from the stream's first sample.

        Samples that fill no window wait in the stream for the next call; without a stream they
        are dropped. `final` pads the last window with silence instead, and forgets the stream.
        A stream that was forgotten, or dropped for its age, starts anew.

        Raises:
            BadRequest: the chunk holds half a sample.
        """
        before = self._streams.pop(options.stream, None) or _State()
        samples = np.concatenate([before.rest, samples_of(audio)])
        if options.final:
            samples = np.pad(samples, (0, -len(samples) % WINDOW))
        found, after = self._advance(before, samples)
        if options.stream and not options.final:
            self._keep(options.stream, after)
        return Probabilities(data=found.tobytes())

    def canary(self) -> str:
        """The probabilities in a made-up voice that says "we are", in tenths."""
        found, _ = self._advance(_State(), samples_of(AudioChunk(data=we_are())))
        return " ".join(f"{value:.1f}" for value in found)

    def _keep(self, stream: str, state: _State) -> None:
        self._streams[stream] = state
        if len(self._streams) > MAX_STREAMS:
            self._streams.popitem(last=False)

    def _advance(self, before: _State, samples: Samples) -> tuple[Samples, _State]:
        """The probabilities of all whole windows, and where that leaves the stream."""
        count = len(samples) // WINDOW
        h, c = before.h, before.c
        rows = _rows(before.context, samples[: count * WINDOW])
        found = [np.zeros(0, np.float32)]
        for first in range(0, count, _MAX_WINDOWS_PER_RUN):
            some, h, c = self._run(rows[first : first + _MAX_WINDOWS_PER_RUN], h, c)
            found.append(some)
        context = rows[-1, -CONTEXT:].copy() if count else before.context
        return np.concatenate(found), _State(h, c, context, samples[count * WINDOW :].copy())

    def _run(
        self, rows: Samples, h: npt.NDArray[np.float32], c: npt.NDArray[np.float32]
    ) -> tuple[Samples, npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        try:
            found, h, c = self._session.run(None, {"input": rows, "h": h, "c": c})
        except ORT_ERRORS as error:
            raise Internal("onnxruntime failed in voice activity") from error
        return found, h, c


def _rows(context: Samples, samples: Samples) -> Samples:
    """Windows as the graph takes them, shape (n, 576): each after the 64 samples before it."""
    windows = samples.reshape(-1, WINDOW)
    rows = np.empty((len(windows), CONTEXT + WINDOW), np.float32)
    rows[:, CONTEXT:] = windows
    rows[:1, :CONTEXT] = context
    rows[1:, :CONTEXT] = windows[:-1, -CONTEXT:]
    return rows
