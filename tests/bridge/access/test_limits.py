"""Nobody gets more than the rate and one burst, and the table stays bounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edged.bridge.access.limits import BURST, Bucket, Limits
from edged.errors import Busy


class Clock:
    """Time that passes when the test says so."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def _limits(clock: Clock, *, requests: float = 600, volume: float = 6e6, most: int = 9) -> Limits:
    return Limits(requests_per_minute=requests, bytes_per_minute=volume, most=most, clock=clock)


def _admitted(limits: Limits, who: str, tries: int, size_bytes: int = 0) -> int:
    count = 0
    for _ in range(tries):
        try:
            limits.take(who, size_bytes)
        except Busy:
            continue
        count += 1
    return count


def test_a_burst_passes_then_the_hint_says_when_the_next_one_does() -> None:
    clock = Clock()
    limits = _limits(clock)

    passed = _admitted(limits, "panel", 100)
    with pytest.raises(Busy) as refused:
        limits.take("panel", 0)
    clock.now += float(refused.value.details["retry_after_ms"] or 0) / 1000

    assert passed == 60
    assert _admitted(limits, "panel", 100) == 1


def test_one_client_does_not_use_up_what_another_may_ask() -> None:
    limits = _limits(Clock())
    _admitted(limits, "greedy", 1000)

    assert _admitted(limits, "modest", 10) == 10


def test_a_request_larger_than_the_burst_passes_and_is_paid_for_afterwards() -> None:
    clock = Clock()
    limits = _limits(clock, volume=6e6)

    limits.take("panel", 3_000_000)
    with pytest.raises(Busy) as refused:
        limits.take("panel", 1)
    clock.now += 24.1

    assert refused.value.details["retry_after_ms"] == pytest.approx(24_000, abs=10)
    limits.take("panel", 1)


@given(
    st.lists(st.tuples(st.floats(0, 5), st.integers(0, 30)), max_size=30),
    st.integers(10, 6000),
)
def test_over_any_time_no_more_passes_than_the_rate_and_a_burst(
    turns: list[tuple[float, int]], per_minute: int
) -> None:
    clock = Clock()
    limits = _limits(clock, requests=per_minute)
    passed, elapsed = 0, 0.0

    for pause_s, tries in turns:
        clock.now += pause_s
        elapsed += pause_s
        passed += _admitted(limits, "one", tries)

    burst = max(1.0, per_minute * BURST)
    assert passed <= burst + elapsed * per_minute / 60 + 1


def test_a_clock_that_stands_still_fills_nothing() -> None:
    bucket = Bucket(60, 5.0)
    for _ in range(6):
        assert bucket.wait_s(5.0) == 0
        bucket.take(1)

    assert bucket.wait_s(5.0) > 0


def test_ten_thousand_names_leave_a_bounded_table() -> None:
    limits = _limits(Clock(), most=100)

    for number in range(10_000):
        limits.take(number, 10)

    assert len(limits) == 100
