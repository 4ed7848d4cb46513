"""Live captions of a running session, for any number of clients."""

import asyncio
from collections.abc import AsyncGenerator

import msgspec

from edged.config import Config
from edged.errors import BadRequest, Busy, Conflict, NotFound
from edged.events import Bus, Published, Subscription
from edged.messages.events import SegmentAdded, SegmentPartial, SessionChanged, SessionDeleted
from edged.messages.replies import AnyReply, Overflow, Transcript
from edged.messages.sessions import (
    PartialText,
    Session,
    StreamClosed,
    StreamOpen,
    StreamOpened,
)
from edged.models.pool import Pool
from edged.pipeline.live.plan import LivePlan, choose_live
from edged.store import session_states, sessions
from edged.store.database import Store

MOST_FOLLOWERS = 256
EVENTS = ("segment.", "session.changed", "session.deleted")


class Following:
    """The clients that follow sessions. Loop thread only.

    Args:
        store, pool, bus: the daemon's. config: says which model a session is heard by.
    """

    def __init__(self, store: Store, pool: Pool, bus: Bus, config: Config) -> None:
        self._store = store
        self._pool = pool
        self._bus = bus
        self._config = config
        self._closing: dict[tuple[str, str], asyncio.Event] = {}

    async def follow(self, caller: str, request: StreamOpen) -> AsyncGenerator[AnyReply, None]:
        """Replies from `stream_opened` to `stream_closed`, when the session no longer records.

        Raises:
            BadRequest: no session is named, or audio is. NotFound: there is no such session.
            Conflict: it does not record, or a stream of this name is open. Busy: too many follow.
        """
        session_id = _asked(request)
        key = (caller, request.stream)
        if key in self._closing:
            raise Conflict("a stream of this name is open", fix="close it, or take another name")
        if len(self._closing) >= MOST_FOLLOWERS:
            raise Busy(f"{MOST_FOLLOWERS} clients follow sessions", retry_after_ms=1_000)
        closing = self._closing[key] = asyncio.Event()
        subscription = self._bus.subscribe(EVENTS)
        try:
            async for reply in self._replies(request, session_id, subscription, closing):
                yield reply
        finally:
            subscription.close()
            del self._closing[key]

    def close(self, caller: str, name: str) -> bool:
        """End a client's stream; whether it has one of this name."""
        closing = self._closing.get((caller, name))
        if closing is not None:
            closing.set()
        return closing is not None

    async def _replies(
        self, request: StreamOpen, session_id: str, news: Subscription, closing: asyncio.Event
    ) -> AsyncGenerator[AnyReply, None]:
        session, plan = await self._look(session_id)
        sources = frozenset(one.recording_id for one in session.sources)
        first = session.sources[0].recording_id if session.sources else None
        yield StreamOpened(
            stream=request.stream,
            model=plan.model,
            recording_id=first,
            streaming=plan.streaming,
        )
        count = 0
        while not _is_over(event := await _next(news, closing), session_id):
            reply = _reply(event, sources, words=request.words)
            if reply is not None:
                count += isinstance(reply, Transcript)
                yield reply
        ended = await self._duration(session_id, session)
        yield StreamClosed(
            stream=request.stream, audio_ms=ended, segment_count=count, recording_id=first
        )

    async def _look(self, session_id: str) -> tuple[Session, LivePlan]:
        session = await self._store.read(lambda db: sessions.get(db, session_id))
        if session.status not in session_states.RUNNING:
            raise Conflict(
                f"the session is {session.status}: there is nothing to follow",
                fix="`edged sessions show` has what was said",
            )
        options = await self._store.read(lambda db: sessions.options(db, session_id))
        plan = choose_live(
            self._pool,
            self._config.defaults,
            model=options.model if options else None,
            language=options.language if options else None,
        )
        return session, plan

    async def _duration(self, session_id: str, before: Session) -> int:
        try:
            return (await self._store.read(lambda db: sessions.get(db, session_id))).duration_ms
        except NotFound:
            return before.duration_ms


def _asked(request: StreamOpen) -> str:
    if request.session_id is None:
        raise BadRequest("a stream of kind session names no session", fix="give session_id")
    if request.audio is not None or request.model or request.language or request.lexicons:
        raise BadRequest(
            "a session has its own format, model, language and lexicons",
            fix="leave audio, model, language and lexicons out",
        )
    return request.session_id


async def _next(news: Subscription, closing: asyncio.Event) -> Published | int | None:
    """The next event, or how many were dropped; None when the stream is to be closed."""
    loop = asyncio.get_running_loop()
    tasks = (loop.create_task(news.next()), loop.create_task(closing.wait()))
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return tasks[0].result() if tasks[0].done() else None
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


def _is_over(event: Published | int | None, session_id: str) -> bool:
    match event:
        case None:
            return True
        case (_, _, SessionChanged(session=session)):
            return session.id == session_id and session.status not in session_states.RUNNING
        case (_, _, SessionDeleted(session_id=gone)):
            return gone == session_id
        case _:
            return False


def _reply(
    event: Published | int | None, sources: frozenset[str], *, words: bool
) -> AnyReply | None:
    match event:
        case int():
            return Overflow(dropped=event)
        case (_, _, SegmentPartial(recording_id=whose, text=text, start_ms=start, end_ms=end)):
            if whose in sources:
                return PartialText(text=text, start_ms=start, end_ms=end)
        case (_, _, SegmentAdded(recording_id=whose, segment=segment)):
            if whose in sources:
                shown = segment if words else msgspec.structs.replace(segment, words=())
                return Transcript(segments=(shown,))
        case _:
            pass
    return None
