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
        self._samples = 0
        self._offset_s = 0.0
        self._slope = 0.0
        self._settled = False
        self._bucket_end_s = 0.0
        self._best_s = float("inf")

    @property
    def parts_per_million(self) -> float:
        """How much longer its samples last than it says."""
        return self._slope * 1e6

    def start(self, arrived_s: float, samples: int) -> float:
        """Begin with the first block: when its first sample was taken."""
        self._offset_s = arrived_s - samples / self._rate
        self._bucket_end_s = arrived_s + BUCKET_S
        return self._offset_s

    def time_of(self, sample: int) -> float:
        """When a sample, counted from the start, was taken."""
        ahead_s = (sample - self._samples) / self._rate if self._settled else 0.0
        return sample / self._rate + self._offset_s + self._slope * ahead_s

    def block(self, arrived_s: float, samples: int) -> float:
        """Note that a block arrived, whose last sample is number `samples` from the start.

        Returns:
            0.0, or by how many seconds the samples jumped: lost ones are above 0, ones that came
            twice below. `shift` takes it as real.
        """
        jump_s = 0.0
        if arrived_s >= self._bucket_end_s and self._best_s < float("inf"):
            jump_s = self._follow(self._best_s, samples)
            self._best_s = float("inf")
            self._bucket_end_s = arrived_s + BUCKET_S
        self._best_s = min(self._best_s, arrived_s - samples / self._rate)
        return jump_s

    def _follow(self, best_s: float, samples: int) -> float:
        """Compare the second's least delayed block with the line, and bend the line to it."""
        elapsed_s = (samples - self._samples) / self._rate
        self._samples = samples
        self._offset_s += self._slope * elapsed_s
        error_s = best_s - self._offset_s
        if not self._settled:
            # The first block may have waited long in a buffer.
            self._settled = True
            self._offset_s = best_s
            return 0.0
        if abs(error_s) > JUMP_S:
            return error_s
        self._offset_s += _POSITION_GAIN * error_s
        self._slope += _RATE_GAIN * error_s / max(elapsed_s, BUCKET_S)
        return 0.0

    def shift(self, jump_s: float) -> None:
        """Take a jump as real: from now on, samples were taken so much later."""
        self._offset_s += jump_s
