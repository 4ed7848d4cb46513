"""Sends a file in parts, several on their way, each acknowledged when the daemon has committed it."""

import asyncio
import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from edged.bridge.framing import Buffer
from edged.errors import BadMedia, Busy, Conflict, EdgedError
from edged.messages.replies import AnyReply
from edged.messages.requests import AnyRequest
from edged.messages.uploads import (
    UploadClose,
    Uploaded,
    UploadOpen,
    UploadOpened,
    UploadPart,
    UploadTaken,
)

R = TypeVar("R", bound=AnyReply)

TRIES = 10
"""How often a daemon may be busy, with no part taken in between."""

PAUSE_MS = 200

Told = Callable[[str, int, int], object]
"""Called with the upload's id, the bytes that are committed, and the size of the whole file."""


class Asking(Protocol):
    """What sends requests: a Client."""

    async def ask(
        self,
        request: AnyRequest,
        reply: type[R],
        parts: Sequence[Buffer] = (),
        *,
        deadline_ms: int = 0,
    ) -> R:
        """The last reply to a request."""
        ...


async def upload(
    client: Asking, path: Path | str, *, upload_id: str | None = None, told: Told | None = None
) -> Uploaded:
    """Send a file; go on with an upload that was begun, where its id is given.

    Args:
        client: open.
        path: of a regular file, which must not change meanwhile.
        upload_id: as `told` heard it before the break.
        told: hears of progress, on the loop.

    Raises:
        BadMedia: the file is absent, empty or cannot be read.
        Conflict: it changed while it was sent; what was sent is deleted after its time.
        EdgedError: what the daemon answered, or DaemonDown.
    """
    file = await asyncio.to_thread(_open, path)
    try:
        size = os.fstat(file).st_size
        begin = UploadOpen(size_bytes=size, upload_id=upload_id)
        opened = await client.ask(begin, UploadOpened)
        await _send_all(client, file, opened, told or _silent)
        uploaded = await client.ask(UploadClose(upload_id=opened.upload_id), Uploaded)
        if uploaded.sha256 != await asyncio.to_thread(_hash, file):
            raise Conflict("the file changed while it was sent")
        return uploaded
    finally:
        os.close(file)


def _open(path: Path | str) -> int:
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise BadMedia(f"the file cannot be opened: {error.strerror}") from error
    if os.fstat(file).st_size:
        return file
    os.close(file)
    raise BadMedia("the file is empty")


async def _send_all(client: Asking, file: int, opened: UploadOpened, told: Told) -> None:
    """Send until all is there; a daemon that is busy is asked again, as long as it takes parts."""
    tries = 0
    while opened.received < opened.size_bytes:
        before = opened.received
        try:
            await _send(client, file, opened, told)
        except Busy as error:
            tries += 1
            if tries >= TRIES:
                raise
            await asyncio.sleep(float(error.details.get("retry_after_ms") or PAUSE_MS) / 1000)
        else:
            return
        opened = await _open_again(client, opened)
        tries = 0 if opened.received > before else tries


async def _open_again(client: Asking, opened: UploadOpened) -> UploadOpened:
    go_on = UploadOpen(size_bytes=opened.size_bytes, upload_id=opened.upload_id)
    return await client.ask(go_on, UploadOpened)


async def _send(client: Asking, file: int, opened: UploadOpened, told: Told) -> None:
    """Send what is missing, never more parts at once than the daemon's window.

    Raises:
        EdgedError: the failure that came first; the parts behind it were not sent, or failed too.
    """
    try:
        await _send_parts(client, file, opened, told)
    except* EdgedError as errors:
        raise _first(errors) from errors


async def _send_parts(client: Asking, file: int, opened: UploadOpened, told: Told) -> None:
    slots = asyncio.Semaphore(opened.window)

    async def send(offset: int, data: bytes) -> None:
        part = UploadPart(upload_id=opened.upload_id, offset=offset)
        taken = await client.ask(part, UploadTaken, [data])
        told(opened.upload_id, taken.received, opened.size_bytes)
        slots.release()

    told(opened.upload_id, opened.received, opened.size_bytes)
    async with asyncio.TaskGroup() as tasks:
        for offset in range(opened.received, opened.size_bytes, opened.part_bytes):
            await slots.acquire()
            data = await asyncio.to_thread(os.pread, file, opened.part_bytes, offset)
            tasks.create_task(send(offset, data))


def _first(errors: BaseExceptionGroup[EdgedError]) -> EdgedError:
    for error in errors.exceptions:
        return _first(error) if isinstance(error, BaseExceptionGroup) else error
    raise AssertionError


def _hash(file: int) -> str:
    with os.fdopen(os.dup(file), "rb") as copy:
        copy.seek(0)
        return hashlib.file_digest(copy, "sha256").hexdigest()


def _silent(upload_id: str, received: int, size_bytes: int) -> None:
    """Tell nobody."""
