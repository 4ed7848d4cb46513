"""Log-mel spectrograms in numpy: the front end of VGGish and YAMNet unless told otherwise.

Source: mel scale 1127 ln(1 + f / 700): The HTK Book, 5.4; the other scale: Slaney, Auditory Toolbox
(1998), linear below 1 kHz; triangular filters on the magnitudes of an FFT and log(mel + 0.001):
Hershey et al., CNN Architectures for Large-Scale Audio Classification (2017).
"""

from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from edged.models.engines.inputs import Samples

Spectrogram = npt.NDArray[np.float32]
"""Natural (or decadic) logarithms, shape (frames, n_mels)."""

MelScale = Literal["htk", "slaney"]

_BREAK_HZ = 1000.0
_BREAK_MEL = 15.0
_LINEAR_HZ = 200.0 / 3.0
_LOG_STEP = np.log(6.4) / 27.0
"""Slaney's scale: 200/3 Hz a step below 1 kHz, a factor of 6.4 in 27 steps above."""


class MelOptions(Struct, frozen=True, kw_only=True):
    """How a spectrogram is made; lengths in samples, frequencies in Hz.

    n_fft: points of the FFT. length: of the window, filled with zeros up to n_fft. hop: from one
        to the next. n_mels: filters from fmin to fmax.
    power: 1: magnitudes, 2: energies. offset: added before the logarithm. decadic: log10.
    centred: the first window is centred on the first sample, with mirrored samples before it.
    """

    rate: int = 16_000
    n_fft: int = 512
    length: int = 400
    hop: int = 160
    n_mels: int = 64
    fmin: float = 125.0
    fmax: float = 7500.0
    power: int = 1
    offset: float = 0.001
    decadic: bool = False
    scale: MelScale = "htk"
    area: bool = False
    centred: bool = False

    def samples(self, frames: int) -> int:
        """How many samples so many frames take."""
        if self.centred:
            return (frames - 1) * self.hop
        return (frames - 1) * self.hop + self.length


def to_mel(hertz: npt.NDArray[np.float64], scale: MelScale) -> npt.NDArray[np.float64]:
    """Frequencies on a mel scale."""
    if scale == "htk":
        return 1127.0 * np.log1p(hertz / 700.0)
    above = _BREAK_MEL + np.log(np.maximum(hertz, _BREAK_HZ) / _BREAK_HZ) / _LOG_STEP
    return np.where(hertz < _BREAK_HZ, hertz / _LINEAR_HZ, above)


def to_hertz(mel: npt.NDArray[np.float64], scale: MelScale) -> npt.NDArray[np.float64]:
    """The other way round."""
    if scale == "htk":
        return 700.0 * np.expm1(mel / 1127.0)
    above = _BREAK_HZ * np.exp(_LOG_STEP * (mel - _BREAK_MEL))
    return np.where(mel < _BREAK_MEL, mel * _LINEAR_HZ, above)


class Mel:
    """Makes spectrograms; its filters are computed once."""

    def __init__(self, options: MelOptions) -> None:
        self._options = options

    def spectrogram(self, samples: Samples) -> Spectrogram:
        """Of mono PCM in [-1, 1], shape (n,); as many frames as fit into it."""
        asked = self._options
        if asked.centred:
            samples = np.pad(samples, asked.length // 2, mode="reflect")
        frames = np.lib.stride_tricks.sliding_window_view(samples, asked.length)[:: asked.hop]
        spectrum = np.abs(np.fft.rfft(frames * self._window, asked.n_fft))
        mel = (spectrum**asked.power) @ self.filters + asked.offset
        logarithms = np.log10(mel) if asked.decadic else np.log(mel)
        found: Spectrogram = logarithms.astype(np.float32)
        return found

    @cached_property
    def _window(self) -> npt.NDArray[np.float64]:
        """A periodic Hann window."""
        turns = np.arange(self._options.length) / self._options.length
        found: npt.NDArray[np.float64] = 0.5 - 0.5 * np.cos(2 * np.pi * turns)
        return found

    @cached_property
    def filters(self) -> npt.NDArray[np.float64]:
        """Triangles, of height 1 or of area 1; shape (n_fft / 2 + 1, n_mels).

        They are straight over mels on the HTK scale, as in YAMNet, and over Hz on Slaney's, as in
        librosa.
        """
        asked = self._options
        hertz = np.linspace(0.0, asked.rate / 2, asked.n_fft // 2 + 1)
        low, high = to_mel(np.array([asked.fmin, asked.fmax]), asked.scale)
        edges = np.linspace(float(low), float(high), asked.n_mels + 2)
        edges_hz = to_hertz(edges, asked.scale)
        if asked.scale == "htk":
            places, borders = to_mel(hertz, asked.scale)[:, np.newaxis], edges
        else:
            places, borders = hertz[:, np.newaxis], edges_hz
        rising = (places - borders[:-2]) / (borders[1:-1] - borders[:-2])
        falling = (borders[2:] - places) / (borders[2:] - borders[1:-1])
        found: npt.NDArray[np.float64] = np.maximum(0.0, np.minimum(rising, falling))
        if asked.scale == "htk":
            found[0] = 0.0  # the constant part of a signal is no sound
        return found * (2.0 / (edges_hz[2:] - edges_hz[:-2])) if asked.area else found
