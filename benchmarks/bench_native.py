"""What the native-messaging host costs by itself: driven over pipes as a browser does, without one.

Beside it a host of ten lines of Python that says every message back. What a page sees of both is the
question `browser`; here nothing but the host, its start and its memory is in the way.
"""

import base64
import json
import os
import select
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any

from benchmarks.figures import Figure, difference, interleaved, ratio, seconds
from benchmarks.served import Served
from edged.bridge.browsers.identity import CHROMIUM_ID
from edged.messages.access import ClientsApprove, OneClient

TITLE = "The native-messaging host, over pipes"

ORIGIN = f"chrome-extension://{CHROMIUM_ID}/"
HOST = [sys.executable, "-P", "-c", "from edged.bridge.native.host import main; main()", ORIGIN]
ECHO = [
    sys.executable,
    "-P",
    "-c",
    """
import json, struct, sys
read, write = sys.stdin.buffer, sys.stdout.buffer
def say(message):
    body = json.dumps(message).encode()
    write.write(struct.pack("=I", len(body)) + body)
    write.flush()
say({"host": {"type": "ready"}, "sent": 0})
while length := read.read(4):
    say(json.loads(read.read(*struct.unpack("=I", length))))
""",
]

TRIPS = 200
UPLOAD_BYTES = 20_000_000
ON_THEIR_WAY = 8
UNBOUNDED = str(10**12)
SILENT_S = 0.5
MB = 1e6

Message = dict[str, Any]
HELLO: Message = {"v": 1, "id": "1", "body": {"type": "hello", "client": "bench"}}
LARGE: Message = {**HELLO, "parts": [base64.b64encode(bytes(75_000)).decode()]}


class Port:
    """A host's pipes. Reads what comes while it writes, as a browser does."""

    def __init__(self, command: list[str], environ: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._to_host = self._process.stdin.fileno()
        self._from_host = self._process.stdout.fileno()
        os.set_blocking(self._to_host, False)
        self._early = bytearray()
        self.sent = 0
        self.first = self.next()

    def post(self, message: Message) -> None:
        """Send a message."""
        body = json.dumps(message, separators=(",", ":")).encode()
        view = memoryview(struct.pack("=I", len(body)) + body)
        while view:
            readable, writable, _ = select.select([self._from_host], [self._to_host], [])
            if writable:
                view = view[os.write(self._to_host, view) :]
            elif readable:
                self._early += os.read(self._from_host, 2**20)

    def next(self) -> Message:
        """The next message."""
        (size,) = struct.unpack("=I", self._exactly(4))
        message: Message = json.loads(self._exactly(size))
        self.sent = message.get("sent", 0)
        return message

    def ask(self, message: Message) -> Message:
        """One round trip."""
        self.post(message)
        return self.next()

    def take(self) -> None:
        """Give the host new credit."""
        if self.first["host"].get("credit"):
            self.post({"host": {"type": "taken", "bytes": self.sent}})

    def has_something(self) -> bool:
        """Whether a message comes, or none for a while."""
        return bool(self._early or select.select([self._from_host], [], [], SILENT_S)[0])

    def peak_mb(self) -> float:
        """The most memory that the host ever held."""
        with open(f"/proc/{self._process.pid}/status") as status:
            found = next(line for line in status if line.startswith("VmHWM"))
        return int(found.split()[1]) * 1024 / MB

    def close(self) -> None:
        """Close the port; the host ends."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()

    def _exactly(self, count: int) -> bytes:
        while len(self._early) < count:
            more = os.read(self._from_host, 2**20)
            assert more, "the host has ended"
            self._early += more
        found = bytes(self._early[:count])
        del self._early[:count]
        return found


def measure(*, quick: bool) -> list[Figure]:
    """Starts, round trips, a large request, an upload, memory, each beside the bare echo host."""
    limits = {
        "EDGED_ACCESS_REQUESTS_PER_MINUTE": UNBOUNDED,
        "EDGED_ACCESS_BYTES_PER_MINUTE": UNBOUNDED,
    }
    with Served(**limits) as daemon:
        starts = interleaved(
            {
                "python": lambda: seconds(
                    lambda: subprocess.run([sys.executable, "-P", "-c", "pass"], check=True)
                ),
                "echo": lambda: _start(ECHO, daemon),
                "host": lambda: _start(HOST, daemon),
            },
            5 if quick else 25,
        )
        with _port(ECHO, daemon) as echo, _paired(daemon) as host:
            found = interleaved(
                {
                    "echo": lambda: _trips(echo, HELLO),
                    "host": lambda: _trips(host, HELLO),
                    "echo large": lambda: _trips(echo, LARGE),
                    "host large": lambda: _trips(host, LARGE),
                    "echo upload": lambda: seconds(lambda: _upload(echo)),
                    "host upload": lambda: seconds(lambda: _upload(host)),
                },
                2 if quick else 10,
            )
            busy = host.peak_mb()
        stopped = _peak_when_the_reader_stops(daemon)
    return [*_of_starts(starts), *_of_trips(found), *_of_memory(busy, stopped)]


def _start(command: list[str], daemon: Served) -> float:
    """Seconds from spawning to the first message."""
    started = time.perf_counter()
    with _port(command, daemon):
        return time.perf_counter() - started


@contextmanager
def _port(command: list[str], daemon: Served) -> Iterator[Port]:
    port = Port(command, daemon.environ)
    try:
        yield port
    finally:
        port.close()


@contextmanager
def _paired(daemon: Served) -> Iterator[Port]:
    """A port of an extension that may do what the benchmark does."""
    scopes = ["speech", "results.read"]
    asked = {"type": "pair", "name": "bench", "scopes": scopes, "nonce": "0" * 32}
    with _port(HOST, daemon) as port:
        found = port.ask({"v": 1, "id": "pair", "body": asked})["body"]
        if found["type"] == "pairing":
            with daemon.client() as owner:
                approve = ClientsApprove(client_id=found["client"]["client_id"])
                owner.ask(approve, OneClient)
            assert port.next()["body"]["type"] == "paired"
        yield port


def _trips(port: Port, message: Message) -> float:
    """The median of some round trips, in seconds."""
    taken = [seconds(lambda: port.ask(message)) for _ in range(TRIPS)]
    port.take()
    return median(taken)


def _upload(port: Port) -> None:
    """Send 20 MB in parts, some on their way; the echo host gets the same messages."""
    opening = {"type": "upload.open", "size_bytes": UPLOAD_BYTES}
    opened = port.ask({"v": 1, "id": "o", "body": opening})["body"]
    upload_id, size = opened.get("upload_id", "echo"), opened.get("part_bytes", 2**18)
    waiting = 0
    for offset in range(0, UPLOAD_BYTES, size):
        part = bytes(min(size, UPLOAD_BYTES - offset))
        body = {"type": "upload.part", "upload_id": upload_id, "offset": offset}
        parts = [base64.b64encode(part).decode()]
        port.post({"v": 1, "id": str(offset), "body": body, "parts": parts})
        waiting += 1
        if waiting == ON_THEIR_WAY:
            port.next()
            waiting -= 1
    for _ in range(waiting):
        port.next()
    for verb in ("close", "drop"):
        port.ask({"v": 1, "id": verb, "body": {"type": f"upload.{verb}", "upload_id": upload_id}})
    port.take()


def _peak_when_the_reader_stops(daemon: Served) -> float:
    """Memory when an extension goes on asking and never says that it dealt with an answer."""
    with _paired(daemon) as port:
        credit = port.first["host"]["credit"]
        size = 0
        while port.sent + size <= credit:
            before = port.sent
            port.ask({"v": 1, "id": f"d{before}", "body": {"type": "describe"}})
            size = port.sent - before
        for more in range(20):
            port.post({"v": 1, "id": f"e{more}", "body": {"type": "describe"}})
        assert not port.has_something()
        return port.peak_mb()


def _of_starts(found: dict[str, list[float]]) -> list[Figure]:
    return [
        Figure(
            what="`python -c pass`, for comparison", value=median(found["python"]) * 1e3, unit="ms"
        ),
        Figure(
            what="spawn to the first message of the bare echo host",
            value=median(found["echo"]) * 1e3,
            unit="ms",
        ),
        Figure(
            what="spawn to the host's first message, a daemon runs",
            value=median(found["host"]) * 1e3,
            unit="ms",
            most=60,
            note=f"longest {max(found['host']) * 1e3:.0f} ms",
        ),
    ]


def _of_trips(found: dict[str, list[float]]) -> list[Figure]:
    beyond = difference(found, "host large", "echo large")
    return [
        Figure(what="round trip to the echo host", value=median(found["echo"]) * 1e6, unit="us"),
        Figure(
            what="round trip to the daemon (`hello`) through the host",
            value=median(found["host"]) * 1e6,
            unit="us",
            note="the browser's own time, several times as much, is on top of both",
        ),
        Figure(
            what="a request of 100 kB beyond the echo host's time for it",
            value=beyond * 1e3,
            unit="ms",
            most=5,
        ),
        Figure(
            what="an upload of 20 MB, committed and encrypted",
            value=median(found["host upload"]),
            unit="s",
            note=f"parts of 256 kB, {ON_THEIR_WAY} on their way",
        ),
        Figure(
            what="the same, over the echo host",
            value=ratio(found, "host upload", "echo upload"),
            unit="x",
            most=1.3,
        ),
    ]


def _of_memory(busy: float, stopped: float) -> list[Figure]:
    return [
        Figure(
            what="the host's memory at its most, all of the above", value=busy, unit="MB", most=30
        ),
        Figure(what="the same, when nobody takes its answers", value=stopped, unit="MB", most=30),
    ]
