"""The worker that reads kept landmarks: the daemon has no arrays. See edged.capture.kept.orders."""

from collections.abc import Iterator

import numpy as np

from edged.capture.kept.files import CsvFile, JsonFile, LandmarkFile, NpzFile
from edged.capture.kept.orders import (
    MOST_READINGS,
    PIECE_BYTES,
    BlocksPart,
    DerivedPage,
    Fed,
    KeptPage,
    NextPass,
    Piece,
    Ranked,
    RankWish,
    ReadingId,
    ReadWish,
)
from edged.capture.kept.pages import Page
from edged.capture.kept.rows import Rows
from edged.capture.kept.tracks import Tracks
from edged.errors import BadRequest, Busy, NotFound
from edged.workers.context import WorkerContext


def load(argument: bytes, context: WorkerContext) -> "Unpacker":
    """The worker's entry; neither is used."""
    del argument, context
    return Unpacker()


class Unpacker:
    """Fulfils edged.capture.kept.orders.LandmarkReader."""

    def __init__(self) -> None:
        self._readings: dict[int, _Reading] = {}
        self._opened = 0

    def open(self, wish: ReadWish) -> ReadingId:
        """Begin to read."""
        if len(self._readings) >= MOST_READINGS:
            raise Busy(f"{MOST_READINGS} readings of landmarks are open", retry_after_ms=1_000)
        self._opened += 1
        self._readings[self._opened] = _Reading(wish)
        return ReadingId(reading=self._opened)

    def next_pass(self, step: NextPass) -> Fed:
        """Begin a pass over one track."""
        self._of(step.reading).next_pass(step)
        return Fed(full=False)

    def feed(self, blocks: BlocksPart) -> Fed:
        """Take blocks."""
        return Fed(full=self._of(blocks.reading).feed(blocks))

    def take(self, reading: ReadingId) -> Piece:
        """The next bytes of a file."""
        return Piece(data=self._of(reading.reading).take())

    def finish(self, reading: ReadingId) -> Fed:
        """No blocks follow."""
        self._of(reading.reading).finish()
        return Fed(full=False)

    def page(self, reading: ReadingId) -> KeptPage:
        """The page, which ends the reading."""
        found = self._ended(reading).into
        if not isinstance(found, Page):
            raise BadRequest("the reading gives no page")
        return found.finish()

    def derived(self, reading: ReadingId) -> DerivedPage:
        """What was derived, which ends the reading."""
        found = self._ended(reading).into
        if not isinstance(found, Tracks):
            raise BadRequest("the reading gives no tracks")
        return found.finish()

    def close(self, reading: ReadingId) -> Fed:
        """Forget a reading."""
        self._readings.pop(reading.reading, None)
        return Fed(full=True)

    def rank(self, wish: RankWish) -> Ranked:
        """How similar vectors are to one."""
        query = np.frombuffer(wish.query, "<f4")
        return Ranked(scores=tuple(_cosine(query, vector) for vector in wish.vectors))

    def _of(self, reading: int) -> "_Reading":
        if reading not in self._readings:
            raise NotFound("the landmarks are not being read")
        return self._readings[reading]

    def _ended(self, reading: ReadingId) -> "_Reading":
        found = self._of(reading.reading)
        del self._readings[reading.reading]
        return found


def _cosine(query: "np.ndarray[tuple[int], np.dtype[np.float32]]", vector: bytes) -> float:
    if len(vector) != query.nbytes:
        return -1.0
    return float(np.clip(np.dot(query, np.frombuffer(vector, "<f4")), -1.0, 1.0))


class _Reading:
    """One reading: rows of blocks, and what they become."""

    def __init__(self, wish: ReadWish) -> None:
        self._wish = wish
        self._rows = Rows(wish)
        self._pieces: Iterator[bytes] = iter(())
        self.into = _made(wish)

    def feed(self, blocks: BlocksPart) -> bool:
        rows = self._rows.feed(blocks)
        match self.into:
            case Page():
                self.into.write(rows)
                return self.into.full
            case Tracks():
                self.into.write(rows)
            case _:
                self._follow(self.into.write(rows))
        return False

    def next_pass(self, step: NextPass) -> None:
        if not isinstance(self.into, NpzFile):
            raise BadRequest("only arrays are written track by track")
        self._rows = Rows(self._wish)
        self._follow(self.into.begin(step))

    def finish(self) -> None:
        if isinstance(self.into, (Page, Tracks)):
            raise BadRequest("the reading gives no file")
        self._follow(self.into.finish())

    def take(self) -> bytes:
        taken = bytearray()
        for piece in self._pieces:
            taken += piece
            if len(taken) >= PIECE_BYTES:
                break
        return bytes(taken)

    def _follow(self, pieces: Iterator[bytes]) -> None:
        """What was not fetched of the pieces before is worked off first: rows are not lost."""
        left = b"".join(self._pieces)
        self._pieces = _chained(left, pieces)


def _chained(left: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    yield left
    yield from pieces


def _made(wish: ReadWish) -> Page | Tracks | LandmarkFile:
    match wish.into:
        case "values" | "parts":
            return Page(wish)
        case "tracks":
            return Tracks(wish)
        case "csv":
            return CsvFile()
        case "json":
            return JsonFile(wish)
        case "npz":
            return NpzFile()
