"""Emotions: how each final segment of a recording sounds, where a model for it is installed."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing

from edged.media import AudioChunk
from edged.messages.records import Segment
from edged.messages.wire import Priority
from edged.models.lease import Lease
from edged.models.listening import FeelingModel
from edged.models.pool import Pool
from edged.models.runtime import ClassifyOptions
from edged.pipeline.afterwards.joining import Report
from edged.pipeline.afterwards.results import Felt
from edged.pipeline.decoders import Decoders
from edged.pipeline.sources import Audible
from edged.pipeline.tape import Tape
from edged.store.saving import Feeling

SHORTEST_MS = 300
"""A segment that is shorter says nothing about how it sounds."""

LONGEST_MS = 30_000

BATCH = 50
"""Segments between two commits: what a kill costs."""


async def feel(  # noqa: PLR0913 what a stage needs, all by keyword
    source: Audible,
    segments: Sequence[Segment],
    before: Felt,
    *,
    model: str,
    pool: Pool,
    decoders: Decoders,
    priority: Priority,
    keep: Callable[[Felt], Awaitable[None]],
    report: Report,
) -> Felt:
    """How the segments sound; goes on behind what was found before.

    Args:
        source: their audio.
        segments: final ones, in order of time.
        before: what an earlier try found.
        model: of the task speech_emotion.
        pool: lends it.
        decoders: bring the source to 16 kHz mono.
        priority: of the calls.
        keep: commits what is found so far.
        report: hears how far it is.

    Raises:
        WorkerGone, Deadline and what borrowing a model raises.
    """
    left = [one for one in segments if one.seq > before.done]
    if not left:
        return before
    done, feelings = before.done, dict(before.feelings)
    async with (
        pool.borrow(model, FeelingModel, priority=priority) as lease,
        aclosing(_cut(source, left, decoders)) as pieces,
    ):
        async for segment, audio in pieces:
            found = await _one(lease, audio)
            done = segment.seq
            if found is not None:
                feelings[done] = found
            if done % BATCH == BATCH - 1:
                await keep(Felt(done=done, feelings=dict(feelings)))
            report((done + 1) / (segments[-1].seq + 1))
    felt = Felt(done=done, feelings=feelings)
    await keep(felt)
    return felt


async def _one(lease: Lease[FeelingModel], audio: AudioChunk) -> Feeling | None:
    if audio.duration_ms < SHORTEST_MS:
        return None
    found = await lease.call(lease.model.feel, audio, ClassifyOptions(top_k=1))
    if not found.classes:
        return None
    best = found.classes[0]
    return Feeling(best.label, min(1.0, max(0.0, best.score)))


async def _cut(
    source: Audible, segments: Sequence[Segment], decoders: Decoders
) -> AsyncGenerator[tuple[Segment, AudioChunk], None]:
    """Each segment with its audio, at most 30 s of it. Memory: a part, and one segment."""
    tape = Tape()
    waiting = list(reversed(segments))
    async with source.open(decoders) as media, aclosing(media.parts()) as parts:
        async for part in parts:
            tape.append(part.audio)
            while waiting and (_end(waiting[-1]) <= tape.end_ms or part.final):
                segment = waiting.pop()
                yield segment, tape.cut(segment.start_ms, _end(segment))
            if not waiting:
                return
            tape.forget_before(waiting[-1].start_ms)


def _end(segment: Segment) -> int:
    return min(segment.end_ms, segment.start_ms + LONGEST_MS)
