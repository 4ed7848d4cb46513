"""Runs the benchmarks: all, or those that are named; `--quick` for fewer rounds.

Each result is written to bench-results/NAME.json as soon as it is there; docs/BENCHMARKS.md is
filled from all results that are there, unless the run is quick.
"""

import argparse
import time

from benchmarks import (
    bench_after,
    bench_align,
    bench_beside,
    bench_browser,
    bench_camera,
    bench_captions,
    bench_capture,
    bench_diarize,
    bench_drift,
    bench_health,
    bench_idle,
    bench_infer,
    bench_landmarks,
    bench_loads,
    bench_long,
    bench_native,
    bench_points,
    bench_pull,
    bench_seeing,
    bench_start,
    bench_stats,
    bench_transcribe,
    bench_vad,
    bench_words,
    report,
    scripts,
)
from benchmarks.alone import Measure
from benchmarks.figures import Result, load_all, machine, now, save

QUESTIONS: dict[str, tuple[str, Measure]] = {
    "health": (bench_health.TITLE, bench_health.measure),
    "vad": (bench_vad.TITLE, bench_vad.measure),
    "transcribe": (bench_transcribe.TITLE, bench_transcribe.measure),
    "capture": (bench_capture.TITLE, bench_capture.measure),
    "captions": (bench_captions.TITLE, bench_captions.measure),
    "diarize": (bench_diarize.TITLE, bench_diarize.measure),
    "beside": (bench_beside.TITLE, bench_beside.measure),
    "start": (bench_start.TITLE, bench_start.measure),
    "idle": (bench_idle.TITLE, bench_idle.measure),
    "infer": (bench_infer.TITLE, bench_infer.measure),
    "loads": (bench_loads.TITLE, bench_loads.measure),
    "long": (bench_long.TITLE, bench_long.measure),
    "after": (bench_after.TITLE, bench_after.measure),
    "pull": (bench_pull.TITLE, bench_pull.measure),
    "stats": (bench_stats.TITLE, bench_stats.measure),
    "align": (bench_align.TITLE, bench_align.measure),
    "words": (bench_words.TITLE, bench_words.measure),
    "seeing": (bench_seeing.TITLE, bench_seeing.measure),
    "camera": (bench_camera.TITLE, bench_camera.measure),
    "drift": (bench_drift.TITLE, bench_drift.measure),
    "points": (bench_points.TITLE, bench_points.measure),
    "landmarks": (bench_landmarks.TITLE, bench_landmarks.measure),
    "native": (bench_native.TITLE, bench_native.measure),
    "browser": (bench_browser.TITLE, bench_browser.measure),
    "workers": ("Workers", scripts.workers),
    "store": ("The store", scripts.store),
}


def main() -> int:
    """Measure, print, keep; returns 1 when a figure missed its target."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*QUESTIONS, []], help="by default all")
    parser.add_argument("--quick", action="store_true", help="fewer rounds; the page is left alone")
    asked = parser.parse_args()
    results = [_answer(name, quick=asked.quick) for name in asked.names or QUESTIONS]
    if not asked.quick:
        order = list(QUESTIONS)
        report.write(sorted(load_all(), key=lambda one: order.index(one.name)))
    return int(any(figure.met is False for one in results for figure in one.figures))


def _answer(name: str, *, quick: bool) -> Result:
    title, measure = QUESTIONS[name]
    facts = machine()
    started = time.monotonic()
    figures = measure(quick=quick)
    result = Result(
        name=name,
        title=title,
        command=f"python -m benchmarks {name}{' --quick' if quick else ''}",
        at=now(),
        quick=quick,
        machine=facts,
        figures=tuple(figures),
    )
    save(result)
    report.show(result)
    print(f"  ({time.monotonic() - started:.0f} s)")
    return result


if __name__ == "__main__":
    raise SystemExit(main())
