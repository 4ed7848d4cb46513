"""Bad pictures and frames get a clear error, streams go on, and the daemon serves the next client."""

import asyncio
import os
import signal
import threading
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zmq
from camera import PipedCamera
from display import Display
from portraits import (
    astronaut,
    encoded,
    face,
    film,
    png_with_swollen_text,
    portrait,
    promised_png,
    ten_faces,
    turned,
    white_png,
)
from real_daemon import Daemon
from viewer import look, seeing_daemon, viewing

from edged.bridge import endpoint
from edged.bridge.framing import pack_request
from edged.errors import BadMedia, BadRequest, Conflict, DeviceMissing, EdgedError, NotFound
from edged.media import ImageFormat, PixelFormat
from edged.messages import replies, requests
from edged.messages.seeing import (
    FrameCounts,
    FramesLost,
    Look,
    See,
    Seen,
    SessionFrameTaken,
    SessionsFrame,
    StreamFrame,
    VisionTask,
)
from edged.messages.sessions import (
    OneSession,
    SessionsDelete,
    SessionsGet,
    SessionsStart,
    SessionsStop,
    SourceWish,
    StreamClosed,
    StreamOpen,
)

pytestmark = [pytest.mark.speech, pytest.mark.timeout(60)]

DETECTOR = "face-detector-short-range"
FACE = Look(task="face")
FRAMES = StreamOpen(stream="bad", kind="frames", look=FACE)
PORTRAIT = ImageFormat(width=400, height=300)


@pytest.fixture(scope="module")
def seer(pulled: Path) -> Iterator[Daemon]:
    with seeing_daemon(pulled, DETECTOR, "face-mesh") as daemon:
        yield daemon


@pytest.fixture(autouse=True)
def _still_serving(seer: Daemon) -> Iterator[None]:
    yield
    assert seer.health().status == "ok"


def _seen(daemon: Daemon, data: bytes, image: ImageFormat | None = None) -> Seen:
    """What the one frame shows to the face detector."""
    (seen,), _ = look(daemon, FACE, data, image=image)
    return seen


def _nose(seen: Seen) -> tuple[float, ...]:
    """Where the nose of the one face is."""
    (found,) = seen.faces
    return found.landmarks[2][:2]


# --- pictures ---


def test_grey_pixels_and_grey_files_are_seen(seer: Daemon) -> None:
    grey = portrait().mean(axis=2).astype(np.uint8)
    facts = ImageFormat(width=400, height=300, pixel_format="grey")
    nose = pytest.approx(_nose(_seen(seer, portrait().tobytes(), PORTRAIT)), abs=0.02)

    assert _nose(_seen(seer, grey.tobytes(), facts)) == nose
    assert _nose(_seen(seer, encoded(grey, "JPEG"))) == nose


@pytest.mark.parametrize("task", ["face", "face_mesh"])
def test_a_picture_of_one_pixel_shows_nobody(seer: Daemon, task: VisionTask) -> None:
    (seen,), looked = look(
        seer, Look(task=task), b"\x80\x80\x80", image=ImageFormat(width=1, height=1)
    )

    assert (seen.width, seen.height, seen.faces) == (1, 1, ())
    assert (looked.frames, looked.detected) == (1, 0)


def test_pictures_of_20_thousand_pixels_a_side_are_refused(seer: Daemon) -> None:
    raw = ImageFormat(width=20_000, height=20_000)
    with pytest.raises(BadRequest, match="width"):
        look(seer, FACE, bytes(3000), image=raw)
    with pytest.raises(BadMedia, match=r"more than \d+ million pixels"):
        look(seer, FACE, white_png(20_000, 20_000))


@pytest.mark.parametrize(("order", "channels"), [("rgba", [0, 1, 2]), ("bgra", [2, 1, 0])])
def test_four_channels_are_seen_over_white(
    seer: Daemon, order: PixelFormat, channels: list[int]
) -> None:
    facts = ImageFormat(width=400, height=300, pixel_format=order)
    opaque = np.dstack([portrait()[:, :, channels], np.full((300, 400), 255, np.uint8)])
    clear = opaque.copy()
    clear[:, :, 3] = 0
    plain = _seen(seer, portrait().tobytes(), PORTRAIT)

    assert _nose(_seen(seer, opaque.tobytes(), facts)) == pytest.approx(_nose(plain), abs=1e-4)
    assert _seen(seer, clear.tobytes(), facts).faces == ()


def test_a_png_with_alpha_is_seen_over_white(seer: Daemon) -> None:
    opaque = np.dstack([portrait(), np.full((300, 400), 255, np.uint8)])
    clear = opaque.copy()
    clear[:, :, 3] = 0

    assert len(_seen(seer, encoded(opaque, "PNG")).faces) == 1
    assert _seen(seer, encoded(clear, "PNG")).faces == ()


def test_gaps_between_rows_are_left_out(seer: Daemon) -> None:
    rows = np.zeros((300, 1280), np.uint8)
    rows[:, :1200] = portrait().reshape(300, 1200)
    facts = ImageFormat(width=400, height=300, stride=1280)
    plain = _nose(_seen(seer, portrait().tobytes(), PORTRAIT))

    assert _nose(_seen(seer, rows.tobytes(), facts)) == pytest.approx(plain, abs=1e-6)
    without_the_last_gap = rows.tobytes()[:-80]
    assert _nose(_seen(seer, without_the_last_gap, facts)) == pytest.approx(plain, abs=1e-6)


@pytest.mark.parametrize(
    ("stride", "size", "said"),
    [
        (1199, 360_000, "shorter than a row"),
        (1280, 360_000, "384000 bytes|383920 bytes"),
        (0, 359_999, "359999 came"),
        (0, 360_001, "360001 came"),
        (0, 0, r"(?i)no picture|0 came|either"),
    ],
)
def test_wrong_strides_and_sizes_are_refused(
    seer: Daemon, stride: int, size: int, said: str
) -> None:
    facts = ImageFormat(width=400, height=300, stride=stride)

    with pytest.raises(BadRequest, match=said):
        look(seer, FACE, bytes(size), image=facts)


@cache
def _spoilt() -> dict[str, bytes]:
    jpeg = encoded(astronaut(), "JPEG")
    return {
        "half a JPEG": jpeg[: len(jpeg) // 2],
        "a JPEG's first bytes": jpeg[:20],
        "half a PNG": encoded(face(), "PNG")[:5_000],
        "half a WebP": encoded(face(), "WEBP")[:500],
        "text": b"this is no picture\n" * 50,
        "a bomb of 3,600 million pixels": promised_png(60_000, 60_000),
        "a bomb of 63 million pixels": promised_png(9_000, 7_000),
        "a text of 20 MB": png_with_swollen_text(20_000_000),
    }


@pytest.mark.parametrize("name", _spoilt())
def test_what_is_no_whole_picture_is_bad_media(seer: Daemon, tmp_path: Path, name: str) -> None:
    data = _spoilt()[name]
    file = tmp_path / "secret-name.jpg"
    file.write_bytes(data)

    with pytest.raises(BadMedia) as by_part:
        look(seer, FACE, data)
    with pytest.raises(EdgedError) as by_path:
        look(seer, FACE, path=file)

    assert by_path.value.code == "bad_media"
    for error in (by_part.value, by_path.value):
        assert error.fix
        assert "secret" not in error.message


@pytest.mark.parametrize(("orientation", "quarters"), [(3, 2), (6, 1), (8, 3)])
def test_exif_turns_a_picture_upright(seer: Daemon, orientation: int, quarters: int) -> None:
    plain = _seen(seer, turned(portrait(), 1, 0))
    seen = _seen(seer, turned(portrait(), orientation, quarters))

    assert (seen.width, seen.height) == (400, 300)
    assert _nose(seen) == pytest.approx(_nose(plain), abs=0.01)


@pytest.mark.parametrize("task", ["face", "face_mesh"])
def test_nobody_and_ten_people_are_counted(seer: Daemon, task: VisionTask) -> None:
    wanted = Look(task=task, most=10)
    facts = ImageFormat(width=640, height=480)

    (nobody,), none = look(seer, wanted, bytes(640 * 480 * 3), image=facts)
    (crowd,), some = look(seer, wanted, ten_faces().tobytes(), image=facts)

    assert (nobody.faces, none.detected) == ((), 0)
    assert (len(crowd.faces), some.detected) == (10, 1)
    places = {(int(x * 4), int(y * 3)) for x, y, *_ in (one.landmarks[1] for one in crowd.faces)}
    assert len(places) == 10


def test_a_request_without_a_picture_or_with_two_is_refused(seer: Daemon, tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    file.write_bytes(encoded(face(), "PNG"))

    with pytest.raises(BadRequest):
        look(seer, FACE)
    with pytest.raises(BadRequest):
        look(seer, FACE, b"x", path=file)
    with pytest.raises(NotFound):
        look(seer, FACE, path=tmp_path / "absent.png")


# --- films ---


def _films(folder: Path) -> dict[str, bytes]:
    """What is named as a film and is none."""
    good = folder / "good.mp4"
    film(good, [face()] * 5)
    silence = b"RIFF$\x00\x00\x00WAVEfmt \x10\0\0\0\1\0\1\0\x80>\0\0\0}\0\0\2\0\x10\0data\0\0\0\0"
    return {
        "empty": b"",
        "text": b"this is no film\n" * 100,
        "sound alone": silence + bytes(32_000),
        "a film without its end, where its index was": good.read_bytes()[
            : good.stat().st_size // 2
        ],
    }


def test_what_is_no_film_is_bad_media(seer: Daemon, tmp_path: Path) -> None:
    for name, content in _films(tmp_path).items():
        file = tmp_path / "secret-name.mp4"
        file.write_bytes(content)
        with pytest.raises(BadMedia) as failed:
            look(seer, FACE, path=file)
        assert "secret" not in failed.value.message, name


def test_a_film_that_ends_early_shows_its_readable_part(seer: Daemon, tmp_path: Path) -> None:
    file = tmp_path / "cut.mkv"
    film(file, [astronaut()] * 20)
    file.write_bytes(file.read_bytes()[: file.stat().st_size * 2 // 3])

    seen, looked = look(seer, FACE, path=file)

    assert 5 < looked.frames < 20
    assert looked.frames == looked.detected == len(seen)
    assert [one.captured_at_ms for one in seen] == [number * 100 for number in range(len(seen))]


def test_what_is_no_file_is_refused_at_once(seer: Daemon, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "real.png").write_bytes(encoded(face(), "PNG"))
    (tmp_path / "link.png").symlink_to(tmp_path / "real.png")

    for name, code in (("pipe", "bad_media"), (".", "bad_media"), ("link.png", "denied")):
        with pytest.raises(EdgedError) as failed:
            look(seer, FACE, path=tmp_path / name)
        assert failed.value.code == code


# --- rates ---


@pytest.mark.parametrize("fps", [0.0, 1000.0, -1.0, float("nan"), float("inf")])
def test_rates_that_nothing_can_have_are_refused(
    seer: Daemon, piped_camera: PipedCamera, fps: float
) -> None:
    source = SourceWish(kind="camera", device=str(piped_camera.path))
    camera = StreamOpen(stream="bad", kind="camera", look=FACE, source=source, fps=fps)

    for request, reply in (
        (See(look=FACE, path=str(piped_camera.path), fps=fps), Seen),
        (camera, StreamClosed),
        (SessionsStart(sources=(source,), face=True, target_fps=fps), OneSession),
    ):
        with pytest.raises(BadRequest, match="fps"):
            seer.ask(request, reply)


# --- streams of frames ---


def _frame(pixels: Any) -> tuple[bytes, ImageFormat]:
    height, width = pixels.shape[:2]
    return pixels.tobytes(), ImageFormat(width=width, height=height)


def test_a_frame_that_is_not_newer_is_refused_and_the_stream_goes_on(seer: Daemon) -> None:
    data, facts = _frame(portrait())

    async def work() -> list[Seen]:
        async with viewing(seer, FRAMES) as viewer:
            await viewer.send(data, image=facts, frame_id=5, captured_at_ms=1_000)
            await viewer.until(lambda: len(viewer.seen) == 1)
            with pytest.raises(BadRequest, match="newer"):
                await viewer.send(data, image=facts, frame_id=6, captured_at_ms=1_000)
            with pytest.raises(BadRequest, match="newer"):
                await viewer.send(data, image=facts, frame_id=7, captured_at_ms=1)
            with pytest.raises(BadRequest):
                await viewer.send(data, image=facts, frame_id=5, captured_at_ms=1_100)
            await viewer.send(data, image=facts, frame_id=8, captured_at_ms=1_200)
            await viewer.until(lambda: len(viewer.seen) == 2)
            return viewer.seen

    seen = asyncio.run(work())

    assert [(one.frame_id, one.captured_at_ms) for one in seen] == [(5, 1_000), (8, 1_200)]
    assert [len(one.faces) for one in seen] == [1, 1]


def test_a_frame_that_cannot_be_read_is_refused_and_the_stream_goes_on(seer: Daemon) -> None:
    data, facts = _frame(portrait())

    async def work() -> list[Seen]:
        async with viewing(seer, FRAMES) as viewer:
            with pytest.raises(BadRequest):
                await viewer.send(data[:-1], image=facts)
            with pytest.raises(BadRequest):
                await viewer.send(b"", image=facts)
            await viewer.send(data, image=facts)
            await viewer.until(lambda: len(viewer.seen) == 1)
            return viewer.seen

    (seen,) = asyncio.run(work())

    assert len(seen.faces) == 1


def test_a_session_refuses_frames_that_it_cannot_have_and_goes_on(seer: Daemon) -> None:
    data, facts = _frame(portrait())
    start = SessionsStart(sources=(SourceWish(kind="frames"),), face=True)

    with seer.client() as client:
        session_id = client.ask(start, OneSession).session.id

        def send(part: bytes, **more: Any) -> SessionFrameTaken:
            request = SessionsFrame(session_id=session_id, image=facts, **more)
            return client.ask(request, SessionFrameTaken, [part])

        send(data, captured_at_ms=100, frame_id=3)
        for part, more in (
            (data, {"captured_at_ms": 100}),
            (data, {"captured_at_ms": 50}),
            (data, {"captured_at_ms": 200, "frame_id": 3}),
            (data[1:], {"captured_at_ms": 300}),
            (data, {"captured_at_ms": 300, "source": 1}),
        ):
            with pytest.raises(EdgedError) as failed:
                send(part, **more)
            assert failed.value.code in {"bad_request", "not_found"}, more
        taken = send(data, captured_at_ms=400, frame_id=4)
        client.ask(SessionsStop(session_id=session_id), OneSession)
        with pytest.raises(Conflict):
            send(data, captured_at_ms=500)
        ended = client.ask(SessionsGet(session_id=session_id), OneSession).session
        client.ask(SessionsDelete(session_id=session_id), replies.Done)

    assert taken.frame_id == 4
    assert ended.status == "completed"
    assert ended.sights[0].counts.processed == 2


def test_a_worker_that_is_killed_loses_frames_that_are_named_and_the_stream_goes_on(
    seer: Daemon,
) -> None:
    data, facts = _frame(portrait())

    async def work() -> tuple[list[Seen], list[FramesLost], FrameCounts]:
        async with viewing(seer, FRAMES) as viewer:
            await viewer.send(data, image=facts, frame_id=0)
            await viewer.until(lambda: len(viewer.seen) == 1)
            worker = _worker(seer)
            os.kill(worker, signal.SIGSTOP)  # so that it is in the midst of a frame when it dies
            for number in (1, 2, 3):
                await viewer.send(data, image=facts, frame_id=number)
            os.kill(worker, signal.SIGKILL)
            await viewer.until(lambda: bool(viewer.lost))
            await viewer.send(data, image=facts, frame_id=4)
            await viewer.until(lambda: viewer.seen[-1].frame_id == 4)
            await viewer.close()
            assert viewer.closed is not None
            assert viewer.closed.frames is not None
            return viewer.seen, viewer.lost, viewer.closed.frames

    seen, lost, counts = asyncio.run(work())

    numbers = {one.frame_id for one in seen}
    gone = {one for some in lost for one in range(some.first_frame, some.last_frame + 1)}
    assert {one.reason for one in lost} == {"worker_gone"}
    assert gone
    assert gone <= {1, 2, 3}
    assert not numbers & gone
    assert counts.lost == len(gone)
    assert [len(one.faces) for one in seen] == [1] * len(seen)


def _worker(daemon: Daemon) -> int:
    """The process that finds the faces."""
    loaded: replies.LoadedModels = daemon.ask(requests.ModelsPs(), replies.LoadedModels)
    (found,) = (one.pid for one in loaded.models if one.id == DETECTOR)
    assert found
    return found


MORE_THAN_WAITS = 2 * endpoint.HIGH_WATER_MARK
"""Replies that the sockets of both sides keep for a client that does not read."""


def test_a_client_that_never_reads_costs_nobody_else_anything(seer: Daemon) -> None:
    data, facts = _frame(face())
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    deaf = endpoint.connect(context, seer.paths.endpoint)
    before, asked = _resident_mb(seer.pid), _requests(seer)
    try:
        deaf.send_multipart(pack_request(FRAMES, request_id="open"))
        while b"stream_opened" not in deaf.recv_multipart()[0]:
            pass  # the last thing that it ever hears
        for number in range(3_000):
            request = StreamFrame(stream="bad", frame_id=number, image=facts)
            frames = pack_request(request, [data], request_id=str(number))
            if not deaf.poll(1_000, zmq.POLLOUT):
                break  # the daemon gave it up
            deaf.send_multipart(frames)
        started = time.monotonic()
        seen = _seen(seer, portrait().tobytes(), PORTRAIT)
        answered_within_s = time.monotonic() - started
        grown = _resident_mb(seer.pid) - before
    finally:
        deaf.close(linger=0)
        context.term()

    # How many it takes until the daemon gives the client up is the kernel's buffers' doing; each
    # that was sent was taken, though long before that nobody could be told of it any more.
    assert number > MORE_THAN_WAITS
    assert _requests(seer) - asked > number
    assert len(seen.faces) == 1
    assert answered_within_s < 10
    assert grown < 50


def _requests(daemon: Daemon) -> float:
    """How many came since the daemon began."""
    found: replies.MetricsReport = daemon.ask(requests.Metrics(), replies.MetricsReport)
    return found.counters["requests"]


def _resident_mb(pid: int) -> float:
    (line,) = (
        line
        for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        if line.startswith("VmRSS")
    )
    return int(line.split()[1]) / 1_000


# --- cameras ---


def test_a_camera_that_is_not_there_is_told_apart_from_a_bad_request(seer: Daemon) -> None:
    for device in ("/dev/video99", "a camera that nobody has"):
        source = SourceWish(kind="camera", device=device)
        for request, reply in (
            (StreamOpen(stream="bad", kind="camera", look=FACE, source=source), StreamClosed),
            (SessionsStart(sources=(source,), face=True), OneSession),
        ):
            with pytest.raises(DeviceMissing) as failed:
                seer.ask(request, reply)
            assert failed.value.fix
    assert seer.json("sessions", "list")["sessions"] == []


def _camera(path: Path) -> StreamOpen:
    source = SourceWish(kind="camera", device=str(path))
    return StreamOpen(stream="bad", kind="camera", look=FACE, source=source, fps=15)


def test_a_camera_that_stalls_is_noticed_within_seconds_and_taken_up_again(
    seer: Daemon, piped_camera: PipedCamera
) -> None:
    async def work() -> tuple[float, list[str], int]:
        async with viewing(seer, _camera(piped_camera.path)) as viewer:
            await viewer.until(lambda: len(viewer.seen) >= 3)
            piped_camera.stall()
            started = time.monotonic()
            await viewer.until(lambda: bool(viewer.lost))
            noticed_s = time.monotonic() - started
            piped_camera.go_on()
            before = len(viewer.seen)
            await viewer.until(lambda: len(viewer.seen) >= before + 3)
            return noticed_s, [one.reason for one in viewer.lost], viewer.seen[-1].width

    noticed_s, reasons, width = asyncio.run(work())

    assert 1.0 < noticed_s < 5.0
    assert reasons[0] == "stalled"
    assert width == 640


HEAD = b"YUV4MPEG2 W64 H48 F30:1 Ip A1:1 C420jpeg\n"
ONE = b"FRAME\n" + bytes(64 * 48 * 3 // 2)


class HalfCamera:
    """Feeds a named pipe with some frames and a half, over and over, each time to a new reader."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.pulled = 0
        self._over = False
        os.mkfifo(path)
        self._thread = threading.Thread(target=self._feed, name="half a camera", daemon=True)
        self._thread.start()

    def _feed(self) -> None:
        while not self._over:
            try:
                with self.path.open("wb", buffering=0) as pipe:
                    pipe.write(HEAD)
                    for _ in range(10):
                        pipe.write(ONE)
                        threading.Event().wait(0.03)
                    pipe.write(ONE[:1_000])
            except BrokenPipeError:
                continue
            self.pulled += 1

    def end(self) -> None:
        """Free the thread, which may wait for a reader."""
        self._over = True
        reader = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
        self._thread.join(2)
        os.close(reader)


@pytest.fixture
def half_camera(tmp_path: Path) -> Iterator[HalfCamera]:
    camera = HalfCamera(tmp_path / "half.y4m")
    yield camera
    camera.end()


def test_a_pipe_that_is_closed_in_the_middle_of_a_frame_is_opened_again(
    seer: Daemon, half_camera: HalfCamera
) -> None:
    async def work() -> tuple[list[str], int]:
        async with viewing(seer, _camera(half_camera.path)) as viewer:
            await viewer.until(lambda: bool(viewer.lost) and bool(viewer.seen))
            before = len(viewer.seen)
            await viewer.until(lambda: len(viewer.seen) > before)
            return [one.reason for one in viewer.lost], viewer.seen[-1].width

    reasons, width = asyncio.run(work())

    assert half_camera.pulled >= 1
    assert reasons[0] == "device_lost"
    assert width == 64


# --- screens ---


def test_a_locked_screen_is_not_looked_at_until_it_is_free_again(
    pulled: Path, display: Display
) -> None:
    screen = StreamOpen(stream="bad", kind="screen", look=FACE, fps=10)

    async def work(daemon: Daemon) -> None:
        async with viewing(daemon, screen) as viewer:
            await viewer.until(lambda: len(viewer.seen) >= 2)
            display.begin("xset", "s", "activate").wait()
            await viewer.until(lambda: bool(viewer.lost))
            assert viewer.lost[0].reason == "locked"
            before = len(viewer.seen)
            display.begin("xset", "s", "reset").wait()
            await viewer.until(lambda: len(viewer.seen) >= before + 2)
            assert viewer.seen[-1].width == 1280

    with seeing_daemon(pulled, DETECTOR, **display.env) as daemon:
        asyncio.run(work(daemon))
