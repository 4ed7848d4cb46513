"""Finds where the voice changes: first without knowing any voice, later with those that are known."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from edged.speech.diarization.gaussians import DeltaBic, Float, Sums, sums_of

STEP = 10
"""Frames between two places at which a change is looked for."""

LEAST = 50
"""Frames of a piece at least, when it is cut by a change."""

REACH = 200
"""Frames before and after a place that are compared."""

_TOO_FEW = 20
"""Loud frames that say nothing of a voice."""

CELL = 5
"""Frames that are decided together: 50 ms."""

SWITCH = 30.0
"""What another speaker costs, in logarithms of likelihood, within a run of speech."""

SWITCH_AFTER_PAUSE = 9.0
"""And after a pause, where speakers change more often. Measured: as COEFFICIENTS of cepstra."""

_BLOCK = 6_000
"""Cells whose likelihoods are held at once: 5 min."""


class Piece(Struct, frozen=True):
    """Frames from start to end, of one speaker."""

    start: int
    end: int
    speaker: int = 0


class Speech(Struct, frozen=True):
    """What is kept of a recording.

    cepstra: shape (frames, d), float16. loud: shape (frames,): those that speak of a voice.
    runs: stretches of speech as (start, end), in order, without shared frames.
    """

    cepstra: npt.NDArray[np.float16]
    loud: npt.NDArray[np.bool_]
    runs: Sequence[tuple[int, int]]

    def voice(self, start: int, end: int) -> Float:
        """The loud frames of a stretch."""
        return self.cepstra[start:end][self.loud[start:end]].astype(np.float64)

    def sums(self, pieces: Sequence[Piece]) -> Sums:
        """Of the loud frames of each piece."""
        voices = (self.voice(piece.start, piece.end) for piece in pieces)
        return sums_of(voices, self.cepstra.shape[1])


def first_pieces(speech: Speech, criterion: DeltaBic) -> list[Piece]:
    """The runs, cut where delta-BIC says that what comes is another voice than what was."""
    pieces = [piece for start, end in speech.runs for piece in _cut(speech, start, end, criterion)]
    return [piece for piece in pieces if speech.loud[piece.start : piece.end].sum() > _TOO_FEW // 2]


def _cut(speech: Speech, start: int, end: int, criterion: DeltaBic) -> Iterator[Piece]:
    places = np.arange(start + LEAST, end - LEAST + 1, STEP)
    cuts: list[int] = []
    if len(places):
        gains = _changes(speech, start, end, places, criterion)
        for place in (
            int(places[one]) for one in np.argsort(-gains, kind="stable") if gains[one] > 0
        ):
            if all(abs(place - cut) >= LEAST for cut in cuts):
                cuts.append(place)
    bounds = [start, *sorted(cuts), end]
    yield from (Piece(*pair) for pair in pairwise(bounds))


def _changes(
    speech: Speech, start: int, end: int, places: "npt.NDArray[np.intp]", criterion: DeltaBic
) -> Float:
    """Delta-BIC of what is before and after each place, within two seconds; shape (places,)."""
    before = speech.sums([Piece(max(start, int(at) - REACH), int(at)) for at in places])
    after = speech.sums([Piece(int(at), min(end, int(at) + REACH)) for at in places])
    spread, spreads = criterion.spreads(before), criterion.spreads(after)
    gains = criterion.costs(before, after, spread, spreads)
    return np.where(np.minimum(before.frames, after.frames) > _TOO_FEW, gains, -np.inf)


class Voices(Struct, frozen=True):
    """A Gaussian per speaker: means (k, d), whitening matrices (k, d, d), constants (k,)."""

    means: Float
    whitening: Float
    constants: Float

    def likelihoods(self, frames: Float) -> Float:
        """The logarithm of each speaker's likelihood of each frame, shape (frames, k)."""
        found = np.empty((len(frames), len(self.means)))
        for speaker, mean in enumerate(self.means):
            white = (frames - mean) @ self.whitening[speaker]
            found[:, speaker] = self.constants[speaker] - 0.5 * np.square(white).sum(axis=1)
        return found


def voices_of(speakers: Sums, criterion: DeltaBic) -> Voices:
    """The Gaussians of speakers."""
    covariances = criterion.covariances(speakers)
    return Voices(
        speakers.firsts / np.maximum(speakers.frames, 1.0)[:, np.newaxis],
        np.linalg.cholesky(np.linalg.inv(covariances)),
        -0.5 * np.linalg.slogdet(covariances)[1],
    )


def better_pieces(speech: Speech, voices: Voices) -> list[Piece]:
    """The runs, divided between speakers in the likeliest way when changing has its price.

    Viterbi's algorithm over cells of 50 ms. Of the way back only a bit per cell and speaker is kept.
    """
    cells = np.concatenate([_cells(start, end) for start, end in speech.runs])
    if len(voices.means) == 1:
        return [Piece(start, end) for start, end in speech.runs]
    stayed, best, last = _forward(speech, voices, cells)
    path = _backward(stayed, best, last)
    return _joined(cells, path)


def _cells(start: int, end: int) -> "npt.NDArray[np.intp]":
    """A run in cells of 50 ms, as (start, end), shape (cells, 2)."""
    starts = np.arange(start, end, CELL)
    return np.stack((starts, np.minimum(starts + CELL, end)), axis=1)


def _forward(
    speech: Speech, voices: Voices, cells: "npt.NDArray[np.intp]"
) -> "tuple[npt.NDArray[np.uint8], npt.NDArray[np.int16], int]":
    """Whether each speaker stayed at each cell (packed bits), else from whom; and who is last."""
    speakers = len(voices.means)
    scores = np.zeros(speakers)
    stayed = np.empty((len(cells), (speakers + 7) // 8), np.uint8)
    best = np.empty(len(cells), np.int16)
    end_before = -1
    for first in range(0, len(cells), _BLOCK):
        block = cells[first : first + _BLOCK]
        gained = _cell_likelihoods(speech, voices, block)
        for at, (start, end) in enumerate(block, first):
            price = SWITCH if start == end_before else SWITCH_AFTER_PAUSE
            leader = int(scores.argmax())
            changed = scores[leader] - price
            stayed[at] = np.packbits(scores >= changed)
            best[at] = leader
            scores = np.maximum(scores, changed) + gained[at - first]
            scores -= scores.max()
            end_before = end
    return stayed, best, int(scores.argmax())


def _cell_likelihoods(speech: Speech, voices: Voices, block: "npt.NDArray[np.intp]") -> Float:
    """The sum over the loud frames of each cell, shape (cells, k)."""
    start, end = int(block[0, 0]), int(block[-1, 1])
    loud = np.flatnonzero(speech.loud[start:end])
    found = np.zeros((len(block), len(voices.means)))
    owners = np.searchsorted(block[:, 0], loud + start, side="right") - 1
    inside = loud + start < block[owners, 1]
    loud, owners = loud[inside], owners[inside]
    if len(loud):
        gained = voices.likelihoods(speech.cepstra[start + loud].astype(np.float64))
        np.add.at(found, owners, gained)
    return found


def _backward(
    stayed: "npt.NDArray[np.uint8]", best: "npt.NDArray[np.int16]", last: int
) -> "npt.NDArray[np.int16]":
    path = np.empty(len(best), np.int16)
    speaker = last
    for at in range(len(best) - 1, -1, -1):
        path[at] = speaker
        if not stayed[at, speaker >> 3] >> (7 - (speaker & 7)) & 1:
            speaker = int(best[at])
    return path


def _joined(cells: "npt.NDArray[np.intp]", path: "npt.NDArray[np.int16]") -> list[Piece]:
    """Neighbouring cells of one speaker as one piece."""
    if not len(cells):
        return []
    breaks = (cells[1:, 0] != cells[:-1, 1]) | (path[1:] != path[:-1])
    firsts = np.concatenate([[0], np.flatnonzero(breaks) + 1])
    lasts = np.concatenate([firsts[1:], [len(cells)]]) - 1
    return [
        Piece(int(cells[first, 0]), int(cells[last, 1]), int(path[first]))
        for first, last in zip(firsts, lasts, strict=True)
    ]
