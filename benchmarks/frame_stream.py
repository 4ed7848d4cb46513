"""A client that sends frames as raw parts over plain ZeroMQ, and reads what is seen of them.

One thread, one DEALER socket. It keeps one frame with the model, and one behind it, so that the model
never waits for the next; or only one in all, when it is the delay that is asked for.
"""

import time
from collections.abc import Sequence
from itertools import count
from types import TracebackType
from typing import Any, Self

import zmq

from benchmarks.served import Served
from benchmarks.sights import HEIGHT, WIDTH, Pixels
from edged.bridge.framing import pack_request, read_reply
from edged.errors import from_code
from edged.media import ImageFormat
from edged.messages import replies
from edged.messages.seeing import FramesLost, Look, Seen, StreamFrame
from edged.messages.sessions import StreamClose, StreamClosed, StreamOpen, StreamOpened

ANSWER_WITHIN_MS = 30_000
FRAME_MS = 33
RAW = ImageFormat(width=WIDTH, height=HEIGHT)

_names = count(1)


class FrameStream:
    """An open stream of frames; use it as a context manager.

    seen, found: how many results came, and how many of them show somebody. dropped: frames that newer
    ones replaced. model: what looks at them.
    """

    def __init__(self, daemon: Served, look: Look) -> None:
        self.seen = 0
        self.dropped = 0
        self.found = 0
        self.model = ""
        self._dropped_before = 0
        self._name = f"bench{next(_names)}"
        self._look = look
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._socket = self._context.socket(zmq.DEALER)
        self._socket.connect(daemon.paths.endpoint)
        self._numbers = count()

    def __enter__(self) -> Self:
        request = StreamOpen(stream=self._name, kind="frames", look=self._look)
        self._socket.send_multipart(pack_request(request, request_id=self._name))
        while not self.model:
            self._read()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        request = StreamClose(stream=self._name)
        self._socket.send_multipart(pack_request(request, request_id="close"))
        if error is None:
            while not isinstance(self._read(), StreamClosed):
                pass
        self._socket.close(linger=0)
        self._context.term()

    def run(self, frames: Sequence[Pixels], *, ahead: int = 1) -> float:
        """Seconds until all these frames were looked at; `ahead`: so many are sent before their turn."""
        goal, sent = self.seen + self.dropped + len(frames), 0
        began = time.perf_counter()
        for _ in range(min(1 + ahead, len(frames))):
            self._send(frames[sent])
            sent += 1
        while (done := self.seen + self.dropped) < goal:
            if isinstance(self._read(), Seen) and sent < len(frames):
                for _ in range(self.seen + self.dropped - done):
                    self._send(frames[sent])
                    sent += 1
        return time.perf_counter() - began

    def forget(self) -> None:
        """Count from here on."""
        self.seen = self.found = 0
        self._dropped_before += self.dropped
        self.dropped = 0

    def _send(self, frame: Pixels) -> None:
        number = next(self._numbers)
        request = StreamFrame(
            stream=self._name, frame_id=number, captured_at_ms=FRAME_MS * number, image=RAW
        )
        parts = pack_request(request, [frame.data], request_id=str(number))
        self._socket.send_multipart(parts, copy=False)

    def _read(self) -> replies.AnyReply:
        """The next reply of any request."""
        if not self._socket.poll(ANSWER_WITHIN_MS):
            raise TimeoutError(f"nothing was told for {ANSWER_WITHIN_MS} ms")
        frames: list[Any] = self._socket.recv_multipart(copy=False)
        _, reply, _ = read_reply([one.buffer for one in frames])
        match reply:
            case replies.Error(code=code, message=message, fix=fix):
                raise from_code(code, message, fix=fix)
            case StreamOpened(model=model):
                self.model = model
            case Seen(dropped=dropped):
                self.seen += 1
                self.dropped = dropped - self._dropped_before
                self.found += bool(reply.faces or reply.hands or reply.poses)
            case FramesLost():
                raise RuntimeError(f"frames were lost: {reply.reason}")
            case _:
                pass
        return reply
