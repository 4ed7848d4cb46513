"""Several clients at one server, each a process of its own, that all begin at once."""

import json
import os
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

from msgspec import Struct

ROOT = Path(__file__).resolve().parent.parent.parent


class Pace(Struct, frozen=True, kw_only=True):
    """How some calls went: of all clients together, and of each call, in seconds."""

    per_second: float
    calls_s: list[float]


class Crowd:
    """The clients of one server. Not for several threads.

    Args:
        stack: ends their processes.
        python, module, arguments: what each of them runs; see benchmarks.peers.rounds.
        size: how many there are.
    """

    def __init__(
        self, stack: ExitStack, python: Path | str, module: str, *arguments: str, size: int
    ) -> None:
        self._processes = [start(stack, python, module, *arguments) for _ in range(size)]

    def run(self, calls: int) -> Pace:
        """So many calls of each client, one after the other, while the others do the same."""
        started = time.perf_counter()
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.write(f"{calls}\n")
            process.stdin.flush()
        found: list[float] = []
        for process in self._processes:
            found += json.loads(line_of(process))
        took_s = time.perf_counter() - started
        return Pace(per_second=len(found) / took_s, calls_s=found)


def start(
    stack: ExitStack, python: Path | str, module: str, *arguments: str
) -> subprocess.Popen[str]:
    """A process of this project under any interpreter; the stack ends it and what it started."""
    process = subprocess.Popen(
        [str(python), "-P", "-m", module, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    stack.callback(_stop, process)
    return process


def _stop(process: subprocess.Popen[str]) -> None:
    try:
        os.killpg(process.pid, 9)
    except ProcessLookupError:
        return  # it ended, and all that it started
    process.communicate()


def line_of(process: subprocess.Popen[str]) -> str:
    """Its next line.

    Raises:
        RuntimeError: it ended instead.
    """
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"a peer ended with status {process.wait()}")
    return line
