"""Which camera is meant, seen from the daemon: device nodes, named pipes, and names.

The drivers themselves are asked in a worker (see edged.capture.camera_worker).
"""

import errno
import os
import stat
import sys
from collections.abc import Collection, Sequence

from msgspec import Struct

from edged.capture.sight_orders import CameraListed
from edged.errors import BadRequest, DeviceMissing, PermissionDenied
from edged.messages.sessions import Device, Permission

IN_GROUP = "add the daemon's user to the group `video`, then log in again or restart the daemon"
"""What helps where a camera's node may not be opened."""

_VIDEO4LINUX = 81
"""The kernel's major number of such nodes; merely to open another one may do something.
Source: Documentation/admin-guide/devices.txt."""

_PIPE_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW


class Camera(Struct, frozen=True, kw_only=True):
    """A camera that was chosen.

    path: of its node, or its name for FFmpeg; empty for a pipe. pipe: an open descriptor, or -1.
    id: in the list of devices; empty when it was not looked up there.
    """

    name: str
    id: str = ""
    path: str = ""
    pipe: int = -1


def open_path(path: str) -> Camera:
    """A camera by an absolute path: a named pipe, which is opened, or a device node, which is not.

    Blocks for as long as the file system does, so not on the loop.

    Raises:
        DeviceMissing: nothing is there. PermissionDenied: it may not be read.
        BadRequest: it is neither.
    """
    try:
        found = os.lstat(path)
        if stat.S_ISCHR(found.st_mode) and os.major(found.st_rdev) == _VIDEO4LINUX:
            return Camera(name=os.path.basename(path), path=path)
        if not stat.S_ISFIFO(found.st_mode):
            raise BadRequest(
                "the path is neither a named pipe nor a camera",
                fix="a video file is a source of kind `video`",
            )
        fd = os.open(path, _PIPE_FLAGS)
    except FileNotFoundError as error:
        raise DeviceMissing("no camera or named pipe is at that path") from error
    except PermissionError as error:
        raise PermissionDenied("the named pipe may not be read", fix=_READABLE) from error
    except OSError as error:
        raise DeviceMissing(f"the camera's path cannot be used: {error.strerror}") from error
    return Camera(name=os.path.basename(path), pipe=fd)


_READABLE = "let the daemon's user read the pipe"


def choose(devices: Sequence[Device], wish: str) -> Device:
    """The camera that is meant, by its id or name; empty: the default one, else the first.

    Raises:
        DeviceMissing: there is none. PermissionDenied: the daemon may not open it.
    """
    cameras = [one for one in devices if one.device_type == "camera"]
    found = [one for one in cameras if one.id == wish] or [
        one for one in cameras if one.name.casefold() == wish.casefold()
    ]
    if not wish:
        found = [one for one in cameras if one.permission != "denied"] or cameras
    if not found:
        which = "of that name or id " if wish else ""
        raise DeviceMissing(f"no camera {which}is there")
    if found[0].permission == "denied":
        raise PermissionDenied("the system does not let the daemon use the camera", fix=IN_GROUP)
    return found[0]


def devices_of(listed: Sequence[CameraListed], used: Collection[str] = ()) -> list[Device]:
    """Cameras as they are told; where several have one id, the later ones get a number.

    A camera is named by where it is plugged in, since the kernel's numbers change.

    Args:
        listed: by their drivers.
        used: paths of nodes that somebody has open.
    """
    found: list[Device] = []
    for one in listed:
        base = one.bus or one.path
        same = sum(device.id == base or device.id.startswith(f"{base}#") for device in found)
        permission, reason = _permission(one.refused)
        found.append(
            Device(
                id=f"{base}#{same + 1}" if same else base,
                name=one.name or os.path.basename(one.path),
                device_type="camera",
                is_default=not found,
                sample_rate=0,
                channels=0,
                in_use=True if one.path in used or one.refused == errno.EBUSY else None,
                permission=permission,
                reason=reason,
                formats=one.formats,
            )
        )
    return found


def _permission(refused: int) -> tuple[Permission, str]:
    if refused in {errno.EACCES, errno.EPERM}:
        return "denied", "the daemon's user may not open the camera: it is not in the group `video`"
    if refused:
        return "unknown", f"it cannot be opened: {os.strerror(refused)}"
    return "granted", ""


def open_nodes(paths: Collection[str], proc: str = "/proc") -> set[str]:
    """Which of these nodes some process has open, among those that we may look into.

    Blocks for some milliseconds, so not on the loop.
    """
    found: set[str] = set()
    for process in os.scandir(proc):
        if process.name.isdigit():
            found |= _links(f"{proc}/{process.name}/fd") & set(paths)
    return found


def _links(folder: str) -> set[str]:
    """Where the links of a folder lead; nothing when it is another user's, or gone."""
    try:
        names = os.listdir(folder)
    except OSError:
        return set()
    return {_target(f"{folder}/{name}") for name in names}


def _target(link: str) -> str:
    try:
        return os.readlink(link)
    except OSError:
        return ""  # it was closed meanwhile


def nodes(folder: str = "/dev") -> list[str]:
    """Device nodes that may be cameras, in the kernel's order."""
    if sys.platform != "linux":
        return []
    try:
        names = [name for name in os.listdir(folder) if _number(name) is not None]
    except OSError:
        return []
    return [f"{folder}/{name}" for name in sorted(names, key=lambda name: _number(name) or 0)]


def _number(name: str) -> int | None:
    digits = name.removeprefix("video")
    return int(digits) if digits != name and digits.isdigit() else None
