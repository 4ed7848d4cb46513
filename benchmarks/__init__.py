"""How quick and how small edged is, each figure against something measured in the same run.

`python -m benchmarks` runs everything and fills docs/BENCHMARKS.md; `python -m benchmarks health`
runs one question; `--quick` takes fewer rounds. One module per question: `bench_*.py`.
"""
