"""A source that stalls, whose worker is killed, or that goes away: told once, and opened again."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from edged.capture.cameras import open_path
from edged.capture.live_sight import Found, LiveSight
from edged.capture.looking import SightDevices
from edged.capture.sight import CapturedFrame, SightKind, SightLost, SightOptions
from edged.capture.sight_orders import CameraOrder
from edged.capture.sight_workers import CAMERA
from edged.config import Seeing
from edged.errors import BadMedia, DeviceBusy, DeviceMissing, EdgedError

HEAD = b"YUV4MPEG2 W16 H16 F15:1 C420\n"
FRAME = b"FRAME\n" + bytes(16 * 16 * 3 // 2)
SETTINGS = Seeing(stalled_ms=400, reopen_ms=10, longest_pause_ms=40)


class Camera:
    """A pipe that the test writes to, and what is said when it is looked for.

    refusals: errors of the next tries to open it. order: what its worker is told. steady: as of a pipe; False: as of a device.
    """

    def __init__(self, folder: Path, *, steady: bool) -> None:
        self.path = folder / "camera"
        self.refusals: list[EdgedError] = []
        self.tried: list[float] = []
        self.order = CameraOrder(fps=1000)
        self._steady = steady
        self._writer = -1
        os.mkfifo(self.path)

    async def find(self) -> Found:
        self.tried.append(asyncio.get_running_loop().time())
        if self.refusals:
            raise self.refusals.pop(0)
        pipe = open_path(str(self.path)).pipe
        return Found(spec=CAMERA, order=self.order, device="x", fd=pipe, steady=self._steady)

    async def give(self, data: bytes) -> None:
        """Write, as soon as somebody has the pipe open."""
        while self._writer < 0:
            try:
                self._writer = os.open(self.path, os.O_WRONLY | os.O_NONBLOCK)
            except OSError:
                await asyncio.sleep(0.005)
        os.write(self._writer, data)

    def unplug(self) -> None:
        """Close the writer's end."""
        if self._writer >= 0:
            os.close(self._writer)
        self._writer = -1


def check(camera: Camera, body: Callable[[LiveSight], Awaitable[None]]) -> None:
    async def run() -> None:
        live = LiveSight("camera", camera.find, SETTINGS)
        try:
            async with asyncio.timeout(15):
                await body(live)
        finally:
            await live.stop()
            camera.unplug()

    asyncio.run(run())


def workers() -> list[int]:
    """Workers of this process; it may have other children, of other tests."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return [int(child) for child in children if _is_worker(child)]


def _is_worker(pid: str) -> bool:
    try:
        return b"edged.workers.host" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return False


def test_a_camera_that_stalls_is_opened_again_with_growing_pauses(tmp_path: Path) -> None:
    camera = Camera(tmp_path, steady=False)

    async def body(live: LiveSight) -> None:
        async with aclosing(live.frames()) as items:
            _, first = await asyncio.gather(camera.give(HEAD + FRAME), anext(items))
            camera.refusals = [DeviceMissing("it is not there") for _ in range(5)]
            lost = await anext(items)
            camera.unplug()
            _, again = await asyncio.gather(camera.give(HEAD + FRAME), anext(items))

        assert isinstance(first, CapturedFrame)
        assert isinstance(lost, SightLost)
        assert isinstance(again, CapturedFrame)
        assert (lost.reason, lost.since_ns) == ("stalled", first.at_ns)
        assert (first.number, again.number, again.captured) == (0, 1, 2)
        pauses = [right - left for left, right in pairwise(camera.tried[1:])]
        # A busy machine makes them longer, never shorter; without a bound the last is 0.32 s.
        assert len(pauses) == 5
        assert all(
            pause > 0.9 * least
            for pause, least in zip(pauses, (0.02, 0.04, 0.04, 0.04, 0.04), strict=True)
        )
        assert min(pauses[3:]) < 0.16

    check(camera, body)


def test_a_pipe_that_stalls_is_kept_open_since_it_has_one_beginning(tmp_path: Path) -> None:
    camera = Camera(tmp_path, steady=True)

    async def body(live: LiveSight) -> None:
        async with aclosing(live.frames()) as items:
            await asyncio.gather(camera.give(HEAD + FRAME), anext(items))
            lost = await anext(items)
            _, again = await asyncio.gather(camera.give(FRAME), anext(items))

        assert isinstance(lost, SightLost)
        assert lost.reason == "stalled"
        assert isinstance(again, CapturedFrame)
        assert len(camera.tried) == 1

    check(camera, body)


def test_frames_that_nobody_wished_for_are_a_sign_of_life(tmp_path: Path) -> None:
    """A still picture behind a motion gate, or a low rate, is no stall."""
    camera = Camera(tmp_path, steady=True)
    camera.order = CameraOrder(fps=1000, still_below=0.5)

    async def body(live: LiveSight) -> None:
        async with aclosing(live.frames()) as items:
            await asyncio.gather(camera.give(HEAD + FRAME), anext(items))
            following = asyncio.get_running_loop().create_task(anext(items))
            for _ in range(20):
                await camera.give(FRAME)
                await asyncio.wait({following}, timeout=0.04)
            was_lost = following.done()
            lost = await following

        assert not was_lost
        assert isinstance(lost, SightLost)

    check(camera, body)


def test_a_worker_that_is_killed_is_a_loss_and_another_one_goes_on(tmp_path: Path) -> None:
    camera = Camera(tmp_path, steady=True)

    async def body(live: LiveSight) -> None:
        async with aclosing(live.frames()) as items:
            await asyncio.gather(camera.give(HEAD + FRAME), anext(items))
            (worker,) = workers()
            os.kill(worker, signal.SIGKILL)
            lost = await anext(items)
            camera.unplug()
            _, again = await asyncio.gather(camera.give(HEAD + FRAME), anext(items))

        assert isinstance(lost, SightLost)
        assert lost.reason == "device_lost"
        assert isinstance(again, CapturedFrame)
        assert again.number == 1

    check(camera, body)


def test_a_pipe_in_the_middle_of_a_stream_is_given_up_once_so_that_it_begins_anew(
    tmp_path: Path,
) -> None:
    camera = Camera(tmp_path, steady=True)

    async def body(live: LiveSight) -> None:
        async with aclosing(live.frames()) as items:
            looking = asyncio.get_running_loop().create_task(anext(items))
            await camera.give(bytes(100))
            camera.unplug()
            while len(camera.tried) < 2:
                await asyncio.sleep(0.005)
            _, frame = await asyncio.gather(camera.give(HEAD + FRAME), looking)

        assert isinstance(frame, CapturedFrame)

    check(camera, body)


def test_what_keeps_a_camera_from_being_opened_at_first_is_raised(tmp_path: Path) -> None:
    camera = Camera(tmp_path, steady=False)
    camera.refusals = [DeviceBusy("another program uses the camera")]

    async def busy(live: LiveSight) -> None:
        with pytest.raises(DeviceBusy):
            await anext(live.frames())

    async def other(live: LiveSight) -> None:
        with pytest.raises(BadMedia):
            await anext(live.frames())

    check(camera, busy)
    camera.refusals = [BadMedia("no frames")]
    check(camera, other)

    assert len(camera.tried) == 2


def test_a_pipe_that_never_begins_anew_is_refused(tmp_path: Path) -> None:
    camera = Camera(tmp_path, steady=True)
    refused = BadMedia("what comes from the pipe is not YUV4MPEG2", out_of_step=True)
    camera.refusals = [refused, BadMedia("another one", out_of_step=True)]

    async def body(live: LiveSight) -> None:
        with pytest.raises(BadMedia, match="another one"):
            await anext(live.frames())

    check(camera, body)


def test_stopping_ends_a_source_that_waits_to_be_back(tmp_path: Path) -> None:
    camera = Camera(tmp_path, steady=False)

    async def body(live: LiveSight) -> None:
        async with aclosing(live.frames()) as items:
            await asyncio.gather(camera.give(HEAD + FRAME), anext(items))
            camera.refusals = [DeviceMissing("gone") for _ in range(1000)]
            await anext(items)
            waiting = asyncio.get_running_loop().create_task(anext(items))
            await live.stop()

            with pytest.raises(StopAsyncIteration):
                await waiting
        assert not workers()

    check(camera, body)


class Cameras(SightDevices):
    """Finds one camera, whatever is wished, and notes the wishes."""

    def __init__(self, camera: Camera) -> None:
        super().__init__(SETTINGS)
        self.wishes: list[str] = []
        self._camera_of_the_test = camera

    async def _find(self, kind: SightKind, options: SightOptions) -> Found:  # type: ignore[explicit-override] # typing.override came with Python 3.12
        assert kind == "camera"
        self.wishes.append(options.device)
        found = await self._camera_of_the_test.find()
        return msgspec.structs.replace(found, same="usb-1")


def test_no_other_camera_takes_the_place_of_one_that_went_away(tmp_path: Path) -> None:
    camera = Camera(tmp_path, steady=True)
    sights = Cameras(camera)

    async def body() -> None:
        async with (
            sights.open("camera", SightOptions()) as source,
            aclosing(source.frames()) as items,
        ):
            await asyncio.gather(camera.give(HEAD + FRAME), anext(items))
            camera.unplug()
            await anext(items)
            await asyncio.gather(camera.give(HEAD + FRAME), anext(items))
        camera.unplug()

    asyncio.run(asyncio.wait_for(body(), 15))

    assert sights.wishes == ["", "usb-1"]
