"""The benchmarks that are scripts of their own: run, and their numbers turned into figures."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.figures import Figure

HERE = Path(__file__).parent

UNITS = {"_us": "us", "_ms": "ms", "_s": "s", "_mb": "MB", "_ratio": "x"}


def workers(*, quick: bool) -> list[Figure]:
    """`bench_workers.py`: what a worker costs."""
    with tempfile.TemporaryDirectory(prefix="edged-bench-") as folder:
        target = Path(folder) / "workers.json"
        rounds = "3" if quick else "7"
        _run("bench_workers.py", "--json", str(target), "--rounds", rounds)
        found: dict[str, float] = json.loads(target.read_text())
    return [_figure(name, value, WORKERS) for name, value in found.items()]


def store(*, quick: bool) -> list[Figure]:
    """`bench_store.py`: what encryption and full-text search cost."""
    from benchmarks.bench_store import TARGETS

    printed = _run("bench_store.py", *(["--quick"] if quick else []))
    found: dict[str, float] = json.loads(printed.splitlines()[-1])
    return [_figure(name, value, TARGETS) for name, value in found.items()]


WORKERS = {
    "kill_to_error_max_ms": 50.0,
    "orphan_max_ms": 100.0,
    "growth_100_loads_mb": 2.0,
    "growth_100_loads_descriptors": 0.0,
}
"""The most that is allowed."""


def _run(script: str, *arguments: str) -> str:
    command = [sys.executable, str(HERE / script), *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=HERE.parent)
    return done.stdout.decode()


def _figure(name: str, value: float, targets: dict[str, float]) -> Figure:
    stem, unit = name, ""
    for ending, found in UNITS.items():
        if name.endswith(ending):
            stem, unit = name.removesuffix(ending), found
    return Figure(what=stem.replace("_", " "), value=value, unit=unit, most=targets.get(name))
