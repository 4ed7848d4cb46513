"""`keywords`: when any of some words or phrases is spoken."""

import secrets
from collections.abc import AsyncGenerator
from contextlib import aclosing

from edged.media import samples_to_ms
from edged.messages.replies import AnyReply
from edged.messages.voice import KeywordHit, Keywords, KeywordsHeard
from edged.models.listening import KeywordSpotter, SpotOptions
from edged.models.runtime import SpokenWord
from edged.models.turns import urgency_of
from edged.service import heard
from edged.service.chosen import chosen, loading
from edged.service.heard import Parts
from edged.service.house import House


async def keywords(house: House, request: Keywords, parts: Parts) -> AsyncGenerator[AnyReply, None]:
    """Every time that one of the keywords is heard."""
    model = chosen(house, "keywords", request.model).id
    stream = secrets.token_hex(8)
    found: list[SpokenWord] = []
    samples = 0
    async with heard.opened(house, request, parts) as source:
        if told := loading(house, model):
            yield told
        borrowed = house.pool.borrow(
            model, KeywordSpotter, priority=request.priority, keep_alive_ms=request.keep_alive_ms
        )
        urgency = urgency_of(request.priority)
        async with (
            borrowed as lease,
            house.decoders.open(source.fd, source.audio, priority=urgency) as media,
            aclosing(media.parts()) as decoded,
        ):
            async for part in decoded:
                samples = part.start + part.audio.samples
                options = SpotOptions(
                    stream=stream,
                    keywords=request.keywords,
                    threshold=request.threshold,
                    final=part.final,
                )
                spotted = await lease.call(lease.model.spot, part.audio, options)
                found += spotted.words
    yield _heard(found, model, samples_to_ms(samples))


def _heard(found: list[SpokenWord], model: str, audio_ms: int) -> KeywordsHeard:
    hits = [
        KeywordHit(
            keyword=one.text,
            start_ms=min(audio_ms, max(0, round(one.start_s * 1000))),
            end_ms=min(audio_ms, max(0, round(one.end_s * 1000))),
            confidence=one.confidence,
        )
        for one in found
    ]
    hits.sort(key=lambda hit: (hit.start_ms, hit.keyword))
    return KeywordsHeard(hits=tuple(hits), model=model, audio_ms=audio_ms)
