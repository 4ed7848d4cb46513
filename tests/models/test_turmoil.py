"""Everything at once: loads, leases, pins, kills and new manifests; at the end nothing is left."""

import asyncio
import os
import random
import signal
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest
from fake_pools import (  # noqa: F401 - the fixture is used by being there
    QUICK,
    model,
    only_fakes,
    pool_of,
    run,
    until,
)

from fake_engine import Blob, Fake, Question  # isort: skip - fake_pools says where it lies

from edged.config import Paths
from edged.errors import EdgedError
from edged.models.manifest import Manifest
from edged.models.pool import Pool

NAMES = "abcd"
MB = 10**6
LIMITS = msgspec.structs.replace(
    QUICK, memory_bytes=900 * MB, keep_alive_ms=200, canary_ms=100, restarts_per_minute=100
)


def some_manifests(dice: random.Random) -> list[Manifest]:
    return [
        model(
            name,
            worker=dice.choice(["", "", "w"]),
            memory_bytes=dice.choice([1, 200, 400]) * MB,
            parameters={"canary": dice.choice("12")},
        )
        for name in NAMES
        if dice.random() < 0.85
    ]


async def act(pool: Pool, dice: random.Random) -> None:
    """One thing that a client, a user or the kernel does."""
    name = dice.choice(NAMES)
    match dice.randrange(8):
        case 0:
            await pool.load(name, dice.choice([None, 0, -1, 50]))
        case 1:
            await pool.unload(name)
        case 2:
            await dice.choice([pool.pin, pool.unpin])(name)
        case 3:
            pool.adopt(some_manifests(dice), [])
        case 4:
            for one in pool.loaded(measure=False)[:1]:
                os.kill(one.pid, signal.SIGKILL)
        case _:
            await use(pool, name, dice)


async def use(pool: Pool, name: str, dice: random.Random) -> None:
    async with pool.borrow(name, Fake, priority=dice.choice(["interactive", "batch"])) as lease:
        assert (await lease.call(lease.model.who, Question(text="!"))).text == f"{name}!"
        await lease.call(lease.model.swell, Blob(data=bytes(2 * MB)))
        counted = [one.number async for one in lease.stream(lease.model.count, Question(number=3))]
        assert counted == [0, 1, 2]


async def live(pool: Pool, dice: random.Random) -> None:
    for _ in range(10):
        with suppress(TimeoutError, EdgedError, ProcessLookupError):
            async with asyncio.timeout(dice.choice([0.05, 0.3, 8])):
                await act(pool, dice)


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_happens_at_once_nothing_is_left_of_it(paths: Paths, seed: int) -> None:
    dice = random.Random(seed)

    async def scenario() -> None:
        models = [model(name) for name in NAMES]
        async with pool_of(paths, *models, limits=LIMITS) as pool:
            async with asyncio.TaskGroup() as group:
                for _ in range(6):
                    group.create_task(live(pool, dice))
            for name in pool._pins.models:
                await pool.unpin(name)
            pool.adopt([], [])
            await until(lambda: not pool._slots and not _children(), within_s=10)
            assert not pool._budget._reserved
            assert not pool._admission._running

    run(scenario)


def _children() -> str:
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text().strip()
