"""Kept landmarks of a session, read in the worker that has arrays: pages, files, what follows.

Blocks flow from the store to the worker in small parts, so a reading costs the same memory however
long the session is. The worker starts with the first reading and ends when nobody reads.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from functools import partial
from itertools import accumulate

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from edged.capture.kept.orders import (
    LEAD_MS,
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
from edged.errors import Deadline, WorkerGone
from edged.messages.seeing import Derived, Kept, LandmarkKind, PartFacts
from edged.store import landmark_blocks, sessions
from edged.store.database import Store
from edged.store.engine import Connection
from edged.store.landmark_blocks import EVER, StoredBlock
from edged.workers.process import Answer, Worker, WorkerSpec
from edged.workers.shared import IDLE_S, SharedWorker

UNPACK_WORKER = WorkerSpec(name="unpack", module="edged.capture.unpacking")
"""Reads nothing but what it is sent."""

CALL_DEADLINE_S = 120.0
"""For 64 blocks, of which gestures are told: 4 s on a core of a PC, if it has one."""

BLOCKS_AT_ONCE = 64
BYTES_AT_ONCE = 2**20
"""Of blocks on their way at once; one block may be larger."""


class Stretch(Struct, frozen=True, kw_only=True):
    """Which landmarks of a session. kinds: empty: all. source: None: all. to_ms: excluded."""

    session_id: str
    kinds: tuple[LandmarkKind, ...] = ()
    source: int | None = None
    from_ms: int = 0
    to_ms: int = EVER


class LandmarkPage(Struct, frozen=True):
    """A page: things of frames, or arrays and what they are. next_ms: None: it is the last."""

    next_ms: int | None
    frames: tuple[Kept, ...]
    parts: tuple[PartFacts, ...]
    data: tuple[bytes, ...]


class DerivedStretches(Struct, frozen=True):
    """What follows from landmarks, in order of time, and what each track is."""

    derived: tuple[Derived, ...]
    definitions: dict[str, str]


class FilePiece(Struct, frozen=True):
    """The next bytes of a file, and how much of the stretch is behind them, in [0, 1].

    data: may be empty, while frames are counted.
    """

    data: bytes
    progress: float


class _Batch(Struct, frozen=True):
    """Blocks with their bodies. until_ms: as in BlocksPart."""

    blocks: tuple[StoredBlock, ...]
    bodies: tuple[bytes, ...]
    until_ms: int | None


_decode_kept = msgspec.msgpack.Decoder(tuple[Kept, ...]).decode
_decode_derived = msgspec.msgpack.Decoder(tuple[Derived, ...]).decode


class Reading:
    """Reads landmarks; lends the worker. Loop thread only.

    Args:
        store: that has them.
        idle_s: so long the worker stays when nobody reads.
    """

    def __init__(self, store: Store, *, idle_s: float = IDLE_S) -> None:
        self._store = store
        self._shared = SharedWorker(UNPACK_WORKER, idle_s=idle_s)

    @property
    def worker(self) -> Worker | None:
        """The process that reads; None while nobody does."""
        return self._shared.worker

    async def page(self, stretch: Stretch, wish: ReadWish) -> LandmarkPage:
        """A page of landmarks: the first frames of the stretch, as many as are wanted or fit.

        Raises:
            NotFound: no such session. StoreCorrupt: a block is damaged.
            Busy, WorkerGone, Deadline, EngineMissing: the worker's.
        """
        async with self._reading(wish) as reading:
            async with aclosing(self._batches(stretch, wish)) as batches:
                async for batch in batches:
                    if (await reading.feed(batch)).full:
                        break
            page = (await reading.call("page", reading.id)).to(KeptPage)
        return LandmarkPage(page.next_ms, _decode_kept(page.frames), page.parts, page.data)

    async def derive(
        self, stretch: Stretch, wish: ReadWish
    ) -> AsyncGenerator[float | DerivedStretches, None]:
        """What follows from the landmarks of a stretch: how much is done, in [0, 1], then all of it.

        Raises as `page`.
        """
        end_ms = min(stretch.to_ms, await self._duration_ms(stretch.session_id))
        async with self._reading(wish) as reading:
            async with aclosing(self._batches(stretch, wish)) as batches:
                async for batch in batches:
                    await reading.feed(batch)
                    yield _share(batch.until_ms, stretch.from_ms, end_ms)
            found = (await reading.call("derived", reading.id)).to(DerivedPage)
        yield DerivedStretches(_decode_derived(found.derived), found.definitions)

    async def file(self, stretch: Stretch, wish: ReadWish) -> AsyncGenerator[FilePiece, None]:
        """A file of the landmarks of a stretch, piece by piece; raises as `page`."""
        passes = await self._passes(stretch, wish)
        end_ms = min(stretch.to_ms, await self._duration_ms(stretch.session_id))
        async with self._reading(wish) as reading:
            async with aclosing(self._fed(reading, passes, wish)) as fed:
                async for number, until_ms in fed:
                    share = (number + _share(until_ms, stretch.from_ms, end_ms)) / len(passes)
                    yield FilePiece(await reading.take(), share)
                    while data := await reading.take():
                        yield FilePiece(data, share)
            await reading.call("finish", reading.id)
            while data := await reading.take():
                yield FilePiece(data, 1.0)

    async def rank(self, query: bytes, vectors: Sequence[bytes]) -> tuple[float, ...]:
        """The cosine of each vector with one: float32, of length 1; -1 for other dimensions.

        Raises:
            WorkerGone, Deadline, EngineMissing: the worker's.
        """
        async with self._shared.lent() as worker:
            wish = RankWish(query=query, vectors=tuple(vectors))
            return (await worker.call("rank", wish, deadline_s=CALL_DEADLINE_S)).to(Ranked).scores

    async def close(self) -> None:
        """End the worker now; what is being read ends with `WorkerGone`."""
        await self._shared.close()

    async def _fed(
        self, reading: "_Open", passes: Sequence["_Pass"], wish: ReadWish
    ) -> AsyncGenerator[tuple[int, int | None], None]:
        """Feeds what a file is made of; after each time, in which pass, and up to where it came."""
        for number, one in enumerate(passes):
            if one.counting is not None:
                await reading.begin(one)
            async with aclosing(self._batches(one.stretch, wish)) as batches:
                async for batch in batches:
                    await reading.feed(batch)
                    yield number, batch.until_ms

    # --- blocks ---

    async def _batches(self, stretch: Stretch, wish: ReadWish) -> AsyncGenerator[_Batch, None]:
        """The blocks of a stretch in order of time, and those that a filter is shown before it."""
        from_ms = max(stretch.from_ms - (LEAD_MS if wish.smooth else 0), 0)
        last: StoredBlock | None = None
        while True:
            read = partial(_batch, stretch=stretch, from_ms=from_ms, after=last)
            batch = await self._store.read(read)
            yield batch
            if batch.until_ms is None:
                return
            last = batch.blocks[-1]

    async def _passes(self, stretch: Stretch, wish: ReadWish) -> tuple["_Pass", ...]:
        """One over everything; for NPZ two over each track."""
        found = await self._store.read(lambda db: landmark_blocks.tracks(db, stretch.session_id))
        if wish.into != "npz":
            return (_Pass(stretch, None),)
        wanted = [
            replace(stretch, source=source, kinds=(kind,))
            for source, kind in found
            if stretch.source in {None, source} and (not stretch.kinds or kind in stretch.kinds)
        ]
        return tuple(_Pass(one, counting) for one in wanted for counting in (True, False))

    async def _duration_ms(self, session_id: str) -> int:
        return (await self._store.read(lambda db: sessions.get(db, session_id))).duration_ms

    # --- the worker ---

    @asynccontextmanager
    async def _reading(self, wish: ReadWish) -> AsyncIterator["_Open"]:
        async with self._shared.lent() as worker:
            answer = await worker.call("open", wish, deadline_s=CALL_DEADLINE_S)
            reading = _Open(worker, answer.to(ReadingId))
            try:
                yield reading
            finally:
                with suppress(WorkerGone, Deadline):
                    await reading.call("close", reading.id)


class _Pass(Struct, frozen=True):
    """One way through blocks. counting: of NPZ, else None."""

    stretch: Stretch
    counting: bool | None


class _Open:
    """A reading that the worker holds open."""

    def __init__(self, worker: Worker, opened: ReadingId) -> None:
        self._worker = worker
        self.id = opened

    async def call(self, method: str, argument: Struct) -> Answer:
        return await self._worker.call(method, argument, deadline_s=CALL_DEADLINE_S)

    async def begin(self, one: _Pass) -> None:
        source, kinds = one.stretch.source or 0, one.stretch.kinds
        step = NextPass(
            reading=self.id.reading, source=source, kind=kinds[0], counting=bool(one.counting)
        )
        await self.call("next_pass", step)

    async def feed(self, batch: _Batch) -> Fed:
        part = BlocksPart(
            reading=self.id.reading,
            sources=tuple(block.source for block in batch.blocks),
            kinds=tuple(block.kind for block in batch.blocks),
            starts=tuple(block.start_ms for block in batch.blocks),
            until_ms=batch.until_ms,
            bodies=batch.bodies,
        )
        return (await self.call("feed", part)).to(Fed)

    async def take(self) -> bytes:
        """The next bytes that the last blocks gave to a file; fetched whole before the next are fed."""
        return (await self.call("take", self.id)).to(Piece).data


def _batch(db: Connection, *, stretch: Stretch, from_ms: int, after: StoredBlock | None) -> _Batch:
    """The next blocks, so many that they are not too large together; at least one, if there is one."""
    found = landmark_blocks.find(
        db,
        stretch.session_id,
        kinds=stretch.kinds,
        source=stretch.source,
        from_ms=from_ms,
        to_ms=stretch.to_ms,
        after=after,
        limit=BLOCKS_AT_ONCE,
    )
    sizes = accumulate(block.size_bytes for block in found)
    fitting = max(1, sum(size <= BYTES_AT_ONCE for size in sizes))
    blocks = found[:fitting]
    over = len(found) < BLOCKS_AT_ONCE and len(blocks) == len(found)
    bodies = landmark_blocks.bodies(db, [block.row for block in blocks])
    return _Batch(blocks, bodies, None if over else blocks[-1].start_ms)


def _share(until_ms: int | None, from_ms: int, end_ms: int) -> float:
    """How much of a stretch is behind a time; None: all of it."""
    if until_ms is None or end_ms <= from_ms:
        return 1.0
    return min(max((until_ms - from_ms) / (end_ms - from_ms), 0.0), 1.0)
