"""How many frames a source of pictures gives, and what became of them; in all, and in the last seconds."""

from collections import deque
from collections.abc import Callable

from msgspec.structs import replace

from edged.capture.sight import CapturedFrame
from edged.messages.seeing import FrameCounts

SECOND_NS = 1_000_000_000
WINDOW_NS = 3 * SECOND_NS
"""The rates are of the last so many nanoseconds: long enough for 1 frame a second, short enough to
see that a camera stalls."""

MARK_NS = SECOND_NS // 4
MOST_MARKS = WINDOW_NS // MARK_NS + 2


class FrameCounting:
    """Counts the frames of one source. Loop thread only.

    Args:
        clock: nanoseconds that grow.
    """

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._past = (0, 0, 0)
        self._open = (0, 0, 0)
        self._processed = self._detected = self._lost = self._left_out = 0
        self._marks: deque[tuple[int, FrameCounts]] = deque(maxlen=MOST_MARKS)

    def begin(self, frame: CapturedFrame) -> None:
        """Count from this frame on: what was captured before nobody wanted to see."""
        past, known = self._past, _totals(frame)
        self._past = (past[0] - known[0] + 1, past[1] - known[1], past[2] - known[2])
        self._open = known

    def take(self, frame: CapturedFrame) -> None:
        """A frame came, with what its source counted so far."""
        totals = _totals(frame)
        if totals[0] < self._open[0]:
            self.reopen()
        self._open = totals

    def reopen(self) -> None:
        """The source counts from 0 again."""
        self._past, self._open = self._sums, (0, 0, 0)

    def look(self, *, detected: bool) -> None:
        """A frame was looked at."""
        self._processed += 1
        self._detected += detected
        self._mark()

    def leave_out(self) -> None:
        """A frame came with, or behind, a newer one."""
        self._left_out += 1

    def lose(self) -> None:
        """A frame was lost on its way."""
        self._lost += 1
        self._mark()

    @property
    def totals(self) -> FrameCounts:
        """Since the beginning, without rates."""
        captured, still, late = self._sums
        return FrameCounts(
            captured=captured,
            processed=self._processed,
            still=still,
            late=late + self._left_out,
            lost=self._lost,
            detected=self._detected,
        )

    @property
    def current(self) -> FrameCounts:
        """The totals, with the rates of the last seconds."""
        now, totals = self._clock(), self.totals
        while len(self._marks) > 1 and self._marks[1][0] <= now - WINDOW_NS:
            self._marks.popleft()
        if not self._marks or now <= self._marks[0][0]:
            return totals
        began, before = self._marks[0]
        seconds = (now - began) / SECOND_NS
        skipped = totals.still + totals.late - before.still - before.late
        return replace(
            totals,
            captured_fps=_rate(totals.captured - before.captured, seconds),
            processed_fps=_rate(totals.processed - before.processed, seconds),
            skipped_fps=_rate(skipped, seconds),
            detected_fps=_rate(totals.detected - before.detected, seconds),
        )

    @property
    def _sums(self) -> tuple[int, int, int]:
        past, now = self._past, self._open
        return past[0] + now[0], past[1] + now[1], past[2] + now[2]

    def _mark(self) -> None:
        now = self._clock()
        if not self._marks or now - self._marks[-1][0] >= MARK_NS:
            self._marks.append((now, self.totals))


def _totals(frame: CapturedFrame) -> tuple[int, int, int]:
    return frame.captured, frame.still, frame.late


def _rate(frames: int, seconds: float) -> float:
    return round(frames / seconds, 1)
