"""The camera worker's object: one open camera or pipe, and its newest frame.

Runs in a worker process of its own for each source, which ends with it: there is nothing to close.
"""

import os

from edged.capture.camera_frames import CameraReader, list_cameras, open_camera
from edged.capture.newest import Newest
from edged.capture.pipe import PipeReader
from edged.capture.sight_orders import CameraList, CameraOrder, Glimpse, NodesOrder, Opened, Wait
from edged.errors import Conflict
from edged.workers.context import WorkerContext


def load(argument: bytes, context: WorkerContext) -> "CameraWorker":
    """The worker's entry; `argument` is not used."""
    del argument
    return CameraWorker(context)


class CameraWorker:
    """One camera. Main thread; its frames are read in another one."""

    def __init__(self, context: WorkerContext) -> None:
        self._context = context
        self._newest: Newest | None = None

    def cameras(self, order: NodesOrder) -> CameraList:
        """The cameras among some device nodes."""
        return CameraList(cameras=list_cameras(order.paths))

    def begin(self, order: CameraOrder) -> Opened:
        """Open the camera, or the pipe whose descriptor comes with the call.

        Raises:
            DeviceMissing, DeviceBusy, PermissionDenied, DeviceRefused: it cannot be opened.
        """
        newest = self._newest = Newest(order.fps, order.still_below)
        if order.path:
            CameraReader(open_camera(order), newest).start()
        else:
            PipeReader(os.dup(self._context.descriptors()[0]), newest).start()
        return Opened()

    def next(self, wait: Wait) -> Glimpse:
        """The newest frame that was not given yet.

        Raises:
            BadMedia: what comes is no video, and never was.
        """
        if self._newest is None:
            raise Conflict("no camera is open in this worker")
        return self._newest.take(wait.within_ms / 1000)
