"""Gaussians over cepstra as sums, so that any two pieces can be taken together, and their delta-BIC.

The Bayesian information criterion asks whether two pieces are told apart better as two Gaussians
than as one, by more than the second one's parameters cost.
"""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from msgspec import Struct

Float = npt.NDArray[np.float64]

PRIOR_FRAMES = 25.0
"""Each covariance has so many frames of the recording's own variances in it: half a second of
speech does not have a covariance of its own."""

MOST_FRAMES = 500.0
"""A piece with more frames counts as one of so many: two halves of what one speaker says in an hour
are told apart with certainty otherwise, by what they said."""


class Sums(Struct, frozen=True):
    """Pieces: how many frames (n,), their sums (n, d) and sums of products (n, d, d)."""

    frames: Float
    firsts: Float
    seconds: Float

    def __len__(self) -> int:
        """How many pieces."""
        return len(self.frames)

    def of(self, rows: "npt.NDArray[np.intp]") -> "Sums":
        """Some of the pieces."""
        return Sums(self.frames[rows], self.firsts[rows], self.seconds[rows])

    def capped(self) -> "Sums":
        """The same Gaussians, as if of 500 frames where they have more."""
        share = np.minimum(1.0, MOST_FRAMES / np.maximum(self.frames, 1.0))
        return Sums(
            self.frames * share,
            self.firsts * share[:, np.newaxis],
            self.seconds * share[:, np.newaxis, np.newaxis],
        )

    def plus(self, other: "Sums") -> "Sums":
        """Each piece taken together with the one of the same place, or with the only one."""
        return Sums(
            self.frames + other.frames,
            self.firsts + other.firsts,
            self.seconds + other.seconds,
        )

    def grouped(self, labels: "npt.NDArray[np.intp]") -> "Sums":
        """The pieces of each label taken together; labels count from 0."""
        groups = int(labels.max()) + 1 if len(labels) else 0
        frames, firsts = np.zeros(groups), np.zeros((groups, *self.firsts.shape[1:]))
        seconds = np.zeros((groups, *self.seconds.shape[1:]))
        np.add.at(frames, labels, self.frames)
        np.add.at(firsts, labels, self.firsts)
        np.add.at(seconds, labels, self.seconds)
        return Sums(frames, firsts, seconds)


def sums_of(pieces: Iterable[Float], size: int) -> Sums:
    """The sums of pieces, each of shape (frames, size); one piece is held at a time."""
    frames, firsts, seconds = [], [], []
    for piece in pieces:
        frames.append(float(len(piece)))
        firsts.append(piece.sum(axis=0))
        seconds.append(piece.T @ piece)
    return Sums(
        np.array(frames),
        np.array(firsts).reshape(-1, size),
        np.array(seconds).reshape(-1, size, size),
    )


class DeltaBic:
    """Tells whether pieces are of one voice.

    Args:
        variances: of the recording's speech, shape (d,).
        weight: of the penalty; 1 in theory, tuned in practice.
    """

    def __init__(self, variances: Float, weight: float) -> None:
        size = len(variances)
        self._prior = np.diag(variances) * PRIOR_FRAMES
        self._penalty = weight * 0.5 * (size + size * (size + 1) / 2)

    def covariances(self, sums: Sums) -> Float:
        """Of each piece, with the recording's variances in it; shape (n, d, d)."""
        frames = np.maximum(sums.frames, 1.0)
        means = sums.firsts / frames[:, np.newaxis]
        spread = sums.seconds - sums.firsts[:, :, np.newaxis] * means[:, np.newaxis, :]
        found: Float = (spread + self._prior) / (sums.frames + PRIOR_FRAMES)[:, None, None]
        return found

    def spreads(self, sums: Sums) -> Float:
        """Frames times the logarithm of the covariance's determinant, of each piece; shape (n,)."""
        found: Float = sums.frames * np.linalg.slogdet(self.covariances(sums))[1]
        return found

    def costs(self, one: Sums, others: Sums, spread: Float, spreads: Float) -> Float:
        """Delta-BIC of one piece with each of the others, shape (n,): below 0, they are one voice.

        spread, spreads: of the one and of the others, so that they are not computed twice.
        """
        both = one.plus(others)
        gains = 0.5 * (self.spreads(both) - spread - spreads)
        found: Float = gains - self._penalty * np.log(np.maximum(both.frames, 1.0))
        return found
