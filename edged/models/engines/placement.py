"""Where the models of a worker really run: each runtime notes how to find out, and this is asked.

Hosted beside the models by edged.models.devices, once a model's canary has run.
"""

from collections.abc import Callable

from msgspec import Struct

from edged.models.runtime import Placement
from edged.workers.context import WorkerContext

UNKNOWN = Placement(device="")
"""The engine does not tell."""

_reports: dict[str, Callable[[], Placement]] = {}


def note(model: str, report: Callable[[], Placement]) -> None:
    """Tell how to find out where a model runs; called once, after its canary."""
    _reports[model] = report


def placement_of(model: str) -> Placement:
    """Where a model of this process runs."""
    report = _reports.get(model)
    return report() if report is not None else UNKNOWN


class Asked(Struct, frozen=True, kw_only=True):
    """The model that is asked about."""

    model: str


class Placements:
    """Tells where the models of this process run."""

    def placement(self, asked: Asked) -> Placement:
        """Where the canary of a model ran; device is empty when its engine does not tell."""
        return placement_of(asked.model)


def load(argument: bytes, context: WorkerContext) -> Placements:
    """What a worker hosts."""
    del argument, context
    return Placements()
