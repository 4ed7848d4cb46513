"""Stands in for an engine whose canary takes as long as its manifest's parameters say.

Parameters: `ms_1`, `ms_2`, ...: for so many threads; `ms_openvino`: on that device, whatever their
number; `crash`: dies at load with so many threads. Hosted by real workers, through PYTHONPATH.
"""

import os
import time

from edged.models.engines import placement
from edged.models.engines.inputs import number_of, spec_from, word_of
from edged.models.runtime import ModelSpec, Placement
from edged.workers.context import WorkerContext


class Slow:
    """A model that only takes time, and tells where it ran as its parameters say."""

    def __init__(self, spec: ModelSpec) -> None:
        self._canary = word_of(spec, "canary", "slow")
        self._seconds = number_of(spec, f"ms_{spec.threads}", 1.0) / 1000
        if spec.device != "cpu":
            self._seconds = number_of(spec, "ms_openvino", 1.0) / 1000

    def canary(self) -> str:
        """The same word every time."""
        time.sleep(self._seconds)
        return self._canary


def load(argument: bytes, context: WorkerContext) -> Slow:
    """What a worker hosts."""
    del context
    spec = spec_from(argument)
    if spec.threads == number_of(spec, "crash", 0):
        os.abort()
    model = Slow(spec)
    found = Placement(
        device=word_of(spec, "runs_on", ""),
        nodes={"CPUExecutionProvider": 2, "OpenVINOExecutionProvider": 3},
    )
    if found.device:
        placement.note(spec.id, model, lambda _: found)
    return model
