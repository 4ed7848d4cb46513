"""How often a worker may be started anew, and when it has failed too often."""

import asyncio
import time
from collections import deque

from edged import config
from edged.errors import Quarantined
from edged.messages.replies import Reason

MINUTE_S = 60.0
BACKOFF_S = 0.1
"""Before the second restart within a minute; doubled for each further one. The first is at once."""

LONGEST_BACKOFF_S = 2.0


class Restarts:
    """The failures of one worker. Loop thread only.

    Args:
        name: of the worker.
        limits: restarts a minute, and how long a quarantine lasts.
    """

    def __init__(self, name: str, limits: config.Workers) -> None:
        self._name = name
        self._limits = limits
        self._failures: deque[float] = deque()
        self._trouble: Reason | None = None
        self._quarantined_until = 0.0

    @property
    def quarantined(self) -> bool:
        """Whether it is not to be started now."""
        return self._quarantined_until > time.monotonic()

    async def wait(self) -> None:
        """Wait before a restart as long as there is reason to.

        Raises:
            Quarantined: it failed too often.
        """
        now = time.monotonic()
        if self._quarantined_until > now and self._trouble is not None:
            raise Quarantined(
                f"{self._name} is quarantined: {self._trouble.message}",
                retry_after_ms=int((self._quarantined_until - now) * 1000),
            )
        if self._quarantined_until:
            self.pardon()
        self._forget_old(now)
        if len(self._failures) > 1:
            doubled = BACKOFF_S * 2 ** (len(self._failures) - 2)
            await asyncio.sleep(min(LONGEST_BACKOFF_S, doubled))

    def fail(self, reason: str) -> None:
        """Count a failure; too many within a minute end in quarantine."""
        now = time.monotonic()
        self._failures.append(now)
        self._forget_old(now)
        self._trouble = Reason(
            code="worker_failed",
            message=f"the worker of {self._name} failed: {reason}",
            fix="it is started anew at the next call; see the log if it happens again",
        )
        if len(self._failures) > self._limits.restarts_per_minute:
            self._quarantined_until = now + self._limits.quarantine_ms / 1000
            self._trouble = Reason(
                code=Quarantined.code,
                message=f"{self._name} failed {len(self._failures)} times in a minute: {reason}",
                fix=f"`edged models load {self._name}` tries again",
            )

    def recover(self) -> None:
        """Note that it works: what was wrong needs no telling any more."""
        if not self._quarantined_until:
            self._trouble = None

    def pardon(self) -> None:
        """End a quarantine and forget the failures."""
        self._failures.clear()
        self._quarantined_until = 0.0
        self._trouble = None

    def reason(self) -> Reason | None:
        """What is not well."""
        now = time.monotonic()
        if self._quarantined_until > now:
            return self._trouble
        self._forget_old(now)
        return self._trouble if self._failures else None

    def _forget_old(self, now: float) -> None:
        while self._failures and now - self._failures[0] > MINUTE_S:
            self._failures.popleft()
