"""Cameras as their drivers describe them: a driver of the tests', and nodes that are no cameras."""

import errno
import os
import struct
from pathlib import Path

import av
import pytest

from edged.capture import v4l2
from edged.capture.camera_frames import CameraReader, list_cameras, open_camera, refusal
from edged.capture.newest import Newest
from edged.capture.sight_orders import CameraOrder, Glimpse
from edged.capture.v4l2 import CameraFormat, choose, look_at
from edged.errors import DeviceBusy, DeviceMissing, DeviceRefused, PermissionDenied

MJPG, YUYV, ODD = (int.from_bytes(name, "little") for name in (b"MJPG", b"YUYV", b"ABCD"))


class Driver:
    """Answers as the kernel does; `formats`: sizes and rates by the code of the pixels."""

    def __init__(self, *, able: int = 0x1, busy: bool = False) -> None:
        self.able = able
        self.busy = busy
        self.endless = False
        self.formats = {
            YUYV: {(640, 480): [(1, 30), (1, 15)], (1280, 720): [(1, 10)]},
            MJPG: {(1280, 720): [(1, 30)]},
            ODD: {(640, 480): [(1, 90)]},
        }

    def __call__(self, fd: int, request: int, body: bytearray) -> None:
        assert fd >= 0
        if self.busy:
            raise OSError(errno.EBUSY, "busy")
        if request == v4l2.QUERY_CAPABILITIES:
            struct.pack_into("=16s32s32sIII", body, 0, b"uvc", b"A Camera", b"usb-1.2", 1,
                             0x8000_0000, self.able)  # fmt: skip
            return
        index = 0 if self.endless else struct.unpack_from("=I", body)[0]
        try:
            self._count(request, index, body)
        except IndexError as error:
            raise OSError(errno.EINVAL, "no more") from error

    def _count(self, request: int, index: int, body: bytearray) -> None:
        if request == v4l2.NEXT_FORMAT:
            struct.pack_into("=I", body, 44, list(self.formats)[index])
        elif request == v4l2.NEXT_SIZE:
            sizes = self.formats[struct.unpack_from("=I", body, 4)[0]]
            struct.pack_into("=III", body, 8, 1, *list(sizes)[index])
        elif request == v4l2.NEXT_RATE:
            code, width, height = struct.unpack_from("=III", body, 4)
            struct.pack_into("=III", body, 16, 1, *self.formats[code][width, height][index])


def test_a_camera_is_described_with_the_formats_that_can_be_used(tmp_path: Path) -> None:
    node = tmp_path / "video0"
    node.touch()

    found = look_at(str(node), Driver())

    assert found is not None
    assert (found.name, found.bus, found.refused) == ("A Camera", "usb-1.2", 0)
    assert found.formats == (
        "640x480 30 fps yuyv422", "640x480 15 fps yuyv422", "1280x720 10 fps yuyv422",
        "1280x720 30 fps mjpeg",
    )  # fmt: skip


def test_a_node_for_something_else_is_no_camera(tmp_path: Path) -> None:
    node = tmp_path / "video1"
    node.touch()

    assert look_at(str(node), Driver(able=0x80_0000)) is None  # metadata of the camera beside it
    assert look_at(str(node)) is None  # a file: the kernel knows no such ioctl
    assert list_cameras(("/dev/null", str(node))) == ()


def test_a_camera_that_does_not_answer_is_listed_with_its_error(tmp_path: Path) -> None:
    node = tmp_path / "video2"
    node.touch()

    busy, missing = look_at(str(node), Driver(busy=True)), look_at(str(tmp_path / "video3"))

    assert busy is not None
    assert busy.refused == errno.EBUSY
    assert missing is not None
    assert missing.refused == errno.ENOENT


def test_a_driver_that_counts_without_an_end_is_left(tmp_path: Path) -> None:
    node = tmp_path / "video4"
    node.touch()
    driver = Driver()
    driver.endless = True
    driver.formats = {YUYV: {(640, 480): [(1, 30)]}}
    fd = os.open(node, os.O_RDONLY)

    body = bytearray(64)
    found = list(v4l2.counted(fd, v4l2.NEXT_FORMAT, body, driver))
    os.close(fd)

    assert len(found) == 256


VGA15, VGA30 = CameraFormat(640, 480, 15, "yuyv422"), CameraFormat(640, 480, 30, "yuyv422")
HD30_JPEG, HD10 = CameraFormat(1280, 720, 30, "mjpeg"), CameraFormat(1280, 720, 10, "yuyv422")


@pytest.mark.parametrize(
    ("width", "height", "fps", "expected"),
    [(0, 0, 15, VGA15), (0, 0, 20, VGA30), (0, 0, 60, VGA30), (1280, 720, 15, HD30_JPEG),
     (1280, 720, 10, HD10), (1920, 1080, 15, HD30_JPEG)],
)  # fmt: skip
def test_the_nearest_size_is_chosen_and_a_rate_that_is_enough(
    width: int, height: int, fps: float, expected: CameraFormat
) -> None:
    assert choose([HD10, HD30_JPEG, VGA30, VGA15], width, height, fps) == expected


def test_raw_pixels_are_taken_before_coded_ones_of_the_same_size_and_rate() -> None:
    coded = CameraFormat(640, 480, 30, "mjpeg")

    assert choose([coded, VGA30], 0, 0, 30) == VGA30
    assert choose([], 0, 0, 30) is None


@pytest.mark.parametrize(
    ("number", "kind", "words"),
    [(errno.EBUSY, DeviceBusy, "another program"), (errno.EACCES, PermissionDenied, "let the daemon"),
     (errno.EPERM, PermissionDenied, "let the daemon"), (errno.ENODEV, DeviceMissing, "not there"),
     (errno.ENOENT, DeviceMissing, "not there"), (errno.EINVAL, DeviceRefused, "Invalid argument"),
     (None, DeviceRefused, "Input/output")],
)  # fmt: skip
def test_each_error_of_a_camera_says_what_to_do(
    number: int | None, kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words) as caught:
        raise refusal(number)
    assert "video" in str(caught.value.fix) or number != errno.EACCES  # type: ignore[attr-defined] # of EdgedError


@pytest.mark.parametrize(
    ("path", "kind"), [("/dev/none", DeviceMissing), ("/dev/null", DeviceRefused)]
)
def test_a_camera_that_cannot_be_opened_says_why(path: str, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        open_camera(CameraOrder(path=path))


def test_a_cameras_frames_are_read_until_it_goes_away() -> None:
    """FFmpeg's own picture takes the place of a camera; it is over after five frames."""
    camera = av.open("testsrc2=size=64x48:rate=30:duration=0.16", format="lavfi")
    newest = Newest(0)

    CameraReader(camera, newest).start()
    glimpses: list[Glimpse] = []
    while not glimpses or not glimpses[-1].ended:
        glimpses.append(newest.take(1.0))

    assert glimpses[-1].ended == "device_lost"
    assert glimpses[-1].captured == 5
    assert {(one.width, one.height) for one in glimpses if one.data} == {(64, 48)}
