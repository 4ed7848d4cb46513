"""How soon is the daemon there, and how long does `edged status` take, the process included?"""

import subprocess
import sys
from contextlib import ExitStack
from functools import partial
from statistics import median

from benchmarks.figures import Figure, interleaved, seconds
from benchmarks.served import Served

TITLE = "Starting"


def measure(*, quick: bool) -> list[Figure]:
    """Whole processes, in turns with one that only starts Python."""
    rounds = 5 if quick else 15
    with ExitStack() as stack:
        daemon = stack.enter_context(Served())
        restarted = stack.enter_context(Served())
        restarted.stop()
        found = interleaved(
            {
                "python": lambda: seconds(
                    partial(subprocess.run, [sys.executable, "-c", "pass"], check=True)
                ),
                "status": lambda: seconds(lambda: daemon.command("status")),
                "status --json": lambda: seconds(lambda: daemon.command("status", "--json")),
                "ready": lambda: _restart(restarted),
            },
            rounds,
        )
    first = [_first_start() for _ in range(3)]
    return [
        _milliseconds("`python -c pass`, for comparison", found["python"]),
        _milliseconds("`edged status`, whole process", found["status"], 150),
        _milliseconds("`edged status --json`, whole process", found["status --json"], 150),
        _milliseconds("exec to the first answer to `health`", found["ready"], 250),
        _milliseconds("the same on an empty home: key and store are made", first),
    ]


def _restart(daemon: Served) -> float:
    taken = daemon.start()
    daemon.stop()
    return taken


def _first_start() -> float:
    daemon = Served()
    with ExitStack() as stack:
        stack.push(daemon.__exit__)
        return daemon.start()


def _milliseconds(what: str, values: list[float], most: float | None = None) -> Figure:
    longest = f"longest {max(values) * 1e3:.0f} ms"
    return Figure(what=what, value=median(values) * 1e3, unit="ms", most=most, note=longest)
