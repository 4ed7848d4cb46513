"""Frames as picture files, made in a worker that starts with the first one and ends when idle."""

import asyncio

from msgspec import Struct

from edged.media import Picture
from edged.workers.process import Worker, WorkerSpec

MEDIA_TYPE = "image/webp"

IDLE_S = 30.0
START_WITHIN_S = 20.0
ENCODE_WITHIN_S = 10.0

_SPEC = WorkerSpec(name="stills", module="edged.capture.still_worker")


class Still(Struct, frozen=True, kw_only=True):
    """A picture file. width, height: in pixels."""

    data: bytes | memoryview
    media_type: str
    width: int
    height: int


class Stills:
    """Lends the worker. Loop thread only."""

    def __init__(self) -> None:
        self._worker: Worker | None = None
        self._turn = asyncio.Lock()
        self._ending: asyncio.TimerHandle | None = None
        self._ends: set[asyncio.Task[None]] = set()

    async def encode(self, picture: Picture) -> Still:
        """A frame of raw RGB as a file; one after the other.

        Raises:
            BadRequest: see StillWorker.encode.
            WorkerGone, Deadline, EngineMissing: it cannot be made now.
        """
        async with self._turn:
            self._keep()
            try:
                if self._worker is None or not self._worker.alive:
                    self._worker = await Worker.spawn(_SPEC, load_deadline_s=START_WITHIN_S)
                answer = await self._worker.call("encode", picture, deadline_s=ENCODE_WITHIN_S)
            finally:
                self._ending = asyncio.get_running_loop().call_later(IDLE_S, self._end)
        return answer.to(Still)

    async def close(self) -> None:
        """End the worker now."""
        self._keep()
        worker, self._worker = self._worker, None
        if worker is not None:
            await worker.end()
        if self._ends:
            await asyncio.wait(self._ends)

    def _keep(self) -> None:
        if self._ending is not None:
            self._ending.cancel()
            self._ending = None

    def _end(self) -> None:
        self._ending = None
        worker, self._worker = self._worker, None
        if worker is not None:
            task = asyncio.get_running_loop().create_task(worker.end(), name="end of stills")
            self._ends.add(task)
            task.add_done_callback(self._ends.discard)
