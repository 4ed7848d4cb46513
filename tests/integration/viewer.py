"""What tests look through: a daemon with models of pictures, one picture asked, one stream followed."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from real_daemon import Daemon

from edged.bridge.client import Client
from edged.errors import EdgedError
from edged.media import ImageFormat
from edged.messages import replies
from edged.messages.seeing import FramesLost, FrameTaken, Look, Looked, See, Seen, StreamFrame
from edged.messages.sessions import StreamClose, StreamClosed, StreamOpen, StreamOpened

PART_BYTES = 4 * 2**20
WITHIN_S = 15.0


@contextmanager
def seeing_daemon(pulled: Path, *models: str, **settings: str) -> Iterator[Daemon]:
    """A running daemon with models that were pulled; the test is skipped where one was not."""
    home = Path(tempfile.mkdtemp(prefix="edged-", dir="/tmp"))
    daemon = Daemon(home, **settings)
    try:
        for model in models:
            if not (pulled / model).is_dir():
                pytest.skip(f"{model} was not pulled: `make models`")
            shutil.copytree(pulled / model, daemon.paths.models / model)
        if (pulled / "models.lock").exists():
            shutil.copyfile(pulled / "models.lock", daemon.paths.models / "models.lock")
        daemon.start()
        yield daemon
        daemon.stop()
    finally:
        daemon.kill()
        shutil.rmtree(home, ignore_errors=True)


def look(
    daemon: Daemon,
    wanted: Look,
    data: bytes = b"",
    *,
    image: ImageFormat | None = None,
    path: Path | None = None,
    **more: Any,
) -> tuple[list[Seen], Looked]:
    """What `see` answers to a picture in parts or at a path."""
    request = See(look=wanted, image=image, path=None if path is None else str(path), **more)
    parts = [data[at : at + PART_BYTES] for at in range(0, len(data), PART_BYTES)]
    with daemon.client() as client:
        found = [reply for reply, _ in client.stream(request, parts)]
    looked = found.pop()
    assert isinstance(looked, Looked)
    return [one for one in found if isinstance(one, Seen)], looked


class Viewer:
    """An open stream and all that it was told."""

    def __init__(self, client: Client, stream: str) -> None:
        self.client = client
        self.stream = stream
        self.opened: asyncio.Future[StreamOpened] = asyncio.get_running_loop().create_future()
        self.seen: list[Seen] = []
        self.lost: list[FramesLost] = []
        self.closed: StreamClosed | None = None
        self._told = asyncio.Condition()

    async def follow(self, request: StreamOpen) -> None:
        """Note every reply until the stream ends."""
        try:
            async for reply, _ in self.client.stream(request):
                await self._note(reply)
        except EdgedError as error:
            if self.opened.done():
                raise
            self.opened.set_exception(error)

    async def _note(self, reply: replies.AnyReply) -> None:
        match reply:
            case StreamOpened():
                self.opened.set_result(reply)
            case Seen():
                self.seen.append(reply)
            case FramesLost():
                self.lost.append(reply)
            case StreamClosed():
                self.closed = reply
            case _:
                pass
        async with self._told:
            self._told.notify_all()

    async def until(self, condition: Callable[[], bool], within_s: float = WITHIN_S) -> None:
        """Wait for what the stream is to tell; TimeoutError when it does not."""
        async with asyncio.timeout(within_s), self._told:
            await self._told.wait_for(condition)

    async def send(self, data: bytes, **facts: Any) -> FrameTaken:
        """One frame; answered when it is taken."""
        request = StreamFrame(stream=self.stream, **facts)
        return await self.client.ask(request, FrameTaken, [data])

    async def close(self) -> None:
        """End the stream and wait for its last reply."""
        await self.client.ask(StreamClose(stream=self.stream), replies.Done)
        await self.until(lambda: self.closed is not None)


@asynccontextmanager
async def viewing(daemon: Daemon, request: StreamOpen) -> AsyncGenerator[Viewer, None]:
    """A stream that is open; it is closed at the end of the block, unless that was done."""
    async with (
        Client(daemon.paths.endpoint, answer_within_s=WITHIN_S) as client,
        asyncio.TaskGroup() as tasks,
    ):
        viewer = Viewer(client, request.stream)
        following = tasks.create_task(viewer.follow(request))
        await viewer.opened
        try:
            yield viewer
            if viewer.closed is None:
                await viewer.close()
        finally:
            following.cancel()
