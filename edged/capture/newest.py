"""The newest frame of a source: its thread offers, the worker's main thread takes; in workers only.

A frame that was not taken before the next one came is dropped and counted: whoever looks is never
shown what is old, and never slows the source down.
"""

import threading

import av

from edged.capture.motion import Motion
from edged.capture.pacing import Pace
from edged.capture.pixels import Developer
from edged.capture.sight_orders import Glimpse
from edged.errors import EdgedError


class Newest:
    """One place for one frame.

    Args:
        fps: so many frames a second are taken of those that are offered; 0: all.
        still_below: frames that moved less are left out, in [0, 1]; 0: none.
    """

    def __init__(self, fps: float, still_below: float = 0.0) -> None:
        self._pace = Pace(fps)
        self._motion = Motion()
        self._still_below = still_below
        self._developer = Developer()
        self._came = threading.Condition()
        self._waiting: tuple[av.VideoFrame, Glimpse] | None = None
        self._error: EdgedError | None = None
        self._ended = ""
        self._lost = ""
        self._captured = self._still = self._late = 0
        self._heard_ns = 0

    def offer(self, frame: av.VideoFrame, at_ns: int) -> None:
        """Show a frame, which nobody changes from now on. The source's thread."""
        self._heard_ns = at_ns
        if not self._pace.takes(at_ns):
            return
        moved = self._motion.moved(frame)
        is_still = bool(self._captured) and moved < self._still_below
        if not is_still:
            self._motion.keep()
        with self._came:
            self._lost = ""
            self._captured += 1
            if is_still:
                self._still += 1
                return
            self._late += self._waiting is not None
            self._waiting = (frame, self._glimpse(at_ns, moved))
            self._came.notify()

    def lose(self, reason: str) -> None:
        """There are no frames for now, and what waits may not be shown. The source's thread."""
        with self._came:
            self._lost = reason
            if self._waiting is not None:
                self._late += 1
                self._waiting = None
            self._came.notify()

    def end(self, reason: str, error: EdgedError | None = None) -> None:
        """There are no more frames. error: why, told when nothing was ever captured."""
        with self._came:
            self._ended = reason
            self._error = error if not self._captured else None
            self._came.notify()

    def take(self, within_s: float) -> Glimpse:
        """The newest frame, or what is known instead. The worker's main thread.

        Raises:
            EdgedError: it could never give one.
        """
        with self._came:
            if self._waiting is None and not self._ended:
                self._came.wait(within_s)
            waiting, self._waiting = self._waiting, None
            counts = self._counts()
        if waiting is None and self._error is not None:
            raise self._error
        if waiting is None:
            return counts
        frame, glimpse = waiting
        pixels = self._developer.rgb(frame)
        return Glimpse(
            data=pixels.data.cast("B"),
            width=pixels.shape[1],
            height=pixels.shape[0],
            number=glimpse.number,
            at_ns=glimpse.at_ns,
            moved=glimpse.moved,
            captured=counts.captured,
            still=counts.still,
            late=counts.late,
            heard_ns=counts.heard_ns,
        )

    def _glimpse(self, at_ns: int, moved: float) -> Glimpse:
        return Glimpse(number=self._captured - 1, at_ns=at_ns, moved=moved)

    def _counts(self) -> Glimpse:
        return Glimpse(
            captured=self._captured,
            still=self._still,
            late=self._late,
            heard_ns=self._heard_ns,
            lost=self._lost,
            ended=self._ended,
        )
