"""`audio.classify`: what is heard in a path, raw PCM or the bytes of a media file."""

from collections.abc import AsyncGenerator

from edged.errors import BadRequest
from edged.messages import requests
from edged.messages.replies import AnyReply, AudioClasses
from edged.models.runtime import ClassifyOptions
from edged.pipeline import sources
from edged.pipeline.sources import Source
from edged.service.chosen import chosen, loading
from edged.service.house import House
from edged.service.paths import absolute

Parts = tuple[bytes | memoryview, ...]


async def classify(
    house: House, request: requests.AudioClassify, parts: Parts
) -> AsyncGenerator[AnyReply, None]:
    """Labels of the whole, and of each window."""
    model = chosen(house, "audio_classify", request.model).id
    source = await _open(request, parts)
    try:
        if told := loading(house, model):
            yield told
        found = await house.hearing.hear(
            source,
            model,
            ClassifyOptions(top_k=request.top_k, min_score=request.min_score),
            priority=request.priority,
            keep_alive_ms=request.keep_alive_ms,
        )
    finally:
        source.close()
    yield AudioClasses(
        model=model,
        device=found.device,
        classes=found.classes,
        windows=found.windows,
        audio_ms=found.audio_ms,
        computed_us=found.computed_us,
    )


async def _open(request: requests.AudioClassify, parts: Parts) -> Source:
    """The one audio that the request names.

    Raises:
        BadRequest: none, or more than one.
    """
    if request.path is None:
        return await sources.from_bytes(parts, audio=request.audio, name="")
    if parts or request.audio is not None:
        raise BadRequest("give either a path or audio", fix="leave one of them out")
    return await sources.from_path(absolute(request.path))
