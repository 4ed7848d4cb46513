"""Frames of a camera by FFmpeg (PyAV), as a thread reads them; in workers only.

Video4Linux2 on Linux; AVFoundation on macOS and DirectShow on Windows, which were not run by us.
"""

import errno
import os
import sys
import threading

import av
import av.logging
from av.container import InputContainer

from edged.capture import v4l2
from edged.capture.cameras import IN_GROUP
from edged.capture.clock import now_ns
from edged.capture.newest import Newest
from edged.capture.sight_orders import CameraListed, CameraOrder
from edged.errors import (
    DeviceBusy,
    DeviceMissing,
    DeviceRefused,
    EdgedError,
    PermissionDenied,
)

_SYSTEMS = {"linux": "v4l2", "darwin": "avfoundation", "win32": "dshow"}

_BY_NUMBER: dict[int, tuple[type[EdgedError], str, str]] = {
    errno.EBUSY: (DeviceBusy, "another program uses the camera", "close the program that uses it"),
    errno.EACCES: (PermissionDenied, "the system does not let the daemon use the camera", IN_GROUP),
    errno.EPERM: (PermissionDenied, "the system does not let the daemon use the camera", IN_GROUP),
    errno.ENOENT: (DeviceMissing, "the camera is not there", "plug it in"),
    errno.ENODEV: (DeviceMissing, "the camera is not there", "plug it in"),
    errno.ENXIO: (DeviceMissing, "the camera is not there", "plug it in"),
}


def refusal(number: int | None) -> EdgedError:
    """What the system's error for a camera means."""
    number = number or errno.EIO
    found = _BY_NUMBER.get(number)
    if found is None:
        return DeviceRefused(
            f"the camera cannot be used: {os.strerror(number)}",
            fix="`edged devices` shows its formats; ask for one of them",
        )
    kind, message, fix = found
    return kind(message, fix=fix)


class CameraReader:
    """Reads an open camera until it goes away, in a thread of its own.

    Args:
        container: the open camera; it is the reader's from now on.
        newest: gets the frames.
    """

    def __init__(self, container: InputContainer, newest: Newest) -> None:
        self._newest = newest
        self._container = container
        # Nobody waits for it: FFmpeg may be inside the driver, and the process ends with the camera.
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def _run(self) -> None:
        try:
            for packet in self._container.demux(video=0):
                self._show(packet)
        except av.FFmpegError as error:
            self._newest.end("device_lost", refusal(error.errno))
            return
        self._newest.end("device_lost", DeviceMissing("the camera ended"))

    def _show(self, packet: "av.Packet[av.VideoStream]") -> None:
        at_ns = now_ns()
        try:
            frames = packet.decode()
        except av.FFmpegError:
            return  # a picture that was damaged on its way; the next one is whole, or it stalls
        for frame in frames:
            self._newest.offer(frame, at_ns)


def list_cameras(paths: tuple[str, ...]) -> tuple[CameraListed, ...]:
    """Every camera among the nodes; elsewhere than on Linux what the system lists."""
    if sys.platform == "linux":
        found = [v4l2.look_at(path) for path in paths]
        return tuple(one for one in found if one is not None)
    system = _SYSTEMS.get(sys.platform, "")
    try:
        devices = av.enumerate_input_devices(system)
    except (av.FFmpegError, ValueError):
        return ()
    return tuple(
        CameraListed(path=one.name, name=one.description or one.name, bus=one.name)
        for one in devices
        if "video" in one.media_types
    )


def open_camera(order: CameraOrder) -> InputContainer:
    """A camera with the format that is nearest to what is wished.

    Raises:
        DeviceMissing, DeviceBusy, PermissionDenied, DeviceRefused: it cannot be opened.
    """
    av.logging.set_level(None)
    system = _SYSTEMS.get(sys.platform, "")
    name = f"video={order.path}" if system == "dshow" else order.path
    try:
        return av.open(name, format=system, mode="r", options=_options(order))
    except av.FFmpegError as error:
        raise refusal(error.errno) from error


def _options(order: CameraOrder) -> dict[str, str]:
    """FFmpeg's options for the format that is nearest to what is wished."""
    if sys.platform != "linux":
        size = (order.width or 640, order.height or 480)
        return {"video_size": f"{size[0]}x{size[1]}", "framerate": "30"}
    try:
        fd = os.open(order.path, os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise refusal(error.errno) from error
    try:
        chosen = v4l2.choose(v4l2.formats_of(fd), order.width, order.height, order.fps)
    except OSError as error:
        raise refusal(error.errno) from error
    finally:
        os.close(fd)
    if chosen is None:
        return {}
    options = {"video_size": f"{chosen.width}x{chosen.height}", "input_format": chosen.pixels}
    return options | ({"framerate": f"{chosen.fps:g}"} if chosen.fps else {})
