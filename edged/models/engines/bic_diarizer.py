"""Who speaks when, without any weights: edged.speech.diarization in a worker. Its accuracy is basic.

It tells voices apart that are heard for some seconds, and gives a moment to one speaker only.
"""

from math import pi

import numpy as np

from edged.media import AudioChunk
from edged.models.engines.diarizing import Streams, span_pairs, turns_of
from edged.models.engines.inputs import Samples, samples_of
from edged.models.engines.voice import we_are
from edged.models.listening import Diarized, DiarizeOptions
from edged.speech.diarization.recording import Recording
from edged.workers.context import WorkerContext


def load(argument: bytes, context: WorkerContext) -> "BicDiarizer":
    """The diarizer that a worker hosts; it has no files and no parameters."""
    del argument, context  # a part takes some hundredths of a second
    return BicDiarizer()


class BicDiarizer:
    """Fulfils Diarizer; it gives no vectors of voices."""

    def __init__(self) -> None:
        self._streams = Streams(Recording)

    def diarize(self, audio: AudioChunk, options: DiarizeOptions) -> Diarized:
        """Add a part; all turns with the final one.

        Raises:
            BadRequest: half a sample, more than 60 s at once, or a part that does not follow the last.
        """
        samples = samples_of(audio)
        recording = self._streams.take(audio, options)
        recording.feed(samples, span_pairs(options))
        if options.final:
            return Diarized(turns=turns_of(recording.turns(options.speakers)))
        self._streams.keep(recording, audio, options)
        return Diarized()

    def forget(self, options: DiarizeOptions) -> None:
        """Drop a stream that will not be finished; none of that name is well too."""
        self._streams.forget(options.stream)

    def canary(self) -> str:
        """Who says "we are" when a made-up voice does so three times, and another one after it."""
        voice = samples_of(AudioChunk(data=we_are()))
        recording = Recording()
        recording.feed(np.concatenate([voice] * 3 + [_other(voice)] * 3))
        return " ".join(f"{turn.speaker}:{turn.start_ms // 100}" for turn in recording.turns(2))


def _other(voice: Samples) -> Samples:
    """The same words from another mouth: the spectrum turned around 4 kHz."""
    turned: Samples = (voice * np.cos(pi * np.arange(len(voice)))).astype(np.float32)
    return turned
