"""sherpa-onnx transducers that wait for keywords while the audio comes in."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sherpa_onnx

from edged.errors import CorruptModel, Internal, ModelMissing
from edged.media import SPEECH_RATE, AudioChunk
from edged.models.engines import placement
from edged.models.engines.inputs import Samples, file_of, number_of, samples_of, spec_from
from edged.models.engines.sherpa import provider_of, where
from edged.models.engines.spotting import Streams, pieces
from edged.models.engines.voice import we_are
from edged.models.listening import SpotOptions, Spotted
from edged.models.runtime import ModelSpec, SpokenWord
from edged.workers.context import WorkerContext

_FILES = ("encoder", "decoder", "joiner", "tokens")

_TAIL = np.zeros(round(0.66 * SPEECH_RATE), np.float32)
"""Silence that pushes the last words through the encoder's look-ahead at a stream's end."""

_STEP = SPEECH_RATE // 100
_LAST_S = 0.2
"""Seconds that a keyword's last piece is taken to last."""


def load(argument: bytes, context: WorkerContext) -> "SherpaKeywords":
    """The spotter that a worker hosts; files `encoder`, `decoder`, `joiner`, `tokens`.

    Parameters: `threshold` (0.25), the probability from which a keyword counts; `boost` (1.0), how much
    easier its pieces survive the search.

    Raises:
        ModelMissing: a file is not there.
        CorruptModel: the engine refuses one.
    """
    del context  # a call is too short to give way
    spec = spec_from(argument)
    return SherpaKeywords(spec, _open(spec))


def _open(spec: ModelSpec) -> sherpa_onnx.KeywordSpotter:
    paths = {name: file_of(spec, name) for name in _FILES}
    if not all(os.path.isfile(path) for path in paths.values()):
        raise ModelMissing(f"a file of {spec.id} is not there", model=spec.id)
    none = os.memfd_create("edged-no-keywords")
    try:
        spotter = sherpa_onnx.KeywordSpotter(
            **paths,
            keywords_file=f"/proc/self/fd/{none}",  # it must be there; each stream has its own
            num_threads=spec.threads,
            provider=provider_of(spec),
        )
    except (RuntimeError, ValueError, AssertionError) as error:
        raise CorruptModel(f"sherpa-onnx refuses the files of {spec.id}", model=spec.id) from error
    finally:
        os.close(none)
    placement.note(spec.id, spotter, lambda _: where(spec))
    return spotter


@dataclass(slots=True)
class _Stream:
    """The engine's stream and the keywords in it, by number; steps: chunks decoded since the start."""

    heard: Any
    keywords: tuple[str, ...]
    steps: int = 0
    reset_at: int = 0


class SherpaKeywords:
    """Fulfils KeywordSpotter; one decoder state per stream."""

    def __init__(self, spec: ModelSpec, spotter: sherpa_onnx.KeywordSpotter) -> None:
        self._spec = spec
        self._spotter = spotter
        self._threshold = number_of(spec, "threshold", 0.25)
        self._boost = number_of(spec, "boost", 1.0)
        self._tokens = _tokens(file_of(spec, "tokens"))
        self._streams = Streams(self._begin)
        self._chunk_s = self._measured_chunk_s()

    def spot(self, audio: AudioChunk, options: SpotOptions) -> Spotted:
        """Keywords that end in this part; `final` pushes the last ones out and forgets the stream.

        Raises:
            BadRequest: half a sample; a keyword that the model cannot spell, by its number.
        """
        samples = samples_of(audio)
        stream = self._streams.take(options.stream, options.keywords, options.threshold)
        found = self._advance(stream, samples)
        if options.final:
            found += self._advance(stream, _TAIL)
        else:
            self._streams.keep(options.stream, stream)
        return Spotted(words=tuple(found))

    def canary(self) -> str:
        """How long a chunk of the encoder is, in ms, and how many keywords of one piece "we are" has."""
        piece = next(one for one in self._tokens if not one.startswith("<"))
        stream = _Stream(self._spotter.create_stream(f"{piece} #0.99 @0"), ("",))
        found = self._advance(stream, samples_of(AudioChunk(data=we_are())))
        return f"{round(self._chunk_s * 1000)} {len(found)}"

    def _begin(self, keywords: tuple[str, ...], threshold: float | None) -> _Stream:
        least = self._threshold if threshold is None else threshold
        lines = [
            f"{' '.join(pieces(keyword, self._tokens, number + 1))} "
            f":{self._boost} #{max(least, 1e-4)} @{number}"
            for number, keyword in enumerate(keywords)
        ]
        try:
            heard = self._spotter.create_stream("/".join(lines))
        except (RuntimeError, ValueError) as error:
            raise Internal("sherpa-onnx refuses keywords") from error
        return _Stream(heard, keywords)

    def _advance(self, stream: _Stream, samples: Samples) -> list[SpokenWord]:
        spotter, heard = self._spotter, stream.heard
        found: list[SpokenWord] = []
        try:
            heard.accept_waveform(SPEECH_RATE, samples)
            while spotter.is_ready(heard):
                spotter.decode_stream(heard)
                stream.steps += 1
                # Asked once: the engine forgets a hit that was told.
                hit = spotter.keyword_spotter.get_result(heard)
                if hit.keyword:
                    found.append(self._word(stream, hit))
                    spotter.reset_stream(heard)
                    stream.reset_at = stream.steps
        except (RuntimeError, ValueError) as error:
            raise Internal("sherpa-onnx failed in listening for keywords") from error
        return found

    def _word(self, stream: _Stream, hit: Any) -> SpokenWord:  # noqa: ANN401 - the engine's own
        begun_s = stream.reset_at * self._chunk_s
        times = list(hit.timestamps) or [(stream.steps - stream.reset_at) * self._chunk_s]
        return SpokenWord(
            text=stream.keywords[int(hit.keyword)],
            start_s=begun_s + times[0],
            end_s=begun_s + times[-1] + _LAST_S,
            confidence=1.0,
        )

    def _measured_chunk_s(self) -> float:
        """How much audio a step of the encoder takes; its times count from the last reset.

        Raises:
            CorruptModel: it never takes any.
        """
        piece = next((one for one in self._tokens if not one.startswith("<")), "")
        heard = self._spotter.create_stream(f"{piece} #0.99 @0")
        ready: list[int] = []
        for number in range(1, 500):
            heard.accept_waveform(SPEECH_RATE, np.zeros(_STEP, np.float32))
            while self._spotter.is_ready(heard):
                self._spotter.decode_stream(heard)
                ready.append(number)
            if len(ready) > 2:  # noqa: PLR2004 - the first one waits for the look-ahead too
                return (ready[2] - ready[1]) * _STEP / SPEECH_RATE
        raise CorruptModel(f"{self._spec.id} takes no audio", model=self._spec.id)


def _tokens(path: str) -> Mapping[str, int]:
    """The pieces in tokens.txt: one a line, with its number behind."""
    with open(path, encoding="utf-8") as file:
        lines = [line.rsplit(maxsplit=1) for line in file]
    return {line[0]: int(line[1]) for line in lines if len(line) == len(("piece", "number"))}
