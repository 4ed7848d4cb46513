"""The synchronous client: one connection, polled; no event loop, so `edged status` starts at once.

Not for several threads: one `SyncClient` belongs to one thread, as its socket does.
"""

import time
from collections.abc import Generator, Iterator, Sequence
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import zmq

from edged.bridge import endpoint as sockets
from edged.bridge.framing import GOES_ON, Buffer, pack_request, read_reply
from edged.errors import DaemonDown, Deadline, EdgedError, NotPaired, VersionSkew, from_code
from edged.messages.replies import AnyReply, Error
from edged.messages.requests import AnyRequest, Cancel

R = TypeVar("R", bound=AnyReply)

ANSWER_WITHIN_S = 5.0
"""How long a daemon may take to its first reply when the caller gives no deadline."""


class SyncClient:
    """A connection to the daemon.

    Args:
        endpoint: where it listens; by default the one of this user.
        answer_within_s: without any reply for so long after asking, the daemon counts as down;
            later replies of a stream may take any time.
        keys: the file of `edged clients keygen`, for a daemon on another machine; it also says
            where that listens.
        token: what `paired` told this program, where `access.local_clients` is `pair`.

    Raises:
        ConfigError, Denied: the key file cannot be used.

    Use it as a context manager, or close it.
    """

    def __init__(
        self,
        endpoint: str | None = None,
        *,
        answer_within_s: float = ANSWER_WITHIN_S,
        keys: Path | str | None = None,
        token: str = "",
    ) -> None:
        other_end = sockets.other_end(endpoint, keys)
        self._token = token or sockets.owner_token(other_end.endpoint)
        self._refused: NotPaired | None = None
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._socket = sockets.connect(self._context, other_end.endpoint, other_end.keys)
        self._lost = sockets.watch(self._socket)
        self._poller = zmq.Poller()
        self._poller.register(self._socket, zmq.POLLIN)
        self._poller.register(self._lost, zmq.POLLIN)
        self._answer_within_s = answer_within_s
        self._ids = count(1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the socket back; unsent requests are dropped."""
        sockets.unwatch(self._socket, self._lost)
        self._socket.close(linger=0)
        self._context.term()

    def ask(
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
        for last, _ in self.stream(request, parts, deadline_ms=deadline_ms):
            if isinstance(last, reply):
                return last
        raise VersionSkew(f"expected {reply.__name__}, the daemon sent something else")

    def stream(
        self, request: AnyRequest, parts: Sequence[Buffer] = (), *, deadline_ms: int = 0
    ) -> Generator[tuple[AnyReply, tuple[Buffer, ...]], None, None]:
        """Every reply to a request with its parts, the last one included.

        A stream left before its end cancels the request.
        """
        request_id = str(next(self._ids))
        while self._lost.poll(0):
            self._lose()  # of a daemon before this request
        if self._refused is not None:
            raise self._refused
        frames = pack_request(
            request, parts, request_id=request_id, deadline_ms=deadline_ms, token=self._token
        )
        self._socket.send_multipart(frames, copy=not parts)
        ended = False
        try:
            for reply, found in self._replies(request_id, deadline_ms):
                ended = not isinstance(reply, GOES_ON)
                yield reply, found
        finally:
            if not ended:
                self._cancel(request_id)

    def _cancel(self, request_id: str) -> None:
        if self._socket.closed:
            return
        if self._refused is not None:
            return
        cancel = pack_request(
            Cancel(request_id=request_id), request_id=str(next(self._ids)), token=self._token
        )
        self._socket.send_multipart(cancel)

    def _lose(self) -> EdgedError:
        """Why the connection ended; a key that was refused once is refused for ever."""
        error = sockets.why_lost(self._lost)
        if isinstance(error, NotPaired):
            self._refused = error
        return error

    def _replies(
        self, request_id: str, deadline_ms: int
    ) -> Iterator[tuple[AnyReply, tuple[Buffer, ...]]]:
        started = time.monotonic()
        within: float | None = self._answer_within_s
        while True:
            envelope, reply, parts = read_reply(self._receive(within, started, deadline_ms))
            if envelope.parent_id not in (request_id, ""):
                continue  # of an earlier request that was left
            if isinstance(reply, Error):
                raise from_code(reply.code, reply.message, fix=reply.fix, details=reply.details)
            yield reply, parts
            if not envelope.more:
                return
            within = None

    def _receive(self, within: float | None, started: float, deadline_ms: int) -> list[Buffer]:
        waits = [] if within is None else [within]
        if deadline_ms:
            waits.append(deadline_ms / 1000 + 0.25 - (time.monotonic() - started))
        timeout_ms = max(0, int(min(waits) * 1000)) if waits else None
        ready = dict(self._poller.poll(timeout_ms))
        if self._socket in ready:
            return [frame.buffer for frame in self._socket.recv_multipart(copy=False)]
        if ready:
            raise self._lose()
        if deadline_ms and (time.monotonic() - started) * 1000 >= deadline_ms:
            raise Deadline(f"no answer within {deadline_ms} ms")
        raise DaemonDown("no daemon answers at the socket")
