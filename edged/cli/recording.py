"""What `edged record` does: starts a session, shows it, ends it, and waits for the work after it."""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from types import TracebackType
from typing import Any, Protocol

import msgspec

from edged.bridge.client import Client
from edged.cli import render
from edged.cli.connect import Settings
from edged.cli.sessions import ANSWER_WITHIN_S, print_session
from edged.errors import BadRequest, DaemonDown, EdgedError, from_code
from edged.messages import replies, requests
from edged.messages import sessions as wire
from edged.messages.events import (
    AnyEvent,
    GestureChanged,
    JobProgress,
    SegmentAdded,
    SegmentPartial,
    SessionChanged,
    SessionDeleted,
    SessionGap,
    SessionLevel,
    SightGapEvent,
    SightRate,
)
from edged.messages.records import Segment
from edged.messages.seeing import DerivedKind

EVENTS = ("session.", "segment.", "job.progress", "sight.", "gesture.changed")
OVER = ("ready_for_claiming", "completed", "failed")
INTERRUPTED = 128 + signal.SIGINT
PAGE = 500
REFRESH_S = 5.0


class View(Protocol):
    """What a person sees meanwhile."""

    def __enter__(self) -> object:
        """Begin to show."""
        ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End."""

    def session(self, session: wire.Session) -> None:
        """The session changed."""

    def level(self, level: SessionLevel) -> None:
        """How loud it is, and how much is not recognised yet."""

    def partial(self, text: str) -> None:
        """What is heard of an utterance that goes on."""

    def segment(self, segment: Segment) -> None:
        """A caption."""

    def gap(self, gap: SessionGap) -> None:
        """Time was lost."""

    def sight(self, rate: SightRate) -> None:
        """How many frames a source of pictures gives."""

    def blind(self, gap: SightGapEvent) -> None:
        """A source of pictures gave nothing."""

    def gesture(self, change: GestureChanged) -> None:
        """A hand made another gesture."""

    def progress(self, stage: str, fraction: float) -> None:
        """How far the work after the end is."""


def record(settings: Settings, arguments: argparse.Namespace) -> int:
    """Record until Ctrl-C or for so long; print the session and what was said."""
    request = _request(arguments)
    settings.connect().close()  # starts the daemon where that is allowed
    return asyncio.run(_record(settings, arguments, request))


def _request(arguments: argparse.Namespace) -> wire.SessionsStart:
    if arguments.no_diarize and arguments.speakers is not None:
        raise BadRequest("--speakers and --no-diarize contradict each other")
    return wire.SessionsStart(
        sources=_sources(arguments),
        name=arguments.name,
        group=arguments.group,
        codec=arguments.codec,
        sample_rate=arguments.sample_rate,
        channels=arguments.channels,
        keep_audio=not arguments.discard_audio,
        live=not arguments.no_live,
        model=arguments.model,
        language=arguments.language,
        lexicons=None if arguments.lexicon is None else tuple(arguments.lexicon),
        diarize=not arguments.no_diarize,
        speakers=arguments.speakers,
        pose=arguments.pose,
        face=arguments.face,
        hands=arguments.hands,
        objects=arguments.objects,
        screen=arguments.screen is not None,
        target_fps=arguments.fps,
        min_detection_confidence=arguments.min_detection_confidence,
        min_tracking_confidence=arguments.min_tracking_confidence,
        complexity=arguments.complexity,
        derived=_derived(arguments),
    )


def _derived(arguments: argparse.Namespace) -> tuple[DerivedKind, ...]:
    wanted: tuple[tuple[DerivedKind, bool], ...] = (
        ("gestures", arguments.gestures),
        ("blinks", arguments.blinks),
    )
    return tuple(kind for kind, asked in wanted if asked)


def _sources(arguments: argparse.Namespace) -> tuple[wire.SourceWish, ...]:
    sources = (*_heard(arguments), *_seen(arguments))
    if not sources:
        raise BadRequest("there is nothing to record", fix="leave out `--source none`")
    return sources


def _heard(arguments: argparse.Namespace) -> tuple[wire.SourceWish, ...]:
    device, other = arguments.device, arguments.loopback_device
    source = arguments.source or ("none" if arguments.video else "mic")
    if source == "none":
        return ()
    if source == "mic":
        return (wire.SourceWish(device=device),)
    if source == "loopback":
        return (wire.SourceWish(kind="loopback", device=other or device),)
    return (wire.SourceWish(device=device), wire.SourceWish(kind="loopback", device=other))


def _seen(arguments: argparse.Namespace) -> tuple[wire.SourceWish, ...]:
    """Cameras, screens and videos; with something to look for in pictures at least the camera."""
    motion, deny = arguments.motion, tuple(arguments.deny)
    people = arguments.pose or arguments.face or arguments.hands or arguments.objects
    found: list[wire.SourceWish] = []
    if arguments.video is not None:
        path = os.path.abspath(arguments.video)
        found.append(wire.SourceWish(kind="video", device=path, motion=motion))
    if arguments.screen is not None:
        screen = arguments.screen or None
        found.append(wire.SourceWish(kind="screen", device=screen, deny=deny, motion=motion))
    if arguments.camera is not None or (people and not found):
        camera = arguments.camera or None
        found.append(wire.SourceWish(kind="camera", device=camera, motion=motion))
    return tuple(found)


async def _record(
    settings: Settings, arguments: argparse.Namespace, request: wire.SessionsStart
) -> int:
    client = Client(settings.paths.endpoint, answer_within_s=ANSWER_WITHIN_S)
    async with client as daemon:
        await daemon.ask(requests.Hello(client="edged record"), replies.Welcome)
        recording = _Recording(daemon, _view(settings))
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, recording.interrupt)
        finished = await recording.run(
            request, seconds=arguments.seconds, wait=not arguments.no_wait
        )
        session = recording.session
        segments = await _segments(daemon, session) if finished else []
    if settings.json:
        render.as_json(_as_document(session, segments))
    else:
        _print(settings, session, segments)
    if session.error is not None:
        raise from_code(session.error.code, session.error.message, fix=session.error.fix)
    return 0 if finished or arguments.no_wait else INTERRUPTED


class _Recording:
    """One session, from its start to the end of its work. The first interrupt stops it."""

    def __init__(self, daemon: Client, view: View) -> None:
        self._daemon = daemon
        self._view = view
        self._found: wire.Session | None = None
        self._changed = asyncio.Event()
        self._interrupts = 0

    @property
    def session(self) -> wire.Session:
        """As it is now.

        Raises:
            DaemonDown: it was never started.
        """
        if self._found is None:
            raise DaemonDown("the daemon did not start the session")
        return self._found

    def interrupt(self) -> None:
        """Ctrl-C: the first ends the recording, the second does not wait for the work."""
        self._interrupts += 1
        self._changed.set()

    async def run(self, request: wire.SessionsStart, *, seconds: float | None, wait: bool) -> bool:
        """Record, stop, and wait; False when the person would not wait for the work.

        Raises:
            EdgedError: the session cannot be started or stopped, or the daemon is gone.
        """
        failures: list[BaseException] = []
        try:
            with self._view:
                return await self._follow(request, seconds=seconds, wait=wait)
        except* EdgedError as group:
            failures.extend(_flat(group))
        raise failures[0]

    async def _follow(
        self, request: wire.SessionsStart, *, seconds: float | None, wait: bool
    ) -> bool:
        async with aclosing(self._events()) as events, asyncio.TaskGroup() as tasks:
            await anext(events)  # subscribed: nothing of the session is missed
            watching = tasks.create_task(self._watch(events), name="events")
            try:
                await self._start(request)
                await self._until_stopped(seconds)
                return wait and await self._until_done()
            finally:
                watching.cancel()

    async def _start(self, request: wire.SessionsStart) -> None:
        self._take((await self._daemon.ask(request, wire.OneSession)).session)

    async def _until_stopped(self, seconds: float | None) -> None:
        """Until Ctrl-C, the time is over, or somebody else stopped it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._until("processing", *OVER, interrupts=1)
        stop = wire.SessionsStop(session_id=self.session.id)
        self._take((await self._daemon.ask(stop, wire.OneSession)).session)

    async def _until_done(self) -> bool:
        await self._until(*OVER, interrupts=2)
        return self.session.status in OVER

    async def _until(self, *status: str, interrupts: int) -> None:
        while self.session.status not in status and self._interrupts < interrupts:
            self._changed.clear()
            try:
                async with asyncio.timeout(REFRESH_S):
                    await self._changed.wait()
            except TimeoutError:
                await self._ask_again()

    async def _ask_again(self) -> None:
        """Events that this client was too slow for are dropped; this one is not missed."""
        get = wire.SessionsGet(session_id=self.session.id)
        self._take((await self._daemon.ask(get, wire.OneSession)).session)

    async def _events(self) -> AsyncGenerator[AnyEvent | None, None]:
        """None once subscribed, then events."""
        stream = self._daemon.stream(requests.Subscribe(events=EVENTS))
        async with aclosing(stream) as told:
            async for reply, _ in told:
                if isinstance(reply, replies.Subscribed):
                    yield None
                elif isinstance(reply, replies.EventReply):
                    yield reply.body

    async def _watch(self, events: AsyncGenerator[AnyEvent | None, None]) -> None:
        async for event in events:
            if event is not None and self._found is not None:
                self._see(event, self._found)

    def _see(self, event: AnyEvent, session: wire.Session) -> None:
        recordings = {source.recording_id for source in session.sources}
        match event:
            case SessionChanged() if event.session.id == session.id:
                self._take(event.session)
            case SessionDeleted() if event.session_id == session.id:
                raise DaemonDown("the session was deleted", fix="start another one")
            case SessionLevel() if event.session_id == session.id:
                self._view.level(event)
            case SessionGap() if event.session_id == session.id:
                self._view.gap(event)
            case SegmentPartial() if event.session_id == session.id:
                self._view.partial(event.text)
            case SegmentAdded() if event.recording_id in recordings:
                self._view.segment(event.segment)
            case JobProgress() if event.job_id == session.job_id:
                self._view.progress(event.stage, event.progress)
            case SightRate() | SightGapEvent() | GestureChanged():
                self._see_sight(event, session)
            case _:
                pass

    def _see_sight(
        self, event: SightRate | SightGapEvent | GestureChanged, session: wire.Session
    ) -> None:
        if event.session_id != session.id:
            return
        match event:
            case SightRate():
                self._view.sight(event)
            case SightGapEvent():
                self._view.blind(event)
            case GestureChanged():
                self._view.gesture(event)

    def _take(self, session: wire.Session) -> None:
        self._found = session
        self._view.session(session)
        self._changed.set()


def _flat(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    """The errors of a group and of the groups in it."""
    found: list[BaseException] = []
    for error in group.exceptions:
        found.extend(_flat(error) if isinstance(error, BaseExceptionGroup) else [error])
    return found


async def _segments(daemon: Client, session: wire.Session) -> list[tuple[str, Segment]]:
    """What was said, with the recording that holds it, in order of time."""
    found: list[tuple[str, Segment]] = []
    for source in session.sources:
        after: int | None = -1
        while after is not None:
            request = requests.SegmentsList(
                recording_id=source.recording_id, after_seq=after, limit=PAGE
            )
            page = await daemon.ask(request, replies.Segments)
            found.extend((source.recording_id, segment) for segment in page.segments)
            after = page.next
    return sorted(found, key=lambda one: one[1].start_ms)


def _as_document(session: wire.Session, segments: list[tuple[str, Segment]]) -> dict[str, Any]:
    """What `edged record --json` prints."""
    told = [
        {"recording_id": recording_id, **msgspec.to_builtins(segment)}
        for recording_id, segment in segments
    ]
    return {"session": session, "segments": told}


def _print(settings: Settings, session: wire.Session, segments: list[tuple[str, Segment]]) -> None:
    for _, segment in segments:
        who = f"{segment.speaker}: " if segment.speaker else ""
        print(f"{render.clock(segment.start_ms):>9}  {who}{segment.text}")
    print_session(settings, session)


def _view(settings: Settings) -> View:
    """A live view on stderr when a person looks at it, silence otherwise."""
    if settings.json or not sys.stderr.isatty():
        return Unseen()
    from edged.cli.recording_view import Seen

    return Seen()


class Unseen:
    """Nobody looks."""

    def __enter__(self) -> object:
        """Nothing to begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to end."""

    def session(self, session: wire.Session) -> None:
        """Say nothing."""

    def level(self, level: SessionLevel) -> None:
        """Say nothing."""

    def partial(self, text: str) -> None:
        """Say nothing."""

    def segment(self, segment: Segment) -> None:
        """Say nothing."""

    def gap(self, gap: SessionGap) -> None:
        """Say nothing."""

    def sight(self, rate: SightRate) -> None:
        """Say nothing."""

    def blind(self, gap: SightGapEvent) -> None:
        """Say nothing."""

    def gesture(self, change: GestureChanged) -> None:
        """Say nothing."""

    def progress(self, stage: str, fraction: float) -> None:
        """Say nothing."""
