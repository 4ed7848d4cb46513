"""Results as a Markdown table, between the two markers of docs/BENCHMARKS.md, and on the screen."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.figures import Figure, Machine, Result

PAGE = Path(__file__).parent.parent / "docs" / "BENCHMARKS.md"
BEGIN = "<!-- figures: begin (written by `python -m benchmarks`) -->"
END = "<!-- figures: end -->"


def write(results: Sequence[Result], page: Path = PAGE) -> None:
    """Replace what stands between the markers."""
    text = page.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n{_tables(results)}{END}{after}")


def _tables(results: Sequence[Result]) -> str:
    return "".join(f"\n{_table(result)}\n" for result in results)


def _table(result: Result) -> str:
    pace = ", quick" if result.quick else ""
    lines = [
        f"### {result.title}",
        "",
        f"`{result.command}`, {result.at} UTC{pace}, {_machine(result.machine)}.",
        "",
        "| what | measured | target | |",
        "|---|--:|--:|---|",
        *(_row(figure) for figure in result.figures),
    ]
    return "\n".join(lines) + "\n"


def _machine(facts: Machine) -> str:
    libraries = ", ".join(f"{name} {found}" for name, found in facts.libraries.items())
    return (
        f"{facts.cpu}, {facts.cores} cores, Linux {facts.kernel}, Python {facts.python}, "
        f"{libraries}; load before the run {facts.load:g}"
    )


def _row(figure: Figure) -> str:
    verdict = {True: "met", False: "**missed**", None: ""}[figure.met]
    said = "; ".join(part for part in (verdict, figure.note) if part)
    return f"| {figure.what} | {_number(figure.value, figure.unit)} | {_target(figure)} | {said} |"


def _target(figure: Figure) -> str:
    if figure.most is not None:
        return f"≤ {figure.most:g} {figure.unit}".rstrip()
    return "" if figure.least is None else f"≥ {figure.least:g} {figure.unit}".rstrip()


def _number(value: float, unit: str) -> str:
    digits = 2 if abs(value) < 10 else 1 if abs(value) < 100 else 0
    return f"{value:.{digits}f} {unit}".rstrip()


def show(result: Result) -> None:
    """Print a result for a person."""
    print(f"\n{result.title}")
    for figure in result.figures:
        verdict = {True: "ok", False: "MISSED", None: ""}[figure.met]
        target = _target(figure)
        value = _number(figure.value, figure.unit)
        print(f"  {figure.what:<58} {value:>12}  {target:<10} {verdict:<6} {figure.note}")
