"""What the worker that reads kept landmarks is asked and answers; importable without arrays.

A reading is opened with a wish, fed blocks in order of time, and gives a page, the pieces of a file,
or what follows from the landmarks. Every reading holds a bounded piece of a session, however long.
"""

from collections.abc import Mapping
from typing import Literal, Protocol

from msgspec import Struct

from edged.messages.seeing import DerivedKind, LandmarkKind, PartFacts

Into = Literal["values", "parts", "csv", "npz", "json", "tracks"]
"""A page as numbers or as arrays; a file; derived tracks."""

NEEDED: Mapping[DerivedKind, LandmarkKind] = {
    "gestures": "hands",
    "posture": "pose",
    "activity": "pose",
    "blinks": "face",
}
"""What a derived track follows from."""

SCREEN_VALUES = 4
"""Of a pose's values the first four are of the picture, the rest of the world."""

MOST_READINGS = 16
"""Open at once in one worker."""

MOST_VALUES = 2**17
"""Numbers of a page of `values`: about 1.2 MB as MessagePack. A frame of one face has 1,404."""

MOST_PART_VALUES = 2**20
"""Numbers of a page of `parts`: 4 MiB."""

PIECE_BYTES = 512 * 2**10
"""Of a file at once."""

LEAD_MS = 2_000
"""Before the first frame that is wanted, a filter is shown so much: it forgets in less."""


class ReadWish(Struct, frozen=True, kw_only=True):
    """What is wanted of a session's landmarks.

    from_ms, to_ms: of the session's clock, the second one excluded; None: to the end.
    fps: at most so many frames a second of a source; None: all. smooth: by a one-euro filter.
    shift_ms: added to every time that is given out. limit: frames of a page.
    session_id, models: as they stand in a JSON file. tracks: what is derived.
    aspects: width by height of the pictures, of each source.
    """

    into: Into
    from_ms: int = 0
    to_ms: int | None = None
    fps: float | None = None
    smooth: bool = False
    shift_ms: int = 0
    limit: int = 500
    session_id: str = ""
    models: dict[str, str] = {}
    tracks: tuple[DerivedKind, ...] = ()
    aspects: tuple[float, ...] = ()


class ReadingId(Struct, frozen=True, kw_only=True):
    """A reading that the worker holds open."""

    reading: int


class NextPass(Struct, frozen=True, kw_only=True):
    """The blocks that follow are of one track, from the start: to be counted, or to be written.

    Arrays of an NPZ file lie one behind the other, each with its length in front.
    """

    reading: int
    source: int
    kind: LandmarkKind
    counting: bool


class BlocksPart(Struct, frozen=True, kw_only=True):
    """Blocks as they are stored, in order of time. sources, kinds, starts (ms), bodies: of each one.

    until_ms: all frames before it have come with these; None: nothing follows.
    """

    reading: int
    sources: tuple[int, ...]
    kinds: tuple[LandmarkKind, ...]
    starts: tuple[int, ...]
    until_ms: int | None
    bodies: tuple[bytes, ...]


class Fed(Struct, frozen=True, kw_only=True):
    """Blocks were taken. full: the page needs no more of them."""

    full: bool


class Piece(Struct, frozen=True, kw_only=True):
    """The next bytes of a file; none: it wants blocks, or after `finish` it is whole."""

    data: bytes


class KeptPage(Struct, frozen=True, kw_only=True):
    """A page: `frames` or, as parts, arrays in `data` and what they are.

    next_ms: where the next one begins, shifted; None: this is the last.
    frames: of type tuple[Kept, ...] in MessagePack; too long for the small fields of an answer.
    """

    next_ms: int | None
    frames: bytes = b"\x90"
    parts: tuple[PartFacts, ...] = ()
    data: tuple[bytes, ...] = ()


class DerivedPage(Struct, frozen=True, kw_only=True):
    """What follows from the landmarks, in order of time, and what each track is.

    derived: of type tuple[Derived, ...] in MessagePack, as in KeptPage.
    """

    derived: bytes
    definitions: dict[str, str]


class RankWish(Struct, frozen=True, kw_only=True):
    """Vectors to compare with one: float32 little-endian, all of length 1."""

    query: bytes
    vectors: tuple[bytes, ...]


class Ranked(Struct, frozen=True, kw_only=True):
    """The cosine of each vector in [-1, 1]; -1 for one with another number of dimensions."""

    scores: tuple[float, ...]


class LandmarkReader(Protocol):
    """Fulfilled by edged.capture.unpacking in its worker."""

    def open(self, wish: ReadWish) -> ReadingId:
        """Begin to read.

        Raises:
            Busy: MOST_READINGS are open.
        """
        ...

    def next_pass(self, step: NextPass) -> Fed:
        """Begin a pass over one track; for NPZ files."""
        ...

    def feed(self, blocks: BlocksPart) -> Fed:
        """Take blocks; what they give to a file is fetched by `take` before the next ones.

        Raises:
            StoreCorrupt: a block is damaged. NotFound: no such reading.
        """
        ...

    def take(self, reading: ReadingId) -> Piece:
        """The next bytes of a file."""
        ...

    def finish(self, reading: ReadingId) -> Fed:
        """No blocks follow; `take` gives the rest of the file."""
        ...

    def page(self, reading: ReadingId) -> KeptPage:
        """The page, which ends the reading."""
        ...

    def derived(self, reading: ReadingId) -> DerivedPage:
        """What was derived, which ends the reading."""
        ...

    def close(self, reading: ReadingId) -> Fed:
        """Forget a reading; one that is not known is well too."""
        ...

    def rank(self, wish: RankWish) -> Ranked:
        """How similar vectors are to one."""
        ...
