"""Decoded audio in a format that is asked for: what is more than speech. numpy and FFmpeg, worker only."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Protocol

import av
import numpy as np
from numpy.typing import NDArray

from edged.capture.mono import Frames, scaled
from edged.capture.parts import DecodedPart
from edged.errors import BadMedia, BadRequest
from edged.media import AudioFormat

PART_S = 10
"""Seconds in one part at most: 3.5 MB of stereo at 44.1 kHz."""

_BLOCK = 32_768

Sound = NDArray[np.float32]
"""Shape (frames, channels), full scale 1.0."""


class Frameful(Protocol):
    """A source of frames: a media file or raw PCM."""

    damaged: bool

    def frames(self) -> Iterator[tuple[Frames, int]]:
        """Samples of all channels, shape (frames, channels), and their rate."""
        ...

    def is_short(self, audio_ms: int) -> bool:
        """Whether so much audio is clearly less than the media state."""
        ...


def sound_parts(source: Frameful, wanted: AudioFormat) -> Iterator[DecodedPart]:
    """The audio of a source in parts; the last one is final.

    Raises:
        BadRequest: not f32le with one or two channels. BadMedia: nothing can be decoded.
    """
    if wanted.sample_format != "f32le" or wanted.channels > 2:  # noqa: PLR2004 - stereo
        raise BadRequest("sound is decoded to f32le, mono or stereo")
    size = PART_S * wanted.sample_rate
    waiting, start = np.zeros((0, wanted.channels), np.float32), 0
    for sound in _resampled(source, wanted):
        waiting = np.concatenate((waiting, sound))
        while len(waiting) > size:
            yield _part(waiting[:size], start)
            waiting, start = waiting[size:], start + size
    if not start + len(waiting):
        raise BadMedia("nothing of the audio can be decoded; the file is damaged or truncated")
    seen_ms = (start + len(waiting)) * 1000 // wanted.sample_rate
    yield _part(waiting, start, final=True, truncated=source.damaged or source.is_short(seen_ms))


def _part(sound: Sound, start: int, *, final: bool = False, truncated: bool = False) -> DecodedPart:
    data = np.ascontiguousarray(sound, "<f4").tobytes()
    return DecodedPart(pcm=data, rms=b"", start=start, final=final, truncated=truncated)


def _resampled(source: Frameful, wanted: AudioFormat) -> Iterator[Sound]:
    """Frames of the wanted rate and channels, each run of one rate through its own resampler."""
    rate, fed, swr = 0, 0, None
    for frames, this_rate in source.frames():
        sound = spread(frames, wanted.channels)
        if this_rate != rate:
            yield from _flushed(swr, wanted)
            rate, fed, swr = this_rate, 0, _resampler(this_rate, wanted)
        if swr is None:
            yield sound
            continue
        for first in range(0, len(sound), _BLOCK):
            block = sound[first : first + _BLOCK]
            yield from _read(swr.resample(_frame(block, rate, fed)), wanted)
            fed += len(block)
    yield from _flushed(swr, wanted)


def _resampler(rate: int, wanted: AudioFormat) -> av.AudioResampler | None:
    if rate == wanted.sample_rate:
        return None
    layout = "stereo" if wanted.channels > 1 else "mono"
    return av.AudioResampler(format="flt", layout=layout, rate=wanted.sample_rate)


def _flushed(swr: av.AudioResampler | None, wanted: AudioFormat) -> Iterator[Sound]:
    if swr is not None:
        yield from _read(swr.resample(None), wanted)


def _frame(sound: Sound, rate: int, fed: int) -> av.AudioFrame:
    layout = "stereo" if sound.shape[1] > 1 else "mono"
    frame = av.AudioFrame.from_ndarray(
        np.ascontiguousarray(sound).reshape(1, -1), format="flt", layout=layout
    )
    frame.sample_rate, frame.time_base, frame.pts = rate, Fraction(1, rate), fed
    return frame


def _read(frames: list[av.AudioFrame], wanted: AudioFormat) -> Iterator[Sound]:
    for frame in frames:
        samples = frame.to_ndarray().astype(np.float32, copy=False)
        yield samples.reshape(-1, wanted.channels)


def spread(frames: Frames, channels: int) -> Sound:
    """Frames with one or two channels, full scale 1.0.

    Mono is the same in both ears. Of more than two channels the first two are left and right, as
    in every common layout, and the mean of the others is in both.

    Raises:
        BadMedia: a sample is not a finite number.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        sound = scaled(frames.astype(np.float32), frames.dtype)
    if channels == 1:
        mono: Sound = sound.mean(axis=1, keepdims=True, dtype=np.float32)
        return mono
    if sound.shape[1] == 1:
        return np.repeat(sound, 2, axis=1)
    if sound.shape[1] == 2:  # noqa: PLR2004 - stereo
        return sound
    rest = sound[:, 2:].mean(axis=1, keepdims=True, dtype=np.float32)
    both: Sound = (sound[:, :2] + rest) / np.float32(2)
    return both
