"""Voices as vectors of length 1: which of them are one speaker's."""

import numpy as np

from edged.speech.diarization.gaussians import Float, Sums


class Cosine:
    """Two voices are one when their vectors' distance, 1 - cosine, is below a threshold.

    A group of voices is where its vectors point in the mean, weighted by how long each was heard.
    """

    def __init__(self, threshold: float) -> None:
        self._threshold = threshold

    def spreads(self, sums: Sums) -> Float:
        """Nothing is needed twice; shape (n,)."""
        return np.zeros(len(sums))

    def costs(self, one: Sums, others: Sums, spread: Float, spreads: Float) -> Float:
        """The distance less the threshold, shape (n,)."""
        del spread, spreads
        found: Float = 1.0 - directions(others) @ directions(one)[0] - self._threshold
        return found


def directions(sums: Sums) -> Float:
    """Where each group points: vectors of length 1, shape (n, d)."""
    lengths = np.linalg.norm(sums.firsts, axis=1, keepdims=True)
    found: Float = sums.firsts / np.maximum(lengths, 1e-12)
    return found


def vector_sums(vectors: list[Float], frames: list[float]) -> Sums:
    """Single voices, each with the time it was heard, as the sums that clustering takes."""
    weights = np.array(frames)
    firsts = np.array(vectors) * weights[:, np.newaxis]
    return Sums(weights, firsts, np.zeros((len(vectors), 0, 0)))
