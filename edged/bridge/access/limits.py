"""How much one client may ask: buckets that fill up again with time."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Final

from edged.errors import Busy

BURST: Final = 0.1
"""A bucket holds so much of what a minute may bring, if nothing else is said."""

MINUTE_S: Final = 60.0


class Bucket:
    """Fills at a steady rate and is emptied by what is asked.

    Args:
        per_minute: what a minute may bring.
        now: time.monotonic() seconds.
        burst: the share of it that may come at once.
    """

    def __init__(self, per_minute: float, now: float, *, burst: float = BURST) -> None:
        self._rate = per_minute / MINUTE_S
        self._most = max(1.0, per_minute * burst)
        self._level = self._most
        self._at = now

    def wait_s(self, now: float) -> float:
        """How long until something may be taken again; 0: now."""
        self._level = min(self._most, self._level + (now - self._at) * self._rate)
        self._at = now
        return 0.0 if self._level > 0 else -self._level / self._rate + 1e-3

    def take(self, amount: float) -> None:
        """Take an amount; one larger than what is there leaves a debt, or it could never pass."""
        self._level -= amount


class Limits:
    """Requests and bytes of each client, in a table that holds a bounded number. Loop thread only.

    Args:
        requests_per_minute: of one client.
        bytes_per_minute: likewise.
        most: clients that are remembered; the one that asked least recently is forgotten.
        burst: the share of a minute that may come at once.
        clock: gives time.monotonic() seconds.
    """

    def __init__(
        self,
        *,
        requests_per_minute: float,
        bytes_per_minute: float,
        most: int,
        burst: float = BURST,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rates = (requests_per_minute, bytes_per_minute)
        self._burst = burst
        self._most = most
        self._clock = clock
        self._buckets: OrderedDict[Hashable, tuple[Bucket, Bucket]] = OrderedDict()

    def __len__(self) -> int:
        """How many clients are remembered."""
        return len(self._buckets)

    def take(self, who: Hashable, size_bytes: int) -> None:
        """Count a request.

        Raises:
            Busy: too many or too large ones came in a short time; nothing was counted.
        """
        now = self._clock()
        requests, volume = self._of(who, now)
        wait_s = max(requests.wait_s(now), volume.wait_s(now))
        if wait_s:
            raise Busy(
                "too many requests or bytes in a short time",
                retry_after_ms=max(1, round(wait_s * 1000)),
            )
        requests.take(1)
        volume.take(size_bytes)

    def _of(self, who: Hashable, now: float) -> tuple[Bucket, Bucket]:
        found = self._buckets.get(who)
        if found is None:
            requests, volume = (Bucket(rate, now, burst=self._burst) for rate in self._rates)
            found = (requests, volume)
            self._buckets[who] = found
            if len(self._buckets) > self._most:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(who)
        return found
