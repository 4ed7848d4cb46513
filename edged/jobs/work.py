"""What a job is about, and what does it."""

import hashlib
from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec

from edged.errors import NotFound
from edged.jobs.orders import SESSION, TRANSCRIBE, ProcessSession, TranscribeFile, encode
from edged.messages.records import Job
from edged.messages.replies import AnyReply
from edged.messages.sessions import SessionsStart
from edged.messages.wire import Priority
from edged.pipeline import sources
from edged.pipeline.plan import Plan
from edged.pipeline.sources import Source
from edged.pipeline.transcription import Pipeline
from edged.store import jobs
from edged.store.database import Store
from edged.store.engine import Connection


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
                kind=TRANSCRIBE,
                name=source.name,
                model=plan.model,
                payload=encode(order),
                priority=priority,
                max_attempts=self._attempts,
            )
        )

    async def submit_session(self, session_id: str) -> Job:
        """Queue the work after a session's end, as its options say; once is enough.

        Raises:
            NotFound: no such session.
        """
        return await self._store.write(
            lambda db: queue_session(db, session_id, attempts=self._attempts)
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


def queue_session(db: Connection, session_id: str, *, attempts: int) -> Job:
    """Queue the work after a session's end within an open transaction; the runner must be woken.

    Raises:
        NotFound: no such session.
    """
    row = db.execute(
        "SELECT name, options FROM sessions WHERE session_id = ?", (session_id,)
    ).fetchone()
    if row is None:
        raise NotFound("no such session", session_id=session_id)
    order = _order(session_id, row[1])
    job, _ = jobs.submit(
        db,
        key=f"{SESSION} {session_id} {order.again}",
        kind=SESSION,
        name=row[0],
        model=order.model or "",
        payload=encode(order),
        priority="session",
        max_attempts=attempts,
        session_id=session_id,
    )
    return job


def _order(session_id: str, options: bytes | None) -> ProcessSession:
    """What the session's options ask for."""
    if options is None:
        return ProcessSession(session_id=session_id)
    asked = msgspec.msgpack.decode(options, type=SessionsStart)
    return ProcessSession(
        session_id=session_id,
        model=asked.model,
        language=asked.language,
        lexicons=asked.lexicons or (),
        diarize=asked.diarize,
        speakers=asked.speakers or 0,
        keep_audio=asked.keep_audio,
    )
