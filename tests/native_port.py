"""A browser's end of a native-messaging host's pipes, and a daemon's end of its socket."""

import json
import os
import select
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import msgpack
import zmq

from edged.bridge.browsers.identity import CHROMIUM_ID
from edged.bridge.native.connection import Connection
from edged.bridge.native.framing import MOST_BYTES
from edged.bridge.native.journal import Journal
from edged.bridge.native.relay import Ends, Relay

ORIGIN = f"chrome-extension://{CHROMIUM_ID}/"
WITHIN_S = 10.0
MOST_TO_BROWSER = 2**20


class Port:
    """Messages to a host and from it, as `runtime.connectNative` gives them to an extension."""

    def __init__(self, to_host: int, from_host: int) -> None:
        self._to_host = to_host
        self._from_host = from_host
        self.received = 0

    def post(self, message: Any) -> None:
        """Send a message."""
        self.post_bytes(json.dumps(message, separators=(",", ":")).encode())

    def post_bytes(self, body: bytes) -> None:
        """Send what need not be JSON, framed."""
        self.post_raw(struct.pack("=I", len(body)) + body)

    def post_raw(self, data: bytes) -> None:
        """Send bytes as they are."""
        view = memoryview(data)
        while view:
            view = view[os.write(self._to_host, view) :]

    def next_text(self) -> bytes:
        """The next message's JSON."""
        (size,) = struct.unpack("=I", self._exactly(4))
        assert size <= MOST_TO_BROWSER, "the browser would close the port"
        return self._exactly(size)

    def next(self) -> Any:
        """The next message, without its `sent`; EOFError when the host has ended."""
        message = json.loads(self.next_text())
        self.received = message.pop("sent", self.received)
        return message

    def whole(self) -> Any:
        """The next message, put together if it comes in pieces; tells the host what was taken."""
        texts: list[str] = []
        while "piece" in (message := self.next()):
            assert message["piece"]["index"] == len(texts)
            texts.append(message["data"])
            self.take()
            if message["piece"]["last"]:
                return json.loads("".join(texts))
        return message

    def take(self) -> None:
        """Say that everything so far was dealt with."""
        self.post({"host": {"type": "taken", "bytes": self.received}})

    def is_silent(self, for_s: float = 0.2) -> bool:
        """Whether nothing comes for a while."""
        return not select.select([self._from_host], [], [], for_s)[0]

    def is_full(self, for_s: float = 0.3) -> bool:
        """Whether the host has stopped reading and its pipe is full."""
        return not select.select([], [self._to_host], [], for_s)[1]

    def stop_listening(self) -> None:
        """Close the end that answers come from, and only that."""
        with open(os.devnull, "rb") as nothing:
            os.dup2(nothing.fileno(), self._from_host)

    def close(self) -> None:
        """Close the port, as a tab that closes does."""
        if self._to_host >= 0:
            os.close(self._to_host)
            self._to_host = -1

    def _exactly(self, count: int) -> bytes:
        found = bytearray()
        deadline = time.monotonic() + WITHIN_S
        while len(found) < count:
            left = deadline - time.monotonic()
            ready, _, _ = select.select([self._from_host], [], [], max(0.0, left))
            assert ready, "the host is silent"
            more = os.read(self._from_host, count - len(found))
            if not more:
                raise EOFError
            found += more
        return bytes(found)


class HostProcess(Port):
    """A host in a process of its own, started as Chromium starts it."""

    def __init__(self, *arguments: str, environ: dict[str, str]) -> None:
        entry = "import sys; from edged.bridge.native.host import main; sys.exit(main())"
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-c", entry, *(arguments or [ORIGIN])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environ,
        )
        assert self.process.stdin
        assert self.process.stdout
        super().__init__(os.dup(self.process.stdin.fileno()), os.dup(self.process.stdout.fileno()))
        self.process.stdin.close()
        self.process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        os.close(self._from_host)
        try:
            self.process.wait(WITHIN_S)
        finally:
            self.process.kill()
            self.process.wait()
            assert self.process.stderr
            self.process.stderr.close()

    def end(self) -> int:
        """Close the port and return the host's exit status."""
        self.close()
        return self.process.wait(WITHIN_S)

    def most_memory_kib(self) -> int:
        """The most memory that the host ever held."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1])
        raise AssertionError(line)


class DaemonSide:
    """A ROUTER at a path: takes what a host sends, answers as it is told."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path = path
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._router = self._context.socket(zmq.ROUTER)
        self._router.setsockopt(zmq.HEARTBEAT_IVL, 100)
        self._router.setsockopt(zmq.HEARTBEAT_TIMEOUT, 600)
        self._router.setsockopt(zmq.ROUTER_MANDATORY, 1)  # wait instead of dropping
        self._router.setsockopt(zmq.SNDTIMEO, int(1000 * WITHIN_S))
        self._router.bind(f"ipc://{path}")
        self._host = b""

    def take(self) -> tuple[dict[str, Any], list[bytes]]:
        """The next request: its envelope and its parts."""
        assert self._router.poll(int(1000 * WITHIN_S)), "no request came"
        self._host, envelope, *parts = self._router.recv_multipart()
        return msgpack.unpackb(envelope), parts

    def answer(self, request_id: str, body: Any, *parts: bytes, more: bool = False) -> None:
        """Answer the host that asked last."""
        envelope = {"v": 1, "id": "r1", "parent_id": request_id, "more": more, "body": body}
        self._router.send_multipart([self._host, msgpack.packb(envelope), *parts])

    def answer_bytes(self, *frames: bytes) -> None:
        """Send frames as they are to the host that asked last."""
        self._router.send_multipart([self._host, *frames])

    def close(self) -> None:
        """Go, as a daemon does that ends."""
        self._router.close(linger=0)
        self._context.term()
        self.path.unlink(missing_ok=True)


@contextmanager
def relaying(path: Path, *, most_bytes: int = MOST_BYTES) -> Iterator[Port]:
    """A relay on a thread of this process, between a port and the socket at `path`."""
    reading, to_host = os.pipe()
    from_host, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    journal = Journal(str(path.parent / "native-host.log"))
    relay = Relay(
        Ends(reading, writing, ORIGIN, "0"), Connection(str(path)), journal, most_bytes=most_bytes
    )
    thread = threading.Thread(target=relay.run, name="relay")
    thread.start()
    port = Port(to_host, from_host)
    try:
        yield port
    finally:
        port.close()
        thread.join(WITHIN_S)
        journal.close()
        for end in (reading, writing, from_host):
            os.close(end)
        assert not thread.is_alive()
