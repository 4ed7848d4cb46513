"""One recording in windows of 10 s: local speakers are kept with what their voices are like."""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from edged.speech.diarization.cepstra import HOP, LENGTH, Cepstra
from edged.speech.diarization.clusters import Criterion, agglomerate
from edged.speech.diarization.gaussians import DeltaBic, Float, Sums, sums_of
from edged.speech.diarization.recording import CLUSTER_WEIGHT, DROP_DB, Heard
from edged.speech.diarization.stitching import (
    CENTRE,
    RATE,
    SHIFT,
    STEP_FRAMES,
    WINDOW_FRAMES,
    Active,
    Local,
    local,
    stitched,
)
from edged.speech.diarization.voices import Cosine, vector_sums

Samples = npt.NDArray[np.float32]

WINDOW = 160_000
STEP = STEP_FRAMES * SHIFT
"""Samples of a window, and from one to the next."""

_LEAST_ALONE = 30
"""Frames, 0.5 s: with less speech of its own, a local speaker's shared speech is heard too."""

_LEAST = 6
"""Frames, 0.1 s: a shorter local speaker is left out."""

_PRIOR_FLOOR = 1e-3


class Likeness(Protocol):
    """Says what a voice is like, so that voices can be compared at the end."""

    def describe(self, window: Samples, active: Active) -> Sums | None:
        """One piece: the voice in some frames of a window; None: too little of it."""
        ...

    def criterion(self, pieces: Sums) -> Criterion:
        """What tells the voices of all pieces apart."""
        ...


class Vectors:
    """Likeness by a speaker model.

    Args:
        direction: a vector of length 1 for a piece of speech, or None.
        threshold: distance of two voices of one speaker, in [0, 2].
    """

    def __init__(self, direction: Callable[[Samples], Samples | None], *, threshold: float) -> None:
        self._direction = direction
        self._threshold = threshold

    def describe(self, window: Samples, active: Active) -> Sums | None:
        """The vector, weighted by how long the voice was heard."""
        vector = self._direction(_heard(window, active))
        if vector is None:
            return None
        return vector_sums([vector.astype(np.float64)], [float(active.sum()) * SHIFT / HOP])

    def criterion(self, pieces: Sums) -> Criterion:
        """The distance of the vectors."""
        del pieces
        return Cosine(self._threshold)


class CepstralGaussians:
    """Likeness by cepstra, without weights."""

    def describe(self, window: Samples, active: Active) -> Sums | None:
        """The cepstra of the voice's loud frames."""
        cepstra, loudness = Cepstra().feed(window)
        centres = np.arange(len(cepstra)) * HOP + LENGTH // 2
        places = np.clip((centres - CENTRE + SHIFT // 2) // SHIFT, 0, WINDOW_FRAMES - 1)
        own = active[places]
        if not own.any():
            return None
        own &= loudness > np.percentile(loudness[own], 95) - DROP_DB
        return sums_of([cepstra[own]], cepstra.shape[1])

    def criterion(self, pieces: Sums) -> Criterion:
        """Delta-BIC with the variances of all that was heard."""
        count = max(float(pieces.frames.sum()), 1.0)
        mean = pieces.firsts.sum(axis=0) / count
        squares = np.einsum("nii->i", pieces.seconds) / count
        return DeltaBic(np.maximum(squares - mean**2, _PRIOR_FLOOR), CLUSTER_WEIGHT)


class Windowed:
    """Takes audio in order, gives turns at the end; some kilobytes are kept of each window.

    Args:
        segment: in which frames each local speaker of a window is active, shape (589, speakers).
        likeness: what voices are compared by.
    """

    def __init__(self, segment: Callable[[Samples], Active], likeness: Likeness) -> None:
        self._segment = segment
        self._likeness = likeness
        self._waiting = np.zeros(0, np.float32)
        self._fed = 0
        self._windows = 0
        self._locals: list[Local] = []
        self._pieces: list[Sums] = []

    def feed(self, samples: Samples, *, final: bool) -> None:
        """Add a part: mono in [-1, 1], shape (n,), 16 kHz; the final one ends the last window."""
        self._fed += len(samples)
        self._waiting = np.concatenate([self._waiting, samples])
        while len(self._waiting) >= WINDOW:
            self._hear(self._waiting[:WINDOW])
            self._waiting = self._waiting[STEP:]
        if final and (len(self._waiting) > WINDOW - STEP or not self._windows):
            self._hear(np.pad(self._waiting, (0, WINDOW - len(self._waiting))))

    def turns(self, speakers: int = 0) -> tuple[list[Heard], Sums | None]:
        """Who speaks when, after the final part; and the voice of each speaker, in their order.

        Args:
            speakers: how many there are; 0: nobody knows.
        """
        if not self._locals:
            return [], None
        pieces = _together(self._pieces)
        labels = agglomerate(pieces, self._likeness.criterion(pieces), speakers)
        end_ms = self._fed * 1000 // RATE
        turns, order = stitched(self._locals, labels, windows=self._windows, end_ms=end_ms)
        return turns, pieces.grouped(labels).of(np.array(order, np.intp))

    def _hear(self, window: Samples) -> None:
        active = self._segment(window)
        alone = active & (active.sum(axis=1, keepdims=True) == 1)
        for one in range(active.shape[1]):
            if active[:, one].sum() < _LEAST:
                continue
            own = alone[:, one] if alone[:, one].sum() >= _LEAST_ALONE else active[:, one]
            piece = self._likeness.describe(window, own)
            if piece is not None:
                self._locals.append(local(self._windows, active[:, one]))
                self._pieces.append(piece)
        self._windows += 1


def _heard(window: Samples, active: Active) -> Samples:
    """The samples of the active frames, one after the other."""
    places = np.maximum(np.arange(WINDOW) - CENTRE + SHIFT // 2, 0) // SHIFT
    found: Samples = window[active[np.minimum(places, WINDOW_FRAMES - 1)]]
    return found


def _together(pieces: Sequence[Sums]) -> Sums:
    def joined(arrays: list[Float]) -> Float:
        return np.concatenate(arrays)

    return Sums(
        joined([piece.frames for piece in pieces]),
        joined([piece.firsts for piece in pieces]),
        joined([piece.seconds for piece in pieces]),
    )
