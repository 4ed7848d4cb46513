"""Pixels of a screen by mss; in workers only. Its errors are translated here."""

import ctypes
import ctypes.util
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import mss
import numpy as np
from mss.exception import ScreenShotError

from edged.capture.sight_orders import ScreenListed
from edged.capture.windows import Rectangle
from edged.capture.x11 import Cookie, socket_path
from edged.errors import DeviceMissing, EngineMissing

EVERYTHING = "all"
"""The id of all monitors together."""

Bgra: TypeAlias = "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]"
"""uint8, shape (height, width, 4); the last channel means nothing."""

_XCB = ("xcb", "xcb-randr", "xcb-render", "xcb-shm", "xcb-xfixes")


class Grabber:
    """A connection to a display's pixels. One thread at a time.

    Args:
        display: of X; empty where the system has screens without one.
        cookie: what opens it.

    Raises:
        DeviceMissing: there is no screen. EngineMissing: its libraries are not on this machine.
    """

    def __init__(self, display: str, cookie: Cookie) -> None:
        try:
            if display:
                _reach(socket_path(display), cookie)
            self._mss: Any = mss.MSS(display=display) if display else mss.MSS()
        except ScreenShotError as error:
            raise DeviceMissing("there is no screen that can be grabbed") from error

    def monitors(self) -> list[ScreenListed]:
        """Each monitor, and where there are several also all of them together."""
        try:
            everything, *each = self._mss.monitors
        except ScreenShotError as error:
            raise DeviceMissing("the display does not tell its screens") from error
        found = [
            _listed(one, str(one.get("output") or one.get("name") or f"screen-{index}"))
            for index, one in enumerate(each or [everything], 1)
        ]
        if len(found) > 1:
            found.append(_listed(everything, EVERYTHING))
        return found

    def grab(self, place: Rectangle) -> Bgra:
        """The pixels at a place of the desktop, the caller's own.

        Raises:
            DeviceMissing: the place, or the screen, is no longer there.
        """
        left, top, width, height = place
        try:
            shot = self._mss.grab({"left": left, "top": top, "width": width, "height": height})
        except ScreenShotError as error:
            raise DeviceMissing("the screen cannot be grabbed") from error
        return np.frombuffer(shot.raw, np.uint8).reshape(shot.height, shot.width, 4)


def _listed(one: "dict[str, Any]", its_id: str) -> ScreenListed:
    return ScreenListed(
        id=its_id,
        name=str(one.get("name") or its_id),
        left=one["left"],
        top=one["top"],
        width=one["width"],
        height=one["height"],
        is_primary=bool(one.get("is_primary")),
    )


class _Authority(ctypes.Structure):
    """`xcb_auth_info_t` of xcb.h."""

    _fields_ = (
        ("name_bytes", ctypes.c_int),
        ("name", ctypes.c_char_p),
        ("data_bytes", ctypes.c_int),
        ("data", ctypes.c_char_p),
    )


def _reach(path: str, cookie: Cookie) -> None:
    """Make mss connect through the display's socket file.

    XCB 1.15 tries an abstract socket first, which Landlock keeps from workers, and then gives up.

    Raises:
        EngineMissing: XCB is not on this machine.
    """
    with _libraries():
        from mss.linux import xcb, xcbhelpers  # they look for libraries when they are imported

        xcb.initialize()
    library: Any = xcbhelpers.LIB.xcb
    library.xcb_connect_to_fd.argtypes = [ctypes.c_int, ctypes.POINTER(_Authority)]
    library.xcb_connect_to_fd.restype = ctypes.POINTER(xcbhelpers.Connection)
    authority = _Authority(len(cookie.name), cookie.name, len(cookie.data), cookie.data)

    def connect(_display: bytes, _screen: object) -> object:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
            try:
                server.connect(path)
            except OSError as error:
                raise DeviceMissing("no X server answers at the display") from error
            return library.xcb_connect_to_fd(
                server.detach(), ctypes.byref(authority) if cookie.name else None
            )

    library.xcb_connect = connect


@contextmanager
def _libraries() -> Iterator[None]:
    """Let mss find XCB by name: ctypes starts programs to find a library, which a worker may not.

    Raises:
        EngineMissing: one is not there.
    """
    usual = ctypes.util.find_library
    if sys.platform == "linux":
        ctypes.util.find_library = _find_library
    try:
        yield
    finally:
        ctypes.util.find_library = usual


def _find_library(name: str) -> str | None:
    if name not in _XCB:
        return None
    soname = f"lib{name}.so.{1 if name == 'xcb' else 0}"
    try:
        ctypes.CDLL(soname)
    except OSError as error:
        raise EngineMissing(
            f"the library {soname} is not on this machine",
            fix="apt install libxcb1 libxcb-randr0 libxcb-render0 libxcb-shm0 libxcb-xfixes0",
        ) from error
    return soname
