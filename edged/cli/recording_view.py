"""The live view of `edged record` on stderr: level, time, backlog, captions; then the work's bar."""

from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from edged.cli import render
from edged.cli.bars import STAGES
from edged.messages import sessions as wire
from edged.messages.events import (
    GestureChanged,
    SessionGap,
    SessionLevel,
    SightGapEvent,
    SightRate,
)
from edged.messages.records import Segment
from edged.messages.seeing import FrameCounts, SightState

METER = 24
FLOOR_DB = -60.0
"""Where the meter begins: quieter is no bar at all."""


class Seen:
    """Draws on a terminal. Captions scroll by above; two lines stay below."""

    def __init__(self, *, console: Console | None = None, at_once: bool = False) -> None:
        self._at_once = at_once  # every change is drawn, not eight times a second
        self._live = Live(
            console=console or Console(stderr=True, highlight=False),
            refresh_per_second=8,
            transient=True,
        )
        self._session: wire.Session | None = None
        self._levels: dict[str, SessionLevel] = {}
        self._rates: dict[int, FrameCounts] = {}
        self._partial = ""
        self._work = ""

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

    def session(self, session: wire.Session) -> None:
        """The session changed."""
        self._session = session
        if session.status not in ("recording", "paused"):
            self._work = self._work or "waiting for its turn"
        self._draw()

    def level(self, level: SessionLevel) -> None:
        """How loud a source is."""
        self._levels[level.recording_id] = level
        self._draw()

    def partial(self, text: str) -> None:
        """What is heard of an utterance that goes on."""
        self._partial = text
        self._draw()

    def segment(self, segment: Segment) -> None:
        """A caption scrolls above the lines that stay."""
        self._partial = ""
        at = render.clock(segment.start_ms)
        self._live.console.print(Text(f"{at:>9}  {segment.text}"))
        self._draw()

    def gap(self, gap: SessionGap) -> None:
        """Time was lost."""
        length = render.ago(gap.entry.end_ms - gap.entry.start_ms)
        self._live.console.print(
            Text(f"{'':9}  ({length} missing: {gap.entry.reason})", style="red")
        )

    def sight(self, rate: SightRate) -> None:
        """How many frames a source of pictures gives."""
        self._rates[rate.source] = rate.counts
        self._draw()

    def blind(self, gap: SightGapEvent) -> None:
        """A source of pictures gave nothing; told again when it is longer."""
        length = render.ago(gap.gap.end_ms - gap.gap.start_ms)
        self._live.console.print(
            Text(f"{'':9}  ({length} not seen: {gap.gap.reason})", style="red")
        )

    def gesture(self, change: GestureChanged) -> None:
        """A hand made another gesture."""
        at = render.clock(change.at_ms)
        shown = change.gesture or f"no longer {change.before}"
        self._live.console.print(Text(f"{at:>9}  {change.hand} hand: {shown}", style="cyan"))

    def progress(self, stage: str, fraction: float) -> None:
        """How far the work after the end is."""
        self._work = f"{STAGES.get(stage, stage)}  {bar(fraction)} {fraction:.0%}"
        self._draw()

    def _draw(self) -> None:
        if self._session is None:
            return
        if self._work:
            self._live.update(Text(self._work), refresh=self._at_once)
            return
        lines = [Text(self._line(source), style=self._style()) for source in self._session.sources]
        for number, sight in enumerate(self._session.sights):
            lines.append(Text(self._sight_line(number, sight), style=self._style()))
        if self._partial:
            lines.append(Text(self._partial, style="dim"))
        self._live.update(Group(*lines), refresh=self._at_once)

    def _style(self) -> str:
        return "bold red" if self._session and self._session.status == "recording" else "yellow"

    def _line(self, source: wire.SourceState) -> str:
        session, level = self._session, self._levels.get(source.recording_id)
        state: str = "" if session is None else session.status
        if session is not None and session.paused_reason:
            state = f"paused ({session.paused_reason})"
        if level is None:
            return f"{state}  {source.kind} {source.device}"
        return (
            f"{state} {render.clock(level.duration_ms)}  {source.kind}  "
            f"{meter(level.level_db)} {level.level_db:5.0f} dB{_behind(level)}"
        )

    def _sight_line(self, number: int, sight: SightState) -> str:
        """A source of pictures with its frames a second."""
        state = "" if self._session is None else self._session.status
        counts = self._rates.get(number, sight.counts)
        return (
            f"{state}  {sight.kind} {sight.device}  {counts.captured_fps:g} frames a second, "
            f"{counts.processed_fps:g} looked at, something found in {counts.detected_fps:g}"
        )


def meter(level_db: float) -> str:
    """A level of full scale as a bar: empty from -60 dB down."""
    return bar(max(0.0, min(1.0, (level_db - FLOOR_DB) / -FLOOR_DB)))


def bar(fraction: float) -> str:
    """A fraction as a bar."""
    filled = round(fraction * METER)
    return "█" * filled + "░" * (METER - filled)


def _behind(level: SessionLevel) -> str:
    if not level.backlog_ms:
        return ""
    eta = "" if level.eta_ms is None else f", done in {render.ago(level.eta_ms)}"
    return f"  {render.ago(level.backlog_ms)} behind{eta}"
