"""`emotion.speech`: how each stretch of speech sounds."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from edged.media import AudioChunk
from edged.messages.replies import AnyReply
from edged.messages.voice import EmotionSpeech, SpokenEmotion, SpokenEmotions
from edged.models.lease import Lease
from edged.models.listening import FeelingModel
from edged.models.runtime import ClassifyOptions
from edged.pipeline.utterances import utterances
from edged.service import heard
from edged.service.chosen import chosen, loading
from edged.service.heard import Parts
from edged.service.house import House

ALL = ClassifyOptions(top_k=1000)
"""Every emotion of a model is told."""


async def emotions(
    house: House, request: EmotionSpeech, parts: Parts
) -> AsyncGenerator[AnyReply, None]:
    """One emotion for each stretch of speech, with every emotion's score."""
    model = chosen(house, "speech_emotion", request.model).id
    async with heard.opened(house, request, parts) as source:
        if told := loading(house, model):
            yield told
        found: list[SpokenEmotion] = []
        audio_ms = 0
        borrowed = house.pool.borrow(
            model, FeelingModel, priority=request.priority, keep_alive_ms=request.keep_alive_ms
        )
        passages = utterances(house.pool, house.decoders, source, priority=request.priority)
        async with borrowed as lease, aclosing(passages):
            async for passage in passages:
                audio_ms = passage.position_ms
                if passage.window is not None:
                    found.append(await _felt(lease, passage.audio))
    yield SpokenEmotions(emotions=tuple(found), model=model, audio_ms=audio_ms)


async def _felt(lease: Lease[FeelingModel], audio: AudioChunk) -> SpokenEmotion:
    felt = await lease.call(lease.model.feel, audio, ALL)
    best = felt.classes[0]
    return SpokenEmotion(
        start_ms=audio.start_ms,
        end_ms=audio.start_ms + audio.duration_ms,
        emotion=best.label,
        confidence=min(1.0, round(best.score, 4)),
        all_emotions={one.label: round(one.score, 4) for one in felt.classes},
    )
