"""A real daemon in a process of its own, on a home of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edged.bridge import endpoint
from edged.bridge.link import SyncClient
from edged.config import Paths, find_paths
from edged.messages import replies, requests
from edged.messages.requests import AnyRequest

ROOT = Path(__file__).parent.parent.parent
CONVERSATION = next((ROOT / "edged/cli/assets").glob("conversation.[fo]*"), Path("missing"))


def unmeasured(environ: dict[str, str]) -> dict[str, str]:
    """The environment without coverage's variables: what it would write is not edged's."""
    return {name: value for name, value in environ.items() if not name.startswith("COVERAGE_")}


class Daemon:
    """`edged serve` on a home; start it, ask it, kill it, start it again."""

    def __init__(self, home: Path, **settings: str) -> None:
        self.home = home
        self.paths: Paths = find_paths({"EDGED_HOME": str(home)})
        self.environ = {
            **os.environ,
            "EDGED_HOME": str(home),
            "EDGED_WATCH_SETTLE_MS": "100",
            "EDGED_ACCESS_NOTIFY": "false",  # the desktop of whoever tests is left alone
            **settings,
        }
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def start(self, **more: str) -> None:
        """Start it and wait until it answers."""
        log = (self.home / "serve.log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "edged", "serve"],
            env={**self.environ, **more},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        log.close()
        self.wait(lambda: endpoint.holder(self.paths) == self.pid and self.paths.socket.exists())

    def wait(self, condition: Callable[[], Any], within_s: float = 15.0) -> Any:
        """The first true answer; a daemon that ended meanwhile fails the test with its log."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            if answer := condition():
                return answer
            if self.process is not None and self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise AssertionError(f"it did not happen; the daemon's log:\n{self.log()}")

    def log(self) -> str:
        return (self.home / "serve.log").read_text()[-5000:]

    def client(self) -> SyncClient:
        return SyncClient(self.paths.endpoint, answer_within_s=15)

    def ask(self, request: AnyRequest, reply: type[Any], *parts: bytes) -> Any:
        with self.client() as client:
            return client.ask(request, reply, parts)

    def health(self) -> replies.HealthReport:
        found: replies.HealthReport = self.ask(requests.Health(), replies.HealthReport)
        return found

    def run(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
        """Run an `edged` command in this home."""
        return subprocess.run(
            [sys.executable, "-P", "-m", "edged", *arguments],
            env=self.environ,
            capture_output=True,
            timeout=60,
            check=False,
            **options,
        )

    def begin(self, *arguments: str) -> "subprocess.Popen[bytes]":
        """Run an `edged` command in this home without waiting for its end."""
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "edged", *arguments],
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def json(self, *arguments: str, **options: Any) -> Any:
        """What a command prints with --json; it must succeed."""
        done = self.run(*arguments, "--json", **options)
        assert done.returncode == 0, (done.stdout, done.stderr)
        return json.loads(done.stdout)

    def kill(self) -> None:
        """End it as a crash would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stop(self) -> int:
        """End it in order; returns its exit status."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
