"""A worker that is there while somebody needs it: started with the first, ended when idle, replaced when dead."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from edged.workers.process import Worker, WorkerSpec

IDLE_S = 30.0
START_WITHIN_S = 30.0


class SharedWorker:
    """Lends one worker to several at once. Loop thread only.

    Args:
        spec: of the worker.
        idle_s: it ends when nobody has had it for so long.
    """

    def __init__(self, spec: WorkerSpec, *, idle_s: float = IDLE_S) -> None:
        self._spec = spec
        self._idle_s = idle_s
        self._worker: Worker | None = None
        self._starting = asyncio.Lock()
        self._lent = 0
        self._ending: asyncio.TimerHandle | None = None
        self._ends: set[asyncio.Task[None]] = set()

    @property
    def worker(self) -> Worker | None:
        """The process; None while there is none."""
        return self._worker

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[Worker]:
        """The worker, alive when it is lent; it may die meanwhile.

        Raises:
            WorkerGone, Deadline, EngineMissing: it cannot be started.
        """
        self._lent += 1
        try:
            yield await self._started()
        finally:
            self._lent -= 1
            if not self._lent:
                self._end_later()

    async def close(self) -> None:
        """End the worker now."""
        self._keep()
        worker, self._worker = self._worker, None
        if worker is not None:
            await worker.end()
        if self._ends:
            await asyncio.wait(self._ends)

    async def _started(self) -> Worker:
        self._keep()
        async with self._starting:
            if self._worker is None or not self._worker.alive:
                self._worker = await Worker.spawn(self._spec, load_deadline_s=START_WITHIN_S)
            return self._worker

    def _keep(self) -> None:
        if self._ending is not None:
            self._ending.cancel()
            self._ending = None

    def _end_later(self) -> None:
        self._keep()
        self._ending = asyncio.get_running_loop().call_later(self._idle_s, self._end)

    def _end(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            name = f"end the worker {self._spec.name}"
            task = asyncio.get_running_loop().create_task(worker.end(), name=name)
            self._ends.add(task)
            task.add_done_callback(self._ends.discard)
