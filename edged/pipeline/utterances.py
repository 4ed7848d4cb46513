"""The stretches of speech in a source, each with its audio."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from edged.messages.wire import Priority
from edged.models.pool import Pool
from edged.pipeline.decoders import Decoders
from edged.pipeline.plan import LONGEST_UTTERANCE_MS, Plan, of_task
from edged.pipeline.sources import Source
from edged.pipeline.speech import Passage, Speech
from edged.speech.segmenter import SegmenterOptions


async def utterances(
    pool: Pool, decoders: Decoders, source: Source, *, priority: Priority = "interactive"
) -> AsyncGenerator[Passage, None]:
    """One passage for each stretch of speech, in order of time, and one without a window after every part.

    Raises:
        ModelMissing, EngineMissing: there is no voice activity model. What Speech.passages raises.
    """
    plan = Plan(
        vad=of_task(pool, "vad").id,
        model="",
        language=None,
        words=False,
        segmenter=SegmenterOptions(max_ms=LONGEST_UTTERANCE_MS),
        window_ms=LONGEST_UTTERANCE_MS,
        packs=False,
        files=(),
    )
    passages = Speech(pool, decoders, plan, priority=priority).passages(source)
    async with aclosing(passages):
        async for passage in passages:
            yield passage
