"""Stage `join`: hears a recording once from end to end: how long it is, where speech is, what is bad."""

import secrets
from collections.abc import Callable
from contextlib import aclosing

from edged.capture.parts import DecodedPart
from edged.media import samples_to_ms
from edged.messages.records import Span
from edged.messages.wire import Priority
from edged.models.lease import Lease
from edged.models.pool import Pool
from edged.models.runtime import VadOptions, VoiceActivity
from edged.pipeline.afterwards.results import Joined
from edged.pipeline.decoders import Decoders
from edged.pipeline.plan import Plan
from edged.pipeline.sources import Audible
from edged.speech.segmenter import Segmenter

Report = Callable[[float], None]
"""Hears how far a stage is, in [0, 1]."""


async def join(
    source: Audible,
    plan: Plan,
    *,
    pool: Pool,
    decoders: Decoders,
    priority: Priority,
    report: Report,
) -> Joined:
    """The length and the speech of a recording. Memory is bounded by a part of 30 s.

    Raises:
        BadMedia, WorkerGone, Deadline and what borrowing a model raises.
    """
    segmenter, spans, end = Segmenter(plan.segmenter), list[Span](), 0
    loudness = b""
    stream = secrets.token_hex(8)
    borrowed = pool.borrow(plan.vad, VoiceActivity, priority=priority)
    async with (
        borrowed as lease,
        source.open(decoders) as media,
        aclosing(media.parts()) as parts,
    ):
        async for part in parts:
            found = await _detect(lease, part, stream)
            loudness += part.rms
            size = min(len(found), len(loudness))
            spans += segmenter.feed_many(found[:size], loudness[:size])
            loudness = loudness[size:]
            end = part.start + part.audio.samples
            if media.audio_ms:
                report(min(1.0, samples_to_ms(end) / media.audio_ms))
    spans += segmenter.finish()
    return Joined(audio_ms=samples_to_ms(end), speech=tuple(spans))


async def _detect(lease: Lease[VoiceActivity], part: DecodedPart, stream: str) -> bytes:
    options = VadOptions(stream=stream, final=part.final)
    return (await lease.call(lease.model.detect, part.audio, options)).data
