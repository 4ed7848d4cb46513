"""What Linux's camera drivers say of themselves (Video4Linux2, by ioctl); in workers only.

Source: include/uapi/linux/videodev2.h; the structures are the same on every Linux of 32 and 64 bits.
"""

import errno
import fcntl
import os
import struct
from collections.abc import Callable, Iterator

from msgspec import Struct

from edged.capture.sight_orders import CameraListed

Ioctl = Callable[[int, int, bytearray], None]
"""Fills a structure in; raises OSError as fcntl.ioctl does."""

_READ, _WRITE = 2, 1
_CAPTURE = 0x1
_STATES_ITS_NODE = 0x8000_0000
_DISCRETE = 1
_MOST = 256
"""Of formats, sizes and rates: a driver that counts on without an end is left."""

_CAPABILITY_BYTES = 104
_FORMAT_BYTES = 64
_SIZE_BYTES = 44
_RATE_BYTES = 52

_PIXELS = {
    "MJPG": "mjpeg", "JPEG": "mjpeg", "YUYV": "yuyv422", "UYVY": "uyvy422", "NV12": "nv12",
    "YU12": "yuv420p", "GREY": "gray", "RGB3": "rgb24", "BGR3": "bgr24", "H264": "h264",
}  # fmt: skip
"""FFmpeg's names of the kinds of pixels that it can take from a camera."""

_USUAL_SIZES = ((640, 480), (1280, 720), (1920, 1080))
"""Told of a camera that can scale to any size."""


class CameraFormat(Struct, frozen=True):
    """What a camera can give. pixels: FFmpeg's name; fps: frames a second, 0: it does not say."""

    width: int
    height: int
    fps: float
    pixels: str

    @property
    def text(self) -> str:
        """As a device list shows it."""
        rate = f" {self.fps:g} fps" if self.fps else ""
        return f"{self.width}x{self.height}{rate} {self.pixels}"


def _number(direction: int, which: int, size: int) -> int:
    """The number of an ioctl of the letter V."""
    return direction << 30 | size << 16 | ord("V") << 8 | which


QUERY_CAPABILITIES = _number(_READ, 0, _CAPABILITY_BYTES)
NEXT_FORMAT = _number(_READ | _WRITE, 2, _FORMAT_BYTES)
NEXT_SIZE = _number(_READ | _WRITE, 74, _SIZE_BYTES)
NEXT_RATE = _number(_READ | _WRITE, 75, _RATE_BYTES)


def _system_ioctl(fd: int, request: int, body: bytearray) -> None:
    fcntl.ioctl(fd, request, body)


def look_at(path: str, ioctl: Ioctl = _system_ioctl) -> CameraListed | None:
    """What a node is; None when it is no camera (many drivers have nodes for other things too).

    Args:
        path: of the node.
        ioctl: asks the driver.
    """
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        return CameraListed(path=path, refused=error.errno or errno.EIO)
    try:
        return _described(fd, path, ioctl)
    except OSError as error:
        if error.errno in {errno.ENOTTY, errno.EINVAL}:
            return None
        return CameraListed(path=path, refused=error.errno or errno.EIO)
    finally:
        os.close(fd)


def formats_of(fd: int, ioctl: Ioctl = _system_ioctl) -> list[CameraFormat]:
    """Everything that an open camera can give, as far as FFmpeg can take it."""
    return [
        CameraFormat(width, height, fps, _PIXELS[fourcc])
        for code, fourcc in _fourccs(fd, ioctl)
        if fourcc in _PIXELS
        for width, height in _sizes(fd, code, ioctl)
        for fps in _rates(fd, code, (width, height), ioctl)
    ]


def choose(formats: list[CameraFormat], width: int, height: int, fps: float) -> CameraFormat | None:
    """The format that is nearest to what is wished; None when the camera tells none.

    The size counts first, then a rate that is enough without being more than needed, then pixels
    that need no decoding.

    Args:
        formats: of the camera.
        width: in pixels; 0: 640.
        height: in pixels; 0: 480.
        fps: frames a second.
    """
    wished = (width or 640, height or 480)
    costs = ["mjpeg", "h264"]
    return min(
        formats,
        key=lambda one: (
            abs(one.width - wished[0]) + abs(one.height - wished[1]),
            max(0.0, fps - one.fps),
            one.fps,
            costs.index(one.pixels) + 1 if one.pixels in costs else 0,
        ),
        default=None,
    )


def _described(fd: int, path: str, ioctl: Ioctl) -> CameraListed | None:
    body = bytearray(_CAPABILITY_BYTES)
    ioctl(fd, QUERY_CAPABILITIES, body)
    everything, of_node = struct.unpack_from("=II", body, 84)
    able = of_node if everything & _STATES_ITS_NODE else everything
    if not able & _CAPTURE:
        return None
    texts = dict.fromkeys(one.text for one in formats_of(fd, ioctl))
    return CameraListed(
        path=path,
        name=_text(body[16:48]) or os.path.basename(path),
        bus=_text(body[48:80]),
        formats=tuple(texts),
    )


def _text(data: bytearray) -> str:
    return bytes(data).partition(b"\0")[0].decode(errors="replace").strip()


def counted(fd: int, request: int, body: bytearray, ioctl: Ioctl) -> Iterator[bytearray]:
    """What a driver counts up, until it says that there are no more."""
    for index in range(_MOST):
        asked = bytearray(body)
        struct.pack_into("=I", asked, 0, index)
        try:
            ioctl(fd, request, asked)
        except OSError as error:
            if error.errno in {errno.EINVAL, errno.ENOTTY}:
                return
            raise
        yield asked


def _fourccs(fd: int, ioctl: Ioctl) -> Iterator[tuple[int, str]]:
    body = bytearray(_FORMAT_BYTES)
    struct.pack_into("=I", body, 4, _CAPTURE)  # the type of buffers has the same number
    for found in counted(fd, NEXT_FORMAT, body, ioctl):
        code = struct.unpack_from("=I", found, 44)[0]
        yield code, code.to_bytes(4, "little").decode("latin-1")


def _sizes(fd: int, code: int, ioctl: Ioctl) -> Iterator[tuple[int, int]]:
    body = bytearray(_SIZE_BYTES)
    struct.pack_into("=I", body, 4, code)
    for found in counted(fd, NEXT_SIZE, body, ioctl):
        kind, *numbers = struct.unpack_from("=7I", found, 8)
        if kind != _DISCRETE:
            left, right, _, top, bottom, _ = numbers
            yield from (
                (width, height)
                for width, height in _USUAL_SIZES
                if left <= width <= right and top <= height <= bottom
            )
            return
        yield numbers[0], numbers[1]


def _rates(fd: int, code: int, size: tuple[int, int], ioctl: Ioctl) -> Iterator[float]:
    """Frames a second; a 0 when the driver tells none, the fastest of a range."""
    body = bytearray(_RATE_BYTES)
    struct.pack_into("=III", body, 4, code, *size)
    told = False
    for found in counted(fd, NEXT_RATE, body, ioctl):
        kind, seconds, parts = struct.unpack_from("=III", found, 16)
        told = True
        yield round(parts / seconds, 3) if seconds else 0.0
        if kind != _DISCRETE:
            return
    if not told:
        yield 0.0
