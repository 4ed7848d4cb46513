"""Cameras, screens and videos, seen from the daemon: a worker for each one that is looked at.

The list is made by throw-away workers: drivers are asked there, and never by the daemon itself.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

import msgspec

from edged import config
from edged.capture import cameras, screens
from edged.capture.live_sight import Found, LiveSight
from edged.capture.sight import FrameSource, SightKind, SightOptions
from edged.capture.sight_orders import (
    CameraList,
    CameraListed,
    CameraOrder,
    DisplayOrder,
    NodesOrder,
    ScreenList,
    ScreenOrder,
)
from edged.capture.sight_workers import ANSWER_WITHIN_S, CAMERA, running
from edged.capture.video_sight import VideoSight
from edged.errors import BadRequest, DeviceMissing, EdgedError
from edged.messages.records import Problem
from edged.messages.sessions import Device, DeviceType

FASTEST = 1_000.0
"""Frames a second that may be asked for; a source gives as many as it has."""

NO_CAMERA = Problem(
    code="device_missing",
    message="no camera is there",
    fix="plug one in, or give a named pipe that something feeds with YUV4MPEG2 frames",
)


class SightDevices:
    """Lists cameras and screens and looks at them; fulfils edged.capture.sight.Sights.

    Args:
        settings: of seeing.
        environ: says where the display is.
        folder: in which cameras' nodes are.
    """

    def __init__(
        self,
        settings: config.Seeing,
        environ: Mapping[str, str] = os.environ,
        *,
        folder: str = "/dev",
    ) -> None:
        self._settings = settings
        self._environ = environ
        self._folder = folder
        self._open: set[LiveSight] = set()

    async def devices(
        self, only: DeviceType | None = None
    ) -> tuple[tuple[Device, ...], tuple[Problem, ...]]:
        """Every camera and screen that is there now, and what keeps others from being found."""
        devices: list[Device] = []
        problems: list[Problem] = []
        if only != "screen":
            found, problems = await self._cameras()
            devices += found.values()
        if only != "camera":
            try:
                devices += await self._screens()
            except EdgedError as error:
                problems.append(_problem(error))
        return tuple(devices), tuple(problems)

    @asynccontextmanager
    async def open(self, kind: SightKind, options: SightOptions) -> AsyncIterator[FrameSource]:
        """Look at a source; leaving the block frees the device. See edged.capture.sight.Sights."""
        if kind == "video":
            video = VideoSight(options, self._still_below(options))
            try:
                yield video
            finally:
                await video.stop()
            return
        live = LiveSight(kind, self._finder(kind, options), self._settings)
        self._open.add(live)
        try:
            yield live
        finally:
            self._open.discard(live)
            await live.stop()

    def _finder(self, kind: SightKind, options: SightOptions) -> Callable[[], Awaitable[Found]]:
        """Finds a source, and after that the same one only: no other camera takes its place."""
        wished = options

        async def find() -> Found:
            nonlocal wished
            found = await self._find(kind, wished)
            wished = msgspec.structs.replace(wished, device=found.same or wished.device)
            return found

        return find

    async def _find(self, kind: SightKind, options: SightOptions) -> Found:
        """The source that is meant, now.

        Raises:
            DeviceMissing, PermissionDenied, Denied, Unsupported, BadRequest: it cannot be opened.
        """
        if not 0 < options.fps <= FASTEST:
            raise BadRequest(f"a rate is above 0 and at most {FASTEST:g} frames a second")
        if kind == "screen":
            return await self._screen(options)
        return await self._camera(options)

    async def _camera(self, options: SightOptions) -> Found:
        if os.path.isabs(options.device):
            camera = await _opened(options.device)
        else:
            camera = await self._named(options.device)
        order = CameraOrder(
            path=camera.path,
            fps=options.fps,
            width=options.width,
            height=options.height,
            still_below=self._still_below(options),
        )
        spec = msgspec.structs.replace(CAMERA, device_paths=(camera.path,) if camera.path else ())
        return Found(
            spec=spec,
            order=order,
            device=camera.name,
            fd=camera.pipe,
            steady=camera.pipe >= 0,
            key=camera.path,
            same=camera.id,
        )

    async def _named(self, wish: str) -> cameras.Camera:
        """The camera of a name or id, or the default one.

        Raises:
            DeviceMissing, PermissionDenied: it cannot be used.
        """
        found, problems = await self._cameras()
        if not found and problems:
            raise DeviceMissing(problems[0].message, fix=problems[0].fix)
        chosen = cameras.choose(list(found.values()), wish)
        path = next(path for path, device in found.items() if device is chosen)
        return cameras.Camera(name=chosen.name, id=chosen.id, path=path)

    async def _cameras(self) -> tuple[dict[str, Device], list[Problem]]:
        """Every camera by its path, and why there is none."""
        paths = await asyncio.to_thread(cameras.nodes, self._folder)
        listed: tuple[CameraListed, ...] = ()
        if paths or sys.platform != "linux":
            spec = msgspec.structs.replace(CAMERA, device_paths=tuple(paths))
            try:
                async with running(spec) as worker:
                    order = NodesOrder(paths=tuple(paths))
                    answer = await worker.call("cameras", order, deadline_s=ANSWER_WITHIN_S)
                    listed = answer.to(CameraList).cameras
            except EdgedError as error:
                return {}, [_problem(error)]
        if not listed:
            return {}, [NO_CAMERA]
        used = await asyncio.to_thread(cameras.open_nodes, paths)
        devices = cameras.devices_of(listed, used | {live.key for live in self._open})
        return {one.path: device for one, device in zip(listed, devices, strict=True)}, []

    async def _screens(self) -> list[Device]:
        """Every monitor.

        Raises:
            DeviceMissing, PermissionDenied, Unsupported, EngineMissing: none can be seen.
        """
        display = screens.display_of(self._environ)
        spec = await asyncio.to_thread(screens.worker_spec, display, self._environ)
        async with running(spec) as worker:
            order = DisplayOrder(display=display)
            answer = await worker.call("screens", order, deadline_s=ANSWER_WITHIN_S)
            return screens.devices_of(answer.to(ScreenList).screens)

    async def _screen(self, options: SightOptions) -> Found:
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
        spec = await asyncio.to_thread(screens.worker_spec, display, self._environ)
        return Found(
            spec=spec, order=order, device=options.device or "screen", pause_ms=1000 / options.fps
        )

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


def _problem(error: EdgedError) -> Problem:
    return Problem(code=error.code, message=error.message, fix=error.fix)
