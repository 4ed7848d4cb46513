"""Measuring a model in workers of its own."""

from pathlib import Path

import pytest
from fake_pools import (  # noqa: F401 - the fixture is used by being there
    QUICK,
    model,
    only_fakes,
    pool_of,
    run,
)

from fake_engine import Fake  # isort: skip - fake_pools says where it lies

import msgspec

from edged.config import Paths
from edged.errors import Busy, ModelMissing
from edged.messages.records import BenchmarkRow, Problem
from edged.models.choices import Choice
from edged.models.manifest import Manifest
from edged.models.pool import Pool


async def rows_of(pool: Pool, name: str) -> list[BenchmarkRow]:
    return [row async for row, _ in pool.bench(name, 0.01)]


def test_a_model_is_measured_beside_the_one_that_serves(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with pool_of(paths, model("a")) as pool:
            two = [Choice(threads=1), Choice(threads=2)]
            monkeypatch.setattr(pool._devices, "candidates", lambda _: _later(two))
            await pool.load("a")
            before = pool.loaded(measure=False)
            steps = [(row, done) async for row, done in pool.bench("a", 0.01)]
            assert [(row.threads, done) for row, done in steps] == [(1, 0.5), (2, 1.0)]
            for row, _ in steps:
                assert row.error is None
                assert 0 < row.p50_us <= row.p95_us
                assert row.load_ms > 0
                assert row.per_second > 0
                assert row.pss_bytes > 2**20
            assert pool.loaded(measure=False)[0].pid == before[0].pid
            assert (pool.spawned, pool.calls) == (1, 0)

    run(scenario)


async def _later(found: list[Choice]) -> list[Choice]:
    return found


def test_the_best_way_is_marked_and_remembered(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[Choice] = []

    async def remember(_: Manifest, choice: Choice) -> None:
        heard.append(choice)

    async def scenario() -> None:
        async with pool_of(paths, model("a")) as pool:
            monkeypatch.setattr(pool._devices, "remember", remember)
            failed = Problem(code="internal", message="", fix="")
            rows = (
                BenchmarkRow(device="cpu", threads=1, p50_us=900),
                BenchmarkRow(device="cpu", threads=2, p50_us=300),
                BenchmarkRow(device="cpu", threads=4, error=failed),
            )
            marked = await pool.prefer("a", rows)
            assert [row.chosen for row in marked] == [False, True, False]
            assert [one.threads for one in heard] == [2]
            assert await pool.prefer("a", rows[2:]) == rows[2:]

    run(scenario)


def test_what_cannot_be_measured_says_why(paths: Paths, tmp_path: Path) -> None:
    switch = tmp_path / "broken"
    switch.touch()

    async def scenario() -> None:
        crashing = model("a", parameters={"crash_if": str(switch)})
        async with pool_of(paths, crashing, model("b", engine="absent")) as pool:
            for name, code in (("a", "worker_gone"), ("b", "engine_missing")):
                found = {row.error.code for row in await rows_of(pool, name) if row.error}
                assert found == {code}
            assert pool.reasons() == ()  # the slot that serves is not blamed
            with pytest.raises(ModelMissing):
                await rows_of(pool, "unknown")

    run(scenario)


def test_measuring_needs_room_beside_what_is_in_use(paths: Paths) -> None:
    async def scenario() -> None:
        limits = msgspec.structs.replace(QUICK, memory_bytes=10**9)
        async with pool_of(paths, model("a", memory_bytes=6 * 10**8), limits=limits) as pool:
            async with pool.borrow("a", Fake):
                with pytest.raises(Busy, match="no memory for a"):
                    await rows_of(pool, "a")
            assert len(await rows_of(pool, "a")) >= 1  # now it is unused, and makes room

    run(scenario)


def test_the_measuring_worker_ends_when_nobody_reads_on(paths: Paths) -> None:
    async def scenario() -> None:
        async with pool_of(paths, model("a")) as pool:
            steps = pool.bench("a", 0.01)
            await anext(steps)
            await steps.aclose()
            assert pool.loaded() == ()
            await pool.load("a")

    run(scenario)
