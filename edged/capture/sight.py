"""What looking gives: frames with their capture time, and the time in which there were none.

Times are CLOCK_BOOTTIME in nanoseconds; a session turns them into its own clock (see capture.source).
"""

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager
from typing import Literal, Protocol

from msgspec import Struct

from edged.media import Picture

SightKind = Literal["camera", "screen", "video"]


class SightOptions(Struct, frozen=True, kw_only=True):
    """How a source is to be looked at.

    device: name or id; of a camera also the absolute path of a named pipe (YUV4MPEG2), of a video
        the path of its file. Empty: the default one.
    fps: so many frames a second at most. every: all frames of a video, whatever its rate.
    width, height: of a camera's frames, the nearest that it has; 0: about 640 x 480.
    region: left, top, width, height in pixels of a screen. window: part of a window's title.
    deny: parts of titles of windows whose pixels may never be given.
    motion: leave out frames in which nothing moved.
    """

    device: str = ""
    fps: float = 15.0
    every: bool = False
    width: int = 0
    height: int = 0
    region: tuple[int, int, int, int] | None = None
    window: str = ""
    deny: tuple[str, ...] = ()
    motion: bool = False


class CapturedFrame(Struct, frozen=True, kw_only=True):
    """One frame: raw RGB, without gaps between rows.

    number: from 0, of all that were captured, so a frame that was left out is a jump.
    at_ns: CLOCK_BOOTTIME when it was captured; of a video, its own time from 0.
    captured, still, late: so far: frames at the asked rate; left out because nothing moved; left
        out because the reader had not yet taken the one before.
    of_ms: of a video, how long it lasts, as it says itself; 0: unknown.
    device: its name. moved: how much differs from the last frame that was given, in [0, 1].
    """

    picture: Picture
    number: int
    at_ns: int
    captured: int = 0
    still: int = 0
    late: int = 0
    device: str = ""
    moved: float = 1.0
    of_ms: int = 0


class SightLost(Struct, frozen=True, kw_only=True):
    """From here on there are no frames until the next one is given.

    since_ns: the last frame's time, or when it was opened. reason: stalled, device_lost, locked.
    """

    since_ns: int
    reason: str


class FrameSource(Protocol):
    """A source that is being looked at."""

    def frames(self) -> AsyncGenerator[CapturedFrame | SightLost, None]:
        """The newest frame each time, until `stop`; of a video every one, to its end.

        A camera that stalls (2 s without a frame) or goes away is told once by SightLost, and
        opened again with growing pauses until it is back; it raises nothing.

        Raises:
            DeviceMissing, DeviceBusy, PermissionDenied, Denied, BadMedia, ...: before the first frame only.
        """
        ...

    async def stop(self) -> None:
        """Stop looking: `frames` ends."""
        ...


class Sights(Protocol):
    """Opens cameras, screens and videos; fulfilled by edged.capture.looking.SightDevices."""

    def open(
        self, kind: SightKind, options: SightOptions
    ) -> AbstractAsyncContextManager[FrameSource]:
        """Look at a source; leaving the block frees the device."""
        ...
