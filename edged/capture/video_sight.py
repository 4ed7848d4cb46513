"""A video file that is looked at, seen from the daemon."""

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import aclosing

from edged.capture.files import open_media
from edged.capture.sight import CapturedFrame, SightLost, SightOptions
from edged.capture.sight_orders import Glimpse, VideoOrder
from edged.capture.sight_workers import VIDEO, VIDEO_FRAME_WITHIN_S, captured, running
from edged.errors import BadRequest, EdgedError
from edged.workers.process import Worker


class VideoSight:
    """A video file, read as fast as its frames are taken; fulfils edged.capture.sight.FrameSource."""

    def __init__(self, options: SightOptions, still_below: float) -> None:
        self._options = options
        self._order = VideoOrder(fps=0.0 if options.every else options.fps, still_below=still_below)
        self._worker: Worker | None = None
        self._stopped = False

    async def frames(self) -> AsyncGenerator[CapturedFrame | SightLost, None]:
        """Every wished frame, to the video's end.

        Raises:
            NotFound, Denied, BadMedia, BadRequest: before the first frame. WorkerGone, Deadline:
                the video broke its reader.
        """
        if not self._options.device:
            raise BadRequest("which video is not said", fix="give its path as the device")
        fd = await asyncio.to_thread(open_media, self._options.device)
        try:
            async with running(VIDEO) as worker:
                self._worker = worker
                if self._stopped:
                    return
                async for frame in self._read(worker, fd):
                    yield frame
        finally:
            self._worker = None
            os.close(fd)

    async def _read(self, worker: Worker, fd: int) -> AsyncGenerator[CapturedFrame, None]:
        name = os.path.basename(self._options.device)
        answers = worker.stream(
            "frames", self._order, deadline_s=VIDEO_FRAME_WITHIN_S, fds=(fd,), priority=1
        )
        async with aclosing(answers):
            try:
                async for answer in answers:
                    glimpse = answer.to(Glimpse)
                    if glimpse.data:
                        yield captured(glimpse, name)
            except EdgedError:
                if not self._stopped:
                    raise

    async def stop(self) -> None:
        """See edged.capture.sight.FrameSource."""
        self._stopped = True
        if self._worker is not None:
            await self._worker.end(grace_s=0)
