"""Frames of a source, looked at in their order; while one is looked at, the next is on its way.

What a source gives while two are under way waits at the source, which knows whether the newest of
them is enough. A worker that ends takes the frame with it that it worked on, and nothing else.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress

from msgspec import Struct

from edged.capture.sight import CapturedFrame, SightLost
from edged.errors import BadMedia, BadRequest, Deadline, TooLarge, WorkerGone
from edged.pipeline.seeing.eyes import Eyes, View

UNDER_WAY = 2
"""One is looked at, the next one waits in the worker's channel: it never idles between two.

Measured: 2026-11, 2 vCPU, see benchmarks/bench_seeing.py.
"""

Frames = AsyncGenerator[CapturedFrame | SightLost, None]


class Looked(Struct, frozen=True):
    """A frame and what it shows."""

    frame: CapturedFrame
    view: View


class Missed(Struct, frozen=True, kw_only=True):
    """Frames from one to another were not looked at.

    reason: worker_gone, bad_media, stalled, device_lost, locked. at_ns: as of a CapturedFrame.
    """

    first: int
    last: int
    at_ns: int
    reason: str


class Onlooking:
    """Looks at all that a source gives. One task reads `seen`; loop thread only.

    Args:
        frames: of the source; closed at the end.
        eyes: look at them, as one stream.
    """

    def __init__(self, frames: Frames, eyes: Eyes) -> None:
        self._frames = frames
        self._eyes = eyes
        self._flying: deque[tuple[CapturedFrame, asyncio.Task[View]] | Missed] = deque()
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._settling = False
        self._last_ms = -1
        self._first_ns: int | None = None
        self._number = -1

    async def seen(
        self, *, heartbeat_s: float | None = None
    ) -> AsyncGenerator[Looked | Missed | None, None]:
        """Every frame with what it shows, in order, and which ones were missed; to the source's end.

        None whenever there was no frame for so many seconds. A reader that is slow makes the source
        wait; leaving early ends all.

        Raises:
            EdgedError: what the source raises, or a look that says nothing about its frame alone.
        """
        pulling = asyncio.get_running_loop().create_task(self._pull(), name="frames")
        pulling.add_done_callback(lambda _: self._news.set())
        try:
            while self._flying or not pulling.done():
                if self._flying:
                    yield await self._next()
                elif not await self._wait(heartbeat_s):
                    yield None
            await pulling
        finally:
            await self._end(pulling)

    async def _wait(self, within_s: float | None) -> bool:
        """Wait for a frame, or the end; whether anything came."""
        self._news.clear()
        try:
            async with asyncio.timeout(within_s):
                await self._news.wait()
        except TimeoutError:
            return False
        return True

    async def _next(self) -> Looked | Missed:
        """The oldest that is under way, when it is over; then there is room for another."""
        flight = self._flying[0]
        found = flight if isinstance(flight, Missed) else await self._landed(*flight)
        self._flying.popleft()
        self._settling = bool(self._flying) and isinstance(found, Missed)
        self._room.set()
        return found

    async def _landed(self, frame: CapturedFrame, look: "asyncio.Task[View]") -> Looked | Missed:
        """A look that is over: what it gave, or that its frame is lost.

        Raises:
            EdgedError: the next frame would fare no better.
        """
        try:
            return Looked(frame, await look)
        except (WorkerGone, Deadline):
            reason = "worker_gone"
        except (BadMedia, BadRequest, TooLarge):
            reason = "bad_media"
        return Missed(first=frame.number, last=frame.number, at_ns=frame.at_ns, reason=reason)

    async def _pull(self) -> None:
        """Begin to look at every frame that comes, as far as there is room."""
        loop = asyncio.get_running_loop()
        async with aclosing(self._frames):
            async for item in self._frames:
                if isinstance(item, SightLost):
                    self._flying.append(self._lost(item))
                else:
                    self._number = item.number
                    look = self._eyes.look(item.picture, self._at_ms(item))
                    self._flying.append((item, loop.create_task(look)))
                self._news.set()
                while self._is_full:
                    self._room.clear()
                    await self._room.wait()

    @property
    def _is_full(self) -> bool:
        """Whether the next frame has to wait.

        After one was lost, those behind it are waited for: they are sent again by themselves, and
        none may overtake them.
        """
        return self._settling or len(self._flying) >= UNDER_WAY

    def _at_ms(self, frame: CapturedFrame) -> int:
        """Of a frame on the stream's clock, which begins with the first and always goes on."""
        if self._first_ns is None:
            self._first_ns = frame.at_ns
        at_ms = (frame.at_ns - self._first_ns) // 1_000_000
        self._last_ms = max(at_ms, self._last_ms + 1)
        return self._last_ms

    def _lost(self, item: SightLost) -> Missed:
        """The source gives nothing: what it has not given is the next frame."""
        number = self._number + 1
        return Missed(first=number, last=number, at_ns=item.since_ns, reason=item.reason)

    async def _end(self, pulling: "asyncio.Task[None]") -> None:
        tasks = [flight[1] for flight in self._flying if not isinstance(flight, Missed)]
        for task in (pulling, *tasks):
            task.cancel()
        await asyncio.wait((pulling, *tasks))
        for task in (pulling, *tasks):
            with suppress(asyncio.CancelledError):
                task.exception()  # seen: whoever reads is gone
