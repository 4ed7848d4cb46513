"""`transcribe`: a path, raw PCM or the bytes of a media file become committed segments."""

import secrets
from collections.abc import AsyncGenerator
from contextlib import aclosing

from edged.errors import BadRequest
from edged.messages import requests
from edged.messages.replies import AnyReply, Progress, Transcribed
from edged.pipeline import sources
from edged.pipeline.afterwards.wish import Errand
from edged.pipeline.plan import Plan
from edged.pipeline.sources import Source
from edged.pipeline.uploads import from_upload
from edged.service import uploads
from edged.service.house import House
from edged.service.paths import absolute

Parts = tuple[bytes | memoryview, ...]


async def transcribe(
    house: House, request: requests.Transcribe, parts: Parts
) -> AsyncGenerator[AnyReply, None]:
    """Replies of one transcription; see Pipeline.transcribe and Afterwards.transcribe."""
    lexicons = await active(house, request.lexicons)
    plan = house.pipeline.plan(model=request.model, language=request.language, words=request.words)
    yield Progress(stage="read", fraction=0.0)
    source = await _open(house, request, parts)
    source.owner = house.asker.client_id
    spent = False
    try:
        replies = (
            _with_speakers(house, request, source, plan, lexicons)
            if request.diarize or lexicons
            else house.pipeline.transcribe(
                source,
                plan,
                priority=request.priority,
                fresh=request.fresh,
                keep_audio=request.keep_audio,
                keep_alive_ms=request.keep_alive_ms,
            )
        )
        async with aclosing(replies):
            async for reply in replies:
                if isinstance(reply, Transcribed) and request.upload_id is not None:
                    spent = await uploads.spent(house, request.upload_id)
                yield reply
    finally:
        source.close()
    if spent and request.upload_id is not None:
        await uploads.forget(house, request.upload_id)


async def active(house: House, asked: tuple[str, ...] | None) -> tuple[str, ...]:
    """Names of the lexicons that a request makes active; None: the configured ones.

    Raises:
        NotFound, ConfigError: one that was asked for cannot be used.
    """
    if asked is None:  # the work leaves out those that cannot be used, and says so
        return house.lexicons.configured
    await house.lexicons.active(asked)
    return asked


def _with_speakers(
    house: House,
    request: requests.Transcribe,
    source: Source,
    plan: Plan,
    lexicons: tuple[str, ...],
) -> AsyncGenerator[AnyReply, None]:
    """Segments as they are recognised, and in the end all of them anew."""
    wish, skipped = house.afterwards.choose(
        plan,
        lexicons=lexicons,
        diarize=request.diarize,
        speakers=request.speakers or 0,
        again=secrets.token_hex(8) if request.fresh else "",
    )
    return house.afterwards.transcribe(
        source,
        wish,
        errand=Errand(priority=request.priority, keep_alive_ms=request.keep_alive_ms),
        keep_audio=request.keep_audio,
        skipped=skipped,
    )


async def _open(house: House, request: requests.Transcribe, parts: Parts) -> Source:
    """The one audio that the request names.

    Raises:
        BadRequest: none, or more than one.
    """
    if request.path is None and request.upload_id is None:
        return await sources.from_bytes(parts, audio=request.audio, name=request.name or "")
    if parts or request.audio is not None or (request.path and request.upload_id):
        raise BadRequest("give a path, an upload or audio", fix="leave the others out")
    if request.path is None:
        return await from_upload(
            house.store,
            request.upload_id or "",
            name=request.name or "",
            owner=house.asker.client_id,
        )
    source = await sources.from_path(absolute(request.path))
    if request.name is not None:
        source.name = request.name
    return source
