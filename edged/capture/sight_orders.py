"""What workers that look are asked and what they answer; importable without any driver or codec."""

from typing import Annotated

from msgspec import Meta, Struct

Pixels = Annotated[int, Meta(ge=0, le=16_384)]
Fps = Annotated[float, Meta(gt=0.0, le=1_000.0)]


class Wait(Struct, frozen=True, kw_only=True):
    """How long the newest frame is waited for, in milliseconds."""

    within_ms: Annotated[int, Meta(ge=1, le=5_000)] = 250


class CameraOrder(Struct, frozen=True, kw_only=True):
    """Which camera to look at, and how.

    path: of its device node, or its name where the system has no nodes; empty: the descriptor that
        comes with the call is a pipe.
    fps, width, height: as in edged.capture.sight.SightOptions.
    still_below: frames that differ by less from the last one are left out; 0: none.
    """

    path: str = ""
    fps: Fps = 15.0
    width: Pixels = 0
    height: Pixels = 0
    still_below: float = 0.0


class ScreenOrder(Struct, frozen=True, kw_only=True):
    """What of a screen to look at; see edged.capture.sight.SightOptions. monitor: its id; empty: the first."""

    display: str = ""
    monitor: str = ""
    region: tuple[int, int, int, int] | None = None
    window: str = ""
    deny: tuple[str, ...] = ()
    fps: Fps = 15.0
    still_below: float = 0.0


class Glimpse(Struct, frozen=True, kw_only=True):
    """The newest frame, or why there is none.

    data: raw RGB without gaps; empty: no new frame came in time.
    number, at_ns, captured, still, late, moved: as in edged.capture.sight.CapturedFrame.
    of_ms: of a video, how long it lasts, as it says itself; 0: unknown.
    heard_ns: CLOCK_BOOTTIME of the newest sign of life, a frame that was not wished for included.
    lost: the source gives nothing now: `locked`; ended: it is over: `device_lost`.
    """

    data: bytes | memoryview = b""
    width: int = 0
    height: int = 0
    number: int = 0
    at_ns: int = 0
    captured: int = 0
    still: int = 0
    late: int = 0
    moved: float = 1.0
    of_ms: int = 0
    heard_ns: int = 0
    lost: str = ""
    ended: str = ""


class Opened(Struct, frozen=True, kw_only=True):
    """What was opened. width, height: of its frames, 0 when not known yet. device: its name."""

    width: int = 0
    height: int = 0
    device: str = ""


class VideoOrder(Struct, frozen=True, kw_only=True):
    """Which frames of a video; fps 0: all of them."""

    fps: Annotated[float, Meta(ge=0.0, le=1_000.0)] = 0.0
    still_below: float = 0.0


class CameraListed(Struct, frozen=True, kw_only=True):
    """One camera as its driver describes it.

    path: of its node. bus: where it is plugged in, which stays the same. refused: the number of
    the error when it was opened, 0: none.
    """

    path: str
    name: str = ""
    bus: str = ""
    formats: tuple[str, ...] = ()
    refused: int = 0


class CameraList(Struct, frozen=True, kw_only=True):
    """All cameras that were looked for."""

    cameras: tuple[CameraListed, ...] = ()


class NodesOrder(Struct, frozen=True, kw_only=True):
    """Nodes that may be cameras."""

    paths: tuple[str, ...]


class Reach(Struct, frozen=True, kw_only=True):
    """Paths that a worker of screens uses; each may be empty.

    authority: of the file with the display's cookie. session_bus, system_bus: of sockets.
    """

    authority: str = ""
    session_bus: str = ""
    system_bus: str = ""


class ScreenListed(Struct, frozen=True, kw_only=True):
    """One monitor. left, top, width, height: its place on the desktop, in pixels."""

    id: str
    name: str
    left: int
    top: int
    width: int
    height: int
    is_primary: bool = False


class ScreenList(Struct, frozen=True, kw_only=True):
    """All monitors of a display."""

    screens: tuple[ScreenListed, ...] = ()


class DisplayOrder(Struct, frozen=True, kw_only=True):
    """Which X display; empty: the system has only one."""

    display: str = ""
