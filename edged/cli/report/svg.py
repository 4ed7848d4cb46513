"""Lanes as inline SVG: widths in per cent of the session's length, so that they stretch with the page."""

from edged.cli.report.lanes import Lane, Mark
from edged.cli.report.words import text

HEIGHT = 26
CURVE_HEIGHT = 44
THIN = 10
"""Pixels: of a lane, of a curve, and of a bar that only says `there`."""

ZOOMS = (1, 4, 16)
"""How far the timeline can be drawn out."""

NOMINAL_PX = 760
LETTER_PX = 7.0
"""A lane's width on an ordinary screen, and a letter's: whether a label fits into its mark."""

MOST_POINTS = 4000
"""Of a curve: more of them are one on another on any screen."""

STEPS_MS = (
    100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000,
    600_000, 900_000, 1_800_000, 3_600_000, 7_200_000, 14_400_000, 28_800_000, 86_400_000,
)  # fmt: skip
TICKS = 8
"""At most so many on a lane's width."""


def step(duration_ms: int, zoom: int) -> int:
    """Milliseconds between two ticks."""
    enough = (one for one in STEPS_MS if one * TICKS * zoom >= duration_ms)
    return next(enough, STEPS_MS[-1] * (1 + duration_ms // (STEPS_MS[-1] * TICKS * zoom)))


def drawn(lane: Lane, duration_ms: int) -> str:
    """A lane as an SVG element of its own; every text in it is escaped."""
    height = CURVE_HEIGHT if lane.kind == "curve" else HEIGHT
    told = text(f"{lane.group}, {lane.name}: {lane.told}")
    inside = (
        _curve(lane, duration_ms)
        if lane.kind == "curve"
        else "".join(_mark(lane, mark, duration_ms) for mark in lane.marks)
    )
    return (
        f'<svg class="{lane.kind}" width="100%" height="{height}" role="img" '
        f'aria-label="{told}">{inside}</svg>'
    )


def _mark(lane: Lane, mark: Mark, duration_ms: int) -> str:
    hue = "" if mark.hue is None else f" h{mark.hue}"
    top, height = (8, THIN) if lane.kind == "seen" else (3, HEIGHT - 6)
    start, width = _percent(mark.start_ms, duration_ms), _width(mark, duration_ms)
    box = f'x="{start}" y="{top}" width="{width}" height="{height}"'
    shape = (
        f'<g class="m{hue}"><title>{text(mark.title)}</title><rect {box} rx="3"/>'
        f"{_label(mark, box, duration_ms)}</g>"
    )
    return shape if mark.line is None else f'<a href="#l{mark.line}" tabindex="-1">{shape}</a>'


def _label(mark: Mark, box: str, duration_ms: int) -> str:
    """Its name inside, at the zooms at which there is room; a box of its own cuts it off."""
    if not mark.label:
        return ""
    share = (mark.end_ms - mark.start_ms) / duration_ms * NOMINAL_PX
    fits = [zoom for zoom in ZOOMS if share * zoom >= len(mark.label) * LETTER_PX + 8]
    if not fits:
        return ""
    return f'<svg {box} class="z{fits[0]}"><text x="6" y="14">{text(mark.label)}</text></svg>'


def _curve(lane: Lane, duration_ms: int) -> str:
    most = max((value for _, value in lane.curve if value is not None), default=0.0) or 1.0
    path = "".join(
        _area(run, most, duration_ms) for run in _runs(_thinned(lane.curve, duration_ms))
    )
    return (
        f"<title>{text(lane.told)}</title>"
        f'<svg width="100%" height="{CURVE_HEIGHT}" viewBox="0 0 10000 100" '
        f'preserveAspectRatio="none"><path d="{path}"/></svg>'
    )


def _thinned(
    curve: tuple[tuple[int, float | None], ...], duration_ms: int
) -> list[tuple[int, float | None]]:
    """The curve with its highest point of every stretch, when it has more than can be seen."""
    if len(curve) <= MOST_POINTS:
        return list(curve)
    found: dict[tuple[int, bool], tuple[int, float | None]] = {}
    for at_ms, value in curve:
        place = (at_ms * (MOST_POINTS // 2) // duration_ms, value is None)
        before = found.get(place)
        if before is None or (value is not None and value > (before[1] or 0.0)):
            found[place] = (at_ms, value)
    return sorted(found.values(), key=lambda one: one[0])


def _runs(
    curve: list[tuple[int, float | None]],
) -> list[list[tuple[int, float]]]:
    """The stretches without a hole; each ends with the time at which it ended."""
    runs: list[list[tuple[int, float]]] = [[]]
    for at_ms, value in curve:
        if value is not None:
            runs[-1].append((at_ms, value))
        elif runs[-1]:
            runs[-1].append((at_ms, runs[-1][-1][1]))
            runs.append([])
    return [run for run in runs if run]


def _area(run: list[tuple[int, float]], most: float, duration_ms: int) -> str:
    def across(at_ms: int) -> str:
        return f"{at_ms / duration_ms * 10_000:.0f}"

    path = f"M{across(run[0][0])} 100"
    for at_ms, value in run:
        path += f"H{across(at_ms)}V{100 - max(0.0, value) / most * 92:.1f}"
    return f"{path}V100Z"


def _percent(at_ms: int, duration_ms: int) -> str:
    return f"{min(1.0, max(0.0, at_ms / duration_ms)) * 100:.4g}%"


def _width(mark: Mark, duration_ms: int) -> str:
    share = max(0, min(mark.end_ms, duration_ms) - mark.start_ms) / duration_ms
    return f"{max(share * 100, 0.05):.4g}%"
