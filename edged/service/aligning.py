"""`align`: when each word and phone of a known text is spoken."""

import time
from collections.abc import AsyncGenerator

from edged.errors import BadRequest, Unsupported, UnsupportedLanguage
from edged.media import AudioChunk
from edged.messages.records import Word
from edged.messages.replies import AnyReply
from edged.messages.voice import Align, Aligned, Phoneme
from edged.models.listening import AlignedSpeech, Aligner, AlignOptions
from edged.models.manifest import Manifest
from edged.models.runtime import SpokenWord
from edged.pipeline import whole
from edged.service import heard
from edged.service.chosen import chosen, loading
from edged.service.heard import Parts
from edged.service.house import House
from edged.speech.spelling import spelled

LONGEST_MS = 600_000
"""Audio of one request. Source: PROTOCOL.md."""

TASK = "align"


async def align(house: House, request: Align, parts: Parts) -> AsyncGenerator[AnyReply, None]:
    """Words and phones in time."""
    manifest, language = _chosen(house, request)
    words = spelled(request.text, language)
    if not words:
        raise BadRequest("the text holds no word")
    options = AlignOptions(text=" ".join(words), language=language)
    async with heard.opened(house, request, parts) as source:
        if told := loading(house, manifest.id):
            yield told
        began = time.monotonic()
        audio = await whole.decoded(
            house.decoders, source, most_ms=LONGEST_MS, priority=request.priority
        )
        decoded_ms = round((time.monotonic() - began) * 1000)
        borrowed = house.pool.borrow(
            manifest.id, Aligner, priority=request.priority, keep_alive_ms=request.keep_alive_ms
        )
        async with borrowed as lease:
            found = await lease.call(lease.model.align, audio, options)
    yield _aligned(found, audio, manifest, language, decoded_ms=decoded_ms)


def _chosen(house: House, request: Align) -> tuple[Manifest, str]:
    """The model and the language.

    Raises:
        UnsupportedLanguage: the model that is asked for, or every one that is here, lacks it.
        ModelMissing, Unsupported: see service.chosen.
    """
    wanted = request.language or house.config.defaults.language or ""
    base = wanted.partition("-")[0]
    if request.model is None and base:
        known = house.pool.default(TASK, language=base)[0]
        if known is None and house.pool.default(TASK)[0] is not None:
            raise _unsupported(house, wanted)
        manifest = chosen(house, TASK, known)
    else:
        manifest = chosen(house, TASK, request.model)
    if base and manifest.languages and base not in manifest.languages:
        raise _unsupported(house, wanted)
    return manifest, wanted or next(iter(manifest.languages), "en")


def _unsupported(house: House, language: str) -> UnsupportedLanguage:
    """The error with the model to pull, when one that is known takes the language."""
    base = language.partition("-")[0]
    for one in house.pool.summaries(TASK):
        if not one.installed and (not one.languages or base in one.languages):
            return UnsupportedLanguage(
                f"no model for {TASK} that is here knows the language {language}",
                fix=f"`edged models pull {one.id}`",
                model=one.id,
            )
    return UnsupportedLanguage(f"no model for {TASK} knows the language {language}")


def _aligned(
    found: AlignedSpeech, audio: AudioChunk, manifest: Manifest, language: str, *, decoded_ms: int
) -> Aligned:
    if not found.words:
        raise Unsupported(f"{manifest.id} finds no word", model=manifest.id)
    return Aligned(
        words=tuple(_word(one) for one in found.words),
        phonemes=tuple(
            Phoneme(
                phoneme=one.phone,
                ipa=one.ipa,
                start_ms=round(one.start_s * 1000),
                end_ms=round(one.end_s * 1000),
                confidence=round(one.confidence, 4),
            )
            for one in found.phones
        ),
        processing_time_ms=decoded_ms + found.computed_us // 1000,
        model=manifest.id,
        language=language,
        audio_ms=audio.duration_ms,
    )


def _word(word: SpokenWord) -> Word:
    return Word(
        text=word.text,
        start_ms=round(word.start_s * 1000),
        end_ms=round(word.end_s * 1000),
        confidence=round(word.confidence, 4),
    )
