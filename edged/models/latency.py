"""How long calls waited and ran: the last ones of each model, cheap enough for every call."""

from collections import deque

from edged.messages.records import Latency

KEPT = 256


class Spans:
    """The last spans, in seconds; `add` notes one more, in less than a tenth of a microsecond."""

    def __init__(self) -> None:
        self._seconds: deque[float] = deque(maxlen=KEPT)
        self.add = self._seconds.append

    def summary(self) -> Latency:
        """Their median and the value that 95 of a hundred do not pass."""
        return summary(self._seconds)


def summary(seconds: "deque[float] | list[float]") -> Latency:
    """p50 and p95 by nearest rank; zeros when there is nothing."""
    if not seconds:
        return Latency()
    found = sorted(seconds)
    return Latency(p50_us=_at(found, 50), p95_us=_at(found, 95))


def _at(found: list[float], hundredth: int) -> int:
    """The value at a rank, in microseconds. Source: nearest rank, ceil(p / 100 x n)."""
    rank = -(-hundredth * len(found) // 100)
    return max(0, round(found[rank - 1] * 1e6))
