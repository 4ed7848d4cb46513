"""Looking at real sources: videos, cameras at named pipes, screens of an X server."""

import asyncio
import os
import shutil
import struct
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest
from blockbuster import blockbuster_ctx
from camera import PipedCamera
from display import Display
from real_daemon import Daemon

from edged import config
from edged.capture.looking import SightDevices
from edged.capture.sight import CapturedFrame, FrameSource, SightKind, SightLost, SightOptions
from edged.errors import (
    BadMedia,
    BadRequest,
    Denied,
    DeviceMissing,
    NotFound,
    PermissionDenied,
    Unsupported,
)
from edged.messages.sessions import Devices, DevicesList

QUICK = config.Seeing(stalled_ms=300, reopen_ms=20, longest_pause_ms=100)
RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


class Looker:
    """Takes what a source gives, one after another."""

    def __init__(self, source: FrameSource) -> None:
        self.source = source
        self._items = source.frames()

    async def frame(self) -> CapturedFrame:
        """The next frame; losses are passed over."""
        while True:
            item = await anext(self._items)
            if isinstance(item, CapturedFrame):
                return item

    async def loss(self) -> SightLost:
        """The next loss; frames before it are passed over."""
        while True:
            item = await anext(self._items)
            if isinstance(item, SightLost):
                return item

    async def close(self) -> None:
        await self._items.aclose()


@asynccontextmanager
async def looking(
    sights: SightDevices, kind: SightKind, options: SightOptions
) -> AsyncIterator[Looker]:
    async with sights.open(kind, options) as source:
        looker = Looker(source)
        try:
            yield looker
        finally:
            await looker.close()


def check(body: Callable[[], Awaitable[None]]) -> None:
    """Run it, on a loop that must not be blocked."""
    with blockbuster_ctx(excluded_modules=["logging"]):
        asyncio.run(_within(body()))


async def _within(body: Awaitable[None]) -> None:
    async with asyncio.timeout(18):
        await body


def pixel(frame: CapturedFrame, left: int, top: int) -> tuple[int, ...]:
    """The red, green and blue of one pixel."""
    raw = frame.picture.raw
    assert raw is not None
    at = 3 * (top * raw.width + left)
    return tuple(bytes(frame.picture.data[at : at + 3]))


def is_about(found: tuple[int, ...], colour: tuple[int, int, int]) -> bool:
    """Whether a colour survived a codec."""
    return all(abs(one - other) < 40 for one, other in zip(found, colour, strict=True))


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds at 25 frames a second, the first green and red, the second blue.

    The camera was held sideways: shown upright, green is above red.
    """
    folder = tmp_path_factory.mktemp("film")
    flat, film = folder / "flat.mp4", folder / "film.mp4"
    source = (
        "color=red:s=64x48:r=25:d=1,drawbox=w=32:h=48:color=lime:t=fill[a];"
        "color=blue:s=64x48:r=25:d=1[b];[a][b]concat"
    )
    ffmpeg = ["ffmpeg", "-nostdin", "-v", "error", "-y"]
    subprocess.run(
        [*ffmpeg, "-filter_complex", source, "-c:v", "mpeg4", "-q:v", "2", str(flat)], check=True
    )
    # The matrix in the track's header says how it is to be shown; each number is 16.16 fixed point.
    flat_matrix = struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 2**30)
    turned = struct.pack(">9i", 0, 65536, 0, -65536, 0, 0, 0, 0, 2**30)
    head, mark, track = flat.read_bytes().partition(b"tkhd")
    film.write_bytes(head + mark + track.replace(flat_matrix, turned, 1))
    return film


def test_a_video_gives_every_frame_upright_with_its_own_time(film: Path) -> None:
    async def body() -> None:
        sights = SightDevices(QUICK)
        frames = []
        async with sights.open("video", SightOptions(device=str(film), every=True)) as source:
            async for item in source.frames():
                assert isinstance(item, CapturedFrame)
                frames.append(item)

        assert {one.of_ms for one in frames} == {2000}
        assert [one.number for one in frames] == list(range(50))
        assert frames[-1].at_ns == 1_960_000_000
        assert {(one.picture.raw.width, one.picture.raw.height) for one in frames if one.picture.raw} == {(48, 64)}  # fmt: skip
        assert is_about(pixel(frames[0], 24, 10), GREEN)
        assert is_about(pixel(frames[0], 24, 54), RED)
        assert is_about(pixel(frames[49], 20, 20), BLUE)

    check(body)


def test_a_video_is_looked_at_at_the_wished_rate_and_only_where_something_moves(
    film: Path,
) -> None:
    async def body() -> None:
        sights = SightDevices(QUICK)
        wish = SightOptions(device=str(film), fps=10, motion=True)
        async with sights.open("video", wish) as source:
            frames = [item async for item in source.frames()]

        assert all(isinstance(one, CapturedFrame) for one in frames)
        assert [one.at_ns for one in frames if isinstance(one, CapturedFrame)] == [0, 1_000_000_000]

    check(body)


def test_a_video_that_is_none_says_so(tmp_path: Path, conversation: Path) -> None:
    empty, text = tmp_path / "empty.mp4", tmp_path / "text.mp4"
    empty.touch()
    text.write_text("no video at all" * 100)

    async def body() -> None:
        sights = SightDevices(QUICK)
        for path, error, words in (
            (tmp_path / "none.mp4", NotFound, "no such file"),
            (empty, BadMedia, "0 bytes"),
            (text, BadMedia, "no video file"),
            (conversation, BadMedia, "no video track"),
        ):
            async with looking(sights, "video", SightOptions(device=str(path))) as eye:
                with pytest.raises(error, match=words):
                    await eye.frame()
        async with looking(sights, "video", SightOptions()) as eye:
            with pytest.raises(BadRequest, match="which video"):
                await eye.frame()

    check(body)


def test_a_piped_camera_gives_its_newest_frames_at_the_wished_rate(
    piped_camera: PipedCamera,
) -> None:
    async def body() -> None:
        async with looking(SightDevices(QUICK), "camera", wish(piped_camera, fps=10)) as eye:
            frames = [await eye.frame() for _ in range(11)]

        took_s = (frames[-1].at_ns - frames[0].at_ns) / 1e9
        last = frames[-1]
        assert last.picture.raw is not None
        assert (last.picture.raw.width, last.picture.raw.height) == (640, 480)
        assert last.device == piped_camera.path.name
        # What was not taken in time on a busy machine is counted, and shows as a jump.
        assert last.captured == last.number + 1 == 11 + last.late
        # Not more than wished, of 30 that come; tests of `pacing` say that it is not less either.
        assert took_s / (last.number * 0.1) > 0.9

    check(body)


def test_a_camera_that_is_not_read_fast_enough_drops_and_counts(piped_camera: PipedCamera) -> None:
    async def body() -> None:
        async with looking(SightDevices(QUICK), "camera", wish(piped_camera, fps=30)) as eye:
            first = await eye.frame()
            await asyncio.sleep(0.5)  # the reader is busy with something else
            second = await eye.frame()
            third = await eye.frame()

        assert second.late >= 5
        assert second.number == second.late + first.number + 1
        assert third.at_ns - second.at_ns < 400_000_000

    check(body)


def test_a_stalled_camera_is_told_once_and_goes_on_when_it_is_back(
    piped_camera: PipedCamera,
) -> None:
    async def body() -> None:
        async with looking(SightDevices(QUICK), "camera", wish(piped_camera)) as eye:
            await eye.frame()
            await asyncio.to_thread(piped_camera.stall)
            lost = await eye.loss()
            later = asyncio.get_running_loop().create_task(eye.frame())
            done, _ = await asyncio.wait({later}, timeout=0.5)
            assert not done, "a loss is told once"
            await asyncio.to_thread(piped_camera.go_on)
            frame = await later

        assert lost.reason == "stalled"
        assert frame.at_ns - lost.since_ns > 300_000_000

    check(body)


def test_a_camera_that_is_pulled_out_in_the_middle_of_a_frame_is_found_again(
    piped_camera: PipedCamera,
) -> None:
    async def body() -> None:
        async with looking(SightDevices(QUICK), "camera", wish(piped_camera)) as eye:
            before = await eye.frame()
            await asyncio.to_thread(piped_camera.unplug)
            lost = await eye.loss()
            await asyncio.to_thread(piped_camera.plug, size=(320, 240))
            after = await eye.frame()

        assert lost.reason == "device_lost"
        assert after.picture.raw is not None
        assert after.picture.raw.width == 320
        assert after.number > before.number
        assert after.captured > before.captured

    check(body)


def test_a_pipe_that_ends_in_its_first_frame_and_one_with_anything_else_are_refused(
    tmp_path: Path,
) -> None:
    pipe = tmp_path / "camera.y4m"
    os.mkfifo(pipe)

    async def feed(data: bytes) -> None:
        for _ in range(
            2
        ):  # a pipe gets a second chance, in case of a writer that was amid a stream
            await asyncio.to_thread(pipe.write_bytes, data)

    async def refused(data: bytes) -> BadMedia:
        async with looking(SightDevices(QUICK), "camera", SightOptions(device=str(pipe))) as eye:
            writing = asyncio.get_running_loop().create_task(
                asyncio.to_thread(pipe.write_bytes, data)
            )
            with pytest.raises(BadMedia) as caught:
                await eye.frame()
            await writing
        return caught.value

    async def body() -> None:
        half = await refused(b"YUV4MPEG2 W16 H16 F15:1\nFRAME\n" + bytes(100))
        other = await refused(b"YUV4MPEG2 W16 H16 C420p10\n")

        assert "in the middle of its first frame" in half.message
        assert "not known" in other.message

    check(body)


def test_a_camera_that_is_not_there_says_so_at_once(tmp_path: Path) -> None:
    (tmp_path / "file.mp4").touch()
    (tmp_path / "nodes").mkdir()

    async def body() -> None:
        sights = SightDevices(QUICK, folder=str(tmp_path / "nodes"))
        for device, error, words in (
            ("", DeviceMissing, "no camera is there"),
            ("some name", DeviceMissing, "no camera"),
            (str(tmp_path / "none"), DeviceMissing, "at that path"),
            (str(tmp_path / "file.mp4"), BadRequest, "neither"),
        ):
            async with looking(sights, "camera", SightOptions(device=device)) as eye:
                with pytest.raises(error, match=words):
                    await eye.frame()
        for fps in (0.0, -1.0, 1001.0):
            async with looking(sights, "camera", SightOptions(fps=fps)) as eye:
                with pytest.raises(BadRequest, match="rate is above 0"):
                    await eye.frame()

    check(body)


def test_a_node_that_is_no_camera_is_refused_and_not_listed(tmp_path: Path) -> None:
    """/dev/null answers every ioctl as no camera does."""
    (tmp_path / "video0").symlink_to("/dev/null")

    async def body() -> None:
        sights = SightDevices(QUICK, {}, folder=str(tmp_path))
        devices, problems = await sights.devices("camera")

        assert devices == ()
        assert [one.message for one in problems] == ["no camera is there"]

    check(body)


def test_stopping_frees_the_camera_at_once(piped_camera: PipedCamera) -> None:
    async def body() -> None:
        async with SightDevices(QUICK).open("camera", wish(piped_camera)) as source:
            async with aclosing(source.frames()) as frames:
                async for _ in frames:
                    await source.stop()

        with pytest.raises(OSError, match="No such device or address"):
            piped_camera.unplug()
            os.open(piped_camera.path, os.O_WRONLY | os.O_NONBLOCK)

    asyncio.run(_within(body()))


def wish(camera: PipedCamera, *, fps: float = 15.0) -> SightOptions:
    return SightOptions(device=str(camera.path), fps=fps)


def screen(display: Display, **settings: str) -> SightDevices:
    return SightDevices(
        config.Seeing(reopen_ms=20, longest_pause_ms=100, deny=settings.get("deny", "")),
        display.env,
    )


def test_a_screen_and_a_region_of_it_are_seen(display: Display) -> None:
    window = display.show("notes", (100, 50, 200, 100), 0xFF0000)

    async def body() -> None:
        sights = screen(display)
        devices, problems = await sights.devices("screen")
        async with looking(sights, "screen", SightOptions()) as eye:
            whole = await eye.frame()
        async with looking(sights, "screen", SightOptions(region=(290, 140, 20, 20))) as eye:
            part = await eye.frame()

        assert problems == ()
        assert devices[0].formats == ("1280x720 at 0,0",)
        assert devices[0].is_default
        assert (pixel(whole, 100, 50), pixel(whole, 299, 149)) == (RED, RED)
        assert (pixel(whole, 99, 50), pixel(whole, 300, 149)) == ((0, 0, 0), (0, 0, 0))
        assert part.picture.raw is not None
        assert (part.picture.raw.width, part.picture.raw.height) == (20, 20)
        assert (pixel(part, 9, 9), pixel(part, 10, 10)) == (RED, (0, 0, 0))

    try:
        check(body)
    finally:
        display.hide(window)


def test_denied_windows_their_dialogs_and_menus_are_black(display: Display) -> None:
    bank = display.show("My Bank - Browser", (0, 0, 100, 100), 0xFF0000)
    dialog = display.show("Password", (200, 0, 100, 100), 0xFF0000)
    display.mark(dialog, "WM_TRANSIENT_FOR", "WINDOW", 32, struct.pack("<I", bank))
    other = display.show("Letter", (50, 50, 100, 100), 0x00FF00)
    vault = display.show("anything", (600, 0, 100, 100), 0xFF0000, program="KeePass")

    async def body() -> None:
        options = SightOptions(deny=("keepass",))
        async with looking(screen(display, deny="bank, "), "screen", options) as eye:
            frame = await eye.frame()

        assert {pixel(frame, left, 10) for left in (10, 99, 210, 610, 699)} == {(0, 0, 0)}
        assert pixel(frame, 60, 60) == (0, 0, 0), "what lies above a denied window is not shown"
        assert pixel(frame, 120, 120) == GREEN

    try:
        check(body)
    finally:
        for window in (bank, dialog, other, vault):
            display.hide(window)


def test_a_denied_window_is_black_with_the_frame_that_a_window_manager_puts_around_it(
    display: Display,
) -> None:
    frame = display.show("", (400, 300, 120, 140), 0x0000FF)
    display.show("Secret plans", (10, 30, 100, 100), 0xFF0000, inside=frame)
    beside = display.show("", (600, 300, 120, 140), 0x0000FF)
    display.show("Public plans", (10, 30, 100, 100), 0x00FF00, inside=beside)

    async def body() -> None:
        async with looking(screen(display, deny="secret"), "screen", SightOptions()) as eye:
            seen = await eye.frame()

        assert {pixel(seen, 405, 305), pixel(seen, 450, 380)} == {(0, 0, 0)}
        assert (pixel(seen, 605, 305), pixel(seen, 650, 380)) == (BLUE, GREEN)

    try:
        check(body)
    finally:
        display.hide(frame)
        display.hide(beside)


def test_a_display_with_a_cookie_opens_for_who_has_it(tmp_path: Path) -> None:
    if not shutil.which("Xvfb"):
        pytest.skip("no Xvfb here: apt-get install xvfb")
    display = Display(tmp_path, locked_by=bytes(range(16)))
    display.start()

    async def body() -> None:
        async with looking(screen(display), "screen", SightOptions()) as eye:
            frame = await eye.frame()
        stranger = SightDevices(QUICK, {**display.env, "XAUTHORITY": "/nonexistent"})
        async with looking(stranger, "screen", SightOptions()) as eye:
            with pytest.raises(PermissionDenied, match="does not let the daemon in"):
                await eye.frame()

        assert frame.picture.raw is not None
        assert frame.picture.raw.width == 1280

    try:
        check(body)
    finally:
        display.stop()


def test_a_window_is_followed_and_its_end_is_a_loss(display: Display) -> None:
    window = display.show("the report", (300, 200, 80, 60), 0x0000FF)

    async def body() -> None:
        sights = screen(display)
        async with looking(sights, "screen", SightOptions(window="REPORT")) as eye:
            frame = await eye.frame()
            await asyncio.to_thread(display.hide, window)
            lost = await eye.loss()
        async with looking(sights, "screen", SightOptions(window="report")) as eye:
            with pytest.raises(DeviceMissing, match="no window with that title"):
                await eye.frame()

        assert frame.picture.raw is not None
        assert (frame.picture.raw.width, frame.picture.raw.height) == (80, 60)
        assert {pixel(frame, 0, 0), pixel(frame, 79, 59)} == {BLUE}
        assert lost.reason == "device_lost"

    check(body)


def test_a_locked_screen_gives_nothing_until_it_is_free(display: Display) -> None:
    async def body() -> None:
        async with looking(screen(display), "screen", SightOptions(fps=30)) as eye:
            await eye.frame()
            await asyncio.to_thread(display.blank, on=True)
            lost = await eye.loss()
            await asyncio.to_thread(display.blank, on=False)
            await eye.frame()

        assert lost.reason == "locked"

    check(body)


def test_a_screen_that_is_not_there_or_wrongly_asked_for_is_refused(display: Display) -> None:
    async def body() -> None:
        for environ, options, error, words in (
            ({}, SightOptions(), DeviceMissing, "no X display"),
            ({"DISPLAY": ":9999"}, SightOptions(), DeviceMissing, "no X server"),
            ({"DISPLAY": "elsewhere:0"}, SightOptions(), DeviceMissing, "of this machine"),
            ({"WAYLAND_DISPLAY": "wayland-0"}, SightOptions(), Unsupported, "Wayland"),
            ({"XDG_SESSION_TYPE": "wayland", **display.env, "WAYLAND_DISPLAY": "w"},
             SightOptions(deny=("bank",)), Denied, "cannot be told apart"),
            (display.env, SightOptions(device="HDMI-9"), DeviceMissing, "of that name"),
            (display.env, SightOptions(region=(1200, 0, 100, 10)), BadRequest, "1280 x 720"),
        ):  # fmt: skip
            async with looking(SightDevices(QUICK, environ), "screen", options) as eye:
                with pytest.raises(error, match=words):
                    await eye.frame()

    check(body)


def test_the_daemon_lists_screens_and_says_that_there_is_no_camera(
    display: Display, daemon: Daemon
) -> None:
    daemon.start(**display.env)

    found = daemon.ask(DevicesList(device_type="screen"), Devices)
    cameras = daemon.ask(DevicesList(device_type="camera"), Devices)

    assert [one.formats for one in found.devices] == [("1280x720 at 0,0",)]
    assert found.problems == ()
    if not cameras.devices:
        assert [one.code for one in cameras.problems] == ["device_missing"]
