"""Calls that are sent at once and awaited later, with real workers and a fake engine."""

import asyncio
import os
import signal
from pathlib import Path

import pytest
from fake_pools import (  # noqa: F401 - the fixture is used by being there
    model,
    only_fakes,
    pool_of,
    run,
    until,
    who,
)

from fake_engine import Blob, Fake, Question, Reply  # isort: skip - fake_pools says where it lies

from edged.config import Paths
from edged.errors import BadMedia, WorkerGone
from edged.models.admission import BULKY
from edged.models.lease import Begun, Lease


def _asked(lease: Lease[Fake], text: str) -> Begun[Reply]:
    begun = lease.begin(lease.model.who, Question(text=text))
    assert begun is not None
    return begun


def test_two_calls_are_under_way_at_once_and_a_third_has_to_wait(paths: Paths) -> None:
    async def scenario() -> None:
        async with pool_of(paths, model("a")) as pool, pool.borrow("a", Fake) as lease:
            first = lease.begin(lease.model.who, Question(text="1"))
            second = lease.begin(lease.model.who, Question(text="2"))

            assert lease.begin(lease.model.who, Question(text="3")) is None
            assert first is not None
            assert second is not None
            assert [(await first.result()).text, (await second.result()).text] == ["a1", "a2"]
            assert pool.calls == 2

    run(scenario)


def test_a_call_that_nobody_awaits_leaves_the_line_all_the_same(paths: Paths) -> None:
    """A client that never reads its replies must not keep a model from others."""

    async def scenario() -> None:
        async with pool_of(paths, model("a")) as pool, pool.borrow("a", Fake) as lease:
            kept = [_asked(lease, "1"), _asked(lease, "2")]

            assert (await who(lease)).text == "a"
            await until(lambda: pool.calls == 3)
            assert len(kept) == 2

    run(scenario)


def test_what_the_model_raises_is_raised_when_it_is_awaited(paths: Paths) -> None:
    async def scenario() -> None:
        async with pool_of(paths, model("a")) as pool, pool.borrow("a", Fake) as lease:
            begun = lease.begin(lease.model.fail, Question())

            assert begun is not None
            with pytest.raises(BadMedia):
                await begun.result()
            assert (await who(lease)).text == "a"

    run(scenario)


def test_a_model_that_is_not_loaded_and_a_large_input_are_not_begun(paths: Paths) -> None:
    async def scenario() -> None:
        async with pool_of(paths, model("a")) as pool, pool.borrow("a", Fake) as lease:
            assert lease.begin(lease.model.echo, Blob(data=bytes(BULKY + 1))) is None
            await pool.unload("a")
            assert lease.begin(lease.model.who, Question()) is None

    run(scenario)


def test_of_two_calls_a_dying_worker_takes_the_running_one_and_the_other_is_made_again(
    paths: Paths, tmp_path: Path
) -> None:
    async def scenario() -> None:
        async with pool_of(paths, model("a")) as pool, pool.borrow("a", Fake) as lease:
            worker = (await who(lease)).number
            running = lease.begin(lease.model.wait_for, Blob(data=b"", note=str(tmp_path / "no")))
            waiting = _asked(lease, "2")
            assert running is not None

            os.kill(worker, signal.SIGKILL)

            with pytest.raises(WorkerGone):
                await running.result()
            again = await waiting.result()
            assert (again.text, again.number != worker) == ("a2", True)
            assert pool.spawned == 2

    run(scenario)


def test_a_call_that_is_given_up_frees_its_place(paths: Paths) -> None:
    async def scenario() -> None:
        async with pool_of(paths, model("a")) as pool, pool.borrow("a", Fake) as lease:
            slow = lease.begin(lease.model.until_asked_once, Question(number=50))
            dropped = _asked(lease, "2")
            assert slow is not None

            dropped.cancel()
            slow.cancel()

            async with asyncio.timeout(5):
                assert (await who(lease)).text == "a"
            assert pool.spawned == 1

    run(scenario)
