"""The workers that look, as the daemon starts them, and what it makes of their answers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from edged.capture.sight import CapturedFrame
from edged.capture.sight_orders import Glimpse
from edged.media import ImageFormat, Picture
from edged.workers.process import Worker, WorkerSpec

CAMERA = WorkerSpec(name="camera", module="edged.capture.camera_worker")
VIDEO = WorkerSpec(name="video", module="edged.capture.video_worker")

START_WITHIN_S = 20.0
ANSWER_WITHIN_S = 10.0
VIDEO_FRAME_WITHIN_S = 60.0
"""Between two wished frames of a video, a second of which may be hours of it that are left out."""

NOTHING = Glimpse()


@asynccontextmanager
async def running(spec: WorkerSpec) -> AsyncIterator[Worker]:
    """A worker for as long as the block lasts.

    Raises:
        WorkerGone, Deadline, EngineMissing: it does not start.
    """
    worker = await Worker.spawn(spec, load_deadline_s=START_WITHIN_S)
    try:
        yield worker
    finally:
        await worker.end(grace_s=0)


def captured(glimpse: Glimpse, device: str, before: Glimpse = NOTHING) -> CapturedFrame:
    """A worker's frame as it is given on; `before` has the counts of the workers before it."""
    raw = ImageFormat(width=glimpse.width, height=glimpse.height)
    return CapturedFrame(
        picture=Picture(data=glimpse.data, raw=raw),
        number=before.captured + glimpse.number,
        at_ns=glimpse.at_ns,
        captured=before.captured + glimpse.captured,
        still=before.still + glimpse.still,
        late=before.late + glimpse.late,
        device=device,
        moved=glimpse.moved,
        of_ms=glimpse.of_ms,
    )
