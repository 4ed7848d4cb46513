"""What separators share: streams of sound in, runs of stems out."""

from collections.abc import Callable, Iterator

import numpy as np

from edged.errors import BadRequest, Busy
from edged.media import AudioFormat
from edged.models.engines.overlap import OverlapAdd, Sound, Stems
from edged.models.listening import SeparateOptions, StemSound
from edged.models.listening import Sound as SoundBytes

RATE = 44_100
"""Hz. Both kinds of separators were trained at this rate."""

STEREO = AudioFormat(sample_rate=RATE, channels=2, sample_format="f32le")

MOST_STREAMS = 4
"""Pieces that one worker works on at once; each holds a window of some megabytes."""


class StemModel:
    """The part of Separator that is the same for all adapters.

    Args:
        names: of the stems, in the model's order.
        opened: makes the way of one piece through the model.
    """

    def __init__(self, names: tuple[str, ...], opened: Callable[[], OverlapAdd]) -> None:
        self._names = names
        self._opened = opened
        self._streams: dict[str, tuple[OverlapAdd, int]] = {}

    def separate(self, sound: SoundBytes, options: SeparateOptions) -> Iterator[StemSound]:
        """What is finished of every stem by now; all of the rest with the final part.

        Raises:
            BadRequest: the sound is not stereo float at 44.1 kHz.
            Busy: too many pieces at once.
        """
        way, at = self._stream(options.stream)
        finished = way.feed(samples_of(sound))
        if options.final:
            finished += way.finish()
            self._streams.pop(options.stream, None)
        for stems in finished:
            yield from self._told(stems, at)
            at += stems.shape[2]
        if not options.final:
            self._streams[options.stream] = (way, at)

    def forget(self, options: SeparateOptions) -> None:
        """Drop a stream that will not be finished; none of that name is well too."""
        self._streams.pop(options.stream, None)

    def _stream(self, name: str) -> tuple[OverlapAdd, int]:
        if name not in self._streams and len(self._streams) >= MOST_STREAMS:
            raise Busy(f"{MOST_STREAMS} pieces are taken apart at once", retry_after_ms=5_000)
        return self._streams.get(name) or (self._opened(), 0)

    def _told(self, stems: Stems, start: int) -> Iterator[StemSound]:
        for name, stem in zip(self._names, stems, strict=True):
            data = np.ascontiguousarray(stem.T, "<f4").tobytes()
            yield StemSound(stem=name, data=data, audio=STEREO, start=start)


def samples_of(sound: SoundBytes) -> Sound:
    """Interleaved bytes as (2, frames).

    Raises:
        BadRequest: another format, or half a frame.
    """
    if sound.audio != STEREO or len(sound.data) % STEREO.frame_bytes:
        raise BadRequest("separation takes whole frames of 44.1 kHz stereo f32le")
    return np.frombuffer(sound.data, "<f4").reshape(-1, 2).T
