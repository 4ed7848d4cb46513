"""Frames as picture files, made in a worker that starts with the first one and ends when idle."""

import asyncio

from msgspec import Struct

from edged.media import Picture
from edged.workers.process import WorkerSpec
from edged.workers.shared import SharedWorker

MEDIA_TYPE = "image/webp"

ENCODE_WITHIN_S = 10.0

_SPEC = WorkerSpec(name="stills", module="edged.capture.still_worker")


class Still(Struct, frozen=True, kw_only=True):
    """A picture file. width, height: in pixels."""

    data: bytes | memoryview
    media_type: str
    width: int
    height: int


class Stills:
    """Lends the worker. Loop thread only."""

    def __init__(self) -> None:
        self._shared = SharedWorker(_SPEC)
        self._turn = asyncio.Lock()

    async def encode(self, picture: Picture) -> Still:
        """A frame of raw RGB as a file; one after the other.

        Raises:
            BadRequest: see StillWorker.encode.
            WorkerGone, Deadline, EngineMissing: it cannot be made now.
        """
        async with self._turn, self._shared.lent() as worker:
            answer = await worker.call("encode", picture, deadline_s=ENCODE_WITHIN_S)
        return answer.to(Still)

    async def close(self) -> None:
        """End the worker now."""
        await self._shared.close()
