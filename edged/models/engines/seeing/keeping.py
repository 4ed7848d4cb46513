"""The landmarks of a stream on their way to the store: whose place they have, sealed second by second."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from edged.messages.seeing import LandmarkKind
from edged.models.engines.seeing.found import SEEN, XYZ, Found
from edged.models.seeing import SealedBlock
from edged.vision.blocks import Block, encode

Floats = npt.NDArray[np.float32]

FORGOTTEN_MS = 1_000
"""A place is free again when its thing was not seen for so long."""

REACH = 0.25
"""Of the picture's sides: what moved farther from one frame to the next is something else."""

_SIDES = {"Left": 0, "Right": 1}


class _Held(Struct):
    """Who has a place: where it was, and when."""

    middle: npt.NDArray[np.float32]
    at_ms: int


class Places:
    """Gives each thing of a kind a number that it keeps while it is followed.

    Hands: 0 is the left and 1 the right one; a second left hand takes the right one's place when
    that is free, or one behind them.
    """

    def __init__(self, kind: LandmarkKind) -> None:
        self._kind = kind
        self._held: dict[int, _Held] = {}

    def of(self, found: Found, at_ms: int) -> tuple[int, ...]:
        """The places of a frame's things."""
        middles = found.points[..., :2].mean(axis=1) if len(found.points) else np.zeros((0, 2))
        self._held = {
            place: held for place, held in self._held.items() if at_ms - held.at_ms <= FORGOTTEN_MS
        }
        if self._kind == "hands":
            places = _by_side(found)
        else:
            places = self._nearest(middles.astype(np.float32))
        for place, middle in zip(places, middles, strict=True):
            self._held[place] = _Held(middle.astype(np.float32), at_ms)
        return places

    def _nearest(self, middles: Floats) -> tuple[int, ...]:
        pairs = sorted(
            (float(np.abs(middle - held.middle).max()), number, place)
            for number, middle in enumerate(middles)
            for place, held in self._held.items()
        )
        found: dict[int, int] = {}
        for distance, number, place in pairs:
            if distance <= REACH and number not in found and place not in found.values():
                found[number] = place
        for number in range(len(middles)):
            if number not in found:
                found[number] = _lowest_free({*found.values(), *self._held})
        return tuple(found[number] for number in range(len(middles)))


def _by_side(found: Found) -> tuple[int, ...]:
    """Places of hands; of two left ones the surer is the left one."""
    order = sorted(range(len(found.labels)), key=lambda number: -found.scores[number])
    places: dict[int, int] = {}
    for number in order:
        wanted = _SIDES.get(found.labels[number], 0)
        taken = set(places.values())
        places[number] = wanted if wanted not in taken else _lowest_free(taken)
    return tuple(places[number] for number in range(len(found.labels)))


def _lowest_free(taken: set[int]) -> int:
    return next(place for place in range(len(taken) + 1) if place not in taken)


class Sealed(Struct, frozen=True):
    """A second that is over, and its bytes."""

    facts: SealedBlock
    block: bytes


class Keeper:
    """Collects the landmarks of one kind of a stream, and seals them once a second.

    A second in which nothing was seen leaves nothing.
    """

    def __init__(self, kind: LandmarkKind) -> None:
        self._kind = kind
        self._second = -1
        self._frames = 0
        self._times: list[int] = []
        self._rows: list[tuple[Floats, tuple[int, ...]]] = []

    def add(self, found: Found, places: tuple[int, ...], at_ms: int) -> Sealed | None:
        """Take a frame; the second before, when this one begins another."""
        sealed = None
        if at_ms // 1000 != self._second:
            sealed = self.finish()
            self._second = at_ms // 1000
        self._frames += 1
        if places:
            self._times.append(at_ms)
            self._rows.append((_values(self._kind, found), places))
        return sealed

    def finish(self) -> Sealed | None:
        """Seal what there is; None: nothing was seen."""
        times, rows, frames = self._times, self._rows, self._frames
        self._times, self._rows, self._frames = [], [], 0
        if not times:
            return None
        facts = SealedBlock(
            kind=self._kind,
            second=self._second,
            start_ms=times[0],
            end_ms=times[-1],
            frames=frames,
            detected=len(times),
        )
        block = Block(np.array(times, np.int64), _table(self._kind, rows))
        return Sealed(facts, encode(self._kind, block))


def _values(kind: LandmarkKind, found: Found) -> Floats:
    """What is kept of each thing: of a body its world points behind the others; key points lie flat."""
    if kind != "pose":
        if found.points.shape[2] == len(XYZ):
            return found.points
        flat = np.zeros((*found.points.shape[:2], 1), np.float32)
        return np.concatenate([found.points, flat], axis=2)
    points = found.points[..., : len(SEEN)]
    return np.concatenate([points, found.world], axis=2)


def _table(kind: LandmarkKind, rows: Sequence[tuple[Floats, tuple[int, ...]]]) -> Floats:
    """The rows by places, NaN where a place was empty; shape (frames, places, points, values)."""
    fewest = len(_SIDES) if kind == "hands" else 1
    places = max(fewest, 1 + max(place for _, taken in rows for place in taken))
    shape = (len(rows), places, *rows[0][0].shape[1:])
    table = np.full(shape, np.nan, np.float32)
    for number, (values, taken) in enumerate(rows):
        table[number, list(taken)] = values
    return table
