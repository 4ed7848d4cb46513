"""What a job is about, and what does it."""

import hashlib
from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec
from msgspec import Struct

from edged.messages.records import Job
from edged.messages.replies import AnyReply
from edged.messages.wire import Priority
from edged.pipeline import sources
from edged.pipeline.plan import Plan
from edged.pipeline.sources import Source
from edged.pipeline.transcription import Pipeline
from edged.store import jobs
from edged.store.database import Store

KIND = "transcribe"


class TranscribeFile(Struct, frozen=True, kw_only=True):
    """A job's order: which content, and how. Either a path or a recording is given.

    recording_id: audio that the store knows (reprocess).
    again: names one wish to do it again although it was done; empty: once is enough.
    """

    path: str | None = None
    recording_id: str | None = None
    model: str
    language: str | None = None
    keep_audio: bool = False
    again: str = ""


class Work:
    """Turns orders into jobs and jobs into transcripts. Loop thread only."""

    def __init__(self, store: Store, pipeline: Pipeline, *, attempts: int) -> None:
        self._store = store
        self._pipeline = pipeline
        self._attempts = attempts

    async def submit(
        self, source: Source, order: TranscribeFile, plan: Plan, *, priority: Priority
    ) -> tuple[Job, bool]:
        """Queue an order, and whether the same work was there already.

        The key is content and plan: the same file twice is one job, a better model another.
        """
        work = f"{source.content} {plan.fingerprint} {order.again}"
        key = hashlib.sha256(work.encode()).hexdigest()
        return await self._store.write(
            lambda db: jobs.submit(
                db,
                key=key,
                kind=KIND,
                name=source.name,
                model=plan.model,
                payload=msgspec.msgpack.encode(order),
                priority=priority,
                max_attempts=self._attempts,
            )
        )

    async def transcribe(
        self, order: TranscribeFile, *, priority: Priority, resumed: bool
    ) -> AsyncGenerator[AnyReply, None]:
        """Carry an order out; replies as Pipeline.transcribe gives them.

        Args:
            order: what to do.
            priority: of its calls.
            resumed: it was begun before, so what is committed counts.
        """
        source = await self._open(order)
        try:
            plan = self._pipeline.plan(model=order.model, language=order.language)
            replies = self._pipeline.transcribe(
                source,
                plan,
                priority=priority,
                fresh=bool(order.again) and not resumed,
                keep_audio=order.keep_audio,
            )
            async with aclosing(replies):
                async for reply in replies:
                    yield reply
        finally:
            source.close()

    async def _open(self, order: TranscribeFile) -> Source:
        if order.recording_id is not None:
            return await self._pipeline.open_recording(order.recording_id)
        return await sources.from_path(order.path or "")
