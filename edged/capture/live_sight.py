"""A camera or screen that is looked at, seen from the daemon.

A source that gives nothing is told once, and opened again with growing pauses until it is back.
A pipe is kept open as long as its writer has it open: what follows is unreadable without its start.
"""

import asyncio
import logging
import os
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager, suppress

from msgspec import Struct

from edged import config
from edged.capture.clock import now_ns
from edged.capture.sight import CapturedFrame, SightKind, SightLost
from edged.capture.sight_orders import Glimpse, Opened, Wait
from edged.capture.sight_workers import ANSWER_WITHIN_S, START_WITHIN_S, captured
from edged.errors import DeviceMissing, EdgedError
from edged.workers.process import Worker, WorkerSpec

log = logging.getLogger(__name__)

FIRST_WITHIN_S = 10.0
"""A source that was just opened gives its first frame in so long. Cameras take up to two seconds."""

ANEW_WITHIN_S = 3.0
"""A writer of a pipe that was in the middle of a stream begins anew in so long, if at all."""

_WAIT = Wait()


class Found(Struct, frozen=True, kw_only=True):
    """A source that can be opened now.

    order: for the worker's `begin`. fd: that goes with it, and is closed afterwards; -1: none.
    pause_ms: between two frames, of a source that is asked for each one; 0: it gives them by itself.
    steady: it is kept open while it stalls. key: tells which device it is.
    same: what to wish for to get the same one again; empty: the wish as it was.
    """

    spec: WorkerSpec
    order: Struct
    device: str
    fd: int = -1
    pause_ms: float = 0.0
    steady: bool = False
    key: str = ""
    same: str = ""


class LiveSight:
    """A camera or screen that is looked at; fulfils edged.capture.sight.FrameSource.

    key: which device is open now; empty: none.

    Args:
        kind: of the source.
        find: the source that is meant, now; asked again whenever it is to be opened again.
        settings: of seeing.
    """

    def __init__(
        self, kind: SightKind, find: Callable[[], Awaitable[Found]], settings: config.Seeing
    ) -> None:
        self._kind: SightKind = kind
        self._find = find
        self._settings = settings
        self._worker: Worker | None = None
        self._stopped = asyncio.Event()
        self.key = ""
        self._device = ""
        self._seen_ns = 0
        self._any = False
        self._first_error: EdgedError | None = None
        self._lost = False
        self._pause_ms: float = settings.reopen_ms
        self._before = Glimpse()
        self._newest = Glimpse()

    async def frames(self) -> AsyncGenerator[CapturedFrame | SightLost, None]:
        """See edged.capture.sight.FrameSource."""
        self._seen_ns = now_ns()
        while not self._stopped.is_set():
            reason = "device_lost"
            try:
                async with aclosing(self._look()) as items:
                    async for item in items:
                        yield item
            except EdgedError as error:
                self._judge(error)
            except _Stalled:
                reason = "stalled"
            if self._stopped.is_set():
                return
            if self._any and not self._lost:
                yield self._lose(reason)
            await self._pause()

    async def stop(self) -> None:
        """See edged.capture.sight.FrameSource."""
        self._stopped.set()
        if self._worker is not None:
            await self._worker.end(grace_s=0)

    async def _look(self) -> AsyncGenerator[CapturedFrame | SightLost, None]:
        """Open the source and give its frames until it ends.

        Raises:
            _Stalled: it gives none any more. EdgedError: it cannot be opened, or its worker is gone.
        """
        found = await self._find()
        try:
            async with self._begun(found) as worker:
                opened_ns = now_ns()
                while not self._stopped.is_set():
                    answer = await worker.call("next", _WAIT, deadline_s=ANSWER_WITHIN_S)
                    glimpse = answer.to(Glimpse)
                    self._newest = glimpse
                    if glimpse.ended:
                        return
                    item = self._item(glimpse, opened_ns, found)
                    if item is not None:
                        yield item
        finally:
            self._keep_counts()

    def _item(
        self, glimpse: Glimpse, opened_ns: int, found: Found
    ) -> CapturedFrame | SightLost | None:
        """What to tell of a worker's answer; a loss is told once.

        Raises:
            _Stalled: the source gives no frames, and is to be opened again.
        """
        if glimpse.data:
            return self._frame(glimpse)
        reason = glimpse.lost
        if not reason and self._is_silent(max(opened_ns, glimpse.heard_ns), found.pause_ms):
            reason = "stalled"
            if not found.steady:
                raise _Stalled
        return self._lose(reason) if reason and not self._lost else None

    def _judge(self, error: EdgedError) -> None:
        """Raise what keeps a source from giving its first frame; afterwards it is a loss."""
        if self._stopped.is_set():
            return
        if self._any:
            if not self._lost:
                log.warning("a %s gives nothing: %s", self._kind, error.code)
            return
        if self._first_error is not None or not error.details.get("out_of_step"):
            raise error
        # A writer that has not noticed that its last reader went is in the middle of a stream: it
        # ends when it finds nobody there, and the next one begins anew.
        self._first_error = error

    @asynccontextmanager
    async def _begun(self, found: Found) -> AsyncIterator[Worker]:
        """A worker that has opened the source; the descriptor is closed in any case."""
        try:
            worker = await Worker.spawn(found.spec, load_deadline_s=START_WITHIN_S)
            self._worker, self.key = worker, found.key
            try:
                fds = (found.fd,) if found.fd >= 0 else ()
                answer = await worker.call(
                    "begin", found.order, deadline_s=ANSWER_WITHIN_S, fds=fds
                )
                self._device = answer.to(Opened).device or found.device
                yield worker
            finally:
                self._worker, self.key = None, ""
                await worker.end(grace_s=0)
        finally:
            if found.fd >= 0:
                os.close(found.fd)

    def _is_silent(self, since_ns: int, pause_ms: float) -> bool:
        """Whether the last sign of life was too long ago.

        Raises:
            DeviceMissing, BadMedia: no frame ever came.
        """
        silent_ms = (now_ns() - since_ns) / 1e6
        if self._any:
            return silent_ms > max(self._settings.stalled_ms, 2 * pause_ms)
        if self._first_error is not None and silent_ms > ANEW_WITHIN_S * 1000:
            raise self._first_error
        if silent_ms > FIRST_WITHIN_S * 1000:
            raise DeviceMissing(
                f"the {self._kind} gives no picture", fix="look whether another program can use it"
            )
        return False

    def _frame(self, glimpse: Glimpse) -> CapturedFrame:
        self._any, self._lost = True, False
        self._pause_ms = self._settings.reopen_ms
        self._seen_ns = glimpse.at_ns
        return captured(glimpse, self._device, self._before)

    def _lose(self, reason: str) -> SightLost:
        self._lost = True
        return SightLost(since_ns=self._seen_ns, reason=reason)

    def _keep_counts(self) -> None:
        """What a worker counted is added to what the ones after it will count."""
        before, newest = self._before, self._newest
        self._newest = Glimpse()
        self._before = Glimpse(
            captured=before.captured + newest.captured,
            still=before.still + newest.still,
            late=before.late + newest.late,
        )

    async def _pause(self) -> None:
        """Before the next try; each one is twice as long."""
        pause_s = self._pause_ms / 1000
        self._pause_ms = min(2 * self._pause_ms, self._settings.longest_pause_ms)
        with suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await self._stopped.wait()


class _Stalled(Exception):
    """A source is open and gives no frames."""
