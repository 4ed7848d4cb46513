"""No model waits for another one; what hangs is ended beside everything; cancelling always works."""

import asyncio
import os
import signal
from pathlib import Path

import msgspec
import pytest
from fake_pools import (  # noqa: F401 - the fixture is used by being there
    QUICK,
    SOON,
    codes,
    model,
    only_fakes,
    pool_of,
    run,
    states,
    until,
    who,
)

from fake_engine import Blob, Fake, Question  # isort: skip - fake_pools says where it lies

from edged.config import Paths
from edged.errors import Deadline
from edged.models.lease import Lease
from edged.workers import system

NEVER = "/nowhere/gate"


async def expect_deadline(lease: Lease[Fake]) -> None:
    with pytest.raises(Deadline):
        await lease.call(lease.model.hang, Question())


def test_a_load_that_hangs_keeps_no_other_model_from_answering(paths: Paths) -> None:
    async def scenario() -> None:
        stuck = model("stuck", parameters={"load_when": NEVER})
        async with pool_of(paths, stuck, model("a"), model("b")) as pool:
            async with asyncio.TaskGroup() as group, pool.borrow("a", Fake) as lease:
                load = group.create_task(pool.load("stuck"))
                await until(lambda: states(pool)["stuck"] == "loading")
                async with asyncio.timeout(SOON):
                    await who(lease)
                    await pool.load("b")
                    await pool.unload("b")
                assert states(pool)["stuck"] == "loading"
                load.cancel()
            await until(lambda: states(pool)["stuck"] == "unloaded")

    run(scenario)


def test_a_hung_worker_is_ended_while_another_model_loads(paths: Paths, tmp_path: Path) -> None:
    gate = tmp_path / "gate"

    async def scenario() -> None:
        limits = msgspec.structs.replace(QUICK, call_deadline_ms=200)
        slow = model("slow", parameters={"load_when": str(gate)})
        async with (
            pool_of(paths, model("a"), slow, limits=limits) as pool,
            pool.borrow("a", Fake) as lease,
            asyncio.TaskGroup() as group,
        ):
            pid = (await who(lease)).number
            load = group.create_task(pool.load("slow"))
            await until(lambda: states(pool)["slow"] == "loading")
            await expect_deadline(lease)
            await until(lambda: not system.state_of(pid))
            assert (await who(lease)).number != pid
            assert not load.done()
            gate.touch()
            await load

    run(scenario)


def test_a_stopped_worker_that_is_replaced_keeps_no_other_model_waiting(paths: Paths) -> None:
    async def scenario() -> None:
        async with (
            pool_of(paths, model("a"), model("b")) as pool,
            pool.borrow("a", Fake) as stopped,
            pool.borrow("b", Fake) as lease,
            asyncio.TaskGroup() as group,
        ):
            pid = (await who(stopped)).number
            os.kill(pid, signal.SIGSTOP)
            await until(lambda: "worker_stopped" in codes(pool))
            again = group.create_task(who(stopped))
            assert (await who(lease)).text == "b"
            assert (await again).number != pid

    run(scenario)


def test_a_load_that_is_cancelled_ends_its_worker_and_is_made_again(
    paths: Paths, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"

    async def scenario() -> None:
        slow = model("a", parameters={"load_when": str(gate)})
        async with pool_of(paths, slow) as pool, asyncio.TaskGroup() as group:
            load = group.create_task(pool.load("a"))
            await until(lambda: states(pool)["a"] == "loading" and len(_children()) == 1)
            load.cancel()
            await until(lambda: states(pool)["a"] == "unloaded" and not _children())
            gate.touch()
            async with pool.borrow("a", Fake) as lease:
                assert (await who(lease)).text == "a"

    run(scenario)


def _children() -> list[str]:
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()


def test_a_call_that_is_cancelled_while_it_queues_never_runs(paths: Paths, tmp_path: Path) -> None:
    gate = tmp_path / "gate"

    async def scenario() -> None:
        async with (
            pool_of(paths, model("a")) as pool,
            pool.borrow("a", Fake) as one,
            pool.borrow("a", Fake) as two,
            asyncio.TaskGroup() as group,
        ):
            running = group.create_task(
                one.call(one.model.wait_for, Blob(data=b"", note=str(gate)))
            )
            await until(lambda: states(pool)["a"] == "busy")
            waiter = group.create_task(two.call(two.model.hang, Question()))
            await until(lambda: pool.loaded()[0].queued == 1)
            waiter.cancel()
            await until(lambda: pool.loaded()[0].queued == 0)
            gate.touch()
            assert (await running).text == "it is there"
            assert (await who(two)).text == "a"
            assert pool.spawned == 1

    run(scenario)


def test_a_running_call_that_is_cancelled_frees_its_caller_at_once_and_its_worker_soon(
    paths: Paths, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"

    async def scenario() -> None:
        async with (
            pool_of(paths, model("a"), model("b")) as pool,
            pool.borrow("a", Fake) as lease,
            pool.borrow("b", Fake) as other,
            asyncio.TaskGroup() as group,
        ):
            call = group.create_task(
                lease.call(lease.model.wait_for, Blob(data=b"", note=str(gate)))
            )
            await until(lambda: states(pool)["a"] == "busy")
            call.cancel()
            async with asyncio.timeout(SOON):
                await asyncio.wait([call])
                await who(other)
            gate.touch()
            assert (await who(lease)).text == "a"
            assert pool.spawned == 2

    run(scenario)


# --- what is told of calls ---


def test_waiting_and_running_are_told_apart(paths: Paths) -> None:
    async def scenario() -> None:
        async with pool_of(paths, model("a")) as pool, pool.borrow("a", Fake) as lease:
            other = pool.borrow("a", Fake)
            async with other as two, asyncio.TaskGroup() as group:
                for one in (lease, two):
                    group.create_task(one.call(one.model.until_asked_once, Question(number=150)))
            (record,) = pool.loaded()
            assert record.calls == 2
            assert record.computed.p50_us >= 150_000
            # The second may have asked a little after the first began: half a call tells them apart.
            assert record.waited.p50_us < 75_000 <= record.waited.p95_us

    run(scenario)


def test_a_call_that_waits_in_the_worker_does_not_count_as_running(paths: Paths) -> None:
    async def scenario() -> None:
        async with (
            pool_of(paths, model("a")) as pool,
            pool.borrow("a", Fake, priority="batch") as lease,
            asyncio.TaskGroup() as group,
        ):
            calls = [
                group.create_task(lease.call(lease.model.until_asked_once, Question(number=150)))
                for _ in range(4)
            ]
            await asyncio.wait(calls)
            (record,) = pool.loaded()
            # Two are in the worker at once: the time behind another one is no time of its own.
            assert 150_000 <= record.computed.p50_us < 300_000
            assert record.waited.p95_us >= 450_000

    run(scenario)


def test_when_a_model_leaves_is_told_only_when_it_may_leave(paths: Paths) -> None:
    async def scenario() -> None:
        async with pool_of(paths, model("a")) as pool:
            async with pool.borrow("a", Fake):
                (lent,) = pool.loaded()
            (free,) = pool.loaded()
            assert lent.expires_at is None
            assert lent.expires_in_ms is None
            assert free.expires_in_ms is not None
            assert free.expires_at is not None
            assert free.expires_at > free.loaded_at
            assert (free.vram_bytes, free.device, free.device_asked) == (0, "cpu", "auto")

    run(scenario)


def test_every_request_may_say_how_long_the_model_stays(paths: Paths) -> None:
    async def scenario() -> None:
        async with pool_of(paths, model("a")) as pool:
            async with pool.borrow("a", Fake, keep_alive_ms=-1):
                pass
            assert pool.loaded()[0].expires_in_ms is None
            async with pool.borrow("a", Fake, keep_alive_ms=60_000):
                pass
            left = pool.loaded()[0].expires_in_ms
            assert left is not None
            assert 0 < left <= 60_000
            async with pool.borrow("a", Fake, keep_alive_ms=0):
                pass
            assert pool.loaded() == ()

    run(scenario)


def test_how_long_a_model_stays_is_asked_anew_after_it_was_ended(paths: Paths) -> None:
    async def scenario() -> None:
        async with pool_of(paths, model("a")) as pool:
            async with pool.borrow("a", Fake, keep_alive_ms=0):
                pass
            await pool.load("a")
            left = pool.loaded()[0].expires_in_ms
            assert left is not None
            assert left > 60_000
            await pool.load("a", keep_alive_ms=-1)
            os.kill(pool.loaded()[0].pid, signal.SIGKILL)
            await until(lambda: not pool.loaded())
            await pool.load("a")
            assert pool.loaded()[0].expires_in_ms is None  # it was not ended on purpose

    run(scenario)
