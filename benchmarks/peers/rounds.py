"""The peer's side of the driver: reads how many calls to make, prints how long each one took."""

import json
import sys
import time
from collections.abc import Awaitable, Callable


def serve(call: Callable[[], object]) -> None:
    """Answer each number on stdin with so many times, seconds, as one line of JSON."""
    for line in sys.stdin:
        print(json.dumps([_timed(call) for _ in range(int(line))]), flush=True)


def _timed(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


async def serve_async(call: Callable[[], Awaitable[object]]) -> None:
    """As `serve`, one awaited call after the other in one loop."""
    for line in sys.stdin:
        times = []
        for _ in range(int(line)):
            started = time.perf_counter()
            await call()
            times.append(time.perf_counter() - started)
        print(json.dumps(times), flush=True)
