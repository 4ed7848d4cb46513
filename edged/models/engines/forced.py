"""Where the tokens of a known text lie in what a CTC model heard: the best path through them. Pure.

Source: A. Graves et al., Connectionist temporal classification, ICML 2006; the best path instead of the
sum over all. Only every so many frames are kept on the way forth and the rest is done again on the way
back, so that ten minutes take 20 MB instead of 500.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from msgspec import Struct

LogProbabilities = npt.NDArray[np.float32]
"""Natural logarithms, shape (frames, tokens)."""

_States = npt.NDArray[np.intp]
_Scores = npt.NDArray[np.float32]
_NEVER = np.float32(-1e30)
_EVERY = 256
"""Frames between two whose scores are kept."""


class Stretch(Struct, frozen=True):
    """The frames in which one token is heard; confidence: the mean of its probabilities there."""

    first: int
    last: int
    confidence: float


def aligned(heard: LogProbabilities, tokens: Sequence[int], blank: int) -> list[Stretch] | None:
    """Where each token lies, in order; None when there are not frames enough for them.

    Args:
        heard: of shape (frames, tokens of the model).
        tokens: at least one, none of them the blank.
        blank: the token that stands for none.
    """
    twice = sum(one == two for one, two in pairwise(tokens))
    if len(heard) < len(tokens) + twice:
        return None
    path = _Trellis(heard, tokens, blank).path()
    stretches = []
    for index, token in enumerate(tokens):
        frames = np.flatnonzero(path == 2 * index + 1)
        confidence = float(np.exp(heard[frames, token]).mean())
        stretches.append(Stretch(int(frames[0]), int(frames[-1]), min(1.0, confidence)))
    return stretches


class _Trellis:
    """States are the tokens with a blank before, between and behind them."""

    def __init__(self, heard: LogProbabilities, tokens: Sequence[int], blank: int) -> None:
        self._heard = heard
        self._states: _States = np.full(2 * len(tokens) + 1, blank, np.intp)
        self._states[1::2] = tokens
        self._leaps = np.zeros(len(self._states), bool)
        self._leaps[3::2] = self._states[3::2] != self._states[1:-2:2]

    def path(self) -> _States:
        """The state of each frame."""
        kept = self._forth()
        path: _States = np.zeros(len(self._heard), np.intp)
        end = kept[-1]
        state = len(end) - 1 if end[-1] >= end[-2] else len(end) - 2
        for block in reversed(range(len(kept) - 1)):
            first, last = self._block(block)
            steps = self._steps(kept[block], first, last)
            for frame in range(last - 1, first - 1, -1):
                path[frame] = state
                state -= int(steps[frame - first][state])
        return path

    def _block(self, number: int) -> tuple[int, int]:
        return number * _EVERY, min((number + 1) * _EVERY, len(self._heard))

    def _forth(self) -> list[_Scores]:
        """The scores before each block, and at the end."""
        scores: _Scores = np.full(len(self._states), _NEVER, np.float32)
        scores[0] = 0
        kept = [scores]
        for number in range(-(-len(self._heard) // _EVERY)):
            for frame in range(*self._block(number)):
                scores, _ = self._step(scores, frame)
            kept.append(scores)
        return kept

    def _steps(self, scores: _Scores, first: int, last: int) -> list[npt.NDArray[np.int8]]:
        steps = []
        for frame in range(first, last):
            scores, step = self._step(scores, frame)
            steps.append(step)
        return steps

    def _step(self, scores: _Scores, frame: int) -> tuple[_Scores, npt.NDArray[np.int8]]:
        """The best scores after a frame, and from how many states before each came.

        Before the first frame only the state before all is possible: its blank, or the first token
        by one step, as in any other frame.
        """
        step = np.zeros(len(scores), np.int8)
        best = scores.copy()
        nearer = scores[:-1] > best[1:]
        best[1:][nearer] = scores[:-1][nearer]
        step[1:][nearer] = 1
        leaps = self._leaps[2:] & (scores[:-2] > best[2:])
        best[2:][leaps] = scores[:-2][leaps]
        step[2:][leaps] = 2
        return best + self._heard[frame, self._states], step
