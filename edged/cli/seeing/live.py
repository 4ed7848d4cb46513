"""Runs `edged see camera` and `edged see screen`: a stream until Ctrl-C, and what is shown of it."""

import argparse
import asyncio
import signal
from collections.abc import Sequence
from contextlib import AbstractContextManager, aclosing, suppress

from edged.bridge.client import Client
from edged.bridge.framing import Buffer
from edged.cli import render
from edged.cli.connect import Settings
from edged.cli.seeing import wanted
from edged.cli.seeing.drawn import Canvas, canvas
from edged.cli.seeing.views import View, opened
from edged.errors import EdgedError, Internal
from edged.messages import replies
from edged.messages.replies import AnyReply
from edged.messages.seeing import FrameCounts, FramesLost, Seen
from edged.messages.sessions import StreamClose, StreamClosed, StreamOpen, StreamOpened

ANSWER_WITHIN_S = 60.0
"""The device is opened, and the model loaded, before there is an answer."""

FIRST_WITHIN_S = 10.0
"""For so long the clock of `--for` stands still when no frame comes."""

INTERRUPTED = 128 + signal.SIGINT


def watch(settings: Settings, arguments: argparse.Namespace) -> int:
    """Show a camera or a screen until Ctrl-C, or for so long; 0, or 130 after a second Ctrl-C.

    Raises:
        BadRequest: a value is out of its range, or the drawing's file exists.
        EdgedError: what the daemon answers.
    """
    request = wanted.stream_of(arguments)
    settings.connect().close()
    shown = opened(as_json=settings.json, lines=arguments.jsonl)
    with canvas(arguments, None) as drawn:
        watching = Watching(shown, drawn)
        finished = asyncio.run(watching.run(settings.paths.endpoint, request, arguments.seconds))
    return 0 if finished else INTERRUPTED


class Watching:
    """One stream. The first interrupt closes it; after the second nobody waits for its end."""

    def __init__(self, shown: AbstractContextManager[View], drawn: Canvas) -> None:
        self._shown = shown
        self._drawn = drawn
        self._stop = asyncio.Event()
        self._begun = asyncio.Event()
        self._task: asyncio.Task[bool] | None = None
        self._last: Seen | None = None

    def interrupt(self) -> None:
        """Ctrl-C."""
        if self._stop.is_set() and self._task is not None:
            self._task.cancel()
        self._finish()

    def _finish(self) -> None:
        """Let go of whoever waits."""
        self._begun.set()
        self._stop.set()

    async def run(self, endpoint: str, request: StreamOpen, seconds: float | None) -> bool:
        """Show it to its end; False when the end was not waited for.

        Raises:
            EdgedError: what the daemon answers.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.interrupt)
        self._task = loop.create_task(self._run(endpoint, request, seconds), name="see")
        try:
            return await self._task
        except asyncio.CancelledError:
            return False

    async def _run(self, endpoint: str, request: StreamOpen, seconds: float | None) -> bool:
        failures: list[BaseException] = []
        try:
            async with Client(endpoint, answer_within_s=ANSWER_WITHIN_S) as client:
                with self._shown as view:
                    counts = await self._follow(client, request, seconds, view)
                self._drawn.keep()
                view.end(counts, self._last)
                return True
        except* (EdgedError, OSError) as group:
            failures.extend(_flat(group))
        raise failures[0]

    async def _follow(
        self, client: Client, request: StreamOpen, seconds: float | None, view: View
    ) -> FrameCounts:
        async with aclosing(client.stream(request)) as stream, asyncio.TaskGroup() as tasks:
            ending: asyncio.Task[None] | None = None
            async for reply, parts in stream:
                if isinstance(reply, StreamOpened) and ending is None:
                    ending = tasks.create_task(self._end(client, seconds), name="end")
                if isinstance(reply, StreamClosed):
                    self._finish()
                    return reply.frames or FrameCounts()
                self.take(reply, parts, view)
        raise Internal("the daemon ended the stream without a word")

    async def _end(self, client: Client, seconds: float | None) -> None:
        """Close the stream once it is time, counted from the first frame, or somebody wants it."""
        if seconds is not None:
            await _wait(self._begun, FIRST_WITHIN_S)
        await _wait(self._stop, seconds)
        await client.ask(StreamClose(stream=wanted.STREAM), replies.Done)

    def take(self, reply: AnyReply, parts: Sequence[Buffer], view: View) -> None:
        """Show one reply of the stream."""
        match reply:
            case Seen():
                if self._last is None:
                    view.note(f"looking with {reply.model}; Ctrl-C ends it")
                    self._begun.set()
                self._last = reply
                view.frame(reply, parts)
                self._drawn.add(reply, parts)
            case FramesLost():
                count = reply.last_frame - reply.first_frame + 1
                view.note(f"{render.counted(count, 'frame')} lost: {reply.reason}")
            case replies.Loading(model=model):
                view.note(f"loading {model}")
            case replies.Overflow(dropped=dropped):
                view.note(f"{dropped} frames were not shown: this terminal is too slow")
            case _:
                pass


async def _wait(event: asyncio.Event, seconds: float | None) -> None:
    """Until it happens, or for so long."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


def _flat(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    """The errors of a group and of the groups in it."""
    found: list[BaseException] = []
    for error in group.exceptions:
        found.extend(_flat(error) if isinstance(error, BaseExceptionGroup) else [error])
    return found
