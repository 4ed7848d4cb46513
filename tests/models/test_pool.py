"""The pool with real workers and a fake engine. Every wait has a condition and a deadline."""

import asyncio
import contextlib
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

from edged import config
from edged.config import Paths
from edged.errors import (
    BadMedia,
    Busy,
    Conflict,
    CorruptModel,
    Deadline,
    EngineMissing,
    ModelMissing,
    Quarantined,
    WorkerGone,
)
from edged.models import pool as pools
from edged.models.lease import Lease
from edged.workers import system

# --- lending ---


def test_a_lease_calls_and_streams_with_types(paths: Paths) -> None:
    async def scenario() -> None:
        async with pool_of(paths, model("a")) as pool, pool.borrow("a", Fake) as lease:
            reply = await lease.call(lease.model.who, Question(text="!"))
            echoed = await lease.call(lease.model.echo, Blob(data=b"x" * 100_000))
            counted = [
                one.number async for one in lease.stream(lease.model.count, Question(number=3))
            ]
            assert reply.text == "a!"
            assert echoed.data == b"x" * 100_000
            assert counted == [0, 1, 2]
            with pytest.raises(BadMedia):
                await lease.call(lease.model.fail, Question())

    run(scenario)


def test_two_borrowers_share_one_load(paths: Paths) -> None:
    async def scenario() -> None:
        async with pool_of(paths, model("a")) as pool:

            async def borrow() -> int:
                async with pool.borrow("a", Fake) as lease:
                    return (await who(lease)).number

            first, second = await asyncio.gather(borrow(), borrow())
            assert first == second
            assert pool.spawned == 1
            assert pool.calls == 2

    run(scenario)


def test_a_borrower_that_leaves_while_loading_hands_the_load_over(paths: Paths) -> None:
    async def scenario() -> None:
        async with pool_of(paths, model("a")) as pool, asyncio.TaskGroup() as group:
            leaver = group.create_task(pool.load("a"))
            await until(lambda: states(pool)["a"] == "loading")
            async with asyncio.timeout(SOON):
                leaver.cancel()
                async with pool.borrow("a", Fake) as lease:
                    await who(lease)

    run(scenario)


def test_two_models_share_a_worker_and_are_unloaded_one_by_one(paths: Paths) -> None:
    async def scenario() -> None:
        async with pool_of(paths, model("a", worker="small"), model("b", worker="small")) as pool:
            async with pool.borrow("a", Fake) as one, pool.borrow("b", Fake) as two:
                first, second = await who(one), await who(two)
            assert (first.text, second.text) == ("a", "b")
            assert first.number == second.number
            await pool.unload("a")
            assert [record.id for record in pool.loaded()] == ["b"]
            await pool.unload("b")
            assert pool.loaded() == ()
            await until(lambda: not system.state_of(first.number))

    run(scenario)


def test_a_model_that_holds_the_gil_never_shares(paths: Paths) -> None:
    async def scenario() -> None:
        mates = (model("a", worker="small", holds_gil=True), model("b", worker="small"))
        async with pool_of(paths, *mates) as pool:
            async with pool.borrow("a", Fake) as one, pool.borrow("b", Fake) as two:
                first, second = await who(one), await who(two)
            assert first.number != second.number
            assert codes(pool) == ["config_error"]

    run(scenario)


def test_unknown_models_and_absent_engines_say_what_to_do(paths: Paths) -> None:
    async def scenario() -> None:
        async with pool_of(paths, model("a", engine="absent")) as pool:
            with pytest.raises(ModelMissing):
                await pool.load("nothing")
            with pytest.raises(EngineMissing, match="edged_no_such_package") as caught:
                await pool.load("a")
            assert caught.value.fix == "pip install 'edged[vision]'"
            (summary,) = pool.summaries()
            assert not summary.installed
            assert summary.problem is not None
            assert summary.problem.code == "engine_missing"

    run(scenario)


def test_a_model_larger_than_the_free_memory_is_refused(paths: Paths) -> None:
    async def scenario() -> None:
        async with pool_of(paths, model("a", memory_bytes=2**50)) as pool:
            with pytest.raises(Busy, match="no memory for a"):
                await pool.load("a")

    run(scenario)


def test_unused_models_make_room_the_oldest_first(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        models = [model(name, memory_bytes=100) for name in ("lent", "old", "kept", "new", "b")]
        async with pool_of(paths, *models) as pool, pool.borrow("lent", Fake):
            await pool.load("kept", keep_alive_ms=-1)
            await pool.load("old")
            await pool.load("new")
            monkeypatch.setattr(
                system, "available_memory", lambda: 500 - 100 * len(pool.loaded(measure=False))
            )
            await pool.load("b")
            assert {one.id for one in pool.loaded()} == {"lent", "kept", "new", "old", "b"}
            await pool.unload("b")
            monkeypatch.setattr(
                system, "available_memory", lambda: 450 - 100 * len(pool.loaded(measure=False))
            )
            await pool.load("b")
            assert {one.id for one in pool.loaded()} == {"lent", "kept", "new", "b"}

    run(scenario)


# --- keep-alive ---


def test_a_keep_alive_of_zero_ends_the_worker_with_the_lease(paths: Paths) -> None:
    async def scenario() -> None:
        async with pool_of(paths, model("a")) as pool:
            async with pool.borrow("a", Fake, keep_alive_ms=0) as lease:
                pid = (await who(lease)).number
            assert pool.loaded() == ()
            assert not system.state_of(pid)
            assert codes(pool) == []

    run(scenario)


def test_a_model_expires_but_not_while_it_is_lent(paths: Paths) -> None:
    async def scenario() -> None:
        limits = msgspec.structs.replace(QUICK, keep_alive_ms=100, canary_ms=10)
        async with pool_of(paths, model("a"), limits=limits) as pool:
            async with pool.borrow("a", Fake) as lease:
                await who(lease)
                await asyncio.sleep(0.25)
                assert len(pool.loaded()) == 1
            # Canaries, ps and health go on all the time; none of them keeps it.
            await until(lambda: pool.loaded() == () and pool.reasons() == ())

    run(scenario)


def test_a_model_is_kept_for_ever_when_asked(paths: Paths) -> None:
    async def scenario() -> None:
        limits = msgspec.structs.replace(QUICK, keep_alive_ms=50)
        async with pool_of(paths, model("a"), limits=limits) as pool:
            await pool.load("a", keep_alive_ms=-1)
            await asyncio.sleep(0.2)
            (record,) = pool.loaded()
            assert record.expires_in_ms is None
            assert record.pss_bytes > 2**20
            await pool.load("a", keep_alive_ms=10)
            await until(lambda: not pool.loaded())

    run(scenario)


def test_unload_waits_for_the_running_call(paths: Paths) -> None:
    async def scenario() -> None:
        async with pool_of(paths, model("a")) as pool, pool.borrow("a", Fake) as lease:
            async with asyncio.TaskGroup() as group:
                call = group.create_task(lease.call(lease.model.hang, Question(number=1)))
                await until(lambda: states(pool)["a"] == "busy")
                await pool.unload("a")
                assert call.result().text == "slept"
            assert pool.loaded() == ()
            assert (await who(lease)).text == "a"  # the lease loads it again

    run(scenario)


# --- failing ---


def test_a_killed_worker_costs_one_call_and_is_started_anew(paths: Paths) -> None:
    async def scenario() -> None:
        async with pool_of(paths, model("a"), model("b")) as pool:
            async with pool.borrow("a", Fake) as lease, pool.borrow("b", Fake) as other:
                await who(other)
                with pytest.raises(WorkerGone, match="SIGKILL"):
                    await lease.call(lease.model.crash, Question(number=signal.SIGKILL))
                assert codes(pool) == ["worker_failed"]
                assert (await who(lease)).text == "a"
                assert codes(pool) == []
            assert pool.spawned == 3

    run(scenario)


def test_a_worker_killed_while_idle_is_replaced_at_the_next_call(paths: Paths) -> None:
    async def scenario() -> None:
        async with pool_of(paths, model("a")) as pool, pool.borrow("a", Fake) as lease:
            os.kill((await who(lease)).number, signal.SIGKILL)
            await until(lambda: codes(pool) == ["worker_failed"])
            assert (await who(lease)).text == "a"

    run(scenario)


def test_a_hang_ends_at_the_deadline_and_only_for_its_caller(paths: Paths) -> None:
    async def scenario() -> None:
        limits = msgspec.structs.replace(QUICK, call_deadline_ms=300)
        async with (
            pool_of(paths, model("a"), limits=limits) as pool,
            pool.borrow("a", Fake) as lease,
            pool.borrow("a", Fake) as other,
            asyncio.TaskGroup() as group,
        ):
            group.create_task(_expect(Deadline, lease))
            await until(lambda: states(pool)["a"] == "busy")
            assert (await who(other)).text == "a"

    run(scenario)


async def _expect(kind: type[Exception], lease: Lease[Fake]) -> None:
    with pytest.raises(kind):
        await lease.call(lease.model.hang, Question())


def test_a_stopped_idle_worker_shows_at_once_and_is_replaced(paths: Paths) -> None:
    async def scenario() -> None:
        async with pool_of(paths, model("a")) as pool, pool.borrow("a", Fake) as lease:
            pid = (await who(lease)).number
            os.kill(pid, signal.SIGSTOP)
            await until(lambda: codes(pool) == ["worker_stopped"])
            assert (await who(lease)).number != pid
            assert not system.state_of(pid)
            assert codes(pool) == []

    run(scenario)


def test_a_stopped_worker_that_goes_on_is_well_again(paths: Paths) -> None:
    async def scenario() -> None:
        async with pool_of(paths, model("a")) as pool:
            await pool.load("a")
            (record,) = pool.loaded()
            os.kill(record.pid, signal.SIGSTOP)
            await until(lambda: codes(pool) == ["worker_stopped"])
            os.kill(record.pid, signal.SIGCONT)
            await until(lambda: codes(pool) == [])

    run(scenario)


def test_a_worker_that_crashes_again_and_again_is_quarantined(paths: Paths, tmp_path: Path) -> None:
    switch = tmp_path / "broken"
    switch.touch()

    async def scenario() -> None:
        limits = msgspec.structs.replace(QUICK, restarts_per_minute=2)
        fake = model("a", parameters={"crash_if": str(switch)})
        async with pool_of(paths, fake, limits=limits) as pool:
            for _ in range(3):
                with pytest.raises(WorkerGone):
                    await pool._by_model["a"].ready("a")
            with pytest.raises(Quarantined, match="SIGKILL"):
                async with pool.borrow("a", Fake):
                    pass
            assert codes(pool) == ["quarantined"]
            assert states(pool) == {"a": "quarantined"}
            switch.unlink()
            await pool.load("a")
            assert codes(pool) == []

    run(scenario)


def test_a_quarantine_ends_by_itself(paths: Paths, tmp_path: Path) -> None:
    switch = tmp_path / "broken"
    switch.touch()

    async def scenario() -> None:
        limits = msgspec.structs.replace(QUICK, restarts_per_minute=1, quarantine_ms=100)
        fake = model("a", parameters={"crash_if": str(switch)})
        async with pool_of(paths, fake, limits=limits) as pool:
            for _ in range(2):
                with pytest.raises(WorkerGone):
                    await pool._by_model["a"].ready("a")
            switch.unlink()
            await until(lambda: states(pool)["a"] == "unloaded")
            async with pool.borrow("a", Fake) as lease:
                await who(lease)

    run(scenario)


def test_a_canary_that_differs_from_the_manifest_refuses_the_model(paths: Paths) -> None:
    async def scenario() -> None:
        async with pool_of(paths, model("a", canary="43")) as pool:
            with pytest.raises(CorruptModel, match="canary"):
                await pool.load("a")
            assert pool.loaded() == ()

    run(scenario)


def test_a_canary_that_drifts_ends_the_worker(paths: Paths) -> None:
    async def scenario() -> None:
        limits = msgspec.structs.replace(QUICK, canary_ms=30)
        fake = model("a", parameters={"canary": "drifting"})
        async with pool_of(paths, fake, limits=limits) as pool:
            await pool.load("a")
            await until(lambda: codes(pool) == ["worker_failed"])
            assert "canary" in pool.reasons()[0].message
            assert pool.loaded() == ()

    run(scenario)


# --- urgency ---


def test_interactive_work_overtakes_batch_work_that_waits(paths: Paths) -> None:
    async def scenario() -> None:
        order: list[str] = []
        async with pool_of(paths, model("a")) as pool, contextlib.AsyncExitStack() as stack:
            leases = {
                name: await stack.enter_async_context(pool.borrow("a", Fake, priority=name))
                for name in ("interactive", "session", "batch")
            }

            async def call(name: str) -> None:
                await leases[name].call(leases[name].model.until_asked_once, Question(number=50))
                order.append(name)

            async with asyncio.TaskGroup() as group:
                for name in ("batch", "batch", "batch", "session", "interactive"):
                    group.create_task(call(name))
        assert order[-1] == "batch"
        assert order.index("interactive") < order.index("session") < 4

    run(scenario)


def test_a_batch_call_gives_way_three_times_and_then_runs_through(paths: Paths) -> None:
    async def scenario() -> None:
        async with (
            pool_of(paths, model("a", yields=True)) as pool,
            pool.borrow("a", Fake, priority="batch") as batch,
            pool.borrow("a", Fake) as short,
        ):
            asked = 0

            async def long_call() -> list[str]:
                items = batch.stream(batch.model.until_asked, Question(number=300))
                return [one.text async for one in items]

            async with asyncio.TaskGroup() as group:
                call = group.create_task(long_call())
                while not call.done():
                    await asyncio.sleep(0.02)
                    await who(short)
                    asked += 1
            assert call.result() == ["ran through"]
            # Three times it was stopped within 20 ms; then one short call waited for 300 ms.
            assert 4 <= asked <= 6

    run(scenario)


def test_an_uninterrupted_batch_call_is_not_redone(paths: Paths) -> None:
    async def scenario() -> None:
        async with (
            pool_of(paths, model("a", yields=True)) as pool,
            pool.borrow("a", Fake, priority="batch") as lease,
        ):
            items = lease.stream(lease.model.until_asked, Question(number=5))
            assert [one.text async for one in items] == ["was not interrupted"]

    run(scenario)


def test_two_calls_of_one_batch_lease_are_in_flight(paths: Paths) -> None:
    async def scenario() -> None:
        async with (
            pool_of(paths, model("a")) as pool,
            pool.borrow("a", Fake, priority="batch") as lease,
        ):
            worker = await pool._by_model["a"].ready("a")
            async with asyncio.TaskGroup() as group:
                for _ in range(4):
                    group.create_task(lease.call(lease.model.until_asked_once, Question(number=50)))
                await until(lambda: worker.calls_in_flight == 2)
                assert pool.loaded()[0].queued == 3

    run(scenario)


def test_the_next_short_call_of_another_caller_is_at_the_worker_already(paths: Paths) -> None:
    async def scenario() -> None:
        async with (
            pool_of(paths, model("a")) as pool,
            pool.borrow("a", Fake) as one,
            pool.borrow("a", Fake) as other,
        ):
            worker = await pool._by_model["a"].ready("a")
            async with asyncio.TaskGroup() as group:
                for lease in (one, other, other):
                    group.create_task(lease.call(lease.model.until_asked_once, Question(number=50)))
                await until(lambda: worker.calls_in_flight == 2)
                assert pool.loaded()[0].queued == 2

    run(scenario)


def test_a_call_inside_a_stream_of_the_same_worker_is_served(paths: Paths) -> None:
    async def scenario() -> None:
        async with (
            pool_of(paths, model("a", worker="w"), model("b", worker="w")) as pool,
            pool.borrow("a", Fake) as outer,
            pool.borrow("b", Fake) as inner,
        ):
            items = outer.stream(outer.model.count, Question(number=3))
            assert [(await who(inner)).text async for _ in items] == ["b", "b", "b"]

    run(scenario)


def test_a_cancelled_waiter_gives_its_place_up(paths: Paths) -> None:
    async def scenario() -> None:
        async with (
            pool_of(paths, model("a")) as pool,
            pool.borrow("a", Fake) as lease,
            pool.borrow("a", Fake) as other,
        ):
            async with asyncio.TaskGroup() as group:
                group.create_task(lease.call(lease.model.hang, Question(number=1)))
                await until(lambda: states(pool)["a"] == "busy")
                waiter = group.create_task(who(other))
                await until(lambda: pool.loaded()[0].queued == 1)
                waiter.cancel()
                await until(lambda: pool.loaded()[0].queued == 0)
            assert (await who(lease)).text == "a"

    run(scenario)


# --- telling ---


def test_the_default_is_the_best_that_fits_and_knows_the_language(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(system, "available_memory", lambda: 1000)

    async def scenario() -> None:
        models = (
            model("best", rank=3, memory_bytes=600),
            model("good", rank=2, memory_bytes=500, languages=["en"]),
            model("small", rank=1, memory_bytes=10, languages=["en", "de"]),
            model("absent", rank=9, engine="absent"),
        )
        async with pool_of(paths, *models) as pool:
            assert pool.default("transcribe") == ("good", "the best of 2 that fit")
            assert pool.default("transcribe", language="de-AT")[0] == "small"
            assert pool.default("vad") == (None, "no installed model can do it")
        chosen = config.Defaults(transcribe="small")
        async with pool_of(paths, *models, defaults=chosen) as pool:
            assert pool.default("transcribe") == ("small", "configured")

    run(scenario)


def test_the_expected_load_is_what_the_last_one_took(paths: Paths) -> None:
    async def scenario() -> None:
        async with pool_of(paths, model("a", load_ms=7), model("b")) as pool:
            assert pool.expected_load_ms("a") == 7
            assert pool.expected_load_ms("b") == pools._GUESS_MS
            await pool.load("a")
            assert pool.expected_load_ms("a") == 0
            await pool.unload("a")
            assert pool.expected_load_ms("a") > 7

    run(scenario)


def test_changes_are_told_with_their_reasons(paths: Paths) -> None:
    async def scenario() -> None:
        heard: list[tuple[str, str, str]] = []
        async with pool_of(paths, model("a")) as pool:
            pool._on_change = lambda *change: heard.append(change)
            async with pool.borrow("a", Fake, keep_alive_ms=0) as lease:
                await who(lease)
        assert heard == [("a", "loading", ""), ("a", "ready", ""), ("a", "unloaded", "")]

    run(scenario)


def test_a_closed_pool_lends_nothing(paths: Paths) -> None:
    async def scenario() -> None:
        async with pool_of(paths, model("a")) as pool:
            await pool.load("a")
            await pool.close()
            with pytest.raises(Conflict):
                await pool.load("a")

    run(scenario)


def test_twenty_loads_leave_no_descriptor(paths: Paths) -> None:
    async def scenario() -> None:
        async with pool_of(paths, model("a")) as pool:
            await pool.load("a")
            await pool.unload("a")
            before = len(os.listdir("/proc/self/fd"))
            for _ in range(20):
                await pool.load("a")
                await pool.unload("a")
            assert len(os.listdir("/proc/self/fd")) == before
            assert pool.reasons() == ()

    run(scenario)
