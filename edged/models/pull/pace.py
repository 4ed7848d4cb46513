"""When to go on: after a failure, and under a rate limit."""

import random
from collections.abc import Callable

from edged.errors import SourceDown
from edged.models.pull.answers import LONGEST_PAUSE_S

FIRST_PAUSE_S = 1.0
MOST_PAUSE_S = 30.0
PROGRESS_BYTES = 2**20
"""Who came so much further is not at the end of their tries: a bad line cuts many times."""

Wait = Callable[[float], None]
"""Sleeps so many seconds."""


class Patience:
    """Counts the tries of one file and waits between them: doubled each time, half of it by chance.

    Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """

    def __init__(self, tries: int, wait: Wait) -> None:
        self._tries = tries
        self._wait = wait
        self._spent = 0
        self._reached = 0

    def spend(self, reason: str, *, reached: int, asked_s: float = 0.0) -> None:
        """Note a failed try, and wait.

        Args:
            reason: told when it was the last one.
            reached: bytes that are there.
            asked_s: what the server asks for, in seconds.

        Raises:
            SourceDown: that was the last try, or the server asks for too long.
        """
        if reached >= self._reached + PROGRESS_BYTES:
            self._spent, self._reached = 0, reached
        self._spent += 1
        if self._spent >= self._tries:
            raise SourceDown(f"{reason} (after {self._spent} tries)")
        if asked_s > LONGEST_PAUSE_S:
            raise SourceDown(f"{reason}, and asks to come back in {asked_s:.0f} s")
        self._wait(asked_s or self._pause())

    def _pause(self) -> float:
        longest = min(MOST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** (self._spent - 1))
        spread = random.uniform(0.5, 1.0)  # noqa: S311 - spreads clients, hides nothing
        return longest * spread


class Pace:
    """Keeps a download below so many bytes a second; 0: as fast as it comes."""

    def __init__(self, rate_bytes: int, wait: Wait, clock: Callable[[], float]) -> None:
        self._rate = rate_bytes
        self._wait = wait
        self._clock = clock
        self._due = 0.0

    def spend(self, count: int) -> None:
        """Wait until `count` bytes more are allowed; what was not used is not saved up."""
        if not self._rate:
            return
        now = self._clock()
        self._due = max(self._due, now) + count / self._rate
        if self._due > now:
            self._wait(self._due - now)
