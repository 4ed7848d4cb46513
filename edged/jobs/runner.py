"""Runs the durable queue: claims a job, works, records what came of it.

A job's lease is renewed while it runs. If the daemon dies, the lease runs out and the job is
claimed again; the pipeline then goes on behind the last committed window.
"""

import asyncio
import logging
import os
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Protocol

from msgspec import Struct

from edged.config import Jobs as Settings
from edged.errors import (
    BadMedia,
    EdgedError,
    EngineMissing,
    Internal,
    LicenceRequired,
    ModelMissing,
    NoAudio,
    NotKept,
    Unsupported,
)
from edged.events import Bus
from edged.jobs import orders
from edged.jobs.orders import Order
from edged.messages.events import JobProgress
from edged.messages.records import Job, Problem
from edged.messages.replies import Accepted, AnyReply, Progress
from edged.messages.wire import Priority
from edged.store import jobs, outcomes
from edged.store.database import Store

log = logging.getLogger(__name__)

FINAL = (
    BadMedia,
    ModelMissing,
    LicenceRequired,
    EngineMissing,
    Unsupported,
    NoAudio,
    NotKept,
)
"""Trying again would end the same way."""

JITTER = 0.25
"""A retry comes up to so much earlier or later, so that many do not come at once."""

STORE_TROUBLE_S = 2.0
"""How soon a store that could not be written is tried again."""

PROGRESS_S = 1.0
"""At most so often is a job's progress written down."""


class Carrier(Protocol):
    """Carries out what a job asks for; fulfilled by edged.jobs.work.Work."""

    def carry_out(self, order: Order, job: Job) -> AsyncGenerator[AnyReply, None]:
        """Replies as Pipeline.transcribe gives them."""
        ...


class Running(Struct):
    """A job that runs now."""

    job_id: str
    task: asyncio.Task[None]
    priority: Priority
    cancelled: bool = False


class Runner:
    """Works on the queue, several jobs at once if so configured. Loop thread only.

    Args:
        store: holds the queue.
        work: does what a job asks for.
        bus: hears hints of progress.
        settings: how many at once, attempts, lease.
    """

    def __init__(self, store: Store, work: Carrier, bus: Bus, settings: Settings) -> None:
        self._store = store
        self._work = work
        self._bus = bus
        self._settings = settings
        self._running: dict[str, Running] = {}
        self._news = asyncio.Event()
        self._counts: dict[str, int] = {}
        self.started = 0
        self.failed = 0

    @property
    def depth(self) -> int:
        """How many jobs wait or run, as of the last change."""
        return self._counts.get("queued", 0) + self._counts.get("running", 0)

    def wake(self) -> None:
        """Something was queued: look now."""
        self._news.set()

    async def run(self) -> None:
        """Work until cancelled; jobs that run then go back into the queue.

        A store that cannot be written (the disk is full) is waited for.
        """
        try:
            async with asyncio.TaskGroup() as tasks:
                await self._patiently(self._release)
                while True:
                    self._news.clear()
                    await self._patiently(lambda: self._fill(tasks))
                    await self._patiently(self._wait)
        finally:
            for running in self._running.values():
                running.task.cancel()

    async def _patiently(self, step: Callable[[], Awaitable[None]]) -> None:
        """Do one step, again after a while as long as the store refuses it."""
        while True:
            try:
                return await step()
            except EdgedError as error:
                log.warning("the queue waits for the store: %s", error.code)
                await asyncio.sleep(STORE_TROUBLE_S)

    async def _release(self) -> None:
        await self._store.write(outcomes.release)

    async def cancel(self, job_id: str) -> Job:
        """Cancel a job, queued or running, and return it as it is then.

        Raises:
            NotFound: no such job. Conflict: it has ended.
        """
        job = await self._store.write(lambda db: outcomes.cancel(db, job_id))
        if running := self._running.get(job_id):
            running.cancelled = True
            running.task.cancel()
            await asyncio.wait({running.task})
        self.wake()
        return job

    async def _fill(self, tasks: asyncio.TaskGroup) -> None:
        """Claim jobs until enough run or none is due."""
        while (least := self._wanted()) is not None:
            claimed = await self._claim(least)
            if claimed is None:
                break
            job, payload = claimed
            task = tasks.create_task(self._run(job, payload, tasks), name=f"job {job.job_id}")
            self._running[job.job_id] = Running(job_id=job.job_id, task=task, priority=job.priority)
            task.add_done_callback(self._ended(job.job_id))
        self._counts = await self._store.read(jobs.counts)

    def _wanted(self) -> Priority | None:
        """How urgent a job must be to begin now; None: none begins.

        One session's work goes on beside the batch jobs that fill every place: somebody waits for
        it, and the models' calls are ordered by urgency anyway.
        """
        if len(self._running) < self._settings.concurrency:
            return "batch"
        all_batch = all(one.priority == "batch" for one in self._running.values())
        return "session" if all_batch else None

    async def _claim(self, least: Priority) -> tuple[Job, bytes] | None:
        lease_ms = self._settings.lease_ms
        return await self._store.write(
            lambda db: outcomes.claim(
                db, worker=_worker(), lease_ms=lease_ms, now=_now(), least=least
            )
        )

    def _ended(self, job_id: str) -> Callable[[asyncio.Task[None]], None]:
        def forget(_: asyncio.Task[None]) -> None:
            self._running.pop(job_id, None)
            self.wake()

        return forget

    async def _wait(self) -> None:
        """Until something is queued or ends, or a retry is due."""
        least = self._wanted()
        due = None
        if least is not None:
            due = await self._store.read(lambda db: jobs.next_due(db, least=least))
        wait_s = max(0.05, (due - _now()).total_seconds()) if due else None
        try:
            async with asyncio.timeout(wait_s):
                await self._news.wait()
        except TimeoutError:
            return

    async def _run(self, job: Job, payload: bytes, tasks: asyncio.TaskGroup) -> None:
        """One job, from claim to record. The second of the three broad catches: one job."""
        self.started += 1
        try:
            await self._do(job, payload, tasks)
        except asyncio.CancelledError:
            running = self._running.get(job.job_id)
            if running is None or not running.cancelled:
                raise  # the daemon stops: the queue takes the job up again
        except EdgedError as error:
            await self._record_failure(job, error)
        except Exception:
            log.exception("job %s failed", job.job_id)
            await self._record_failure(job, Internal("the job failed"))

    async def _do(self, job: Job, payload: bytes, tasks: asyncio.TaskGroup) -> None:
        order = orders.decode(job.kind, payload)
        report = _Report(self._store, self._bus, job.job_id, self._settings.lease_ms)
        beat = tasks.create_task(report.beat(), name="heartbeat")
        try:
            async with aclosing(self._work.carry_out(order, job)) as replies:
                async for reply in replies:
                    await report.hear(reply)
        finally:
            beat.cancel()
        await self._store.write(
            lambda db: outcomes.finish(db, job.job_id, recording_id=report.recording_id)
        )

    async def _record_failure(self, job: Job, error: EdgedError) -> None:
        self.failed += 1
        problem = Problem(code=error.code, message=error.message, fix=error.fix)
        again = not isinstance(error, FINAL)
        delay_ms = backoff_ms(job.attempts, self._settings.backoff_ms)
        log.info("job %s failed: %s", job.job_id, error.code)
        try:
            await self._store.write(
                lambda db: outcomes.fail(db, job.job_id, problem, retry=again, delay_ms=delay_ms)
            )
        except EdgedError as second:  # its lease runs out, and it is claimed again
            log.warning("failure of job %s not recorded: %s", job.job_id, second.code)


class _Report:
    """Tells the queue and the bus how a job goes on."""

    def __init__(self, store: Store, bus: Bus, job_id: str, lease_ms: int) -> None:
        self._store = store
        self._bus = bus
        self._job_id = job_id
        self._lease_ms = lease_ms
        self._stage = ""
        self._told = 0.0
        self.recording_id: str | None = None

    async def hear(self, reply: AnyReply) -> None:
        """One reply of the pipeline."""
        if isinstance(reply, Accepted):
            recording_id = self.recording_id = reply.recording_id
            await self._store.write(
                lambda db: jobs.attach(db, self._job_id, recording_id=recording_id)
            )
        elif isinstance(reply, Progress):
            await self._progress(reply)

    async def _progress(self, progress: Progress) -> None:
        self._bus.hint(
            JobProgress(
                job_id=self._job_id,
                stage=progress.stage,
                progress=progress.fraction,
                done_ms=progress.done_ms,
                audio_ms=progress.audio_ms,
            )
        )
        moment = asyncio.get_running_loop().time()
        if progress.stage == self._stage and moment - self._told < PROGRESS_S:
            return
        self._stage, self._told = progress.stage, moment
        stage, fraction = progress.stage, progress.fraction
        await self._store.write(
            lambda db: outcomes.progress(db, self._job_id, stage=stage, progress=fraction)
        )

    async def beat(self) -> None:
        """Renew the lease, three times within its length."""
        while True:
            await asyncio.sleep(self._lease_ms / 3000)
            try:
                await self._renew()
            except EdgedError as error:
                log.warning("lease of job %s not renewed: %s", self._job_id, error.code)

    async def _renew(self) -> None:
        lease_ms = self._lease_ms
        await self._store.write(
            lambda db: jobs.heartbeat(db, self._job_id, lease_ms=lease_ms, now=_now())
        )


def backoff_ms(attempts: int, first_ms: int) -> int:
    """How long to wait before the next try: doubled each time, with jitter."""
    wait = first_ms * 2 ** max(0, attempts - 1)
    return int(wait * random.uniform(1 - JITTER, 1 + JITTER))  # noqa: S311 - no secret


def _worker() -> str:
    return f"pid {os.getpid()}"


def _now() -> datetime:
    return datetime.now(UTC)
