"""The asynchronous client: many requests at once over one socket, replies as typed streams.

Open it with `async with Client() as edged`, then `async for reply in edged.transcribe(PATH)`;
docs/CLIENTS.md has whole examples.
"""

import asyncio
import os
from collections.abc import AsyncGenerator, Sequence
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import zmq

from edged.bridge import endpoint as sockets
from edged.bridge import uploading
from edged.bridge.framing import GOES_ON, Buffer, pack_request, read_reply, split
from edged.bridge.uploading import Told
from edged.errors import BadRequest, DaemonDown, EdgedError, NotPaired, VersionSkew, from_code
from edged.media import AudioFormat
from edged.messages import replies, requests
from edged.messages.records import Hit
from edged.messages.replies import AnyReply, Error
from edged.messages.requests import AnyRequest, Cancel
from edged.messages.uploads import Uploaded

R = TypeVar("R", bound=AnyReply)
Parted = tuple[AnyReply, tuple[Buffer, ...]]

ANSWER_WITHIN_S = 5.0
QUEUED_REPLIES = 256
"""Replies of one stream that wait for a slow caller; then the socket is not read any more."""
MESSAGES_PER_TURN = 64


class Client:
    """A connection to the daemon, for one event loop.

    Args:
        endpoint: where it listens; by default the one of this user.
        answer_within_s: without a first reply for so long, the daemon counts as down.
        keys: the file of `edged clients keygen`, for a daemon on another machine; it also says
            where that listens. Read at once.
        token: what `paired` told this program, where `access.local_clients` is `pair`.

    Raises:
        ConfigError, Denied: the key file cannot be used.
    """

    def __init__(
        self,
        endpoint: str | None = None,
        *,
        answer_within_s: float = ANSWER_WITHIN_S,
        keys: Path | str | None = None,
        token: str = "",
    ) -> None:
        self._other_end = sockets.other_end(endpoint, keys)
        self._token = token or sockets.owner_token(self._other_end.endpoint)
        self._refused: NotPaired | None = None
        self._answer_within_s = answer_within_s
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._socket: zmq.Socket[bytes] | None = None
        self._lost: zmq.Socket[bytes] | None = None
        self._streams: dict[str, asyncio.Queue[Parted | EdgedError]] = {}
        self._ids = count(1)
        self._kicked = False
        self._full = False

    async def __aenter__(self) -> Self:
        self._socket = sockets.connect(
            self._context, self._other_end.endpoint, self._other_end.keys
        )
        self._lost = sockets.watch(self._socket)
        loop = asyncio.get_running_loop()
        loop.add_reader(self._socket.fileno(), self._drain)
        loop.add_reader(self._lost.fileno(), self._lose)
        loop.call_soon(self._lose)  # without it the first edge never comes
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the socket back; running streams end with DaemonDown."""
        if self._socket is not None and self._lost is not None:
            loop = asyncio.get_running_loop()
            loop.remove_reader(self._socket.fileno())
            loop.remove_reader(self._lost.fileno())
            sockets.unwatch(self._socket, self._lost)
            self._socket.close(linger=0)
            self._socket = self._lost = None
        self._end_all(DaemonDown("the client was closed"))
        self._context.term()

    # requests

    async def ask(
        self,
        request: AnyRequest,
        reply: type[R],
        parts: Sequence[Buffer] = (),
        *,
        deadline_ms: int = 0,
    ) -> R:
        """The last reply to a request, of the expected type.

        Raises:
            EdgedError: the leaf that the daemon answered with, DaemonDown or Deadline.
        """
        async for last, _ in self.stream(request, parts, deadline_ms=deadline_ms):
            if isinstance(last, reply):
                return last
        raise VersionSkew(f"expected {reply.__name__}, the daemon sent something else")

    async def stream(
        self, request: AnyRequest, parts: Sequence[Buffer] = (), *, deadline_ms: int = 0
    ) -> AsyncGenerator[Parted, None]:
        """Every reply to a request with its parts, the last one included.

        A stream closed before its end cancels the request; use contextlib.aclosing, or read to
        the end.
        """
        request_id = str(next(self._ids))
        queue: asyncio.Queue[Parted | EdgedError] = asyncio.Queue(QUEUED_REPLIES)
        self._streams[request_id] = queue
        ended = False
        try:
            await self._send(
                pack_request(
                    request,
                    parts,
                    request_id=request_id,
                    deadline_ms=deadline_ms,
                    token=self._token,
                )
            )
            found = await self._first(queue)
            while True:
                if isinstance(found, EdgedError):
                    ended = True
                    raise found
                ended = not isinstance(found[0], GOES_ON)
                yield found
                if ended:
                    return
                found = await self._next(queue)
        finally:
            del self._streams[request_id]
            if not ended and self._socket is not None:
                self._cancel(request_id)

    async def health(self) -> replies.HealthReport:
        """The daemon's own findings."""
        return await self.ask(requests.Health(), replies.HealthReport)

    async def search(self, query: str, *, limit: int = 20) -> tuple[Hit, ...]:
        """Segments that hold the words, newest first."""
        found = await self.ask(requests.TranscriptsSearch(query=query, limit=limit), replies.Hits)
        return found.hits

    async def transcribe(
        self,
        source: Path | str | bytes,
        *,
        audio: AudioFormat | None = None,
        model: str | None = None,
        language: str | None = None,
    ) -> AsyncGenerator[AnyReply, None]:
        """Replies of a transcription as they come: accepted, loading, progress, transcript, end.

        Args:
            source: a file's path; or bytes, raw PCM when `audio` tells their format.
            audio: the format of raw PCM.
            model: by default the daemon chooses.
            language: by default the model detects it.
        """
        request = requests.Transcribe(
            path=None if isinstance(source, bytes) else os.path.abspath(source),  # noqa: ASYNC240 - no I/O
            audio=audio,
            model=model,
            language=language,
        )
        parts = split(source, audio) if isinstance(source, bytes) else ()
        async for reply, _ in self.stream(request, parts):
            yield reply

    async def upload(
        self, path: Path | str, *, upload_id: str | None = None, told: Told | None = None
    ) -> Uploaded:
        """Send a file in parts; then name its `upload_id` in `transcribe` or `jobs.submit`.

        Args:
            path: of a regular file.
            upload_id: goes on with an upload that was begun before.
            told: hears the upload's id, the bytes that are committed, and the size.

        Raises:
            BadMedia: the file cannot be read. Conflict: it changed while it was sent.
            EdgedError: as `ask`.
        """
        return await uploading.upload(self, path, upload_id=upload_id, told=told)

    # the socket

    async def _send(self, frames: Sequence[Buffer]) -> None:
        if self._socket is None:
            raise BadRequest("the client is not open", fix="use `async with Client() as edged`")
        if self._refused is not None:
            raise self._refused
        while True:
            try:
                self._socket.send_multipart(frames, zmq.NOBLOCK, copy=len(frames) == 1)
                break
            except zmq.Again:
                await asyncio.sleep(0.005)
        if int(self._socket.get(zmq.EVENTS)) & zmq.POLLIN:
            self._kick()

    def _cancel(self, request_id: str) -> None:
        cancel = pack_request(
            Cancel(request_id=request_id), request_id=str(next(self._ids)), token=self._token
        )
        if self._socket is not None:
            try:
                self._socket.send_multipart(cancel, zmq.NOBLOCK)
            except zmq.Again:
                return  # the daemon is gone or stuck: nothing of ours runs there for long
            if int(self._socket.get(zmq.EVENTS)) & zmq.POLLIN:
                self._kick()

    async def _first(self, queue: "asyncio.Queue[Parted | EdgedError]") -> Parted | EdgedError:
        try:
            async with asyncio.timeout(self._answer_within_s):
                return await queue.get()
        except TimeoutError as error:
            raise DaemonDown("no daemon answers at the socket") from error

    async def _next(self, queue: "asyncio.Queue[Parted | EdgedError]") -> Parted | EdgedError:
        found = await queue.get()
        if self._full:
            self._full = False
            self._kick()
        return found

    def _lose(self) -> None:
        """The daemon is gone: what was asked of it is answered by nobody."""
        self._drain()
        while self._lost is not None and self._lost.poll(0):
            error = sockets.why_lost(self._lost)
            if isinstance(error, NotPaired):
                self._refused = error
            self._end_all(error)

    def _end_all(self, error: EdgedError) -> None:
        for queue in self._streams.values():
            while queue.full():
                queue.get_nowait()
            queue.put_nowait(error)

    def _kick(self) -> None:
        if not self._kicked:
            self._kicked = True
            asyncio.get_running_loop().call_soon(self._drain)

    def _drain(self) -> None:
        """Read what came, but stop when a stream's caller is slow: the daemon then waits too."""
        self._kicked = False
        for _ in range(MESSAGES_PER_TURN):
            if self._socket is None:
                return
            if any(queue.full() for queue in self._streams.values()):
                self._full = True
                return
            try:
                frames = self._socket.recv_multipart(zmq.NOBLOCK, copy=False)
            except zmq.Again:
                return
            self._deliver([frame.buffer for frame in frames])
        self._kick()

    def _deliver(self, frames: list[Buffer]) -> None:
        envelope, reply, parts = read_reply(frames)
        queue = self._streams.get(envelope.parent_id)
        if queue is None:
            return  # of a stream that was left
        if isinstance(reply, Error):
            queue.put_nowait(
                from_code(reply.code, reply.message, fix=reply.fix, details=reply.details)
            )
        else:
            queue.put_nowait((reply, parts))
