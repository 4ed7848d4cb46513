"""Stand-ins of those who look, and of what is looked at."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import asynccontextmanager

from edged.capture.sight import (
    CapturedFrame,
    FrameSource,
    SightKind,
    SightLost,
    SightOptions,
)
from edged.errors import EdgedError
from edged.media import ImageFormat, Picture
from edged.models.seeing import Group, Sight
from edged.pipeline.seeing.eyes import View

DOT = Picture(data=bytes(3), raw=ImageFormat(width=1, height=1))
MS = 1_000_000


def frame(number: int, *, at_ms: int | None = None) -> CapturedFrame:
    """A frame of one pixel; one in 40 ms."""
    at_ns = (40 * number if at_ms is None else at_ms) * MS
    return CapturedFrame(picture=DOT, number=number, at_ns=at_ns, captured=number + 1)


def hands(count: int) -> Sight:
    """A sight of so many hands, without points."""
    return Sight(groups=(Group(kind="hands", count=count),), width=1, height=1)


class FakeFlight:
    """Fulfils Flight."""

    def __init__(self, task: "asyncio.Task[View]") -> None:
        self._task = task

    async def result(self) -> View:
        return await self._task

    def cancel(self) -> None:
        self._task.cancel()


class FakeEyes:
    """Fulfils QuickEyes: sees one hand in everything; waits for `let` before each look, if told so.

    errors: by the number of the look, what it raises instead. asked: times of all looks.
    most: looks that were under way at once.
    """

    device = "cpu"

    def __init__(self, errors: dict[int, EdgedError] | None = None, *, waits: bool = False) -> None:
        self.errors = errors or {}
        self.asked: list[int] = []
        self.under_way = self.most = 0
        self.finished = 0
        self._gate = asyncio.Semaphore(0) if waits else None
        self._turn = asyncio.Lock()

    def let(self, looks: int = 1) -> None:
        """Let so many looks end."""
        assert self._gate is not None
        for _ in range(looks):
            self._gate.release()

    def begin(self, picture: Picture, at_ms: int = 0) -> "FakeFlight":
        return FakeFlight(asyncio.get_running_loop().create_task(self.look(picture, at_ms)))

    async def look(self, picture: Picture, at_ms: int = 0) -> View:
        assert picture.data
        number = len(self.asked)
        self.asked.append(at_ms)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            async with self._turn:
                if self._gate is not None:
                    await self._gate.acquire()
        finally:
            self.under_way -= 1
        if error := self.errors.get(number):
            raise error
        return hands(1)

    async def finish(self) -> Sight:
        self.finished += 1
        return Sight()


class FakeSource:
    """Fulfils FrameSource: gives what it was told, then ends, or raises."""

    def __init__(
        self, items: Iterable[CapturedFrame | SightLost], error: EdgedError | None = None
    ) -> None:
        self._items = tuple(items)
        self._error = error
        self.closed = False

    async def frames(self) -> AsyncGenerator[CapturedFrame | SightLost, None]:
        try:
            for item in self._items:
                await asyncio.sleep(0)
                yield item
            if self._error is not None:
                raise self._error
        finally:
            self.closed = True

    async def stop(self) -> None:
        return


class FakeSights:
    """Fulfils Sights: every source is the one it was given. opened: what was asked for."""

    def __init__(self, source: FrameSource) -> None:
        self._source = source
        self.opened: list[tuple[SightKind, SightOptions]] = []

    @asynccontextmanager
    async def open(self, kind: SightKind, options: SightOptions) -> AsyncIterator[FrameSource]:
        self.opened.append((kind, options))
        yield self._source
