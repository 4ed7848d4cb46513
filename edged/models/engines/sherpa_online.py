"""sherpa-onnx transducers that hear while the audio comes in, with partial results."""

import os
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import numpy as np
import sherpa_onnx

from edged.errors import CorruptModel, Internal, ModelMissing
from edged.media import SPEECH_RATE, AudioChunk
from edged.models.engines import placement
from edged.models.engines.inputs import Samples, file_of, number_of, samples_of, spec_from
from edged.models.engines.sherpa import provider_of, where
from edged.models.engines.tokens import PIECE_S, confidence_of, pieces_of, words_of
from edged.models.engines.voice import we_are
from edged.models.runtime import ModelSpec, Partial, StreamOptions
from edged.workers.context import WorkerContext

MAX_STREAMS = 32
"""Streams kept, some hundred KB each; the one unused for longest is dropped first."""

_TAIL = np.zeros(round(0.66 * SPEECH_RATE), np.float32)
"""Silence that pushes the last words through the encoder's look-ahead at a stream's end."""


def load(argument: bytes, context: WorkerContext) -> "SherpaOnline":
    """The recogniser that a worker hosts; files `encoder`, `decoder`, `joiner`, `tokens`.

    Parameters: `end_silence_s` (1.2), after words; `end_length_s` (20).

    Raises:
        ModelMissing: a file is not there.
        CorruptModel: the engine refuses one.
    """
    del context  # a call is too short to give way
    spec = spec_from(argument)
    return SherpaOnline(_open(spec))


def _open(spec: ModelSpec) -> sherpa_onnx.OnlineRecognizer:
    paths = {name: file_of(spec, name) for name in ("encoder", "decoder", "joiner", "tokens")}
    if not all(os.path.isfile(path) for path in paths.values()):
        raise ModelMissing(f"a file of {spec.id} is not there", model=spec.id)
    silence_s = number_of(spec, "end_silence_s", 1.2)
    try:
        recognizer = sherpa_onnx.OnlineRecognizer.from_transducer(
            **paths,
            num_threads=spec.threads,
            provider=provider_of(spec),
            enable_endpoint_detection=True,
            rule1_min_trailing_silence=2 * silence_s,
            rule2_min_trailing_silence=silence_s,
            rule3_min_utterance_length=number_of(spec, "end_length_s", 20.0),
        )
    except (RuntimeError, ValueError) as error:
        raise CorruptModel(f"sherpa-onnx refuses the files of {spec.id}", model=spec.id) from error
    placement.note(spec.id, recognizer, lambda _: where(spec))
    return recognizer


@dataclass(slots=True)
class _Stream:
    """The engine's stream; an utterance that ended is cleared by the next feed."""

    heard: Any
    ended: bool = False


class SherpaOnline:
    """Fulfils StreamingTranscriber; one decoder state per stream, none shared."""

    def __init__(self, recognizer: sherpa_onnx.OnlineRecognizer) -> None:
        self._recognizer = recognizer
        self._streams: OrderedDict[str, _Stream] = OrderedDict()

    def feed(self, audio: AudioChunk, options: StreamOptions) -> Partial:
        """Add audio and return what is heard in the open utterance.

        `final` pushes the last words out, ends the utterance and forgets the stream. A stream that
        was forgotten, or dropped for its age, starts anew.

        Raises:
            BadRequest: the chunk holds half a sample.
        """
        samples = samples_of(audio)
        stream = self._streams.pop(options.stream, None) or self._begin()
        partial = self._advance(stream, samples, final=options.final)
        if not options.final:
            self._keep(options.stream, stream)
        return partial

    def canary(self) -> str:
        """What is heard when a made-up voice says "we are"; each model has its own idea."""
        samples = samples_of(AudioChunk(data=we_are()))
        return self._advance(self._begin(), samples, final=True).text

    def _keep(self, name: str, stream: _Stream) -> None:
        self._streams[name] = stream
        if len(self._streams) > MAX_STREAMS:
            self._streams.popitem(last=False)

    def _begin(self) -> _Stream:
        return _Stream(self._recognizer.create_stream())

    def _advance(self, stream: _Stream, samples: Samples, *, final: bool) -> Partial:
        recognizer, heard = self._recognizer, stream.heard
        try:
            if stream.ended:
                recognizer.reset(heard)
            heard.accept_waveform(SPEECH_RATE, samples)
            if final:
                heard.accept_waveform(SPEECH_RATE, _TAIL)
                heard.input_finished()
            while recognizer.is_ready(heard):
                recognizer.decode_stream(heard)
            stream.ended = final or recognizer.is_endpoint(heard)
            result = recognizer.get_result_all(heard)
        except (RuntimeError, ValueError) as error:
            raise Internal("sherpa-onnx failed in decoding") from error
        return _partial(result, ended=stream.ended)


def _partial(result: Any, *, ended: bool) -> Partial:  # noqa: ANN401 - the engine's own struct
    """Text and confidence, and the times of words once they do not change any more.

    The engine counts times from where it last ended an utterance; words are told from the stream's start.
    """
    starts = [result.start_time + one for one in result.timestamps]
    pieces = pieces_of(result.tokens, starts, result.ys_probs)
    length_s = pieces[-1].start_s + PIECE_S if pieces else 0.0
    return Partial(
        text=str(result.text).strip(),
        ended=ended,
        confidence=confidence_of(pieces),
        words=words_of(pieces, length_s) if ended else (),
    )
