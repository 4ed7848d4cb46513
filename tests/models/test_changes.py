"""Manifests that change while the pool runs, with real workers and a fake engine."""

import asyncio
import os
import signal

import msgspec
import pytest
from fake_pools import (  # noqa: F401 - the fixture is used by being there
    QUICK,
    codes,
    model,
    only_fakes,
    pool_of,
    run,
    states,
    until,
    who,
)

from fake_engine import Fake  # isort: skip - fake_pools says where it lies

from edged.config import Paths
from edged.errors import ModelMissing
from edged.models.manifest import Manifest
from edged.models.pool import Pool
from edged.workers import system


def adopt(pool: Pool, *models: Manifest) -> None:
    pool.adopt(list(models), [])


def loaded(pool: Pool) -> dict[str, int]:
    return {one.id: one.pid for one in pool.loaded(measure=False)}


def test_a_new_model_can_be_borrowed_and_shows_as_installed(paths: Paths) -> None:
    async def scenario() -> None:
        async with pool_of(paths, model("a")) as pool:
            adopt(pool, model("a"), model("b"))
            async with pool.borrow("b", Fake) as lease:
                assert (await who(lease)).text == "b"
            await until(lambda: all(one.installed for one in pool.summaries()))

    run(scenario)


def test_a_model_that_stays_the_same_keeps_its_worker(paths: Paths) -> None:
    async def scenario() -> None:
        async with pool_of(paths, model("a")) as pool:
            await pool.load("a")
            before = loaded(pool)
            adopt(pool, model("a", description="told better", rank=5), model("b"))
            await asyncio.sleep(0)
            assert loaded(pool) == before
            assert pool.manifest("a").description == "told better"
            async with pool.borrow("a", Fake) as lease:
                assert (await who(lease)).number == before["a"]
            assert pool.spawned == 1

    run(scenario)


def test_a_changed_model_is_ended_when_nobody_uses_it(paths: Paths) -> None:
    async def scenario() -> None:
        async with pool_of(paths, model("a")) as pool:
            await pool.load("a", keep_alive_ms=-1)
            pid = loaded(pool)["a"]
            adopt(pool, model("a", parameters={"canary": "7"}))
            await until(lambda: not loaded(pool))
            assert not system.state_of(pid)
            async with pool.borrow("a", Fake) as lease:
                assert (await who(lease)).number != pid
            assert pool.spawned == 2

    run(scenario)


def test_a_borrower_goes_on_with_the_model_that_it_has(paths: Paths) -> None:
    async def scenario() -> None:
        async with pool_of(paths, model("a")) as pool:
            async with pool.borrow("a", Fake) as old:
                before = await who(old)
                adopt(pool, model("a", parameters={"canary": "7"}))
                async with pool.borrow("a", Fake) as new:
                    after = await who(new)
                    assert (await who(old)).number == before.number
                    assert after.number != before.number
            await until(lambda: loaded(pool) == {"a": after.number})

    run(scenario)


def test_a_removed_model_is_gone_after_its_last_call(paths: Paths) -> None:
    async def scenario() -> None:
        async with pool_of(paths, model("a"), model("b")) as pool:
            async with pool.borrow("a", Fake) as lease:
                pid = (await who(lease)).number
                adopt(pool, model("b"))
                with pytest.raises(ModelMissing):
                    await pool.load("a")
                assert (await who(lease)).number == pid
            await until(lambda: not loaded(pool) and len(pool._slots) == 1)
            assert not system.state_of(pid)
            assert states(pool) == {"b": "unloaded"}
            assert pool.calls == 2

    run(scenario)


def test_a_load_that_is_under_way_is_not_lost(paths: Paths) -> None:
    async def scenario() -> None:
        async with pool_of(paths, model("a"), model("b")) as pool, asyncio.TaskGroup() as group:
            same = group.create_task(pool.load("a"))
            changed = group.create_task(pool.load("b"))
            await until(lambda: set(states(pool).values()) == {"loading"})
            adopt(pool, model("a"), model("b", parameters={"canary": "7"}), model("c"))
            await asyncio.wait([same, changed])
            assert set(loaded(pool)) == {"a", "b"}
            worker = pool._by_model["b"].loaded["b"]
            assert worker.canary == "7"

    run(scenario)


def test_a_removal_while_the_model_loads_answers_and_leaves_nothing(paths: Paths) -> None:
    async def scenario() -> None:
        async with pool_of(paths, model("a")) as pool, asyncio.TaskGroup() as group:
            load = group.create_task(_load_of_removed(pool))
            await until(lambda: states(pool) == {"a": "loading"})
            adopt(pool)
            await load
            await until(lambda: not loaded(pool) and not pool._slots)

    run(scenario)


async def _load_of_removed(pool: Pool) -> None:
    with pytest.raises(ModelMissing):
        await pool.load("a")


def test_mates_of_a_changed_model_keep_their_worker_until_it_is_unused(paths: Paths) -> None:
    async def scenario() -> None:
        limits = msgspec.structs.replace(QUICK, keep_alive_ms=60_000)
        mates = model("a", worker="w"), model("b", worker="w")
        async with pool_of(paths, *mates, limits=limits) as pool:
            await pool.load("a")
            await pool.load("b")
            pid = loaded(pool)["a"]
            changed = model("b", worker="w", parameters={"canary": "7"})
            adopt(pool, mates[0], changed, model("c", worker="w"))
            await until(lambda: loaded(pool) == {"a": pid})
            await pool.load("c")
            assert loaded(pool)["a"] == pid != loaded(pool)["c"]
            await pool.unload("a")
            await pool.load("a")
            assert loaded(pool)["a"] == loaded(pool)["c"]
            await until(lambda: not pool._retired)

    run(scenario)


def test_manifests_that_change_again_and_again_leave_one_worker(paths: Paths) -> None:
    async def scenario() -> None:
        async with pool_of(paths, model("a")) as pool:
            for number in range(4):
                adopt(pool, model("a", parameters={"canary": str(number)}))
                await pool.load("a")
            adopt(pool, model("a", parameters={"canary": "0"}))
            await pool.load("a")
            await until(lambda: len(pool.loaded()) == 1 and len(pool._slots) == 1)
            assert pool.spawned == 5
            assert pool.reasons() == ()

    run(scenario)


def test_problems_show_and_go_with_the_next_manifests(paths: Paths) -> None:
    async def scenario() -> None:
        async with pool_of(paths, model("a")) as pool:
            pool.adopt(
                [model("a", worker="w"), model("b", holds_gil=True, worker="w")], ["c.toml: broken"]
            )
            assert codes(pool) == ["config_error", "config_error"]
            assert "c.toml: broken" in pool.reasons()[0].message
            adopt(pool, model("a"))
            assert codes(pool) == []

    run(scenario)


def test_a_stale_worker_that_dies_is_replaced_by_the_new_model(paths: Paths) -> None:
    async def scenario() -> None:
        async with pool_of(paths, model("a")) as pool:
            await pool.load("a")
            pid = loaded(pool)["a"]
            adopt(pool, model("a", parameters={"canary": "7"}))
            os.kill(pid, signal.SIGKILL)
            await pool.load("a")
            await until(lambda: len(pool._slots) == 1)
            assert pool._by_model["a"].loaded["a"].canary == "7"

    run(scenario)
