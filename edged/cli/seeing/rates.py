"""How many frames a second a stream shows, and how long things were in sight."""

import time
from collections import deque
from collections.abc import Callable, Sequence

from edged.bridge.framing import Buffer
from edged.cli.seeing.parts import apart
from edged.messages.seeing import FrameCounts, Looked, Seen, Stretch

WINDOW_S = 2.0
SOON_S = 0.5
"""Before that a rate is not told by one or two frames alone."""

BREAK_MS = 1_000
"""What is not seen for longer begins a new stretch; see edged.messages.seeing.Stretch."""

MOST_STRETCHES = 1_000
"""A camera may be looked at for days: of more stretches the last ones are told."""


class Rates:
    """Counts frames as they come.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._times: deque[tuple[float, bool]] = deque(maxlen=1_000)
        self._started = clock()
        self._frames = 0
        self._detected = 0
        self._dropped = 0
        self._first_ms: int | None = None
        self._last_ms = 0
        self._open: dict[str, Stretch] = {}
        self._closed: deque[Stretch] = deque(maxlen=MOST_STRETCHES)

    @property
    def dropped(self) -> int:
        """Frames of the stream that were not looked at, as the last one said."""
        return self._dropped

    def add(self, seen: Seen, parts: Sequence[Buffer] = ()) -> None:
        """One more frame."""
        counts = counts_of(seen, parts)
        if self._first_ms is None:
            self._first_ms, self._started = seen.captured_at_ms, self._clock()
        self._frames += 1
        self._detected += bool(counts)
        self._dropped = seen.dropped
        self._times.append((self._clock(), bool(counts)))
        self._last_ms = max(0, seen.captured_at_ms - self._first_ms)
        for of, count in counts.items():
            self._extend(of, self._last_ms, count)

    def now(self) -> tuple[float, float]:
        """Frames, and frames with something in them, in a second of the last two."""
        since = self._clock() - WINDOW_S
        while self._times and self._times[0][0] < since:
            self._times.popleft()
        span_s = max(SOON_S, min(WINDOW_S, self._clock() - self._started))
        return len(self._times) / span_s, sum(found for _, found in self._times) / span_s

    def looked(self, counts: FrameCounts) -> Looked:
        """The end of it, told as that of a video. counts: by the daemon."""
        span_s = max(0.001, self._clock() - self._started)
        stretches = sorted((*self._closed, *self._open.values()), key=lambda one: one.start_ms)
        return Looked(
            frames=counts.processed or self._frames,
            detected=counts.detected if counts.processed else self._detected,
            fps=self._frames / span_s,
            duration_ms=self._last_ms,
            tracks=tuple(stretches),
            lost=counts.lost,
        )

    def _extend(self, of: str, at_ms: int, count: int) -> None:
        before = self._open.get(of)
        if before is not None and at_ms - before.end_ms > BREAK_MS:
            self._closed.append(before)
            before = None
        self._open[of] = Stretch(
            of=of,
            start_ms=at_ms if before is None else before.start_ms,
            end_ms=at_ms,
            frames=1 if before is None else before.frames + 1,
            most=count if before is None else max(before.most, count),
        )


def counts_of(seen: Seen, parts: Sequence[Buffer] = ()) -> dict[str, int]:
    """How many things of each kind a frame shows; empty: nothing was found.

    A mask is one only when it covers something.
    """
    found = {"face": len(seen.faces), "hand": len(seen.hands), "pose": len(seen.poses)}
    for label in [one.label for one in seen.objects] + [one.label for one in seen.classes[:1]]:
        found[label] = found.get(label, 0) + 1
    part = apart(seen, parts).get("mask")
    if part is not None:
        found["mask"] = int(part.data.count(0) < len(part.data))
    return {of: count for of, count in found.items() if count}
