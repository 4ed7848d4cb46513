"""The memory of all models: who is ended to make room, who stays, and what a refusal says."""

import asyncio
from pathlib import Path

import msgspec
import pytest
from fake_pools import (  # noqa: F401 - the fixture is used by being there
    QUICK,
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
from edged.errors import Busy
from edged.models.pool import Pool
from edged.workers import system

MB = 10**6
LIMITED = msgspec.structs.replace(QUICK, memory_bytes=1000 * MB)


def loaded(pool: Pool) -> set[str]:
    return {one.id for one in pool.loaded(measure=False)}


def test_the_least_recently_used_model_makes_room(paths: Paths) -> None:
    async def scenario() -> None:
        models = [model(name, memory_bytes=400 * MB) for name in ("a", "b", "c")]
        async with pool_of(paths, *models, limits=LIMITED) as pool:
            await pool.load("a")
            await pool.load("b")
            async with pool.borrow("a", Fake) as lease:
                await who(lease)
            await pool.load("c")
            assert loaded(pool) == {"a", "c"}

    run(scenario)


def test_no_more_is_ended_than_is_needed(paths: Paths) -> None:
    async def scenario() -> None:
        models = [model(name, memory_bytes=300 * MB) for name in ("a", "b", "c", "d")]
        async with pool_of(paths, *models, limits=LIMITED) as pool:
            for name in ("a", "b", "c", "d"):
                await pool.load(name)
            assert loaded(pool) == {"b", "c", "d"}

    run(scenario)


def test_what_is_borrowed_or_pinned_stays_and_the_refusal_names_it(paths: Paths) -> None:
    async def scenario() -> None:
        models = [model(name, memory_bytes=400 * MB) for name in ("lent", "pinned", "new")]
        async with pool_of(paths, *models, limits=LIMITED) as pool, pool.borrow("lent", Fake):
            await pool.pin("pinned")
            with pytest.raises(Busy, match="no memory for new: it takes 400 MB; in use: ") as error:
                await pool.load("new")
            assert "lent 400 MB" in error.value.message
            assert "pinned 400 MB" in error.value.message
            assert error.value.details["needed"] == 400 * MB
            assert error.value.details["limit"] == 1000 * MB
            assert isinstance(error.value.details["retry_after_ms"], int)
            assert loaded(pool) == {"lent", "pinned"}
            assert states(pool)["new"] == "unloaded"

    run(scenario)


def test_a_model_larger_than_the_budget_names_the_setting(paths: Paths) -> None:
    async def scenario() -> None:
        giant = model("giant", memory_bytes=2000 * MB)
        async with pool_of(paths, giant, model("a"), limits=LIMITED) as pool:
            await pool.load("a")
            with pytest.raises(
                Busy, match="takes 2000 MB, all models together may take 1000 MB"
            ) as error:
                await pool.load("giant")
            assert "workers.memory_bytes" in error.value.fix
            assert loaded(pool) == {"a"}

    run(scenario)


def test_what_a_worker_was_seen_to_use_counts_when_it_is_more(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        models = [model("a"), model("b", memory_bytes=300 * MB)]
        async with pool_of(paths, *models, limits=LIMITED) as pool:
            await pool.load("a")
            await pool.load("b")
            assert loaded(pool) == {"a", "b"}
            await pool.unload("b")
            monkeypatch.setattr(system, "own_peak_bytes", lambda _: 800 * MB)
            await pool.load("b")
            assert loaded(pool) == {"b"}

    run(scenario)


def test_two_loads_at_once_do_not_take_the_same_room(paths: Paths, tmp_path: Path) -> None:
    gate = tmp_path / "gate"

    async def scenario() -> None:
        slow = {"load_when": str(gate)}
        models = [
            model("a", memory_bytes=600 * MB, parameters=slow),
            model("b", memory_bytes=600 * MB),
        ]
        async with pool_of(paths, *models, limits=LIMITED) as pool, asyncio.TaskGroup() as group:
            first = group.create_task(pool.load("a"))
            await until(lambda: states(pool)["a"] == "loading")
            with pytest.raises(Busy, match="in use: a 600 MB"):
                await pool.load("b")
            gate.touch()
            await first
            assert loaded(pool) == {"a"}

    run(scenario)


def test_models_that_share_a_worker_count_together(paths: Paths) -> None:
    async def scenario() -> None:
        mates = [model(name, worker="w", memory_bytes=400 * MB) for name in ("a", "b", "c")]
        async with pool_of(paths, *mates, limits=LIMITED) as pool:
            await pool.load("a")
            await pool.load("b")
            with pytest.raises(Busy, match="no memory for c"):
                await pool.load("c")
            assert loaded(pool) == {"a", "b"}

    run(scenario)


def test_a_failed_load_gives_its_room_back(paths: Paths) -> None:
    async def scenario() -> None:
        broken = model("broken", memory_bytes=900 * MB, canary="43")
        async with pool_of(
            paths, broken, model("a", memory_bytes=900 * MB), limits=LIMITED
        ) as pool:
            for _ in range(2):
                with pytest.raises(Exception, match="canary"):
                    await pool.load("broken")
            await pool.load("a")
            assert loaded(pool) == {"a"}

    run(scenario)


def test_the_default_is_the_best_that_fits_the_budget(paths: Paths) -> None:
    async def scenario() -> None:
        models = [
            model("great", rank=2, memory_bytes=1001 * MB),
            model("good", rank=1, memory_bytes=999 * MB),
        ]
        async with pool_of(paths, *models, limits=LIMITED) as pool:
            assert pool.default("transcribe")[0] == "good"

    run(scenario)


def test_without_a_setting_half_of_what_is_available_is_the_budget(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(system, "available_memory", lambda: 500 * MB)

    async def scenario() -> None:
        async with pool_of(paths, model("a", memory_bytes=251 * MB), model("b")) as pool:
            with pytest.raises(Busy, match="251 MB, all models together may take 250 MB"):
                await pool.load("a")
            await pool.load("b")

    run(scenario)


def test_where_the_kernel_tells_nothing_nothing_is_refused(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(system, "available_memory", lambda: 0)

    async def scenario() -> None:
        async with pool_of(paths, model("a", memory_bytes=2**50)) as pool:
            await pool.load("a")

    run(scenario)
