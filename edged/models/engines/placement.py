"""Where the models of a worker really run: each runtime notes how to find out, and this is asked.

Hosted beside the models by edged.models.devices, once a model's canary has run.
"""

import weakref
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TypeVar

from edged.models.accelerators import PARTIAL
from edged.models.runtime import Placement
from edged.models.trials import Asked
from edged.workers.context import WorkerContext

T = TypeVar("T")

UNKNOWN = Placement(device="")
"""The engine does not tell."""

_reports: dict[str, list[Callable[[], Placement | None]]] = {}


def note(model: str, graph: T, report: Callable[[T], Placement]) -> None:
    """Tell how to find out where a model, or one of its graphs, runs.

    Args:
        model: its id.
        graph: what runs it; kept alive by its owner alone.
        report: called with it, once, after the canary.
    """
    place = weakref.ref(graph)

    def ask() -> Placement | None:
        found = place()
        return report(found) if found is not None else None

    _reports.setdefault(model, []).append(ask)


def placement_of(model: str) -> Placement:
    """Where a model of this process runs, all its graphs together."""
    found = [one for report in _reports.pop(model, []) if (one := report()) is not None]
    if not found:
        return UNKNOWN
    nodes: Counter[str] = Counter()
    for one in found:
        nodes.update(one.nodes)
    return Placement(device=_together([one.device for one in found]), nodes=dict(nodes))


def _together(devices: Sequence[str]) -> str:
    """One device when all graphs have the same; else a part is elsewhere, or nobody knows."""
    if len(set(devices)) == 1:
        return devices[0]
    return "" if "" in devices else PARTIAL


class Placements:
    """Tells where the models of this process run."""

    def placement(self, asked: Asked) -> Placement:
        """Where the canary of a model ran; device is empty when its engine does not tell."""
        return placement_of(asked.model)


def load(argument: bytes, context: WorkerContext) -> Placements:
    """What a worker hosts."""
    del argument, context
    return Placements()
