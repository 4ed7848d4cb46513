"""The queue's runner on a real store, with work that ends as the test wants it."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path

import msgspec
import pytest

from edged.config import Jobs as Settings
from edged.errors import BadMedia, Conflict, WorkerGone
from edged.events import Bus
from edged.jobs.orders import Order, TranscribeFile
from edged.jobs.runner import Runner, backoff_ms
from edged.messages.records import Job
from edged.messages.replies import AnyReply, Progress
from edged.messages.wire import Priority
from edged.store import jobs
from edged.store.database import Store

KEY = bytes(range(32))


class Scripted:
    """Ends each order as its path says: `a` fails as scripted, `hang` waits until it is let go."""

    def __init__(self, failures: list[Exception] | None = None) -> None:
        self.failures = failures or []
        self.seen: list[str] = []
        self.priorities: list[Priority] = []
        self.running = 0
        self.most = 0
        self.cancelled = 0
        self.hangs = False
        self.go_on = asyncio.Event()

    async def carry_out(self, order: Order, job: Job) -> AsyncGenerator[AnyReply, None]:
        assert isinstance(order, TranscribeFile)
        assert job.recording_id is None
        self.seen.append(order.path or "")
        self.priorities.append(job.priority)
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            yield Progress(stage="transcribe", fraction=0.5)
            if order.path == "hang":
                self.hangs = True
                await self.go_on.wait()
            if self.failures and order.path == "a":
                raise self.failures.pop(0)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.running -= 1


Test = Callable[["Rig"], Awaitable[None]]


class Rig:
    """A store, a runner in a task, and what the tests ask them."""

    def __init__(self, store: Store, work: Scripted, settings: Settings) -> None:
        self.store = store
        self.work = work
        self.bus = Bus()
        self.runner = Runner(store, work, self.bus, settings)

    async def submit(self, path: str, *, priority: Priority = "batch") -> Job:
        order = msgspec.msgpack.encode(TranscribeFile(path=path, model="m"))
        job, _ = await self.store.write(
            lambda db: jobs.submit(
                db,
                key=path,
                kind="transcribe",
                payload=order,
                priority=priority,
                max_attempts=3,
                name=path,
            )
        )
        self.runner.wake()
        return job

    async def until(self, job: Job, state: str) -> Job:
        while True:
            found = await self.store.read(lambda db: jobs.get(db, job.job_id))
            if found.state == state:
                return found
            await asyncio.sleep(0.005)


def run(folder: Path, test: Test, *, work: Scripted | None = None, **settings: int) -> None:
    """Run a test beside a runner, which is stopped as the daemon stops it."""

    async def main() -> None:
        chosen = {"backoff_ms": 10, "attempts": 3, **settings}
        store = Store.open(folder / "edged.db", KEY)
        rig = Rig(store, work or Scripted(), Settings(**chosen))
        try:
            async with asyncio.timeout(15), asyncio.TaskGroup() as tasks:
                running = tasks.create_task(rig.runner.run())
                await test(rig)
                running.cancel()
        finally:
            store.close()

    asyncio.run(main())


def test_a_job_is_run_and_done(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        done = await rig.until(await rig.submit("a"), "done")

        assert (done.attempts, done.progress, done.error) == (1, 1.0, None)

    run(tmp_path, test)


def test_a_failure_is_tried_again_until_it_works(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        done = await rig.until(await rig.submit("a"), "done")

        assert done.attempts == 3
        assert rig.runner.failed == 2

    run(tmp_path, test, work=Scripted([WorkerGone("x"), ZeroDivisionError()]))


def test_after_the_last_attempt_it_fails_for_good_and_can_be_retried(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        failed = await rig.until(await rig.submit("a"), "failed")
        assert failed.error is not None
        assert (failed.attempts, failed.error.code) == (3, "worker_gone")

        await rig.store.write(lambda db: jobs.retry(db, failed.job_id))
        rig.runner.wake()
        done = await rig.until(failed, "done")

        assert done.attempts == 1

    run(tmp_path, test, work=Scripted([WorkerGone("x")] * 3))


def test_bad_media_is_not_tried_again(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        failed = await rig.until(await rig.submit("a"), "failed")

        assert failed.attempts == 1
        assert rig.work.seen == ["a"]

    run(tmp_path, test, work=Scripted([BadMedia("x")]))


def test_a_defect_costs_its_job_only_and_is_recorded_as_internal(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        first = await rig.submit("a")
        second = await rig.submit("b")
        failed = await rig.until(first, "failed")
        await rig.until(second, "done")

        assert failed.error is not None
        assert failed.error.code == "internal"

    run(tmp_path, test, work=Scripted([ZeroDivisionError()] * 3), backoff_ms=1)


def test_a_running_job_is_cancelled(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        job = await rig.submit("hang")
        while not rig.work.hangs:  # a job is running in the store a moment before its work is
            await asyncio.sleep(0.005)

        cancelled = await rig.runner.cancel(job.job_id)

        assert cancelled.state == "cancelled"
        assert rig.work.cancelled == 1
        with pytest.raises(Conflict):
            await rig.runner.cancel(job.job_id)
        await rig.until(await rig.submit("next"), "done")

    run(tmp_path, test)


def test_urgent_jobs_come_first(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        await rig.submit("hang")
        while not rig.work.seen:
            await asyncio.sleep(0.005)
        late = await rig.submit("late")
        await rig.submit("urgent", priority="interactive")
        rig.work.go_on.set()
        await rig.until(late, "done")

        assert rig.work.seen == ["hang", "urgent", "late"]

    run(tmp_path, test)


def test_as_many_run_at_once_as_configured(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        submitted = [await rig.submit("hang"), await rig.submit("b"), await rig.submit("c")]
        for job in submitted[1:]:
            await rig.until(job, "done")
        rig.work.go_on.set()
        await rig.until(submitted[0], "done")

        assert rig.work.most == 2

    run(tmp_path, test, concurrency=2)


def test_a_session_s_work_does_not_wait_for_a_batch_job(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        hanging = await rig.submit("hang")
        await rig.submit("b")
        await rig.until(hanging, "running")

        await rig.submit("s", priority="session")
        last = await rig.submit("t", priority="session")
        await rig.until(last, "done")

        assert rig.work.seen == ["hang", "s", "t"]
        assert rig.work.most == 2
        rig.work.go_on.set()

    run(tmp_path, test)


def test_a_stopped_daemon_leaves_its_jobs_for_the_next(tmp_path: Path) -> None:
    async def hang(rig: Rig) -> None:
        await rig.until(await rig.submit("hang"), "running")

    async def finish(rig: Rig) -> None:
        rig.work.go_on.set()
        while not (await rig.store.read(jobs.counts))["done"]:
            await asyncio.sleep(0.005)
        assert rig.work.seen == ["hang"]

    run(tmp_path, hang)
    run(tmp_path, finish)


def test_progress_is_hinted(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        subscription = rig.bus.subscribe(("job.progress",))
        await rig.until(await rig.submit("a"), "done")
        event = await subscription.next()

        assert not isinstance(event, int)
        assert event[0] is None

    run(tmp_path, test)


def test_the_wait_doubles_with_jitter() -> None:
    for attempt, expected in ((1, 1000), (2, 2000), (3, 4000)):
        waits = {backoff_ms(attempt, 1000) for _ in range(50)}
        assert min(waits) >= expected * 0.75
        assert max(waits) <= expected * 1.25
        assert len(waits) > 1
