"""A hosted object whose graph never closes. Hosted by real workers, through PYTHONPATH."""

import threading

from edged.models.engines.seeing.closing import close_all
from edged.workers.context import WorkerContext


class Hanging:
    """A graph that waits for what never comes."""

    def close(self) -> None:
        """Hang."""
        threading.Event().wait()


class Host:
    """What the worker is asked."""

    def canary(self) -> str:
        """That it is there."""
        return "here"

    def stop(self) -> str:
        """Close a graph that hangs, with little patience."""
        close_all([Hanging()], deadline_s=0.05)
        return "closed"


def load(argument: bytes, context: WorkerContext) -> Host:
    """What a worker hosts."""
    del argument, context
    return Host()
