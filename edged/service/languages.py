"""`language.identify`: which language is spoken."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from edged.errors import BadMedia
from edged.media import AudioChunk
from edged.messages.replies import AnyReply
from edged.messages.voice import LanguageIdentify, SpokenLanguage, SpokenLanguages
from edged.messages.wire import Priority
from edged.models.listening import LanguageModel
from edged.models.manifest import Manifest
from edged.models.runtime import ClassifyOptions
from edged.pipeline.sources import Source
from edged.pipeline.utterances import utterances
from edged.service import heard
from edged.service.chosen import chosen, loading
from edged.service.heard import Parts
from edged.service.house import House

TASK = "language_identify"
ENGINE = "faster_whisper"
"""Its recognisers of several languages tell the language too, without a model of their own."""

ENOUGH_MS = 30_000
"""Of speech. Source: Whisper looks at so much."""


async def identify(
    house: House, request: LanguageIdentify, parts: Parts
) -> AsyncGenerator[AnyReply, None]:
    """The likeliest languages of the first 30 s of speech."""
    model = _chosen(house, request.model).id
    async with heard.opened(house, request, parts) as source:
        if told := loading(house, model):
            yield told
        speech = await _speech(house, source, request.priority)
    borrowed = house.pool.borrow(
        model, LanguageModel, priority=request.priority, keep_alive_ms=request.keep_alive_ms
    )
    async with borrowed as lease:
        options = ClassifyOptions(top_k=request.top_k)
        found = await lease.call(lease.model.languages, speech, options)
    yield SpokenLanguages(
        languages=tuple(
            SpokenLanguage(language=one.label, confidence=min(1.0, round(one.score, 4)))
            for one in found.classes
        ),
        model=model,
        heard_ms=speech.duration_ms,
    )


def _chosen(house: House, asked: str | None) -> Manifest:
    """The model asked for; else one of the task, else a recogniser that is here and can tell.

    Raises:
        ModelMissing, Unsupported: see service.chosen.
    """
    if asked is not None:
        manifest = house.pool.manifest(asked)
        return manifest if _tells(manifest) else chosen(house, TASK, asked)
    if house.pool.default(TASK)[0] is None:
        here = (one.id for one in house.pool.summaries("transcribe") if one.installed)
        for manifest in map(house.pool.manifest, here):
            if _tells(manifest):
                return manifest
    return chosen(house, TASK, None)


def _tells(manifest: Manifest) -> bool:
    """Whether a recogniser can tell the language."""
    return (
        manifest.task == "transcribe" and manifest.engine == ENGINE and len(manifest.languages) > 1
    )


async def _speech(house: House, source: Source, priority: Priority) -> AudioChunk:
    """The first stretches of speech, one after the other.

    Raises:
        BadMedia: there is none.
    """
    pieces: list[bytes] = []
    left = ENOUGH_MS
    passages = utterances(house.pool, house.decoders, source, priority=priority)
    async with aclosing(passages):
        async for passage in passages:
            if passage.window is not None and left > 0:
                pieces.append(bytes(passage.audio.data))
                left -= passage.audio.duration_ms
            if left <= 0:
                break
    if not pieces:
        raise BadMedia("there is no speech in the audio", fix="send audio in which somebody speaks")
    return AudioChunk(data=b"".join(pieces))
