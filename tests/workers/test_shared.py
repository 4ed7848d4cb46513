"""A worker that several need: one process, ended when idle, replaced when it died."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable

import pytest

from edged.errors import EngineMissing
from edged.workers.process import Worker, WorkerSpec
from edged.workers.shared import SharedWorker

FAKE = WorkerSpec(name="fake", module="fake_engine")


def play(scenario: Callable[[SharedWorker], Awaitable[None]], *, idle_s: float = 30.0) -> None:
    async def whole() -> None:
        shared = SharedWorker(FAKE, idle_s=idle_s)
        try:
            await scenario(shared)
        finally:
            await shared.close()

    asyncio.run(whole())


async def ended(worker: Worker) -> None:
    gone = asyncio.Event()
    worker.on_exit = lambda _: gone.set()
    if worker.alive:
        async with asyncio.timeout(10):
            await gone.wait()


def test_all_who_need_it_at_once_have_the_same_one() -> None:
    async def scenario(shared: SharedWorker) -> None:
        assert shared.worker is None
        async with shared.lent() as first, shared.lent() as second:
            assert first is second
            assert first.alive

    play(scenario)


def test_it_stays_for_the_next_one_and_ends_when_nobody_needed_it_for_a_while() -> None:
    async def scenario(shared: SharedWorker) -> None:
        async with shared.lent() as worker:
            assert worker.alive
        await ended(worker)
        assert shared.worker is None
        async with shared.lent() as another:
            assert another.pid != worker.pid

    play(scenario, idle_s=0.01)


def test_one_that_died_is_replaced() -> None:
    async def scenario(shared: SharedWorker) -> None:
        async with shared.lent() as worker:
            os.kill(worker.pid, signal.SIGKILL)
            await ended(worker)
        async with shared.lent() as another:
            assert another.alive
            assert another.pid != worker.pid

    play(scenario)


def test_closing_ends_it() -> None:
    async def scenario(shared: SharedWorker) -> None:
        async with shared.lent() as worker:
            pass
        await shared.close()
        assert not worker.alive

    play(scenario)


def test_one_that_cannot_start_is_an_error_for_each_who_asks() -> None:
    async def scenario() -> None:
        shared = SharedWorker(WorkerSpec(name="fake", module="edged_no_such_engine"))
        for _ in range(2):
            with pytest.raises(EngineMissing):
                async with shared.lent():
                    pytest.fail("there is none")
        await shared.close()

    asyncio.run(scenario())
