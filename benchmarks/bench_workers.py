"""What a worker costs: a hop, a start, a death, a hundred of them.

Run: python benchmarks/bench_workers.py [--json FILE] [--rounds N]. Sizes take turns within every
round, so that a slow moment of the machine hits all of them; figures are medians over rounds.
"""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

HERE = Path(__file__).parent
FAKES = HERE.parent / "tests" / "workers"
sys.path.insert(0, str(FAKES))
os.environ["PYTHONPATH"] = str(FAKES)

from fake_engine import Blob, Fake, Question, Reply  # noqa: E402 - lies with the tests

from edged.config import Config, find_paths  # noqa: E402 - needs the lines above
from edged.errors import WorkerGone  # noqa: E402 - likewise
from edged.models import manifest as manifests  # noqa: E402 - likewise
from edged.models.manifest import Engine  # noqa: E402 - likewise
from edged.models.pool import Pool  # noqa: E402 - likewise
from edged.workers import system  # noqa: E402 - likewise
from edged.workers.process import Worker, WorkerSpec  # noqa: E402 - likewise

FAKE = WorkerSpec(name="fake", module="fake_engine")
SIZES = (0, 2_000, 150_000, 1_920_000)
CALLS = {0: 400, 2_000: 400, 150_000: 200, 1_920_000: 40}
CYCLES = 100

MANIFEST = """
id = "fake"
task = "transcribe"
engine = "fake"
description = "echo"
license = "Apache-2.0"
memory_bytes = 1
"""

PARENT = """
import asyncio
from edged.workers.process import Worker, WorkerSpec
async def main():
    worker = await Worker.spawn(WorkerSpec(name="fake", module="fake_engine"), load_deadline_s=10)
    print(worker.pid, flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""

Figures = dict[str, float]


async def hops(rounds: int) -> Figures:
    """Microseconds of one call and its answer, both with the same bytes; and through a lease."""
    found: dict[str, list[float]] = {}
    worker = await Worker.spawn(FAKE, load_deadline_s=10)
    async with pool() as models, models.borrow("fake", Fake) as lease:
        for _ in range(rounds):
            for size in SIZES:
                blob = Blob(data=bytes(size))
                direct = await _median_us(lambda: worker.call("echo", blob, deadline_s=5), size)  # noqa: B023 - awaited here
                leased = await _median_us(lambda: lease.call(lease.model.echo, blob), size)  # noqa: B023 - awaited here
                found.setdefault(f"hop_{size}_us", []).append(direct)
                found.setdefault(f"lease_{size}_us", []).append(leased)
    await worker.end()
    return {name: statistics.median(values) for name, values in found.items()}


async def _median_us(call: Callable[[], Awaitable[object]], size: int) -> float:
    taken: list[float] = []
    for _ in range(CALLS[size]):
        began = time.perf_counter()
        await call()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken) * 1e6


async def streamed() -> Figures:
    """Microseconds per item of a long stream."""
    worker = await Worker.spawn(FAKE, load_deadline_s=10)
    began = time.perf_counter()
    count = 0
    async with contextlib.aclosing(
        worker.stream("count", Question(number=20_000), deadline_s=5)
    ) as items:
        async for _ in items:
            count += 1
    taken = time.perf_counter() - began
    await worker.end()
    return {"stream_item_us": taken / count * 1e6}


async def starts(rounds: int) -> Figures:
    """Milliseconds from spawn to ready, and of an orderly end."""
    ready: list[float] = []
    ended: list[float] = []
    for _ in range(rounds):
        began = time.perf_counter()
        worker = await Worker.spawn(FAKE, load_deadline_s=10)
        ready.append(time.perf_counter() - began)
        began = time.perf_counter()
        await worker.end()
        ended.append(time.perf_counter() - began)
    return {
        "spawn_to_ready_ms": statistics.median(ready) * 1e3,
        "spawn_to_ready_max_ms": max(ready) * 1e3,
        "end_ms": statistics.median(ended) * 1e3,
    }


async def deaths(rounds: int) -> Figures:
    """Milliseconds from kill -9 in a call to the caller's error."""
    taken: list[float] = []
    for _ in range(rounds):
        worker = await Worker.spawn(FAKE, load_deadline_s=10)
        began: list[float] = []

        def kill(pid: int = worker.pid, began: list[float] = began) -> None:
            began.append(time.perf_counter())
            os.kill(pid, signal.SIGKILL)

        asyncio.get_running_loop().call_later(0.02, kill)
        with contextlib.suppress(WorkerGone):
            (await worker.call("hang", Question(), deadline_s=5)).to(Reply)
        taken.append(time.perf_counter() - began[0])
        await worker.end()
    return {
        "kill_to_error_ms": statistics.median(taken) * 1e3,
        "kill_to_error_max_ms": max(taken) * 1e3,
    }


def orphans(rounds: int) -> Figures:
    """Milliseconds from the daemon's kill -9 to its worker's end."""
    taken: list[float] = []
    for _ in range(rounds):
        with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE) as parent:
            assert parent.stdout is not None
            pid = int(parent.stdout.readline())
            parent.kill()
            began = time.perf_counter()
            while system.state_of(pid) not in {"", "Z", "X"}:
                time.sleep(0.0005)
            taken.append(time.perf_counter() - began)
    return {
        "daemon_killed_to_gone_ms": statistics.median(taken) * 1e3,
        "orphan_max_ms": max(taken) * 1e3,
    }


async def growth() -> Figures:
    """What a hundred loads and unloads leave behind in the parent."""
    async with pool() as models:
        for _ in range(5):
            await models.load("fake")
            await models.unload("fake")
        before, descriptors = system.pss_bytes(os.getpid()), len(os.listdir("/proc/self/fd"))
        for _ in range(CYCLES):
            await models.load("fake")
            await models.unload("fake")
        return {
            "growth_100_loads_mb": (system.pss_bytes(os.getpid()) - before) / 1e6,
            "growth_100_loads_descriptors": len(os.listdir("/proc/self/fd")) - descriptors,
        }


@contextlib.asynccontextmanager
async def pool() -> AsyncIterator[Pool]:
    """A pool with the fake engine in a home of its own."""
    with tempfile.TemporaryDirectory(prefix="edged-") as home:
        paths = find_paths({"EDGED_HOME": home})
        paths.manifests.mkdir(parents=True)
        (paths.manifests / "fake.toml").write_text(MANIFEST)
        engines = {**manifests.ENGINES, "fake": Engine(module="fake_engine", packages=())}
        models = Pool(Config(), paths, engines=engines)
        try:
            yield models
        finally:
            await models.close()


async def measured(rounds: int) -> Figures:
    """Everything that runs in one loop."""
    return {
        **await hops(rounds),
        **await streamed(),
        **await starts(rounds * 3),
        **await deaths(rounds * 3),
        **await growth(),
    }


def main() -> None:
    """Measure, print a table, and write JSON if asked."""
    parser = argparse.ArgumentParser(description="what a worker costs")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    figures = {**asyncio.run(measured(options.rounds)), **orphans(options.rounds)}
    print("| figure | measured |\n|---|---|")
    for name, value in figures.items():
        print(f"| {name} | {value:.2f} |")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
