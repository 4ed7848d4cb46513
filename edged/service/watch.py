"""`watch.*`: folders whose new files become jobs."""

from collections.abc import AsyncGenerator

from edged.messages import requests
from edged.messages.replies import AnyReply, Folders
from edged.service.house import House
from edged.service.paths import absolute


async def add(house: House, request: requests.WatchAdd) -> AsyncGenerator[AnyReply, None]:
    """Watch a folder from now on, and after every start."""
    if request.model or request.language:
        house.pipeline.plan(model=request.model, language=request.language)
    if request.lexicons:
        await house.lexicons.active(request.lexicons)
    await house.intake.add(
        absolute(request.path),
        recursive=request.recursive,
        model=request.model,
        language=request.language,
        lexicons=request.lexicons,
    )
    yield Folders(folders=await house.intake.folders())


async def remove(house: House, request: requests.WatchRemove) -> AsyncGenerator[AnyReply, None]:
    """Stop watching a folder."""
    await house.intake.remove(absolute(request.path))
    yield Folders(folders=await house.intake.folders())


async def list_folders(house: House, _: requests.WatchList) -> AsyncGenerator[AnyReply, None]:
    """Watched folders and how they are."""
    yield Folders(folders=await house.intake.folders())
