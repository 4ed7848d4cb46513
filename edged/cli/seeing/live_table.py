"""The table that lives on a terminal while a camera or a screen is looked at."""

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich import box
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from edged.bridge.framing import Buffer
from edged.cli import render
from edged.cli.seeing import words
from edged.cli.seeing.rates import Rates
from edged.cli.seeing.views import told_of
from edged.messages.seeing import Angle, FrameCounts, Seen

REFRESH = 8
METER = 12
STRAIGHT = 180.0
PAIRED = ("elbow", "shoulder", "hip", "knee", "ankle")
SINGLE = ("neck", "trunk")


class LiveTable:
    """Rates, gestures, joints and whatever else the newest frame shows; drawn 8 times a second."""

    def __init__(
        self,
        *,
        console: Console | None = None,
        at_once: bool = False,
        rates: Rates | None = None,
    ) -> None:
        self._at_once = at_once  # every change is drawn, not eight times a second
        self._console = console or Console(highlight=False)
        self._live = Live(console=self._console, refresh_per_second=REFRESH, transient=True)
        self._rates = rates or Rates()

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def frame(self, seen: Seen, parts: Sequence[Buffer]) -> None:
        """Show the newest frame."""
        self._rates.add(seen, parts)
        self._live.update(Group(*self._rows(seen, parts)), refresh=self._at_once)

    def note(self, text: str) -> None:
        """A line that stays, above the table."""
        self._live.console.print(Text(text, style="dim"))

    def end(self, counts: FrameCounts, last: Seen | None) -> None:
        """What stays when the table is gone."""
        del last
        self._console.print(Text(told_of(counts)))

    def _rows(self, seen: Seen, parts: Sequence[Buffer]) -> list[RenderableType]:
        found: list[RenderableType] = [self._head(seen)]
        found += [_table(one) for one in words.tables(seen, parts)]
        found += [_joints(f"body {at}", pose.angles) for at, pose in enumerate(seen.poses)]
        if len(found) == 1:
            found.append(Text("nothing in sight", style="dim"))
        return found

    def _head(self, seen: Seen) -> Text:
        fps, detected = self._rates.now()
        line = (
            f"{fps:5.1f} frames a second, {detected:.1f} with something in them, "
            f"{seen.processing_time_ms:.1f} ms each, {render.counted(self._rates.dropped, 'frame')} "
            f"left out"
        )
        return Text(f"{line}\n{seen.model} on {seen.device}")


def _table(found: words.Table) -> Table:
    """As `render.table` draws one; joints have a table of their own."""
    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    keep = [at for at, name in enumerate(found.columns) if name != "angles"]
    for at in keep:
        name = found.columns[at]
        drawn.add_column(name.removeprefix(">"), justify="right" if name[0] == ">" else "left")
    for row in found.rows:
        drawn.add_row(*[Text(row[at]) for at in keep])
    return drawn


def _joints(name: str, angles: dict[str, Angle]) -> Table:
    """Each joint's angle, left beside right; those that cannot be seen are left empty."""
    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in (name, "left", "", "right", ""):
        drawn.add_column(title, justify="right" if title in ("left", "right") else "left")
    for joint in PAIRED:
        sides = [_cells(angles.get(f"{side}_{joint}")) for side in ("left", "right")]
        if any(side[0] for side in sides):
            drawn.add_row(joint, *sides[0], *sides[1])
    for joint in SINGLE:
        if _cells(angles.get(joint))[0]:
            drawn.add_row(joint, *_cells(angles.get(joint)), "", "")
    return drawn


def _cells(angle: Angle | None) -> tuple[str, str]:
    if angle is None or angle.visibility < words.VISIBLE:
        return "", ""
    filled = round(min(1.0, max(0.0, angle.degrees / STRAIGHT)) * METER)
    return f"{angle.degrees:.0f}°", "█" * filled + "░" * (METER - filled)
