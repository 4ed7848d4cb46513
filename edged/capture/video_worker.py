"""The video worker's object: the frames of a file, whose descriptor comes with the call."""

from collections.abc import Iterator
from contextlib import closing

from edged.capture.sight_orders import Glimpse, VideoOrder
from edged.capture.video_frames import VideoFile
from edged.workers.context import WorkerContext


def load(argument: bytes, context: WorkerContext) -> "VideoWorker":
    """The worker's entry; `argument` is not used."""
    del argument
    return VideoWorker(context)


class VideoWorker:
    """Reads videos, one after the other. Main thread."""

    def __init__(self, context: WorkerContext) -> None:
        self._context = context

    def frames(self, order: VideoOrder) -> Iterator[Glimpse]:
        """The wished frames in order; the last answer has none, but counts and `ended`.

        Raises:
            BadMedia: the file holds no video that can be read.
        """
        with closing(VideoFile(self._context.descriptors()[0])) as video:
            yield from video.glimpses(order)
