"""Percentiles of the last calls."""

from edged.messages.records import Latency
from edged.models.latency import KEPT, Spans, summary


def test_nothing_is_zero() -> None:
    assert Spans().summary() == Latency()


def test_percentiles_are_by_nearest_rank() -> None:
    found = summary([number / 1000 for number in range(100, 0, -1)])

    assert found == Latency(p50_us=50_000, p95_us=95_000)


def test_one_span_is_both() -> None:
    assert summary([0.25]) == Latency(p50_us=250_000, p95_us=250_000)


def test_only_the_last_ones_count() -> None:
    spans = Spans()
    spans.add(99.0)
    for _ in range(KEPT):
        spans.add(0.001)

    assert spans.summary() == Latency(p50_us=1000, p95_us=1000)


def test_a_clock_that_stands_still_gives_no_negative_time() -> None:
    assert summary([-0.001, -0.001]) == Latency()
