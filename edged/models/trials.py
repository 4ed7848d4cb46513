"""What the daemon and a throw-away child tell each other about devices and measurements."""

from msgspec import Struct

from edged.models.runtime import ModelSpec


class Trial(Struct, frozen=True, kw_only=True):
    """A device of a runtime that is to be tried."""

    runtime: str
    device: str


class Verdict(Struct, frozen=True, kw_only=True):
    """Why the device does not work; empty when it does."""

    reason: str = ""


class Subject(Struct, frozen=True, kw_only=True):
    """What is measured; module: of its engine."""

    module: str
    spec: ModelSpec


class Way(Struct, frozen=True, kw_only=True):
    """How it is run now, and for how many seconds after its load."""

    threads: int
    seconds: float


class Measured(Struct, frozen=True, kw_only=True):
    """load_s: with the first run, which may compile. run_s: of the next ones, a quarter were quicker."""

    load_s: float
    run_s: float


class Asked(Struct, frozen=True, kw_only=True):
    """The model whose placement is asked about."""

    model: str
