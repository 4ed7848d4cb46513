"""Who may call a worker next: the most urgent first, and only as many at once as help.

A worker runs one call at a time. A second one of the same lease may wait in its channel, so that
it never idles between two windows of one file; a more urgent one is sent at once, so that the
running call can give way to it.
"""

import asyncio
import itertools
import time
from bisect import insort
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from edged.messages.wire import PRIORITIES, Priority

IN_FLIGHT = 2
"""Calls of one lease at once. Measured: 2026-11: 0.92 of the time of one at once, 32 windows."""

EXCLUSIVE = -1
"""Before all others, and alone: to end a worker between two calls."""


class Turn:
    """One caller's place in the line. Compares by urgency, then by age.

    Args:
        urgency: index in PRIORITIES, or EXCLUSIVE.
        owner: the lease, or for short calls the slot; two turns of one owner may run at once when both are `paired`.
        model: for the count of those that wait.
        bulk: bytes of a large input; 0 for all others.

    asked: when it came, monotonic seconds.
    """

    _ages = itertools.count()

    def __init__(
        self, urgency: int, owner: object, model: str, *, paired: bool, bulk: int = 0
    ) -> None:
        self.urgency = urgency
        self.owner = owner
        self.model = model
        self.paired = paired
        self.bulk = bulk
        self.asked = time.monotonic()
        self.age = next(self._ages)
        self.admitted: asyncio.Future[None] | None = None

    def __lt__(self, other: "Turn") -> bool:
        return (self.urgency, self.age) < (other.urgency, other.age)


class Line:
    """The line before one worker. Loop thread only. Bounded by the callers, who wait one by one."""

    def __init__(self) -> None:
        self._waiting: list[Turn] = []
        self._running: list[Turn] = []

    @property
    def idle(self) -> bool:
        """Whether nobody runs or waits."""
        return not self._running and not self._waiting

    def waiting(self, model: str) -> int:
        """How many calls wait for a model; one that is sent behind a running one waits too."""
        return sum(turn.model == model for turn in (*self._running[1:], *self._waiting))

    def running(self, model: str) -> bool:
        """Whether a call of a model runs."""
        return any(turn.model == model for turn in self._running)

    async def enter(self, turn: Turn) -> None:
        """Wait for a turn; `leave` must follow. Cancelling gives the place up."""
        insort(self._waiting, turn)
        turn.admitted = asyncio.get_running_loop().create_future()
        self._admit()
        try:
            await turn.admitted
        except BaseException:
            self.leave(turn)
            raise

    def enter_now(self, turn: Turn) -> bool:
        """Take a turn if it needs no waiting; whether it does not. `leave` must follow then."""
        if self._waiting or not self._may_run(turn):
            return False
        self._running.append(turn)
        return True

    def leave(self, turn: Turn) -> None:
        """End a turn; may be called twice."""
        for turns in (self._waiting, self._running):
            if turn in turns:
                turns.remove(turn)
        self._admit()

    @asynccontextmanager
    async def turn(self, turn: Turn) -> AsyncGenerator[None, None]:
        """A turn from `enter` to `leave`."""
        await self.enter(turn)
        try:
            yield
        finally:
            self.leave(turn)

    def _admit(self) -> None:
        while self._waiting and self._may_run(self._waiting[0]):
            turn = self._waiting.pop(0)
            self._running.append(turn)
            if turn.admitted is not None and not turn.admitted.done():
                turn.admitted.set_result(None)

    def _may_run(self, turn: Turn) -> bool:
        if not self._running:
            return True
        if EXCLUSIVE in {turn.urgency, *(one.urgency for one in self._running)}:
            return False
        if all(turn.urgency < one.urgency for one in self._running):
            return True
        return len(self._running) < IN_FLIGHT and all(
            turn.paired and one.paired and one.owner is turn.owner and one.urgency == turn.urgency
            for one in self._running
        )


def urgency_of(priority: Priority) -> int:
    """0 for the most urgent."""
    return PRIORITIES.index(priority)
