"""Runs one question by itself: `python benchmarks/bench_NAME.py [--quick]`; nothing is written."""

import argparse
from typing import Protocol

from benchmarks import report
from benchmarks.figures import Figure, Result, machine, now


class Measure(Protocol):
    """Answers one question with figures."""

    def __call__(self, *, quick: bool) -> list[Figure]:
        """Measure; `quick`: fewer rounds."""
        ...


def run(name: str, title: str, measure: Measure) -> int:
    """Measure and print; returns 1 when a figure missed its target."""
    parser = argparse.ArgumentParser(description=title)
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    quick = parser.parse_known_args()[0].quick
    facts = machine()
    result = Result(
        name=name,
        title=title,
        command=f"python -m benchmarks {name}",
        at=now(),
        quick=quick,
        machine=facts,
        figures=tuple(measure(quick=quick)),
    )
    report.show(result)
    return int(any(one.met is False for one in result.figures))
