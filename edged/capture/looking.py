"""Cameras, screens and videos, seen from the daemon: a worker for each one that is looked at.

A source that gives nothing is told once, and opened again with growing pauses until it is back.
A pipe is kept open as long as its writer has it open: what follows is unreadable without its start.
"""

import asyncio
import logging
import os
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager, suppress

import msgspec
from msgspec import Struct

from edged import config
from edged.capture import cameras, screens
from edged.capture.clock import now_ns
from edged.capture.files import open_media
from edged.capture.sight import CapturedFrame, FrameSource, SightKind, SightLost, SightOptions
from edged.capture.sight_orders import (
    CameraOrder,
    Glimpse,
    Opened,
    ScreenOrder,
    VideoFacts,
    VideoOrder,
    Wait,
)
from edged.errors import BadRequest, DeviceMissing, EdgedError
from edged.media import ImageFormat, Picture
from edged.messages.records import Problem
from edged.messages.sessions import Device
from edged.workers.process import Worker, WorkerSpec

log = logging.getLogger(__name__)

START_WITHIN_S = 20.0
ANSWER_WITHIN_S = 10.0
FIRST_WITHIN_S = 10.0
"""A source that was just opened gives its first frame in so long. Cameras take up to two seconds."""

VIDEO_FRAME_WITHIN_S = 60.0
"""Between two wished frames of a video, a second of which may be hours of it that are left out."""

_WAIT = Wait()


class Found(Struct, frozen=True, kw_only=True):
    """A source that can be opened now.

    order: for the worker's `begin`. fd: that goes with it, and is closed afterwards; -1: none.
    steady: it is kept open while it stalls. key: tells which device is in use.
    """

    spec: WorkerSpec
    order: Struct
    device: str
    fd: int = -1
    steady: bool = False
    key: str = ""


class SightDevices:
    """Lists cameras and screens and looks at them; fulfils edged.capture.sight.Sights.

    Args:
        settings: of seeing.
        environ: says where the display is.
    """

    def __init__(self, settings: config.Seeing, environ: Mapping[str, str] = os.environ) -> None:
        self._settings = settings
        self._environ = environ
        self._in_use: list[str] = []

    async def devices(self) -> tuple[tuple[Device, ...], tuple[Problem, ...]]:
        """Every camera and screen that is there now, and what keeps others from being seen."""
        return (), ()

    @asynccontextmanager
    async def open(self, kind: SightKind, options: SightOptions) -> AsyncIterator[FrameSource]:
        """Look at a source; leaving the block frees the device. See edged.capture.sight.Sights."""
        looking: Looking | Watching
        if kind == "video":
            looking = Watching(options, self._still_below(options))
        else:
            looking = Looking(self, kind, options, self._settings)
        try:
            yield looking
        finally:
            await looking.close()

    async def video_facts(self, path: str) -> VideoFacts:
        """What a video file says of itself.

        Args:
            path: absolute, as a client gave it.

        Raises:
            NotFound, Denied, BadMedia, BadRequest: it is no video that can be read.
        """
        fd = await asyncio.to_thread(open_media, path)
        try:
            async with _worker(_VIDEO) as worker:
                answer = await worker.call("facts", deadline_s=VIDEO_FRAME_WITHIN_S, fds=(fd,))
                return answer.to(VideoFacts)
        finally:
            os.close(fd)

    async def find(self, kind: SightKind, options: SightOptions) -> Found:
        """The source that is meant, now.

        Raises:
            DeviceMissing, PermissionDenied, Denied, BadRequest: it cannot be opened.
        """
        if kind == "screen":
            return self._screen(options)
        return await self._camera(options)

    @asynccontextmanager
    async def used(self, key: str) -> AsyncIterator[None]:
        """Note that a device is looked at by us."""
        self._in_use.append(key)
        try:
            yield
        finally:
            self._in_use.remove(key)

    async def _camera(self, options: SightOptions) -> Found:
        if not os.path.isabs(options.device):
            raise DeviceMissing("no camera of that name or id is there")
        camera = await _opened(options.device)
        order = CameraOrder(
            path=camera.path,
            fps=options.fps,
            width=options.width,
            height=options.height,
            still_below=self._still_below(options),
        )
        spec = msgspec.structs.replace(_CAMERA, device_paths=(camera.path,) if camera.path else ())
        return Found(
            spec=spec,
            order=order,
            device=camera.name,
            fd=camera.pipe,
            steady=camera.pipe >= 0,
            key=camera.path,
        )

    def _screen(self, options: SightOptions) -> Found:
        deny = screens.deny_of(self._settings.deny, options)
        display = screens.display_of(self._environ, deny)
        order = ScreenOrder(
            display=display,
            monitor=options.device,
            region=options.region,
            window=options.window,
            deny=deny,
            fps=options.fps,
            still_below=self._still_below(options),
        )
        spec = screens.worker_spec(display, self._environ)
        return Found(spec=spec, order=order, device=options.device or "screen")

    def _still_below(self, options: SightOptions) -> float:
        return self._settings.motion if options.motion else 0.0


async def _opened(path: str) -> cameras.Camera:
    """The camera or pipe at a path; a pipe is closed again when nobody waits for it any more."""
    opening = asyncio.get_running_loop().create_task(
        asyncio.to_thread(cameras.open_path, path), name="opening a camera"
    )
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        opening.add_done_callback(_close_pipe)
        raise


def _close_pipe(opening: "asyncio.Future[cameras.Camera]") -> None:
    if not opening.cancelled() and opening.exception() is None and opening.result().pipe >= 0:
        os.close(opening.result().pipe)


_CAMERA = WorkerSpec(name="camera", module="edged.capture.camera_worker")
_VIDEO = WorkerSpec(name="video", module="edged.capture.video_worker")


@asynccontextmanager
async def _worker(spec: WorkerSpec) -> AsyncIterator[Worker]:
    worker = await Worker.spawn(spec, load_deadline_s=START_WITHIN_S)
    try:
        yield worker
    finally:
        await worker.end(grace_s=0)


class Looking:
    """A camera or screen that is looked at; fulfils edged.capture.sight.FrameSource."""

    def __init__(
        self, sights: SightDevices, kind: SightKind, options: SightOptions, settings: config.Seeing
    ) -> None:
        self._sights = sights
        self._kind: SightKind = kind
        self._options = options
        self._settings = settings
        self._worker: Worker | None = None
        self._stopped = asyncio.Event()
        self._device = ""
        self._seen_ns = 0
        self._any = False
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
                if not self._any and not self._stopped.is_set():
                    raise
                if not self._lost:
                    log.warning("a %s gives nothing: %s", self._kind, error.code)
            except _Stalled:
                reason = "stalled"
            if not self._stopped.is_set():
                if not self._lost:
                    yield self._lose(reason)
                await self._pause()

    async def stop(self) -> None:
        """See edged.capture.sight.FrameSource."""
        self._stopped.set()
        if self._worker is not None:
            await self._worker.end(grace_s=0)

    async def close(self) -> None:
        """Free the device, whatever goes on."""
        await self.stop()

    async def _look(self) -> AsyncGenerator[CapturedFrame | SightLost, None]:
        """Open the source and give its frames until it ends.

        Raises:
            _Stalled: it gives none any more. EdgedError: it cannot be opened, or its worker is gone.
        """
        found = await self._sights.find(self._kind, self._options)
        try:
            async with self._sights.used(found.key), self._begun(found) as worker:
                opened_ns = now_ns()
                while not self._stopped.is_set():
                    answer = await worker.call("next", _WAIT, deadline_s=ANSWER_WITHIN_S)
                    glimpse = answer.to(Glimpse)
                    self._newest = glimpse
                    if glimpse.data:
                        yield self._frame(glimpse)
                    elif glimpse.ended:
                        return
                    elif glimpse.lost:
                        if not self._lost:
                            yield self._lose(glimpse.lost)
                    elif self._is_silent(opened_ns):
                        if not found.steady:
                            raise _Stalled
                        if not self._lost:
                            yield self._lose("stalled")
        finally:
            self._keep_counts()

    @asynccontextmanager
    async def _begun(self, found: Found) -> AsyncIterator[Worker]:
        """A worker that has opened the source; the descriptor is closed in any case."""
        try:
            worker = await Worker.spawn(found.spec, load_deadline_s=START_WITHIN_S)
            self._worker = worker
            try:
                fds = (found.fd,) if found.fd >= 0 else ()
                answer = await worker.call(
                    "begin", found.order, deadline_s=ANSWER_WITHIN_S, fds=fds
                )
                self._device = answer.to(Opened).device or found.device
                yield worker
            finally:
                self._worker = None
                await worker.end(grace_s=0)
        finally:
            if found.fd >= 0:
                os.close(found.fd)

    def _is_silent(self, opened_ns: int) -> bool:
        """Whether no frame came for too long.

        Raises:
            DeviceMissing: none ever came.
        """
        now = now_ns()
        if not self._any:
            if now - opened_ns > FIRST_WITHIN_S * 1e9:
                raise DeviceMissing(
                    f"the {self._kind} gives no picture",
                    fix="look whether another program can use it",
                )
            return False
        since_ns = max(self._seen_ns, opened_ns)
        return now - since_ns > self._settings.stalled_ms * 1_000_000

    def _frame(self, glimpse: Glimpse) -> CapturedFrame:
        self._any, self._lost = True, False
        self._pause_ms = self._settings.reopen_ms
        self._seen_ns = glimpse.at_ns
        return _captured(glimpse, self._device, self._before)

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


class Watching:
    """A video file, read as fast as its frames are taken; fulfils edged.capture.sight.FrameSource."""

    def __init__(self, options: SightOptions, still_below: float) -> None:
        self._options = options
        self._order = VideoOrder(fps=0.0 if options.every else options.fps, still_below=still_below)
        self._worker: Worker | None = None
        self._stopped = False

    async def frames(self) -> AsyncGenerator[CapturedFrame | SightLost, None]:
        """Every wished frame, to the video's end.

        Raises:
            NotFound, Denied, BadMedia, BadRequest: before the first frame. WorkerGone, Deadline:
                the video broke its reader.
        """
        if not self._options.device:
            raise BadRequest("which video is not said", fix="give its path as the device")
        fd = await asyncio.to_thread(open_media, self._options.device)
        try:
            async with _worker(_VIDEO) as worker:
                self._worker = worker
                if self._stopped:
                    return
                async for frame in self._read(worker, fd):
                    yield frame
        finally:
            self._worker = None
            os.close(fd)

    async def _read(self, worker: Worker, fd: int) -> AsyncGenerator[CapturedFrame, None]:
        name = os.path.basename(self._options.device)
        answers = worker.stream(
            "frames", self._order, deadline_s=VIDEO_FRAME_WITHIN_S, fds=(fd,), priority=1
        )
        async with aclosing(answers):
            try:
                async for answer in answers:
                    glimpse = answer.to(Glimpse)
                    if glimpse.data:
                        yield _captured(glimpse, name)
            except EdgedError:
                if not self._stopped:
                    raise

    async def stop(self) -> None:
        """See edged.capture.sight.FrameSource."""
        self._stopped = True
        if self._worker is not None:
            await self._worker.end(grace_s=0)

    async def close(self) -> None:
        """Free the file, whatever goes on."""
        await self.stop()


_NOTHING = Glimpse()


def _captured(glimpse: Glimpse, device: str, before: Glimpse = _NOTHING) -> CapturedFrame:
    """A frame with the counts of all workers of its source."""
    raw = ImageFormat(width=glimpse.width, height=glimpse.height)
    return CapturedFrame(
        picture=Picture(data=glimpse.data, raw=raw),
        number=before.captured + glimpse.number,
        at_ns=glimpse.at_ns,
        captured=before.captured + glimpse.captured,
        still=before.still + glimpse.still,
        late=before.late + glimpse.late,
        device=device,
        moved=glimpse.moved,
    )
