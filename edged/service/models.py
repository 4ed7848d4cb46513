"""`models.*`: what can run here, and what is in memory."""

from collections.abc import AsyncGenerator

from edged.messages import requests
from edged.messages.replies import AnyReply, Done, LoadedModels, Loading, Models
from edged.service.house import House


def list_models(house: House, request: requests.ModelsList) -> Models:
    """Every manifest, and whether it can run here."""
    return Models(models=house.pool.summaries(request.task))


async def show(house: House, request: requests.ModelsShow) -> AsyncGenerator[AnyReply, None]:
    """One manifest in full; its files are looked for."""
    yield await house.pool.details(request.model)


def ps(house: House, _: requests.ModelsPs) -> LoadedModels:
    """What is in memory, measured now."""
    return LoadedModels(models=house.pool.loaded())


async def load(house: House, request: requests.ModelsLoad) -> AsyncGenerator[AnyReply, None]:
    """Load a model and say when it is ready."""
    expected = house.pool.expected_load_ms(request.model)
    yield Loading(model=request.model, expected_ms=expected)
    await house.pool.load(request.model, keep_alive_ms=request.keep_alive_ms)
    yield Done()


async def unload(house: House, request: requests.ModelsUnload) -> AsyncGenerator[AnyReply, None]:
    """End a model's worker."""
    await house.pool.unload(request.model)
    yield Done()
