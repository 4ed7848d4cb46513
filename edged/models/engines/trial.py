"""Measures one model with several thread counts, in a process of its own.

Hosted in a throw-away worker by edged.models.probing, for one device.
"""

import importlib
import statistics
import time
from typing import Any

import msgspec

from edged.errors import BadRequest, Unsupported
from edged.models.trials import Measured, Subject, Way
from edged.workers.context import WorkerContext

FEWEST_RUNS = 3
MOST_RUNS = 200

REFUSED = "refused"
"""As edged.models.engines.inference has it, which is not imported here for other engines' sake."""


class Bench:
    """Loads the model anew for each way."""

    def __init__(self, subject: Subject, context: WorkerContext) -> None:
        self._subject = subject
        self._context = context
        self._module: Any = importlib.import_module(subject.module)

    def measure(self, way: Way) -> Measured:
        """How long the canary takes.

        Raises:
            Unsupported: the graph does not take its canary.
            EdgedError: what the engine's load raised.
        """
        spec = msgspec.structs.replace(self._subject.spec, threads=way.threads)
        began = time.perf_counter()
        model = self._module.load(msgspec.msgpack.encode(spec), self._context)
        if model.canary() == REFUSED:
            raise Unsupported(f"the canary of {spec.id} runs nothing that could be measured")
        load_s = time.perf_counter() - began
        return Measured(load_s=load_s, run_s=_quick(model.canary, way.seconds))


def _quick(run: Any, seconds: float) -> float:  # noqa: ANN401 - the engine's
    """A quarter of the runs were quicker: what other programs do meanwhile only adds."""
    taken: list[float] = []
    until = time.perf_counter() + seconds
    while len(taken) < FEWEST_RUNS or (time.perf_counter() < until and len(taken) < MOST_RUNS):
        began = time.perf_counter()
        run()
        taken.append(time.perf_counter() - began)
    return statistics.quantiles(taken, n=4, method="inclusive")[0]


def load(argument: bytes, context: WorkerContext) -> Bench:
    """What a worker hosts; the argument is a Subject.

    Raises:
        BadRequest: the bytes are none.
    """
    try:
        subject = msgspec.msgpack.decode(argument, type=Subject)
    except msgspec.MsgspecError as error:
        raise BadRequest("the load call holds nothing to measure") from error
    return Bench(subject, context)
