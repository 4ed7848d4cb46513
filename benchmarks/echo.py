"""The floor of every round trip: pyzmq DEALER to ROUTER over ipc, bytes back as they came.

`python -m benchmarks.echo ENDPOINT` serves until it is killed.
"""

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import zmq


def serve(endpoint: str) -> None:
    """Send every message back, for ever."""
    router = zmq.Context().socket(zmq.ROUTER)
    router.bind(endpoint)
    while True:
        router.send_multipart(router.recv_multipart())


class Echo:
    """A DEALER at an echo server."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], endpoint: str) -> None:
        self._dealer = context.socket(zmq.DEALER)
        self._dealer.connect(endpoint)

    def ask(self, frames: Sequence[bytes]) -> list[bytes]:
        """One round trip."""
        self._dealer.send_multipart(frames)
        return self._dealer.recv_multipart()

    def close(self) -> None:
        """Give the socket back."""
        self._dealer.close(linger=0)


@contextmanager
def running() -> Iterator[Echo]:
    """An echo server in a process of its own, and a client of it."""
    with TemporaryDirectory(prefix="edged-bench-echo-") as folder:
        place = Path(folder) / "echo"
        command = [sys.executable, "-m", "benchmarks.echo", f"ipc://{place}"]
        server = subprocess.Popen(command, cwd=Path(__file__).parent.parent)
        while not place.exists():
            time.sleep(0.01)
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        echo = Echo(context, f"ipc://{place}")
        try:
            yield echo
        finally:
            echo.close()
            context.term()
            server.kill()
            server.wait()


if __name__ == "__main__":
    serve(sys.argv[1])
