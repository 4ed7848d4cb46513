"""Measures a model on this machine, in workers of its own: what serves requests is untouched."""

import asyncio
import math
import time
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager

from edged.errors import EdgedError, WorkerGone
from edged.messages.records import BenchmarkRow, Problem
from edged.models.choices import Choice
from edged.models.files import ModelFiles
from edged.models.latency import summary
from edged.models.manifest import Engine, Manifest
from edged.models.specs import worker_spec
from edged.workers import system
from edged.workers.process import CallYielded, Worker

LOAD_DEADLINE_S = 120.0
CALL_DEADLINE_S = 60.0

FEWEST_CALLS = 3
MOST_CALLS = 10_000


async def measure(
    manifest: Manifest,
    choice: Choice,
    *,
    files: ModelFiles,
    engines: Mapping[str, Engine],
    seconds: float,
    room: AbstractAsyncContextManager[None],
) -> BenchmarkRow:
    """How fast a model is, one way: its load, and its canary's inference again and again.

    What keeps one way from being measured is told in its row; the others can be measured still.

    Args:
        manifest: the model.
        choice: how to run it.
        files: finds and verifies its files.
        engines: the adapters' modules.
        seconds: how long its canary is run, FEWEST_CALLS times at least.
        room: keeps memory for the worker.

    Raises:
        Busy: there is no memory for it.
    """
    async with room:
        try:
            return await _measure(manifest, choice, files, engines, seconds)
        except CallYielded:
            error: EdgedError = WorkerGone(f"the canary of {manifest.id} did not run")
        except EdgedError as raised:
            error = raised
    return BenchmarkRow(
        device=choice.device,
        threads=choice.threads,
        error=Problem(code=error.code, message=error.message, fix=error.fix),
    )


async def _measure(
    manifest: Manifest,
    choice: Choice,
    files: ModelFiles,
    engines: Mapping[str, Engine],
    seconds: float,
) -> BenchmarkRow:
    files.check_engine(manifest)
    spec = await asyncio.to_thread(worker_spec, files, engines, manifest, choice)
    began = time.monotonic()
    worker = await Worker.spawn(spec, load_deadline_s=LOAD_DEADLINE_S)
    try:
        await worker.call("canary", deadline_s=CALL_DEADLINE_S)
        load_ms = int((time.monotonic() - began) * 1000)
        taken = await _run_canary(worker, seconds)
        pss = system.pss_bytes(worker.pid)
    finally:
        await asyncio.shield(worker.end())
    found = summary(taken)
    return BenchmarkRow(
        device=choice.device,
        threads=choice.threads,
        load_ms=load_ms,
        p50_us=found.p50_us,
        p95_us=found.p95_us,
        per_second=round(len(taken) / math.fsum(taken), 2),
        pss_bytes=pss,
    )


async def _run_canary(worker: Worker, seconds: float) -> list[float]:
    """How long each call took, the way to the worker and back included."""
    taken: list[float] = []
    until = time.monotonic() + seconds
    while len(taken) < FEWEST_CALLS or (time.monotonic() < until and len(taken) < MOST_CALLS):
        began = time.monotonic()
        await worker.call("canary", deadline_s=CALL_DEADLINE_S)
        taken.append(time.monotonic() - began)
    return taken
