"""Large requests: predicted, measured, made to wait, refused; small ones untouched."""

import asyncio
import os
import resource
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from fake_pools import (  # noqa: F401 - the fixture is used by being there
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
from edged.errors import Busy, WorkerGone
from edged.models import admission
from edged.models.admission import BULKY, SPARE_BYTES, Admission, Claim, Meter, input_bytes
from edged.models.lease import Lease
from edged.models.pool import Pool
from edged.workers import system

MB = 2**20
BIG = bytes(4 * MB)


def available(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(system, "available_memory", lambda: size)


def per_byte(pool: Pool, name: str = "a") -> float:
    return pool._by_model[name].meter.per_byte(name, 0.0)


async def wait_for(lease: Lease[Fake], gate: Path) -> str:
    return (await lease.call(lease.model.wait_for, Blob(data=BIG, note=str(gate)))).text


# --- what is counted ---


def test_the_bytes_of_all_arguments_are_the_input() -> None:
    view = memoryview(bytes(8)).cast("i")

    assert input_bytes((Blob(data=b"12345"), Blob(data=view), Question(), None)) == 13


def test_nobody_asks_the_kernel_about_a_small_request(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with pool_of(paths, model("a")) as pool, pool.borrow("a", Fake) as lease:

            def ask(pid: int) -> int:
                raise AssertionError(pid)

            for name in ("reset_peak", "peak_bytes", "resident_bytes"):
                monkeypatch.setattr(system, name, ask)
            await lease.call(lease.model.echo, Blob(data=bytes(BULKY)))
            assert [one.number async for one in lease.stream(lease.model.count, Question(number=2))]

    run(scenario)


# --- prediction ---


def test_what_a_request_was_seen_to_take_corrects_the_estimate(paths: Paths) -> None:
    async def scenario() -> None:
        manifest = model("a", memory_per_byte=1000.0)
        async with pool_of(paths, manifest) as pool, pool.borrow("a", Fake) as lease:
            assert pool._by_model["a"].meter.per_byte("a", manifest.memory_per_byte) == 1000
            await lease.call(lease.model.swell, Blob(data=BIG))
            assert 8 <= per_byte(pool) <= 20

    run(scenario)


def test_a_load_forgets_what_was_seen_before_it(paths: Paths) -> None:
    async def scenario() -> None:
        async with pool_of(paths, model("a")) as pool:
            async with pool.borrow("a", Fake) as lease:
                await lease.call(lease.model.swell, Blob(data=BIG))
            assert per_byte(pool) > 0
            await pool.unload("a")
            await pool.load("a")
            assert per_byte(pool) == 0

    run(scenario)


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """What the kernel says, set by the test."""
    says = {"resident": 100 * MB, "peak": 100 * MB, "reset": 1}
    monkeypatch.setattr(system, "resident_bytes", lambda _: says["resident"])
    monkeypatch.setattr(system, "peak_bytes", lambda _: says["peak"])
    monkeypatch.setattr(system, "reset_peak", lambda _: bool(says["reset"]))
    return says


def observe(meter: Meter, kernel: dict[str, int], size: int, peak: int) -> None:
    began = meter.watch(1)
    kernel["peak"] = peak
    meter.learn(1, "a", size, began)


def test_the_largest_request_tells_what_a_byte_takes(kernel: dict[str, int]) -> None:
    meter = Meter()
    meter.start(1, "a")

    observe(meter, kernel, 10 * MB, 200 * MB)
    assert meter.peak("a", 20 * MB, 1.0) == 300 * MB
    observe(meter, kernel, 20 * MB, 160 * MB)
    assert meter.per_byte("a", 1.0) == 3.0


def test_a_heap_that_others_left_is_not_held_against_a_smaller_request(
    kernel: dict[str, int],
) -> None:
    meter = Meter()
    meter.start(1, "a")
    observe(meter, kernel, 100 * MB, 500 * MB)
    kernel["resident"] = 480 * MB

    observe(meter, kernel, 2 * MB, 482 * MB)

    assert meter.per_byte("a", 1.0) == 4.0


def test_a_smaller_request_that_grew_more_than_expected_is_believed(kernel: dict[str, int]) -> None:
    meter = Meter()
    meter.start(1, "a")
    observe(meter, kernel, 100 * MB, 200 * MB)

    observe(meter, kernel, 2 * MB, 300 * MB)

    assert meter.per_byte("a", 1.0) == 100.0


def test_a_peak_that_cannot_be_reset_tells_only_when_it_rises(kernel: dict[str, int]) -> None:
    meter = Meter()
    meter.start(1, "a")
    kernel |= {"reset": 0, "peak": 400 * MB}

    observe(meter, kernel, 10 * MB, 400 * MB)
    assert meter.per_byte("a", 7.0) == 7.0
    observe(meter, kernel, 10 * MB, 500 * MB)
    assert meter.per_byte("a", 7.0) == 40.0


def test_of_a_worker_that_is_gone_nothing_is_learnt(kernel: dict[str, int]) -> None:
    meter = Meter()
    meter.start(1, "a")

    observe(meter, kernel, 10 * MB, 0)

    assert meter.per_byte("a", 7.0) == 7.0


# --- admission ---


def test_a_request_that_will_not_fit_is_refused_before_it_runs(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with (
            pool_of(paths, model("a", memory_per_byte=100.0)) as pool,
            pool.borrow("a", Fake) as lease,
        ):
            available(monkeypatch, 300 * MB)
            with pytest.raises(Busy, match="no memory for a request of a") as refused:
                await lease.call(lease.model.echo, Blob(data=BIG))
            assert refused.value.details["needed"] == 400 * MB
            assert refused.value.details["available"] == 300 * MB
            assert isinstance(refused.value.details["retry_after_ms"], int)
            assert pool.calls == 0
            assert (await who(lease)).text == "a"
            available(monkeypatch, 500 * MB)
            assert len((await lease.call(lease.model.echo, Blob(data=BIG))).data) == len(BIG)

    run(scenario)


def test_a_stream_is_refused_likewise(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "BULKY", -1)
    monkeypatch.setattr("edged.models.lease.BULKY", -1)

    async def scenario() -> None:
        async with pool_of(paths, model("a")) as pool, pool.borrow("a", Fake) as lease:
            monkeypatch.setattr(Meter, "peak", lambda *_: 2**50)
            with pytest.raises(Busy):
                _ = [one async for one in lease.stream(lease.model.count, Question(number=3))]

    run(scenario)


def test_unused_models_are_ended_for_a_large_request(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        models = model("a", memory_per_byte=100.0), model("idle")
        async with pool_of(paths, *models) as pool, pool.borrow("a", Fake) as lease:
            await pool.load("idle")
            monkeypatch.setattr(
                system, "available_memory", lambda: 700 * MB - 200 * MB * len(pool.loaded())
            )
            await lease.call(lease.model.echo, Blob(data=BIG))
            assert [one.id for one in pool.loaded()] == ["a"]

    run(scenario)


def test_a_request_waits_for_a_large_one_that_runs(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"

    async def scenario() -> None:
        models = [model(name, memory_per_byte=50.0) for name in ("a", "b")]
        async with (
            pool_of(paths, *models) as pool,
            pool.borrow("a", Fake) as one,
            pool.borrow("b", Fake) as two,
            asyncio.TaskGroup() as group,
        ):
            available(monkeypatch, 300 * MB)
            first = group.create_task(wait_for(one, gate))
            await until(lambda: states(pool)["a"] == "busy")
            second = group.create_task(wait_for(two, gate))
            await until(lambda: pool._admission.waiting == 1)
            assert states(pool)["b"] == "ready"
            assert (await who(two)).text == "b"  # a small one passes
            gate.touch()
            await asyncio.wait([first, second])
            assert first.result() == second.result() == "it is there"

    run(scenario)


def test_a_request_that_waits_can_be_cancelled(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"

    async def scenario() -> None:
        models = [model(name, memory_per_byte=50.0) for name in ("a", "b")]
        async with (
            pool_of(paths, *models) as pool,
            pool.borrow("a", Fake) as one,
            pool.borrow("b", Fake) as two,
            asyncio.TaskGroup() as group,
        ):
            available(monkeypatch, 300 * MB)
            group.create_task(wait_for(one, gate))
            await until(lambda: states(pool)["a"] == "busy")
            waiter = group.create_task(wait_for(two, gate))
            await until(lambda: pool._admission.waiting == 1)
            waiter.cancel()
            await until(lambda: pool._admission.waiting == 0)
            gate.touch()

    run(scenario)


def test_who_waits_too_long_is_told_so() -> None:
    async def scenario() -> None:
        async def nothing(_: int) -> None:
            return

        lets_in = Admission(nothing, lambda: "in use: x 1 MB")
        running = Claim(worker="x", pid=lambda: 0, peak=2**50)
        other = Claim(worker="y", pid=lambda: 0, peak=2**50)
        lets_in._running.append(running)
        with pytest.raises(Busy, match="in use: x 1 MB"):
            async with lets_in.admit(other, "y", 0.05):
                raise AssertionError

    run(scenario)


def test_calls_of_one_worker_do_not_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async def nothing(_: int) -> None:
            return

        available(monkeypatch, 100 * MB + SPARE_BYTES)
        lets_in = Admission(nothing, lambda: "")
        claims = [Claim(worker="x", pid=lambda: 0, peak=100 * MB) for _ in range(2)]
        async with lets_in.admit(claims[0], "x", 1), lets_in.admit(claims[1], "x", 1):
            assert lets_in.waiting == 0

    run(scenario)


# --- dying of it ---


def test_a_worker_at_its_own_limit_says_that_memory_ran_out(paths: Paths) -> None:
    async def scenario() -> None:
        async with pool_of(paths, model("a")) as pool, pool.borrow("a", Fake) as lease:
            pid = (await who(lease)).number
            resource.prlimit(pid, resource.RLIMIT_AS, (2**30, 2**30))
            with pytest.raises(WorkerGone, match="out of memory"):
                await lease.call(lease.model.eat, Question(number=2**31))
            assert codes(pool) == ["worker_failed"]
            assert "out of memory" in pool.reasons()[0].message
            assert (await who(lease)).number != pid

    run(scenario)


@pytest.fixture
def group() -> Iterator[Path]:
    """A memory group of our own, of 100 MB at most, where the machine lets us make one."""
    found = next((one for one in map(Path, _PLACES) if os.access(one, os.W_OK)), None)
    if found is None:
        pytest.skip("no memory group can be made here")
    folder = found / f"edged-test-{os.getpid()}"
    try:
        folder.mkdir()
        limit = next(folder / name for name in _LIMITS if (folder / name).exists())
        limit.write_text(str(100 * MB))
    except (OSError, StopIteration):
        with suppress(OSError):
            folder.rmdir()
        pytest.skip("no memory group can be made here")
    yield folder
    folder.rmdir()


_PLACES = ("/sys/fs/cgroup/memory", "/sys/fs/cgroup")
_LIMITS = ("memory.max", "memory.limit_in_bytes")


def test_a_worker_that_the_kernel_ended_for_want_of_memory_is_said_to_have(
    paths: Paths, group: Path
) -> None:
    async def scenario() -> None:
        async with pool_of(paths, model("a")) as pool, pool.borrow("a", Fake) as lease:
            pid = (await who(lease)).number
            (group / "cgroup.procs").write_text(str(pid))
            with pytest.raises(WorkerGone, match="out of memory: the kernel ended it"):
                await lease.call(lease.model.eat, Question(number=2**30))
            assert (await who(lease)).number != pid

    run(scenario)
