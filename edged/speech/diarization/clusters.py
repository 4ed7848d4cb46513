"""Takes pieces of the same voice together, the most alike first, in bounded memory and time.

Never more than 512 pieces are compared with each other: more are first clustered in blocks of
neighbours, and then what is left of those.
"""

from typing import Protocol

import numpy as np
import numpy.typing as npt

from edged.speech.diarization.gaussians import Float, Sums

Labels = npt.NDArray[np.intp]

MOST_AT_ONCE = 512
"""Pieces that are compared in pairs: 130,000 determinants, 1 s."""

MOST_LEFT = 128
"""Of a block, however different they are, so that each round leaves fewer."""

LEAST_FRAMES = 100
LEAST_SHARE = 0.02
"""One with less than a second, or less than a 50th of all that is said, is taken for the one it
resembles most, unless so many speakers are known to be there."""


class Criterion(Protocol):
    """Tells whether pieces are of one voice; fulfilled by gaussians.DeltaBic and voices.Cosine."""

    def spreads(self, sums: Sums) -> Float:
        """What of each piece is needed again and again, shape (n,)."""
        ...

    def costs(self, one: Sums, others: Sums, spread: Float, spreads: Float) -> Float:
        """What taking one piece together with each of others costs, shape (n,); below 0: do."""
        ...


def agglomerate(pieces: Sums, criterion: Criterion, speakers: int) -> Labels:
    """A number from 0 for each piece, the same for the same voice; shape (n,).

    Args:
        pieces: in order of time.
        criterion: when two pieces are one voice.
        speakers: so many, or as many as there are pieces; 0: as the criterion says.
    """
    labels = np.arange(len(pieces))
    left = pieces
    while len(left) > MOST_AT_ONCE:
        most = max(MOST_LEFT, min(speakers, MOST_AT_ONCE * 3 // 4))
        found = _in_blocks(left, criterion, most)
        labels, left = found[labels], left.grouped(found)
    table = _Table(left, criterion)
    table.merge(down_to=speakers)
    table.absorb(down_to=speakers)
    if speakers:
        table.merge(down_to=speakers, whatever=True)
    return table.labels()[labels]


def _in_blocks(pieces: Sums, criterion: Criterion, most: int) -> Labels:
    found: list[Labels] = []
    given = 0
    for first in range(0, len(pieces), MOST_AT_ONCE):
        rows = np.arange(first, min(first + MOST_AT_ONCE, len(pieces)))
        table = _Table(pieces.of(rows), criterion)
        table.merge()
        table.merge(down_to=most, whatever=True)
        labels = table.labels()
        found.append(labels + given)
        given += int(labels.max()) + 1
    return np.concatenate(found)


class _Table:
    """Pieces and what every two of them cost; merging writes into the one that came first."""

    def __init__(self, pieces: Sums, criterion: Criterion) -> None:
        self._criterion = criterion
        self._whole = Sums(pieces.frames.copy(), pieces.firsts.copy(), pieces.seconds.copy())
        self._capped = pieces.capped()
        self._spreads = criterion.spreads(self._capped)
        self._owners = np.arange(len(pieces))
        self._costs = np.full((len(pieces), len(pieces)), np.inf)
        for one in range(len(pieces) - 1):
            self._fill(one, np.arange(one + 1, len(pieces)))

    def merge(self, *, down_to: int = 0, whatever: bool = False) -> None:
        """Merge until no two are one voice, but only until so many are left.

        whatever: until so many are left, one voice or not.
        """
        alive = len(np.unique(self._owners))
        while alive > max(down_to, 1):
            one, other = divmod(int(np.argmin(self._costs)), len(self._costs))
            if not whatever and self._costs[one, other] >= 0:
                return
            self._join(one, other)
            alive -= 1

    def absorb(self, *, down_to: int) -> None:
        """Merge those that said next to nothing with the nearest, until so many are left."""
        alive = np.unique(self._owners)
        least = max(LEAST_FRAMES, LEAST_SHARE * self._whole.frames[alive].sum())
        while len(alive) > max(down_to, 1) and self._whole.frames[alive].min() < least:
            small = int(alive[np.argmin(self._whole.frames[alive])])
            costs = np.minimum(self._costs[small], self._costs[:, small])
            near = int(np.argmin(costs))
            self._join(min(small, near), max(small, near))
            alive = np.unique(self._owners)

    def labels(self) -> Labels:
        """Numbers without gaps, in order of the first piece of each."""
        found: Labels = np.unique(self._owners, return_inverse=True)[1]
        return found

    def _join(self, one: int, other: int) -> None:
        for sums in (self._whole.frames, self._whole.firsts, self._whole.seconds):
            sums[one] += sums[other]
        self._owners[self._owners == other] = one
        self._costs[other, :] = self._costs[:, other] = np.inf
        capped = self._whole.of(np.array([one])).capped()
        self._capped.frames[one] = capped.frames[0]
        self._capped.firsts[one], self._capped.seconds[one] = capped.firsts[0], capped.seconds[0]
        self._spreads[one] = self._criterion.spreads(capped)[0]
        alive = np.unique(self._owners)
        self._fill(one, alive[alive != one])

    def _fill(self, one: int, others: Labels) -> None:
        """Compute what one piece costs with others; each pair has its place above the diagonal."""
        row = self._capped.of(np.array([one]))
        spreads = self._spreads
        costs = self._criterion.costs(row, self._capped.of(others), spreads[one], spreads[others])
        self._costs[np.minimum(one, others), np.maximum(one, others)] = costs
