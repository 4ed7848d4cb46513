"""`models.*`: what can run here, and what is in memory."""

import asyncio
import time
from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing

import msgspec

from edged.errors import BadRequest
from edged.messages import requests
from edged.messages.records import BenchmarkRow
from edged.messages.replies import (
    AnyReply,
    Benchmark,
    Done,
    FilePart,
    LoadedModels,
    Loading,
    Models,
    Progress,
)
from edged.models.delivery import OpenedFile
from edged.service.house import House

TOLD_S = 0.25
"""How often a load says how far it is."""

ALMOST = 0.99
"""A load that takes longer than expected stays there."""

PART_BYTES = 4 * 2**20


def list_models(house: House, request: requests.ModelsList) -> Models:
    """Every manifest, and whether it can run here."""
    return Models(models=house.pool.summaries(request.task))


async def show(house: House, request: requests.ModelsShow) -> AsyncGenerator[AnyReply, None]:
    """One manifest in full; its files are looked for."""
    details = await house.pool.details(request.model)
    signature = await house.signatures.known(request.model)
    yield msgspec.structs.replace(details, signature=signature)


def ps(house: House, _: requests.ModelsPs) -> LoadedModels:
    """What is in memory, measured now."""
    return LoadedModels(models=house.pool.loaded())


async def load(house: House, request: requests.ModelsLoad) -> AsyncGenerator[AnyReply, None]:
    """Load a model, say how far it is, and when it is ready."""
    work = house.pool.load(request.model, keep_alive_ms=request.keep_alive_ms)
    told = _while_loading(house, request.model, work)
    async with aclosing(told):
        async for reply in told:
            yield reply
    yield Done()


async def pin(house: House, request: requests.ModelsPin) -> AsyncGenerator[AnyReply, None]:
    """Load a model and keep it; or let it go."""
    if request.pinned:
        told = _while_loading(house, request.model, house.pool.pin(request.model))
        async with aclosing(told):
            async for reply in told:
                yield reply
    else:
        await house.pool.unpin(request.model)
    yield Done()


async def _while_loading(
    house: House, model: str, work: Coroutine[object, object, None]
) -> AsyncGenerator[Loading, None]:
    """How far a load is, by the clock, until it is done; closing ends it."""
    task = asyncio.get_running_loop().create_task(work, name=f"load {model}")
    try:
        expected_ms = house.pool.expected_load_ms(model)
        began = time.monotonic()
        done = False
        while not done:
            passed_ms = (time.monotonic() - began) * 1000
            progress = min(ALMOST, passed_ms / expected_ms) if expected_ms else ALMOST
            yield Loading(model=model, expected_ms=expected_ms, progress=progress)
            done = bool((await asyncio.wait([task], timeout=TOLD_S))[0])
        await task
    finally:
        task.cancel()
        await asyncio.wait([task])


async def unload(house: House, request: requests.ModelsUnload) -> AsyncGenerator[AnyReply, None]:
    """End a model's worker."""
    await house.pool.unload(request.model)
    yield Done()


async def bench(house: House, request: requests.ModelsBench) -> AsyncGenerator[AnyReply, None]:
    """Measure a model every way that may work here, and say how far that is."""
    house.pool.manifest(request.model)
    yield Progress(stage="bench", fraction=0.0)
    rows: list[BenchmarkRow] = []
    steps = house.pool.bench(request.model, request.seconds)
    async with aclosing(steps):
        async for row, fraction in steps:
            rows.append(row)
            yield Progress(stage="bench", fraction=fraction)
    yield Benchmark(model=request.model, rows=await house.pool.prefer(request.model, rows))


async def file(
    house: House, request: requests.ModelsFile
) -> AsyncGenerator[AnyReply | tuple[AnyReply, tuple[bytes, ...]], None]:
    """A verified file in parts, from an offset on; read as fast as the client takes them.

    At its end, one empty part still tells size and hash.
    """
    yield Progress(stage="verify", fraction=0.0)
    opened = await house.pool.open_file(request.model, request.name)
    try:
        if request.offset > opened.size_bytes:
            raise BadRequest(
                "the offset lies behind the end of the file",
                fix="begin at 0; for `edged models file`, remove the .part",
            )
        offset, first = request.offset, True
        while first or offset < opened.size_bytes:
            part = await asyncio.to_thread(opened.read, offset, PART_BYTES)
            yield _part(request, opened, offset, len(part)), (part,)
            offset, first = offset + len(part), False
            if not part:
                break  # it became shorter; the client sees that by the hash
    finally:
        opened.close()
    yield Done()


def _part(request: requests.ModelsFile, opened: OpenedFile, offset: int, size: int) -> FilePart:
    return FilePart(
        model=request.model,
        name=request.name,
        offset=offset,
        size_bytes=size,
        total_bytes=opened.size_bytes,
        sha256=opened.sha256,
    )
