"""`store.*`: copies of the store, and another key for it."""

from collections.abc import AsyncGenerator
from pathlib import Path

from edged.errors import BadRequest
from edged.messages import requests
from edged.messages.replies import AnyReply, BackedUp, Done, Progress
from edged.service.house import House


async def backup(house: House, request: requests.Backup) -> AsyncGenerator[AnyReply, None]:
    """Write a copy to a file that does not exist yet."""
    target = Path(request.path)
    if not target.is_absolute():
        raise BadRequest("the backup's path is not absolute")
    yield Progress(stage="backup", fraction=0.0)
    size = await house.store.backup(target)
    yield BackedUp(path=request.path, size_bytes=size)


async def rotate_key(house: House, _: requests.RotateKey) -> AsyncGenerator[AnyReply, None]:
    """Encrypt the store with a new key."""
    yield Progress(stage="rotate", fraction=0.0)
    await house.rotate_key()
    yield Done()
