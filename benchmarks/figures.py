"""Figures: measured in interleaved rounds, judged by their targets, kept as JSON."""

import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec
from msgspec import Struct

from edged.config import cores

RESULTS = Path(__file__).parent.parent / "bench-results"
"""Ignored by git; one file per question."""

LIBRARIES = (
    "pyzmq", "msgspec", "apsw-sqlite3mc", "onnxruntime", "mediapipe", "ai-edge-litert", "pocketsphinx",
    "av", "numpy",
)  # fmt: skip


class Figure(Struct, frozen=True, kw_only=True):
    """One measured number.

    unit: us, ms, s, MB, %, x (a ratio) or nothing.
    most, least: the target, if there is one.
    note: what else a reader must know.
    """

    what: str
    value: float
    unit: str
    most: float | None = None
    least: float | None = None
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None without one."""
        if self.most is not None:
            return self.value <= self.most
        return None if self.least is None else self.value >= self.least


class Machine(Struct, frozen=True, kw_only=True):
    """Where a figure comes from; load: the average over a minute before the run began."""

    cpu: str
    cores: int
    kernel: str
    python: str
    libraries: dict[str, str]
    load: float


class Result(Struct, frozen=True, kw_only=True):
    """The answer to one question."""

    name: str
    title: str
    command: str
    at: str
    quick: bool
    machine: Machine
    figures: tuple[Figure, ...]


def machine() -> Machine:
    """The facts of this machine, now."""
    return Machine(
        cpu=_cpu(),
        cores=cores(),
        kernel=platform.release(),
        python=platform.python_version(),
        libraries={name: found for name in LIBRARIES if (found := _version(name))},
        load=round(os.getloadavg()[0], 2),
    )


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith(("model name", "Model")):
            return line.partition(":")[2].strip()
    return platform.machine()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def seconds(function: Callable[[], object]) -> float:
    """How long one call takes."""
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


def median_call(function: Callable[[], object], times: int, *, pause_s: float = 0.0) -> float:
    """The median of some calls, in seconds, with a pause before each."""
    taken: list[float] = []
    for _ in range(times):
        if pause_s:
            time.sleep(pause_s)
        taken.append(seconds(function))
    return statistics.median(taken)


def interleaved(
    contestants: Mapping[str, Callable[[], float]], rounds: int
) -> dict[str, list[float]]:
    """One value of each contestant per round; every round begins with another of them.

    A machine that slows down for a while slows all of them, so that ratios within a round hold.
    """
    names = list(contestants)
    values: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(rounds):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            values[name].append(contestants[name]())
    return values


def ratio(values: Mapping[str, Sequence[float]], over: str, under: str) -> float:
    """The median of the ratios of two contestants within their rounds."""
    pairs = zip(values[over], values[under], strict=True)
    return statistics.median(upper / lower for upper, lower in pairs)


def difference(values: Mapping[str, Sequence[float]], more: str, less: str) -> float:
    """The median of the differences of two contestants within their rounds."""
    pairs = zip(values[more], values[less], strict=True)
    return statistics.median(upper - lower for upper, lower in pairs)


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that so many percent do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -int(-len(ordered) * percent // 100) - 1))]


def microseconds(what: str, values: Sequence[float], note: str = "") -> Figure:
    """The median as a figure without a target."""
    return Figure(what=what, value=statistics.median(values) * 1e6, unit="us", note=note)


def save(result: Result) -> Path:
    """Write a result beside the others; a quick one never replaces a full one of another file."""
    RESULTS.mkdir(exist_ok=True)
    target = RESULTS / f"{result.name}.json"
    target.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=1))
    return target


def load_all() -> list[Result]:
    """Every result that is there, by name."""
    return [
        msgspec.json.decode(path.read_bytes(), type=Result)
        for path in sorted(RESULTS.glob("*.json"))
    ]


def now() -> str:
    """The present minute, UTC."""
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M")
