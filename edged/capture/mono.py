"""Downmix, resampling and division into parts; numpy and libswresample, worker side only."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from edged.capture.parts import PART_SAMPLES, WINDOW_SAMPLES, DecodedPart
from edged.errors import BadMedia
from edged.media import SPEECH_RATE

Samples = NDArray[np.float32]
"""Shape (n,), one channel, full scale 1.0."""

Frames = NDArray[np.uint8 | np.int16 | np.int32 | np.float32 | np.float64]
"""Shape (n, channels), as decoders give them."""

_BLOCK_SAMPLES = 32_768
"""Resampled at once."""

_FILTER_SAMPLES = 128
"""More than libswresample's filter looks ahead (32 taps by default), at 16 kHz."""

_SKIPPED_SAMPLES = 600 * SPEECH_RATE


def downmix(frames: Frames) -> Samples:
    """The mean of all channels, whatever their layout, as float32 of full scale 1.0.

    Raises:
        BadMedia: a sample is not a finite number.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        mono = frames[:, 0] if frames.shape[1] == 1 else frames.mean(axis=1, dtype=np.float64)
        samples: Samples = mono.astype(np.float32)
    return scaled(samples, frames.dtype)


def scaled(samples: NDArray[np.float32], kind: np.dtype[Any]) -> NDArray[np.float32]:
    """Samples that have the values of a decoder's kind, of any shape, with full scale 1.0.

    Raises:
        BadMedia: one is not a finite number.
    """
    if kind.kind == "f":
        return _finite(samples)
    half_scale = np.float32(2 ** (8 * kind.itemsize - 1))
    if kind.kind == "u":
        samples = samples - half_scale
    return samples / half_scale


def _finite(samples: Samples) -> Samples:
    if not np.isfinite(samples).all():
        raise BadMedia(
            "the audio holds samples that are not finite numbers (NaN or infinity)",
            fix="export the audio again as 16-bit PCM",
        )
    return samples


class Resampler:
    """Mono samples of any rate, which may change in mid-stream, to signed 16 bit at 16 kHz.

    Memory is bounded by one block. At 16 kHz samples pass unchanged.
    """

    def __init__(self) -> None:
        self._rate = SPEECH_RATE
        self._swr: av.AudioResampler | None = None
        self._waiting: list[Samples] = []
        self._waiting_samples = 0
        self._fed = 0
        self._given = 0

    def feed(self, samples: Samples, rate: int) -> Iterator[NDArray[np.int16]]:
        """Add samples; yields what is ready, shape (n,)."""
        if rate != self._rate:
            yield from self.finish()
            self._rate = rate
        self._waiting.append(samples)
        self._waiting_samples += len(samples)
        if self._waiting_samples >= _BLOCK_SAMPLES:
            yield from self._convert()

    def ready(self) -> Iterator[NDArray[np.int16]]:
        """Yields what can be given of all that was fed: live audio cannot wait for a whole block."""
        yield from self._convert()

    def finish(self) -> Iterator[NDArray[np.int16]]:
        """Yields what is left; the whole has the length of the input. More may be fed afterwards.

        libswresample gives nothing for a few samples and a mirrored tail for more: silence behind
        the end pushes the last ones through its filter, and is cut off again.
        """
        yield from self._convert()
        if self._swr is not None:
            left = -(-self._fed * SPEECH_RATE // self._rate) - self._given
            silence = np.zeros(_FILTER_SAMPLES * max(1, self._rate // SPEECH_RATE), np.float32)
            tail = list(self._resample(self._swr, silence))
            tail += _to_int16(self._swr.resample(None))
            yield np.concatenate(tail)[: max(0, left)]
        self._swr = None
        self._fed = self._given = 0

    def _convert(self) -> Iterator[NDArray[np.int16]]:
        if not self._waiting_samples:
            return
        block = np.concatenate(self._waiting)
        self._waiting.clear()
        self._waiting_samples = 0
        if self._rate == SPEECH_RATE:
            yield _quantize(block)
            return
        if self._swr is None:
            self._swr = av.AudioResampler(format="flt", layout="mono", rate=SPEECH_RATE)
        for first in range(0, len(block), _BLOCK_SAMPLES):
            yield from self._resample(self._swr, block[first : first + _BLOCK_SAMPLES])

    def _resample(self, swr: av.AudioResampler, samples: Samples) -> Iterator[NDArray[np.int16]]:
        frame = av.AudioFrame.from_ndarray(samples[np.newaxis, :], format="flt", layout="mono")
        frame.sample_rate = self._rate
        frame.time_base = Fraction(1, self._rate)
        frame.pts = self._fed
        self._fed += len(samples)
        for ready in _to_int16(swr.resample(frame)):
            self._given += len(ready)
            yield ready


def _to_int16(frames: list[av.AudioFrame]) -> Iterator[NDArray[np.int16]]:
    for frame in frames:
        yield _quantize(frame.to_ndarray()[0])


def _quantize(samples: NDArray[np.float32]) -> NDArray[np.int16]:
    """Signed 16 bit; louder than full scale is clipped."""
    scaled = np.rint(np.clip(samples, -1, 1) * np.float32(2**15))
    quantized: NDArray[np.int16] = np.minimum(scaled, 2**15 - 1).astype("<i2")
    return quantized


class PartCutter:
    """Divides a stream of samples into parts, one behind, so that the last one can say so.

    Args:
        start: samples before this index are left out; a multiple of 512.
    """

    def __init__(self, start: int) -> None:
        self._skip = start
        self._next = start
        self._waiting: list[NDArray[np.int16]] = []
        self._waiting_samples = 0
        self.seen = 0

    def feed(self, samples: NDArray[np.int16]) -> Iterator[DecodedPart]:
        """Add samples, shape (n,); yields the parts that are complete.

        On the way to the start, it yields an empty part per 10 minutes: a sign of life.
        """
        self.seen += len(samples)
        if self._skip:
            left_out = min(self._skip, len(samples))
            if (self._skip - left_out) // _SKIPPED_SAMPLES < self._skip // _SKIPPED_SAMPLES:
                yield self._part(samples[:0])
            self._skip -= left_out
            samples = samples[left_out:]
        self._waiting.append(samples)
        self._waiting_samples += len(samples)
        if self._waiting_samples > PART_SAMPLES:
            yield from self._cut()

    def finish(self, *, truncated: bool) -> DecodedPart:
        """The final part."""
        return self._part(np.concatenate(self._waiting), final=True, truncated=truncated)

    def _cut(self) -> Iterator[DecodedPart]:
        samples = np.concatenate(self._waiting)
        while len(samples) > PART_SAMPLES:
            yield self._part(samples[:PART_SAMPLES])
            samples = samples[PART_SAMPLES:]
        self._waiting = [samples]
        self._waiting_samples = len(samples)

    def _part(
        self, samples: NDArray[np.int16], *, final: bool = False, truncated: bool = False
    ) -> DecodedPart:
        start = self._next
        self._next += len(samples)
        return DecodedPart(
            pcm=samples.tobytes(),
            rms=loudness(samples).tobytes(),
            start=start,
            final=final,
            truncated=truncated,
        )


def loudness(samples: NDArray[np.int16]) -> NDArray[np.float32]:
    """The RMS of each 512 samples and of what is left, of full scale 1.0; little-endian float32."""
    whole = len(samples) // WINDOW_SAMPLES * WINDOW_SAMPLES
    scaled = samples.astype(np.float32) / np.float32(2**15)
    windows = np.square(scaled[:whole]).reshape(-1, WINDOW_SAMPLES).mean(axis=1)
    if whole < len(samples):
        windows = np.append(windows, np.square(scaled[whole:]).mean())
    values: NDArray[np.float32] = np.sqrt(windows).astype("<f4")
    return values
