"""Live captions for clients: `stream.open` to `stream.close`.

A stream belongs to the connection that opened it and ends with it; its segments stay.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress

import msgspec
from msgspec import Struct

from edged.config import Config
from edged.errors import BadRequest, Busy, Conflict, NotFound, from_code
from edged.events import Bus
from edged.media import SPEECH
from edged.messages.records import Segment
from edged.messages.replies import AnyReply, Loading, Progress, Transcript
from edged.messages.sessions import PartialText, StreamClosed, StreamOpen, StreamOpened, StreamTaken
from edged.models.pool import Pool
from edged.pipeline.decoders import Decoders
from edged.pipeline.lexicons import Lexicons
from edged.pipeline.live.captions import Live
from edged.pipeline.live.plan import LivePlan, choose_live
from edged.sessions.feeding import Feed
from edged.sessions.news import News
from edged.store import recordings
from edged.store.database import Store

Buffer = bytes | memoryview

MOST_STREAMS = 64
DRAIN_S = 60.0
"""What is left at a stream's end is at most its backlog: after so long the rest is given up."""

HEARTBEAT_S = 10.0
"""Without news for so long something is sent: only so is a closed socket of a living client noticed."""

STILL_THERE = Progress(stage="listen", fraction=0.0)

Key = tuple[str, str]
"""The connection, and the name that its client chose."""


class _Stream(Struct, kw_only=True):
    """An open stream. draining: ends it in order. finished: its transcript is complete."""

    live: Live
    feed: Feed
    news: News
    recording_id: str | None
    captions: "asyncio.Task[None]"
    conversion: "asyncio.Task[None]"
    draining: "asyncio.Task[None] | None" = None
    finished: bool = False


class Streams:
    """All streams that clients feed. Loop thread only.

    Args:
        store, pool, bus, decoders: the daemon's.
        config: models and what a session may leave behind.
        lexicons: gives the active ones.
    """

    def __init__(
        self,
        store: Store,
        pool: Pool,
        bus: Bus,
        decoders: Decoders,
        config: Config,
        lexicons: Lexicons,
    ) -> None:
        self._store = store
        self._pool = pool
        self._bus = bus
        self._decoders = decoders
        self._config = config
        self._lexicons = lexicons
        self._streams: dict[Key, _Stream | None] = {}

    async def open(
        self, caller: str, request: StreamOpen, *, started_by: str = "", owner: str = ""
    ) -> AsyncGenerator[AnyReply, None]:
        """Replies from `stream_opened` to `stream_closed`; leaving early ends the stream.

        Args:
            caller: names the connection.
            request: what is asked for.
            started_by: the client's name.
            owner: the client_id whose result its segments are; empty: the user's.

        Raises:
            BadRequest: a session is named. Conflict: a stream of this name is open.
            Busy: too many streams are open. NotFound: no such lexicon.
            ModelMissing, EngineMissing, Unsupported, WorkerGone, ...: nothing can be recognised.
        """
        key = self._reserve(caller, request)
        stream: _Stream | None = None
        try:
            plan = self._plan(request)
            stream = self._streams[key] = await self._begin(request, plan, started_by, owner)
            async for reply in self._replies(request, plan, stream):
                yield reply
        finally:
            if stream is not None:
                await asyncio.shield(self._abandon(stream))
            del self._streams[key]

    def take(self, caller: str, name: str, parts: Sequence[Buffer]) -> StreamTaken:
        """Take audio for a stream; see Feed.take for what it raises.

        Raises:
            NotFound: this client has no such stream open.
        """
        stream = self._stream(caller, name)
        stream.feed.take(parts)
        return StreamTaken(
            stream=name, position_ms=stream.feed.position_ms, backlog_ms=stream.feed.backlog_ms
        )

    def close(self, caller: str, name: str) -> None:
        """Recognise what is left, then end the stream: `stream_closed` tells when that is done.

        Raises:
            NotFound: this client has no such stream open.
        """
        stream = self._stream(caller, name)
        stream.feed.close()
        if stream.draining is None:
            stream.draining = asyncio.get_running_loop().create_task(
                self._drain(stream), name="end a stream"
            )

    # --- the life of one ---

    def _reserve(self, caller: str, request: StreamOpen) -> Key:
        if request.session_id is not None:
            raise BadRequest("a stream of kind audio has no session", fix="take kind session")
        key = (caller, request.stream)
        if key in self._streams:
            raise Conflict("a stream of this name is open", fix="close it, or take another name")
        if len(self._streams) >= MOST_STREAMS:
            raise Busy(f"{MOST_STREAMS} streams are open", retry_after_ms=1_000)
        self._streams[key] = None
        return key

    def _plan(self, request: StreamOpen) -> LivePlan:
        return choose_live(
            self._pool,
            self._config.defaults,
            model=request.model,
            language=request.language,
            words=request.words,
        )

    async def _begin(
        self, request: StreamOpen, plan: LivePlan, started_by: str, owner: str
    ) -> _Stream:
        lexicons = await self._lexicons.active(request.lexicons)
        recording_id = await self._record(request, started_by, owner) if request.store else None
        news = News()
        live = Live(
            self._store,
            self._pool,
            self._bus,
            recording_id=recording_id,
            session_id=None,
            plan=plan,
            lexicons=lexicons,
            priority="interactive",
            backlog_ms=self._config.sessions.backlog_ms,
            tell=news.put,
        )
        loop = asyncio.get_running_loop()
        feed = Feed(
            live,
            self._decoders,
            request.audio or SPEECH,
            backlog_ms=self._config.sessions.backlog_ms,
            clock=loop.time,
        )
        stream = _Stream(
            live=live,
            feed=feed,
            news=news,
            recording_id=recording_id,
            captions=loop.create_task(live.run(), name="live captions"),
            conversion=loop.create_task(feed.convert(), name="conversion"),
        )
        stream.captions.add_done_callback(lambda _: news.end())
        stream.conversion.add_done_callback(lambda task: _end_failed(task, news))
        return stream

    async def _record(self, request: StreamOpen, started_by: str, owner: str) -> str:
        recording = await self._store.write(
            lambda db: recordings.ensure(
                db,
                name=request.name or request.stream,
                sha256="",
                size_bytes=0,
                kind="fed",
                started_by=started_by,
                owner=owner,
            )
        )
        return recording.recording_id

    async def _replies(
        self, request: StreamOpen, plan: LivePlan, stream: _Stream
    ) -> AsyncGenerator[AnyReply, None]:
        yield StreamOpened(
            stream=request.stream,
            model=plan.model,
            recording_id=stream.recording_id,
            streaming=plan.streaming,
        )
        for model in (plan.vad, plan.model):
            if expected_ms := self._pool.expected_load_ms(model):
                yield Loading(model=model, expected_ms=expected_ms)
        async with aclosing(stream.news.until_end(heartbeat_s=HEARTBEAT_S)) as every:
            async for news in every:
                yield STILL_THERE if news is None else _reply(news, words=request.words)
        if stream.draining is not None:
            await stream.draining
        _raise_failure(stream)
        yield StreamClosed(
            stream=request.stream,
            audio_ms=stream.feed.position_ms,
            segment_count=stream.live.segment_count,
            recording_id=stream.recording_id,
        )

    async def _drain(self, stream: _Stream) -> None:
        """Recognise what is left, then end; its feed is closed already."""
        await asyncio.wait({stream.conversion}, timeout=DRAIN_S)
        await self._finish(stream, drain_s=DRAIN_S)

    async def _abandon(self, stream: _Stream) -> None:
        """End now: its client is gone, or it failed."""
        if stream.draining is not None:
            stream.draining.cancel()
            await asyncio.wait({stream.draining})
        if not stream.finished:
            await self._finish(stream, drain_s=0)

    async def _finish(self, stream: _Stream, *, drain_s: float) -> None:
        stream.feed.close()
        stream.conversion.cancel()
        await asyncio.wait({stream.conversion})
        with suppress(NotFound):  # somebody deleted the recording meanwhile
            await stream.live.finish(drain_s=drain_s, complete=True)
        await asyncio.wait({stream.captions})
        stream.finished = True

    def _stream(self, caller: str, name: str) -> _Stream:
        stream = self._streams.get((caller, name))
        if stream is None:
            raise NotFound(
                "no such stream of this client is open", fix="wait for stream_opened, then send"
            )
        return stream


def _reply(news: PartialText | Segment, *, words: bool) -> AnyReply:
    if isinstance(news, PartialText):
        return news
    segment = news if words else msgspec.structs.replace(news, words=())
    return Transcript(segments=(segment,))


def _end_failed(task: "asyncio.Task[None]", news: News) -> None:
    """A conversion that failed ends the stream; one that is done does not: captions follow."""
    if task.cancelled() or task.exception() is not None:
        news.end()


def _raise_failure(stream: _Stream) -> None:
    """The error that ended a stream, if one did."""
    for task in (stream.conversion, stream.captions):
        if task.done() and not task.cancelled() and (error := task.exception()):
            raise error
    if problem := stream.live.problem:
        raise from_code(problem.code, problem.message, fix=problem.fix)
