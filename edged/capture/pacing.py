"""A target rate of frames, held without drift: which of a source's frames are taken, and when to take one."""

from edged.capture.clock import now_ns

_SLACK = 0.25
"""Of the pause between two frames: a source's frame that comes so much too early is taken, since
its own rate jitters. Half would let a faster source be taken out of step."""


class Pace:
    """Chooses frames of a source that has a rate of its own.

    Args:
        fps: so many frames a second at most; 0: all.
    """

    def __init__(self, fps: float) -> None:
        self._pause_ns = int(1e9 / fps) if fps else 0
        self._due_ns: int | None = None

    def takes(self, at_ns: int) -> bool:
        """Whether the frame of this time is one of those wanted; times do not go back."""
        if self._due_ns is None:
            self._due_ns = at_ns
        early_ns = self._due_ns - at_ns
        if early_ns > self._pause_ns * _SLACK:
            return False
        # A frame that came late is followed by one that did not; what a pause left out is not
        # caught up with.
        self._due_ns = max(self._due_ns + self._pause_ns, at_ns)
        return True


class Ticks:
    """Times at which a source without a rate of its own is looked at.

    Args:
        fps: ticks a second.
    """

    def __init__(self, fps: float) -> None:
        self._pause_ns = int(1e9 / fps)
        self._next_ns = now_ns()

    def wait_s(self) -> float:
        """Seconds until the next tick, which is then taken; ticks that were missed are left out."""
        now = now_ns()
        missed = max(0, now - self._next_ns) // self._pause_ns
        tick_ns = self._next_ns + missed * self._pause_ns
        self._next_ns = tick_ns + self._pause_ns
        return max(0, tick_ns - now) / 1e9
