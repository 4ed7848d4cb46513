"""One source of pictures of a session: opened, looked at frame by frame, opened again when lost.

Frames are looked at one after the other, and the source gives the newest each time: looking never
makes a camera wait. Time in which there was nothing to see is a gap with its reason.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager, suppress
from functools import partial
from typing import Protocol

from msgspec.structs import replace

from edged.capture.pacing import Pace
from edged.capture.sight import (
    CapturedFrame,
    FrameSource,
    SightKind,
    SightLost,
    SightOptions,
    Sights,
)
from edged.errors import BadMedia, BadRequest, DeviceMissing, EdgedError, TooLarge
from edged.messages.seeing import FrameCounts, SightGap, SightState
from edged.messages.sessions import SourceWish
from edged.sessions.fed_frames import FedFrames
from edged.sessions.frame_counting import FrameCounting
from edged.sessions.onlooking import Noticed, Onlooker, Place, Write
from edged.store import sessions, sights
from edged.store.engine import Connection

log = logging.getLogger(__name__)

OPEN_S = 20.0
"""A camera that gives no frame for so long after it was opened counts as missing."""

STOP_S = 10.0
"""A source that does not end within that time is ended by force."""

TOLD_NS = 1_000_000_000
"""How often the counts are told and committed."""

OPENING_MS = 500
"""A first frame that comes so late leaves a gap: before it nobody looked."""

MOST_FAILURES = 5
"""A video whose frames fail so often in a row has no end worth waiting for."""

_DEVICES: Mapping[str, SightKind] = {"camera": "camera", "screen": "screen", "video": "video"}

_NOT_LOST = ("paused", "disk_full")
"""Reasons of gaps that the session's own state tells."""

_BAD_FRAME = (BadMedia, BadRequest, TooLarge)
"""Errors that say something about a frame and nothing about who looks."""


class Keeper(Protocol):
    """The session that a source belongs to; fulfilled by edged.sessions.recorder.Recorder."""

    def hold(self, writes: Sequence[Write]) -> None:
        """Have something committed with the next that is."""
        ...

    async def keep(self, writes: Sequence[Write]) -> None:
        """Commit now; what the store refuses is held."""
        ...

    async def guarded(self, work: Awaitable[None]) -> None:
        """Do a step; a defect in it ends the session."""
        ...

    def ended(self, error: EdgedError | None) -> None:
        """A source came to its end by itself."""
        ...

    def tell_rate(self, number: int, counts: FrameCounts) -> None:
        """Tell whoever listens how many frames come; may be lost."""
        ...


class Sightline:
    """A source of pictures and who looks at it. Loop thread only.

    Args:
        devices: opens cameras, screens and videos.
        wish: which source. options: how to look at it.
        number: which of the session's, from 0.
        onlookers: look at every frame, side by side.
        keeper: the session.
        reopen_s: before a source that broke is tried again, and a model that failed.
        clock: CLOCK_BOOTTIME in nanoseconds.

    place: rows of the store; None until the session has them. device: its name, as far as known.
    """

    def __init__(  # noqa: PLR0913 the parts of one source, all but the first by keyword
        self,
        devices: Sights,
        *,
        wish: SourceWish,
        options: SightOptions,
        number: int,
        onlookers: Sequence[Onlooker],
        keeper: Keeper,
        reopen_s: float,
        clock: Callable[[], int],
    ) -> None:
        self.kind = wish.kind
        self.number = number
        self.device = options.device
        self.place: Place | None = None
        self.first_ns: int | None = None
        self.last_ms = -1
        self.fed = FedFrames() if wish.kind == "frames" else None
        self._devices = devices
        self._options = options
        self._onlookers = tuple(onlookers)
        self._kept_ms = [0] * len(self._onlookers)
        self._keeper = keeper
        self._reopen_s = reopen_s
        self._clock = clock
        self._counting = FrameCounting(clock)
        self._origin_ns = 0
        self._gap: SightGap | None = None
        self._pace = Pace(options.fps)
        self._fresh = True
        self._told_ns = 0
        self._named = ""
        self._failures = 0
        self._source: FrameSource | None = None
        self._task: asyncio.Task[None] | None = None
        self._opened: asyncio.Future[None] | None = None
        self._released = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._stopping = asyncio.Event()

    @property
    def is_video(self) -> bool:
        """Whether it has a time of its own, and an end."""
        return self.kind == "video"

    @property
    def now_ms(self) -> int:
        """Its clock: the session's, or a video's own."""
        if self.is_video:
            return max(0, self.last_ms)
        return (self._clock() - self._origin_ns) // 1_000_000

    @property
    def models(self) -> dict[str, str]:
        """Of each kind of track, the model."""
        return {kind: model for one in self._onlookers for kind, model in one.models.items()}

    @property
    def target_fps(self) -> float:
        """Frames a second at most."""
        return self._options.fps

    @property
    def state(self) -> SightState:
        """As it is now."""
        gap = self._gap
        return SightState(
            kind=self.kind,
            device=self.device,
            lost="" if gap is None or gap.reason in _NOT_LOST else gap.reason,
            models=self.models,
            target_fps=self.target_fps,
            counts=self._counting.current,
        )

    # --- its life ---

    async def prepare(self) -> None:
        """Have everything ready that looks.

        Raises:
            EdgedError: what one of the onlookers raises; all of them are let go then.
        """
        try:
            for onlooker in self._onlookers:
                await onlooker.begin()
        except BaseException:
            await self._end_onlookers(discard=True)
            raise

    async def open(self, tasks: asyncio.TaskGroup) -> None:
        """Begin to look; returns when the first frame is there. `release` lets frames through.

        A video that was paused, and what a client fills, is open already.

        Raises:
            DeviceMissing, DeviceBusy, PermissionDenied, ...: it cannot be looked at.
        """
        if self._task is not None:
            return
        self._stopping.clear()
        self._counting.reopen()
        self._fresh = True
        if self.fed is not None:
            self.fed.start()
        opened = asyncio.get_running_loop().create_future()
        self._opened = opened
        self._task = tasks.create_task(self._run(), name=f"sight of a {self.kind}")
        if self.fed is not None:
            opened.set_result(None)
        try:
            async with asyncio.timeout(OPEN_S):
                await asyncio.shield(opened)
        except TimeoutError as error:
            await self._halt()
            raise DeviceMissing(f"the {self.kind} gave no frame in {OPEN_S:.0f} s") from error

    def release(self, origin_ns: int) -> None:
        """Frames are looked at from now on. origin_ns: CLOCK_BOOTTIME at the session's 0."""
        self._origin_ns = 0 if self.is_video else origin_ns
        self._kept_ms = [max(kept_ms, self.now_ms) for kept_ms in self._kept_ms]
        self._released.set()

    async def pause(self, at_ms: int, reason: str) -> None:
        """Capture nothing more, until `open`; what was found is held to be committed.

        A video waits where it is; for every other source the time until its next frame is a gap.
        """
        if self.is_video:
            self._released.clear()
            with suppress(TimeoutError):  # what is then still looked at is kept when it is done
                await asyncio.wait_for(self._idle.wait(), STOP_S)
            return
        await self.close()
        self.note_gap(at_ms)
        self._gap = SightGap(source=self.number, start_ms=at_ms, end_ms=at_ms, reason=reason)

    async def close(self, *, discard: bool = False) -> None:
        """Capture nothing more; what was found is held to be committed, unless it is discarded."""
        if not discard:
            await self._drain()
        await self._halt()
        await self._end_onlookers(discard=discard)
        if self.place is not None and not discard:
            self._keeper.hold(
                [partial(sights.count, sight=self.place.sight, counts=self._counting.totals)]
            )

    def note_gap(self, until_ms: int, *, reason: str = "", over: bool = True) -> None:
        """Have the gap that goes on committed, up to a moment.

        Args:
            until_ms: on the session's clock.
            reason: where no gap goes on, the time since the last frame is one for this reason.
            over: it ends there.
        """
        gap = self._gap
        if gap is None and reason:
            gap = SightGap(
                source=self.number, start_ms=max(0, self.last_ms), end_ms=until_ms, reason=reason
            )
        if over:
            self._gap = None
        if gap is None or self.place is None or until_ms <= gap.start_ms:
            return
        told = replace(gap, end_ms=until_ms)
        place = self.place
        self._keeper.hold(
            [partial(sights.gap, session_id=place.session_id, sight=place.sight, gap=told)]
        )

    # --- frames ---

    async def _run(self) -> None:
        """Look until stopped. A source that breaks after it was opened is tried again."""
        try:
            while not self._stopping.is_set():
                try:
                    await self._look_once()
                except EdgedError as error:
                    if self._refuse(error):
                        return
                    if self.is_video:
                        self._keeper.ended(error)
                        return
                    log.warning("a source of pictures was lost: %s", error.code)
                if self._stopping.is_set():
                    return
                if self.is_video:
                    self._keeper.ended(None)
                    return
                await self._keeper.guarded(self._lose(self.last_ms, "device_lost"))
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), self._reopen_s)
        finally:
            self._refuse(DeviceMissing("the source was given up before it gave a frame"))

    async def _look_once(self) -> None:
        async with self._watched() as source:
            self._source = source
            try:
                async with aclosing(source.frames()) as frames:
                    async for news in frames:
                        await self._keeper.guarded(self._take(news))
                        if self._stopping.is_set():
                            break
            finally:
                self._source = None

    def _watched(self) -> AbstractAsyncContextManager[FrameSource]:
        if self.fed is not None:
            return _standing(self.fed)
        return self._devices.open(_DEVICES[self.kind], self._options)

    async def _take(self, news: CapturedFrame | SightLost) -> None:
        if isinstance(news, SightLost):
            await self._lose((news.since_ns - self._origin_ns) // 1_000_000, news.reason)
            return
        self._open(news)
        if self.is_video:
            await self._released.wait()
        if self._stopping.is_set() or not self._released.is_set():
            return  # what comes before the session begins is nobody's
        self._idle.clear()
        try:
            await self._look(news)
        finally:
            self._idle.set()

    def _open(self, frame: CapturedFrame) -> None:
        """Note the first frame, and what every frame tells of its source."""
        self.device = frame.device or self.device
        if self._opened is not None and not self._opened.done():
            self._opened.set_result(None)
        if self.first_ns is None:
            self.first_ns = frame.at_ns

    async def _look(self, frame: CapturedFrame) -> None:
        at_ms = (frame.at_ns - self._origin_ns) // 1_000_000
        if self._fresh:
            self._counting.begin(frame)
        self._fresh = False
        self._counting.take(frame)
        too_soon = self.fed is not None and not self._pace.takes(frame.at_ns)
        if at_ms <= self.last_ms or self.place is None or too_soon:
            self._counting.leave_out()
            return
        self._note_opening(at_ms)
        self.last_ms = at_ms
        seen = await asyncio.gather(
            *(self._see(one, frame, at_ms) for one in range(len(self._onlookers)))
        )
        noticed = [one for one in seen if one is not None]
        writes = [write for one in noticed for write in one.writes]
        was_blind = self._gap is not None
        if len(noticed) == len(seen):
            self._failures = 0
            self._end_gap(at_ms)
            self._counting.look(detected=any(one.detected for one in noticed))
        else:
            self._counting.lose()
        writes += self._tell()
        if writes or was_blind:
            await self._keeper.keep(writes)

    async def _see(self, number: int, frame: CapturedFrame, at_ms: int) -> Noticed | None:
        """What one onlooker notices; None when the frame is lost to it."""
        if self.place is None:
            return None
        try:
            noticed = await self._onlookers[number].see(frame, at_ms, self.place)
        except _BAD_FRAME as error:
            log.info("a frame cannot be looked at: %s", error.code)
        except EdgedError as error:
            await self._fail(error, number, at_ms)
        else:
            if noticed.forgot:
                await self._lose(min(self._kept_ms[number], at_ms), "worker_gone", until_ms=at_ms)
            if noticed.kept_ms is not None:
                self._kept_ms[number] = noticed.kept_ms
            return noticed
        return None

    async def _fail(self, error: EdgedError, number: int, at_ms: int) -> None:
        """Whoever looks is gone for now: what it had found since it last told is lost."""
        log.warning("frames of a session are not looked at: %s", error.code)
        self._failures += 1
        if self.is_video and self._failures >= MOST_FAILURES:
            self._stopping.set()
            self._keeper.ended(error)
        since_ms = min(self._kept_ms[number], at_ms)
        if self._failures == 1:
            await self._lose(since_ms, "worker_gone", until_ms=at_ms)
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), self._reopen_s)

    # --- gaps and counts ---

    async def _lose(self, since_ms: int, reason: str, *, until_ms: int | None = None) -> None:
        """A gap begins; it is told at once, and again when it is over."""
        if self._gap is not None or self.place is None:
            return
        since_ms = max(0, since_ms)
        self._gap = SightGap(source=self.number, start_ms=since_ms, end_ms=since_ms, reason=reason)
        self.note_gap(self.now_ms if until_ms is None else until_ms, over=False)
        await self._keeper.keep(())

    def _end_gap(self, at_ms: int) -> None:
        if self._gap is not None:
            self.note_gap(at_ms)

    def _note_opening(self, at_ms: int) -> None:
        if self.last_ms < 0 and at_ms > OPENING_MS and not self.is_video and self.fed is None:
            self.note_gap(at_ms, reason="opening")

    def _tell(self) -> list[Write]:
        """The counts, once a second."""
        now = self._clock()
        if self.place is None or now - self._told_ns < TOLD_NS:
            return []
        self._told_ns = now
        counts = self._counting.current
        self._keeper.tell_rate(self.number, counts)
        place = self.place
        return [
            partial(sights.count, sight=place.sight, counts=counts),
            partial(_lengthen, session_id=place.session_id, until_ms=min(self._kept_ms)),
            *self._renamed(),
        ]

    def _renamed(self) -> list[Write]:
        """Another device gives the frames than before."""
        if self.place is None or self.device == self._named:
            return []
        self._named = self.device
        return [partial(sights.name_device, sight=self.place.sight, device=self.device)]

    # --- ends ---

    async def _drain(self) -> None:
        """Look at the frame of a client that is taken and still waits."""
        if self.fed is None or self._task is None:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_S):
                await self.fed.drain()
                await self._idle.wait()

    async def _halt(self) -> None:
        task, self._task = self._task, None
        if task is None:
            return
        self._stopping.set()
        self._released.set()
        if self._source is None:
            task.cancel()
        else:
            with suppress(EdgedError):
                await self._source.stop()
        await asyncio.wait({task}, timeout=STOP_S)
        if not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=STOP_S)
        self._released.clear()

    async def _end_onlookers(self, *, discard: bool) -> None:
        for onlooker in self._onlookers:
            rest = await onlooker.end(self.place, discard=discard)
            if rest.writes and not discard:
                self._keeper.hold(rest.writes)

    def _refuse(self, error: EdgedError) -> bool:
        """Tell whoever waits for the first frame that it does not come; whether anybody waited."""
        if self._opened is None or self._opened.done():
            return False
        self._opened.set_exception(error)
        self._opened.exception()  # seen, also when nobody waits any more
        return True


def _lengthen(db: Connection, session_id: str, until_ms: int) -> None:
    """A session lasts so long, whatever happens, and whether anything was found in it or not."""
    sessions.lengthen(db, sessions.row_id(db, session_id), until_ms)


@asynccontextmanager
async def _standing(source: FrameSource) -> AsyncIterator[FrameSource]:
    """A source that needs no opening."""
    yield source
