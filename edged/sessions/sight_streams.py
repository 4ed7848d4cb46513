"""What frames show, for clients: `stream.open` of kind frames, camera or screen, to `stream.close`.

A stream belongs to the connection that opened it and ends with it. Nothing of it is kept.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, aclosing

import msgspec
from msgspec import Struct

from edged.capture.clock import now_ns
from edged.capture.sight import CapturedFrame, FrameSource, SightKind, Sights
from edged.config import Config
from edged.errors import BadRequest, Busy, Conflict, NotFound
from edged.messages.replies import AnyReply, Loading, Progress
from edged.messages.seeing import FramesLost, FrameTaken, Look, SightState, StreamFrame
from edged.messages.sessions import SourceWish, StreamClosed, StreamOpen, StreamOpened
from edged.models.pool import Pool
from edged.pipeline.seeing.choosing import Plan, choose
from edged.pipeline.seeing.eyes import QuickEyes, open_eyes
from edged.pipeline.seeing.showing import Facts, found, seen
from edged.pipeline.seeing.streaming import Looked, Missed, Onlooking
from edged.sessions.fed_frames import picture_of
from edged.sessions.frame_counting import FrameCounting
from edged.sessions.seeing import sight_options
from edged.sessions.streams import HEARTBEAT_S

Buffer = bytes | memoryview
Outgoing = AnyReply | tuple[AnyReply, Sequence[Buffer]]

MOST_STREAMS = 32
"""Each takes a place in a model; those that follow frames have fewer, and say so."""

DEVICE_FPS = 15.0
"""Of a camera or screen, unless somebody asks for more."""

STILL_THERE = Progress(stage="look", fraction=0.0)

_DEVICES: dict[str, SightKind] = {"camera": "camera", "screen": "screen"}

_MS = 1_000_000

Key = tuple[str, str]
"""The connection, and the name that its client chose."""


class _Stream(Struct, kw_only=True):
    """An open stream. source: of a device; None: its client sends the frames.

    newest: the last frame that a device gave to be looked at, or that the client sent; last_ms: of it.
    """

    request: StreamOpen
    plan: Plan
    eyes: QuickEyes
    source: FrameSource | None
    onlooking: Onlooking
    counting: FrameCounting
    newest: CapturedFrame | None = None
    started_by: str = ""
    owner: str = ""
    last_ms: int = -1
    lost: str = ""
    stopping: "asyncio.Task[None] | None" = None

    @property
    def dropped(self) -> int:
        """Frames that were not looked at, because newer ones came."""
        if self.source is None or self.newest is None:
            return self.onlooking.replaced
        return self.newest.late

    @property
    def device(self) -> str:
        """Of a camera or screen, its name as far as known."""
        return self.newest.device if self.newest is not None else ""

    @property
    def number(self) -> int:
        """Of the newest frame; -1 before the first."""
        return self.newest.number if self.newest is not None else -1

    def count(self) -> None:
        """Note how many frames came, and how many of them were left out."""
        if self.newest is not None:
            self.counting.take(msgspec.structs.replace(self.newest, late=self.dropped))


class SightStreams:
    """All streams of frames. Loop thread only.

    Args:
        pool: lends the models.
        sights: opens cameras and screens.
        config: of the default models, and what may not be seen.
        wall_ns: the wall clock.
    """

    def __init__(
        self,
        pool: Pool,
        sights: Sights,
        config: Config,
        *,
        wall_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._pool = pool
        self._sights = sights
        self._config = config
        self._wall_ns = wall_ns
        self._streams: dict[Key, _Stream | None] = {}

    def states(self, *, owner: str | None = None) -> tuple[SightState, ...]:
        """The streams that are open, with how many frames they look at.

        Args:
            owner: only those of this client; None: everybody's.
        """
        opened = (one for one in self._streams.values() if one is not None)
        return tuple(_state(one) for one in opened if owner in {None, one.owner})

    async def open(
        self, caller: str, request: StreamOpen, *, started_by: str = "", owner: str = ""
    ) -> AsyncGenerator[Outgoing, None]:
        """Replies from `stream_opened` to `stream_closed`; leaving early ends the stream.

        Args:
            caller: names the connection.
            request: what is asked for.
            started_by: the client's name.
            owner: the client_id that asks; empty: the user.

        Raises:
            BadRequest: something is asked for that does not fit together. Conflict: a stream of
                this name is open. Busy: too many streams are open.
            ModelMissing, EngineMissing, Unsupported, ...: nothing can look.
            DeviceMissing, DeviceBusy, PermissionDenied, Denied: there is nothing to look at.
        """
        plan = choose(self._pool, self._config.defaults, _checked(request))
        key = self._reserve(caller, request.stream)
        try:
            if expected_ms := self._pool.expected_load_ms(plan.model):
                yield Loading(model=plan.model, expected_ms=expected_ms)
            async with AsyncExitStack() as stack:
                stream = self._streams[key] = await self._begin(stack, request, plan)
                stream.started_by, stream.owner = started_by, owner
                yield StreamOpened(stream=request.stream, model=plan.model)
                replies = await stack.enter_async_context(aclosing(self._replies(stream)))
                async for reply in replies:
                    yield reply
            yield _closed(stream)
        finally:
            del self._streams[key]

    def take(self, caller: str, request: StreamFrame, parts: Sequence[Buffer]) -> FrameTaken:
        """Take a client's frame; one that waits is replaced by it.

        Raises:
            NotFound: this client has no such stream open. Conflict: it is closed already.
            BadRequest: wrong pixels, a frame that is not newer than the last, or a stream of a
                device. TooLarge: more than 64 MiB.
        """
        stream = self._stream(caller, request.stream)
        if stream.source is not None:
            raise BadRequest("the stream looks at a device", fix="open one of kind frames")
        if stream.onlooking.ended:
            raise Conflict("the stream is closed", fix="open another one")
        frame = self._frame(stream, request, parts)
        stream.onlooking.offer(frame)
        return FrameTaken(stream=request.stream, frame_id=frame.number, dropped=stream.dropped)

    def _frame(
        self, stream: _Stream, request: StreamFrame, parts: Sequence[Buffer]
    ) -> CapturedFrame:
        """A client's frame, newer than the last."""
        number = stream.number + 1 if request.frame_id is None else request.frame_id
        at_ms = request.captured_at_ms
        if at_ms is None:
            at_ms = max(self._wall_ns() // _MS, stream.last_ms + 1)
        if number <= stream.number or at_ms <= stream.last_ms:
            raise BadRequest(
                f"frame {number} is not newer than the last one, {stream.number}",
                fix="send frames in their order, each with a later captured_at_ms",
            )
        picture = picture_of(request.image, parts)
        captured = 1 if stream.newest is None else stream.newest.captured + 1
        stream.newest = CapturedFrame(
            picture=picture, number=number, at_ns=at_ms * _MS, captured=captured
        )
        stream.last_ms = at_ms
        return stream.newest

    def close(self, caller: str, name: str) -> bool:
        """Look at what waits, then end the stream; whether this client has one of the name."""
        stream = self._streams.get((caller, name))
        if stream is None:
            return False
        if stream.source is None:
            stream.onlooking.finish()
        elif stream.stopping is None:
            stream.stopping = asyncio.get_running_loop().create_task(
                stream.source.stop(), name="end a stream"
            )
        return True

    # --- the life of one ---

    def _reserve(self, caller: str, name: str) -> Key:
        key = (caller, name)
        if key in self._streams:
            raise Conflict("a stream of this name is open", fix="close it, or take another name")
        if len(self._streams) >= MOST_STREAMS:
            raise Busy(f"{MOST_STREAMS} streams of frames are open", retry_after_ms=1_000)
        self._streams[key] = None
        return key

    async def _begin(self, stack: AsyncExitStack, request: StreamOpen, plan: Plan) -> _Stream:
        opened = open_eyes(self._pool, plan, stream=secrets.token_hex(8))
        eyes = await stack.enter_async_context(opened)
        source = None if request.kind == "frames" else await self._source(stack, request)
        return _Stream(
            request=request,
            plan=plan,
            eyes=eyes,
            source=source,
            onlooking=Onlooking(eyes, None if source is None else source.frames()),
            counting=FrameCounting(now_ns),
        )

    async def _source(self, stack: AsyncExitStack, request: StreamOpen) -> FrameSource:
        kind = _DEVICES[request.kind]
        wish = request.source or SourceWish(kind=kind)
        options = sight_options(self._config.seeing, wish, fps=request.fps or DEVICE_FPS)
        return await stack.enter_async_context(self._sights.open(kind, options))

    async def _replies(self, stream: _Stream) -> AsyncGenerator[Outgoing, None]:
        async with aclosing(stream.onlooking.seen(heartbeat_s=HEARTBEAT_S)) as every:
            async for one in every:
                yield self._reply(stream, one)

    def _reply(self, stream: _Stream, one: Looked | Missed | None) -> Outgoing:
        match one:
            case Looked():
                return self._shown(stream, one)
            case Missed():
                return _lost(stream, one)
            case None:
                return STILL_THERE

    def _shown(self, stream: _Stream, one: Looked) -> Outgoing:
        frame = one.frame
        if stream.source is not None:
            stream.newest = frame
        stream.lost = ""
        stream.count()
        stream.counting.look(detected=found(one.view))
        late_ns = 0 if stream.source is None else self._wall_ns() - now_ns()
        look = stream.plan.look
        facts = Facts(
            task=look.task,
            model=stream.plan.model,
            device=stream.eyes.device,
            frame_id=frame.number,
            captured_at_ms=(frame.at_ns + late_ns) // _MS,
            dropped=stream.dropped,
            points=look.points,
        )
        return seen(one.view, facts)

    def _stream(self, caller: str, name: str) -> _Stream:
        stream = self._streams.get((caller, name))
        if stream is None:
            raise NotFound(
                "no such stream of this client is open", fix="wait for stream_opened, then send"
            )
        return stream


def _checked(request: StreamOpen) -> Look:
    """What is wanted of the frames.

    Raises:
        BadRequest: nothing, or what is of streams of sound.
    """
    if request.look is None:
        raise BadRequest("what is wanted of the frames is not said", fix="give look")
    if request.audio is not None or request.session_id is not None or request.model is not None:
        raise BadRequest(
            f"a stream of kind {request.kind} has no audio, session_id or model",
            fix="name a model in look",
        )
    if request.kind == "frames" and (request.source is not None or request.fps is not None):
        raise BadRequest(
            "a stream of frames has no source and no fps",
            fix="send as many frames as you want, or take kind camera or screen",
        )
    if request.source is not None and request.source.kind != request.kind:
        raise BadRequest(
            f"the source of a stream of kind {request.kind} is a {request.source.kind}"
        )
    return request.look


def _lost(stream: _Stream, missed: Missed) -> FramesLost:
    if missed.reason not in ("worker_gone", "bad_media"):
        stream.lost = missed.reason
    else:
        stream.count()
        stream.counting.lose()
    return FramesLost(
        stream=stream.request.stream,
        first_frame=missed.first,
        last_frame=missed.last,
        reason=missed.reason,
    )


def _state(stream: _Stream) -> SightState:
    return SightState(
        kind=stream.request.kind,
        device=stream.device,
        lost=stream.lost,
        models={stream.plan.look.task: stream.plan.model},
        target_fps=stream.request.fps or (0.0 if stream.source is None else DEVICE_FPS),
        counts=stream.counting.current,
        started_by=stream.started_by,
    )


def _closed(stream: _Stream) -> StreamClosed:
    return StreamClosed(
        stream=stream.request.stream,
        audio_ms=0,
        segment_count=0,
        frames=stream.counting.totals,
    )
