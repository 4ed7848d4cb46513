"""Closes the library's graphs: one that failed can hang there for ever, which costs this process.

The process ends then, so that what is asked of it is asked of another one.
"""

import os
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Protocol

from edged.models.engines.seeing import memory

CLOSE_DEADLINE_S = 5.0
"""Measured: 2026-11, 2 busy vCPU: graphs close in 1 to 30 ms."""

HUNG = 70
"""Exit status of a process whose graph did not close. Source: EX_SOFTWARE of sysexits.h."""


class Closes(Protocol):
    """What has to be closed."""

    def close(self) -> None:
        """Free it; may hang."""
        ...


def close_all(
    graphs: Sequence[Closes],
    *,
    deadline_s: float = CLOSE_DEADLINE_S,
    give_up: Callable[[], None] | None = None,
) -> None:
    """Close graphs, one after the other, in a thread that may be left behind.

    Args:
        graphs: to close.
        deadline_s: for all of them.
        give_up: what happens when it has passed; None: the process ends at once.
    """
    if not graphs:
        return
    thread = threading.Thread(target=_close, args=(graphs,), name="closing", daemon=True)
    thread.start()
    thread.join(deadline_s)
    if thread.is_alive():
        (give_up or _end)()
    memory.give_back()


def _close(graphs: Sequence[Closes]) -> None:
    for graph in graphs:
        try:
            graph.close()
        except (RuntimeError, ValueError) as error:  # a graph that failed before says it once more
            print(f"a graph closed with {type(error).__name__}", file=sys.stderr)  # noqa: T201


def _end() -> None:
    print("a graph hangs at its close", file=sys.stderr, flush=True)  # noqa: T201 - the daemon keeps it
    os._exit(HUNG)
