"""A real `edged serve` on a temporary home, for the time of a benchmark."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from edged.bridge.link import SyncClient
from edged.config import find_paths
from edged.errors import DaemonDown
from edged.messages import replies, requests

POLL_S = 0.001
START_WITHIN_S = 20.0
STOP_WITHIN_S = 20.0


class Served:
    """`edged serve` in a process of its own.

    Args:
        python: another environment's interpreter; by default this one.
        settings: EDGED_* variables.
    """

    def __init__(self, python: str = sys.executable, **settings: str) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="edged-bench-"))
        self.paths = find_paths({"EDGED_HOME": str(self.home)})
        self.environ = {**os.environ, "EDGED_HOME": str(self.home), **settings}
        self._python = python
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    @property
    def pid(self) -> int:
        """The daemon's process."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> float:
        """Start it; returns the seconds from exec to the first answer to `health`."""
        with (self.home / "serve.log").open("ab") as log:
            started = time.perf_counter()
            self._process = subprocess.Popen(
                [self._python, "-P", "-m", "edged", "serve"],
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._wait_for(self.paths.socket.exists)
        with self.client() as client:
            client.ask(requests.Health(), replies.HealthReport)
        return time.perf_counter() - started

    def stop(self) -> None:
        """End it in order, or else by force."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def client(self, *, answer_within_s: float = 30.0) -> SyncClient:
        """A connection; close it."""
        return SyncClient(self.paths.endpoint, answer_within_s=answer_within_s)

    def command(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        """Run an `edged` command in this home; it must succeed."""
        return subprocess.run(
            [self._python, "-P", "-m", "edged", *arguments],
            env=self.environ,
            capture_output=True,
            check=True,
        )

    def _wait_for(self, condition: Callable[[], Any]) -> None:
        deadline = time.monotonic() + START_WITHIN_S
        while not condition():
            if time.monotonic() > deadline or self._process is None or self._process.poll():
                raise DaemonDown(f"it did not start: {(self.home / 'serve.log').read_text()}")
            time.sleep(POLL_S)


def until_unloaded(client: SyncClient, *, within_s: float = 20.0) -> None:
    """Unload every model and wait until no worker of one is left."""
    deadline = time.monotonic() + within_s
    while models := client.ask(requests.ModelsPs(), replies.LoadedModels).models:
        for model in models:
            client.ask(requests.ModelsUnload(model=model.id), replies.Done)
        assert time.monotonic() < deadline, "models stay loaded"
