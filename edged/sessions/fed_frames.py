"""Frames that a client sends to a running session: of those that wait, the newest is looked at."""

import asyncio
from collections.abc import AsyncGenerator, Sequence

from edged.capture.sight import CapturedFrame, SightLost
from edged.errors import BadRequest, TooLarge
from edged.media import ImageFormat, Picture, wrong_size

Buffer = bytes | memoryview

MOST_BYTES = 64 * 2**20
"""One frame: 4096 x 4096 pixels in RGBA."""


class FedFrames:
    """A source that a client fills; fulfils edged.capture.sight.FrameSource. Loop thread only."""

    def __init__(self) -> None:
        self._waiting: CapturedFrame | None = None
        self._came = asyncio.Event()
        self._taken = asyncio.Event()
        self._stopped = False
        self._captured = self._late = 0
        self._last: tuple[int, int] | None = None

    @property
    def dropped(self) -> int:
        """Frames that were replaced by newer ones."""
        return self._late

    @property
    def next_number(self) -> int:
        """One more than the last frame's."""
        return 0 if self._last is None else self._last[0] + 1

    def put(self, picture: Picture, *, number: int, at_ns: int) -> None:
        """Take a frame; one that waits is replaced by it.

        Raises:
            BadRequest: its number or its time is not greater than the last one's.
        """
        if self._last is not None and (number <= self._last[0] or at_ns <= self._last[1]):
            raise BadRequest(
                f"frame {number} is not newer than the last one, {self._last[0]}",
                fix="send frames in their order, each with a later captured_at_ms",
            )
        self._last = (number, at_ns)
        self._captured += 1
        self._late += self._waiting is not None
        self._waiting = CapturedFrame(
            picture=picture,
            number=number,
            at_ns=at_ns,
            captured=self._captured,
            late=self._late,
        )
        self._came.set()

    async def frames(self) -> AsyncGenerator[CapturedFrame | SightLost, None]:
        """See edged.capture.sight.FrameSource."""
        while not self._stopped:
            await self._came.wait()
            self._came.clear()
            frame, self._waiting = self._waiting, None
            self._taken.set()
            if frame is not None and not self._stopped:
                yield frame

    async def drain(self) -> None:
        """Return when no frame waits: what was acknowledged is looked at before the end."""
        while self._waiting is not None and not self._stopped:
            self._taken.clear()
            await self._taken.wait()

    async def stop(self) -> None:
        """See edged.capture.sight.FrameSource; a frame that waits is forgotten."""
        self._stopped = True
        self._waiting = None
        self._came.set()
        self._taken.set()

    def start(self) -> None:
        """Take frames again after `stop`."""
        self._stopped = False
        self._came.clear()


def picture_of(image: ImageFormat | None, parts: Sequence[Buffer]) -> Picture:
    """The picture of a request.

    Raises:
        BadRequest: no bytes, or another number than the raw pixels' format says. TooLarge: over 64 MiB.
    """
    size = sum(len(part) for part in parts)
    if not size:
        raise BadRequest("no frame came with the request", fix="send it as binary frames")
    if size > MOST_BYTES:
        raise TooLarge(f"a frame of {size} bytes", fix="send smaller frames", limit=MOST_BYTES)
    if image is not None and not _fits(image, size):
        raise wrong_size(image, size)
    return Picture(data=parts[0] if len(parts) == 1 else b"".join(parts), raw=image)


def _fits(image: ImageFormat, size: int) -> bool:
    """As edged.models.presets.pictures reads it: the last row may have a gap behind it, too."""
    if 0 < image.stride < image.row_bytes:
        return False
    return size in (image.size_bytes, image.stride * image.height)
