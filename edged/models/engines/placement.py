"""Where the models of a worker really run: each runtime notes how to find out, and this is asked.

Hosted beside the models by edged.models.devices, once a model's canary has run.
"""

import weakref
from collections.abc import Callable
from typing import TypeVar

from edged.models.runtime import Placement
from edged.models.trials import Asked
from edged.workers.context import WorkerContext

T = TypeVar("T")

UNKNOWN = Placement(device="")
"""The engine does not tell."""

_reports: dict[str, Callable[[], Placement]] = {}


def note(model: str, graph: T, report: Callable[[T], Placement]) -> None:
    """Tell how to find out where a model runs.

    Args:
        model: its id.
        graph: what runs it; kept alive by its owner alone.
        report: called with it, once, after the canary.
    """
    place = weakref.ref(graph)

    def ask() -> Placement:
        found = place()
        return report(found) if found is not None else UNKNOWN

    _reports[model] = ask


def placement_of(model: str) -> Placement:
    """Where a model of this process runs."""
    report = _reports.get(model)
    return report() if report is not None else UNKNOWN


class Placements:
    """Tells where the models of this process run."""

    def placement(self, asked: Asked) -> Placement:
        """Where the canary of a model ran; device is empty when its engine does not tell."""
        return placement_of(asked.model)


def load(argument: bytes, context: WorkerContext) -> Placements:
    """What a worker hosts."""
    del argument, context
    return Placements()
