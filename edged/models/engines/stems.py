"""What separators share: streams of sound in, runs of stems out."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from edged.errors import BadRequest, Busy
from edged.media import AudioFormat
from edged.models.engines.overlap import OverlapAdd, Sound, Stems
from edged.models.listening import SeparateOptions, StemSound
from edged.models.listening import Sound as SoundBytes

RATE = 44_100
"""Hz. Both kinds of separators were trained at this rate."""

STEREO = AudioFormat(sample_rate=RATE, channels=2, sample_format="f32le")
"""What goes in."""

STEM = AudioFormat(sample_rate=RATE, channels=2)
"""What comes out: signed 16 bit."""

RUN_FRAMES = 10 * RATE

VOCALS = "vocals"

MOST_STREAMS = 4
"""Pieces that one worker works on at once; each holds a window of some megabytes."""


@dataclass
class _Piece:
    """One piece of sound on its way; at: frames that were given out."""

    way: OverlapAdd
    two: bool
    at: int = 0


class StemModel:
    """The part of Separator that is the same for all adapters.

    Args:
        names: of the stems, in the model's order.
        opened: makes the way of one piece through the model.
    """

    def __init__(self, names: tuple[str, ...], opened: Callable[[], OverlapAdd]) -> None:
        self._names = names
        self._opened = opened
        self._streams: dict[str, _Piece] = {}

    def separate(self, sound: SoundBytes, options: SeparateOptions) -> Iterator[StemSound]:
        """What is finished of every stem by now; all of the rest with the final part.

        Raises:
            BadRequest: the sound is not stereo float at 44.1 kHz.
            Busy: too many pieces at once.
        """
        piece = self._piece(options)
        finished = piece.way.feed(samples_of(sound))
        if options.final:
            finished += piece.way.finish()
            self._streams.pop(options.stream, None)
        for stems in finished:
            yield from self._told(stems, piece)

    def forget(self, options: SeparateOptions) -> None:
        """Drop a stream that will not be finished; none of that name is well too."""
        self._streams.pop(options.stream, None)

    def _piece(self, options: SeparateOptions) -> "_Piece":
        known = self._streams.get(options.stream)
        if known is not None:
            return known
        if len(self._streams) >= MOST_STREAMS:
            raise Busy(f"{MOST_STREAMS} pieces are taken apart at once", retry_after_ms=5_000)
        piece = self._streams[options.stream] = _Piece(way=self._opened(), two=options.two)
        return piece

    def _told(self, stems: Stems, piece: "_Piece") -> Iterator[StemSound]:
        named = dict(zip(self._names, stems, strict=True))
        if piece.two and len(named) > 2 and VOCALS in named:  # noqa: PLR2004 - as the option says
            vocals = named.pop(VOCALS)
            named = {VOCALS: vocals, "music": np.sum(list(named.values()), axis=0)}
        frames = stems.shape[2]
        for first in range(0, frames, RUN_FRAMES):
            for name, stem in named.items():
                data = _quantized(stem[:, first : first + RUN_FRAMES])
                yield StemSound(stem=name, data=data, audio=STEM, start=piece.at + first)
        piece.at += frames


def _quantized(sound: Sound) -> bytes:
    """Interleaved signed 16 bit; louder than full scale is clipped."""
    scaled = np.rint(np.clip(sound.T, -1, 1) * np.float32(2**15 - 1))
    return bytes(np.ascontiguousarray(scaled, "<i2").tobytes())


def samples_of(sound: SoundBytes) -> Sound:
    """Interleaved bytes as (2, frames).

    Raises:
        BadRequest: another format, or half a frame.
    """
    if sound.audio != STEREO or len(sound.data) % STEREO.frame_bytes:
        raise BadRequest("separation takes whole frames of 44.1 kHz stereo f32le")
    return np.frombuffer(sound.data, "<f4").reshape(-1, 2).T
