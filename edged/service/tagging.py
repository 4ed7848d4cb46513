"""`audio.tag`: what is heard when."""

from collections.abc import AsyncGenerator

import msgspec

from edged.messages.replies import AnyReply
from edged.messages.voice import AudioTag, SoundTags
from edged.models.runtime import ClassifyOptions
from edged.service import heard
from edged.service.chosen import chosen, loading
from edged.service.heard import Parts
from edged.service.house import House
from edged.speech.tags import stretches

LABELS_LOOKED_AT = 20
"""The surest of each window; with a score from 0.3 on no model has as many in one."""


async def tag(house: House, request: AudioTag, parts: Parts) -> AsyncGenerator[AnyReply, None]:
    """Stretches over which a label stays above a score."""
    model = chosen(house, "audio_classify", request.model).id
    async with heard.opened(house, request, parts) as source:
        if told := loading(house, model):
            yield told
        found = await house.hearing.hear(
            source,
            model,
            ClassifyOptions(top_k=LABELS_LOOKED_AT, min_score=request.min_score),
            priority=request.priority,
            keep_alive_ms=request.keep_alive_ms,
        )
    tags = stretches(found.windows, min_score=request.min_score, labels=request.labels)
    within = tuple(
        msgspec.structs.replace(one, end_ms=min(one.end_ms, found.audio_ms)) for one in tags
    )
    yield SoundTags(tags=within, model=model, audio_ms=found.audio_ms)
