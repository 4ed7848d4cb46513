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
from edged.pipeline.seeing.eyes import Flight, QuickEyes, View

UNDER_WAY = 2
"""One is looked at, the next one waits in the worker's channel: it never idles between two.

Measured: 2026-11, 2 vCPU, 640 x 480: 20.9 ms a hand's frame instead of 21.9 with one at a time.
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
    """Looks at frames, as one stream. One task reads `seen`; loop thread only.

    Args:
        eyes: look at them.
        frames: of a source; closed at the end. None: somebody gives them by `offer`, until `finish`.

    replaced: offered frames that were not looked at, because newer ones came.
    ended: no frame is taken any more.
    """

    def __init__(self, eyes: QuickEyes, frames: Frames | None = None) -> None:
        self.replaced = 0
        self.ended = False
        self._eyes = eyes
        self._frames = frames
        self._flying: deque[tuple[CapturedFrame, Flight[View]] | Missed] = deque()
        self._waiting: CapturedFrame | None = None
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._settling = False
        self._last_ms = -1
        self._first_ns: int | None = None
        self._number = -1

    def offer(self, frame: CapturedFrame) -> None:
        """Look at a frame now, or next: one that waits is replaced by it. Never waits."""
        if self.ended:
            return
        if self._is_full:
            self.replaced += self._waiting is not None
            self._waiting = frame
        else:
            self._begin(frame)

    def finish(self) -> None:
        """Nothing more is offered: `seen` ends after what waits."""
        self.ended = True
        self._news.set()

    async def seen(
        self, *, heartbeat_s: float | None = None
    ) -> AsyncGenerator[Looked | Missed | None, None]:
        """Every frame with what it shows, in order, and which ones were missed; to the end.

        None whenever there was no frame for so many seconds. A reader that is slow makes a source
        wait; leaving early ends all.

        Raises:
            EdgedError: what the source raises, or a look that says nothing about its frame alone.
        """
        pulling = self._pulling()
        try:
            while self._flying or not self.ended:
                if self._flying:
                    yield await self._next()
                elif not await self._wait(heartbeat_s):
                    yield None
            if pulling is not None:
                await pulling
        finally:
            self.ended = True
            await self._end(pulling)

    # --- beginning to look ---

    def _begin(self, frame: CapturedFrame) -> None:
        self._number = frame.number
        look = self._eyes.begin(frame.picture, self._at_ms(frame))
        self._flying.append((frame, look))
        self._news.set()

    def _pulling(self) -> "asyncio.Task[None] | None":
        """Reads the source, if there is one; the end of it is the end of all."""
        if self._frames is None:
            return None
        pulling = asyncio.get_running_loop().create_task(self._pull(self._frames), name="frames")
        pulling.add_done_callback(lambda _: self.finish())
        return pulling

    async def _pull(self, frames: Frames) -> None:
        """Begin to look at every frame that comes, as far as there is room."""
        async with aclosing(frames):
            async for item in frames:
                if isinstance(item, SightLost):
                    self._flying.append(self._lost(item))
                    self._news.set()
                else:
                    self._begin(item)
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

    # --- what comes of it ---

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
        if self._waiting is not None and not self._is_full:
            waiting, self._waiting = self._waiting, None
            self._begin(waiting)
        self._room.set()
        return found

    async def _landed(self, frame: CapturedFrame, look: Flight[View]) -> Looked | Missed:
        """A look that is over: what it gave, or that its frame is lost.

        Raises:
            EdgedError: the next frame would fare no better.
        """
        try:
            return Looked(frame, await look.result())
        except (WorkerGone, Deadline):
            reason = "worker_gone"
        except (BadMedia, BadRequest, TooLarge):
            reason = "bad_media"
        return Missed(first=frame.number, last=frame.number, at_ns=frame.at_ns, reason=reason)

    async def _end(self, pulling: "asyncio.Task[None] | None") -> None:
        for flight in self._flying:
            if not isinstance(flight, Missed):
                flight[1].cancel()
        if pulling is not None:
            pulling.cancel()
            await asyncio.wait([pulling])
            with suppress(asyncio.CancelledError):
                pulling.exception()  # seen: whoever reads is gone
