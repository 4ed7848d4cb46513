"""Other kinds of server doing what `health` does: FastAPI with httpx, and grpc.aio.

Each lives in an environment of its own (`python -m benchmarks.peers.setup`, `make bench` does it),
server and client in processes of their own, on a free port of the loopback. The client times its
own calls, so that the driver's pipe is no part of them:

    with ExitStack() as stack:
        for name, peer in peers.start(stack).items():
            peer.measure(500)  # 500 round trips, seconds each
"""

import json
import os
import statistics
import subprocess
from contextlib import ExitStack
from pathlib import Path

from benchmarks.peers import environments

ROOT = Path(__file__).resolve().parent.parent.parent

NAMES = {
    "FastAPI + uvicorn, httpx": ("fastapi", "sync"),
    "FastAPI + uvicorn, httpx async": ("fastapi", "async"),
    "grpc.aio, sync client": ("grpc", "sync"),
    "grpc.aio, aio client": ("grpc", "async"),
}
"""FastAPI answers JSON; uvicorn runs on asyncio and h11. gRPC carries MessagePack, no protobuf."""

LEAST = {"FastAPI + uvicorn, httpx": 3.0, "grpc.aio, aio client": 2.5}
"""How many times slower than edged's a peer's round trip must be."""


class Peer:
    """A client process at a peer's server; not for several threads."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def measure(self, times: int) -> list[float]:
        """So many round trips, one after the other; seconds of each."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{times}\n")
        self._process.stdin.flush()
        found: list[float] = json.loads(_line(self._process))
        return found

    def median(self, times: int) -> float:
        """The median of so many round trips, seconds."""
        return statistics.median(self.measure(times))


def start(stack: ExitStack) -> dict[str, Peer]:
    """The peers whose environments are ready, by name; the stack stops their processes."""
    ports = {
        name: _serve(stack, name) for name in ("fastapi", "grpc") if environments.is_ready(name)
    }
    return {
        title: Peer(_run(stack, name, "client", ports[name], kind))
        for title, (name, kind) in NAMES.items()
        if name in ports
    }


def _serve(stack: ExitStack, name: str) -> str:
    return _line(_run(stack, name, "server")).strip()


def _run(stack: ExitStack, name: str, part: str, *arguments: str) -> subprocess.Popen[str]:
    module = f"benchmarks.peers.{name}_{part}"
    process = subprocess.Popen(
        [str(environments.interpreter(name)), "-P", "-m", module, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    stack.callback(_stop, process)
    return process


def _stop(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, f"a peer ended with status {process.wait()}"
    return line
