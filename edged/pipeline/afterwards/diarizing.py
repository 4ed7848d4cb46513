"""Stage `diarize`: who speaks when in one recording."""

import secrets
from collections.abc import Sequence
from contextlib import aclosing, suppress

from edged.errors import EdgedError
from edged.media import samples_to_ms
from edged.messages.records import Span
from edged.messages.wire import Priority
from edged.models import listening
from edged.models.lease import Lease
from edged.models.listening import DiarizeOptions, Diarizer
from edged.models.pool import Pool
from edged.pipeline.afterwards.joining import Report
from edged.pipeline.afterwards.results import Diarized, Joined
from edged.pipeline.decoders import Decoders
from edged.pipeline.sources import Audible

LAST_SHARE = 0.3
"""Of the work, that comes with the final part: who is who is decided in the end."""


async def diarize(  # noqa: PLR0913 what a stage needs, all by keyword
    source: Audible,
    joined: Joined,
    *,
    model: str,
    speakers: int,
    pool: Pool,
    decoders: Decoders,
    priority: Priority,
    report: Report,
) -> Diarized:
    """The turns of a recording; none where nobody speaks.

    Memory is bounded by a part of 30 s here, and by what the model keeps of each second.

    Raises:
        BadMedia, WorkerGone, Deadline and what borrowing a model raises.
    """
    if not joined.speech:
        return Diarized()
    stream = secrets.token_hex(8)
    async with (
        pool.borrow(model, Diarizer, priority=priority) as lease,
        source.open(decoders) as media,
        aclosing(media.parts()) as parts,
    ):
        told, found = 0, listening.Diarized()
        try:
            async for part in parts:
                end_ms = samples_to_ms(part.start + part.audio.samples)
                speech = _until(joined.speech, told, end_ms, final=part.final)
                told += len(speech)
                options = DiarizeOptions(
                    stream=stream, final=part.final, speech=speech, speakers=speakers
                )
                found = await lease.call(lease.model.diarize, part.audio, options)
                report((1 - LAST_SHARE) * min(1.0, end_ms / max(1, joined.audio_ms)))
        except BaseException:
            await _forget(lease, stream)
            raise
    report(1.0)
    return Diarized(
        turns=found.turns,
        voices=bytes(found.voices),
        dimensions=found.dimensions,
        voice_model=found.voice_model,
    )


def _until(speech: Sequence[Span], told: int, end_ms: int, *, final: bool) -> tuple[Span, ...]:
    """The stretches that end within or before a part and were not told yet."""
    last = told
    while last < len(speech) and (final or speech[last].end_ms <= end_ms):
        last += 1
    return tuple(speech[told:last])


async def _forget(lease: Lease[Diarizer], stream: str) -> None:
    with suppress(EdgedError):
        await lease.call(lease.model.forget, listening.DiarizeOptions(stream=stream))
