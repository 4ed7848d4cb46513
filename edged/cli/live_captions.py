"""Runs `edged captions`: asks for a stream, feeds it if need be, and shows what comes."""

import argparse
import asyncio
import os
import select
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager

from edged.bridge.client import Client
from edged.cli.caption_screen import Screen, screen
from edged.cli.captions import SOURCES
from edged.cli.connect import Settings
from edged.cli.wav_header import HEAD_BYTES, is_wav, read_format
from edged.errors import BadRequest, Busy
from edged.media import AudioFormat
from edged.messages import replies
from edged.messages.sessions import (
    OneSession,
    SessionsStart,
    SessionsStop,
    SourceWish,
    StreamAudio,
    StreamClose,
    StreamOpen,
    StreamOpened,
    StreamTaken,
)

STREAM = "captions"
STEP_MS = 100
ANSWER_WITHIN_S = 30.0
"""A session answers when its devices give sound."""

RETRY_MS = 1_000
LOOK_S = 0.2
"""How soon a thread that waits for stdin notices that nobody wants it any more."""


def captions(settings: Settings, arguments: argparse.Namespace) -> None:
    """Show captions until the audio or the session ends, or Ctrl-C.

    Raises:
        BadRequest: options that do not go together.
        EdgedError: what the daemon answers.
    """
    _check(arguments)
    settings.connect().close()
    shown = screen(as_json=settings.json, out=sys.stdout)
    asyncio.run(_run(settings.paths.endpoint, arguments, shown))


def _check(arguments: argparse.Namespace) -> None:
    if arguments.session and (arguments.input or arguments.device):
        raise BadRequest("--session follows what is recorded already", fix="leave the rest out")
    if arguments.input and arguments.device:
        raise BadRequest("a device and - do not go together", fix="leave one of them out")


async def _run(endpoint: str, arguments: argparse.Namespace, shown: Screen) -> None:
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    if task is not None:
        loop.add_signal_handler(signal.SIGTERM, task.cancel)
    async with Client(endpoint, answer_within_s=ANSWER_WITHIN_S) as client:
        if arguments.input:
            await _feed(client, arguments, shown)
        elif arguments.session:
            await _follow(client, arguments.session, shown)
        else:
            async with _recording(client, arguments) as session_id:
                await _follow(client, session_id, shown)


async def _follow(client: Client, session_id: str, shown: Screen) -> None:
    request = StreamOpen(stream=STREAM, kind="session", session_id=session_id)
    async with aclosing(client.stream(request)) as stream:
        async for reply, _ in stream:
            shown.show(reply)


@asynccontextmanager
async def _recording(client: Client, arguments: argparse.Namespace) -> AsyncGenerator[str, None]:
    """A session of our own, that keeps no audio and ends with us."""
    request = SessionsStart(
        sources=(SourceWish(kind=SOURCES[arguments.source], device=arguments.device),),
        name=STREAM,
        keep_audio=False,
        diarize=False,
        model=arguments.model,
        language=arguments.language,
        lexicons=_lexicons(arguments),
    )
    started = await client.ask(request, OneSession)
    try:
        yield started.session.id
    finally:
        await client.ask(SessionsStop(session_id=started.session.id), OneSession)


def _lexicons(arguments: argparse.Namespace) -> tuple[str, ...] | None:
    return None if arguments.lexicon is None else tuple(arguments.lexicon)


# --- audio from stdin ---


async def _feed(client: Client, arguments: argparse.Namespace, shown: Screen) -> None:
    reader = _Reader(sys.stdin.fileno())
    audio = await asyncio.to_thread(_audio, reader, arguments)
    request = StreamOpen(
        stream=STREAM,
        audio=audio,
        model=arguments.model,
        language=arguments.language,
        lexicons=_lexicons(arguments),
        store=not arguments.no_store,
    )
    try:
        async with asyncio.TaskGroup() as tasks, aclosing(client.stream(request)) as stream:
            async for reply, _ in stream:
                shown.show(reply)
                if isinstance(reply, StreamOpened):
                    tasks.create_task(_send_all(client, reader, audio))
            reader.stop()
    except ExceptionGroup as group:
        raise _first(group) from group
    finally:
        reader.stop()


def _first(group: ExceptionGroup[Exception]) -> Exception:
    """What the daemon said of the stream, or of its audio: the command ends with one error."""
    inner = group.exceptions[0]
    return _first(inner) if isinstance(inner, ExceptionGroup) else inner


def _audio(reader: "_Reader", arguments: argparse.Namespace) -> AudioFormat:
    """The format of what comes; a WAV file's head is taken off. Blocks."""
    head = reader.exactly(HEAD_BYTES)
    if is_wav(head):
        return read_format(reader.exactly)
    reader.put_back(head)
    if not head:
        raise BadRequest("stdin held no bytes")
    return AudioFormat(
        sample_rate=arguments.rate,
        channels=arguments.channels,
        sample_format=arguments.format,
    )


async def _send_all(client: Client, reader: "_Reader", audio: AudioFormat) -> None:
    """Send stdin to its end, as quickly as the daemon takes it, then close the stream."""
    step = max(1, audio.sample_rate * STEP_MS // 1000) * audio.frame_bytes
    while data := await asyncio.to_thread(reader.some, step, audio.frame_bytes):
        await _send(client, data)
    await client.ask(StreamClose(stream=STREAM), replies.Done)


async def _send(client: Client, data: bytes) -> None:
    while True:
        try:
            await client.ask(StreamAudio(stream=STREAM), StreamTaken, [data])
        except Busy as busy:
            wait_ms = busy.details.get("retry_after_ms") or RETRY_MS
            await asyncio.sleep(float(wait_ms) / 1000)
        else:
            return


class _Reader:
    """A pipe, read in whole frames. Every method but `stop` blocks, for a thread."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._rest = b""
        self._stopped = False

    def stop(self) -> None:
        """Let the thread that reads go: the pipe counts as ended. From any thread."""
        self._stopped = True

    def put_back(self, data: bytes) -> None:
        """Give it again."""
        self._rest = data + self._rest

    def exactly(self, size: int) -> bytes:
        """So many bytes; fewer only at the end."""
        while len(self._rest) < size and (more := self._more(size - len(self._rest))):
            self._rest += more
        found, self._rest = self._rest[:size], self._rest[size:]
        return found

    def some(self, most: int, frame_bytes: int) -> bytes:
        """Whole frames, as soon as there is one; empty at the end, where a broken one is left out."""
        while len(self._rest) < frame_bytes and (more := self._more(most)):
            self._rest += more
        whole = min(len(self._rest), most) // frame_bytes * frame_bytes
        found, self._rest = self._rest[:whole], self._rest[whole:]
        return found

    def _more(self, size: int) -> bytes:
        while not self._stopped:
            if select.select([self._fd], [], [], LOOK_S)[0]:
                return os.read(self._fd, size)
        return b""
