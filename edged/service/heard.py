"""Where a request of edged.messages.voice has its audio: a path, a kept recording, PCM, or a file's bytes."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from edged.errors import BadRequest
from edged.messages.voice import Heard
from edged.pipeline import sources
from edged.pipeline.sources import Source
from edged.service.house import House
from edged.service.paths import absolute

Parts = tuple[bytes | memoryview, ...]


@asynccontextmanager
async def opened(house: House, request: Heard, parts: Parts) -> AsyncGenerator[Source, None]:
    """The one audio that the request names, closed afterwards.

    Raises:
        BadRequest: none, or more than one; a relative path; PCM that ends within a sample.
        NotFound, NotKept: the recording, or its audio, is not there.
        Denied, BadMedia: the path cannot be read, or is no regular file.
    """
    _check_one(request, parts)
    source = await _open(house, request, parts)
    try:
        yield source
    finally:
        source.close()


def _check_one(request: Heard, parts: Parts) -> None:
    named = (request.path is not None) + (request.recording_id is not None)
    if named > 1 or (named and (parts or request.audio is not None)):
        raise BadRequest(
            "the audio is given twice", fix="give a path, a recording_id or binary frames"
        )


async def _open(house: House, request: Heard, parts: Parts) -> Source:
    if request.path is not None:
        return await sources.from_path(absolute(request.path))
    if request.recording_id is not None:
        return await house.pipeline.open_recording(request.recording_id)
    return await sources.from_bytes(parts, audio=request.audio, name="")
