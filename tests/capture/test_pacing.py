"""Choosing frames for a target rate."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edged.capture import pacing
from edged.capture.pacing import Pace, Ticks

SECOND = 1_000_000_000


def taken(pace: Pace, times: list[int]) -> list[int]:
    return [at for at in times if pace.takes(at)]


def at_rate(fps: float, seconds: float) -> list[int]:
    return [round(number * SECOND / fps) for number in range(round(fps * seconds))]


@pytest.mark.parametrize(
    ("source", "wished", "expected"),
    [(30, 15, 150), (25, 15, 150), (30, 20, 200), (29.97, 15, 150), (10, 15, 100), (30, 0, 300),
     (60, 1000, 600), (30, 0.5, 5)],
)  # fmt: skip
def test_a_source_is_thinned_to_the_wished_rate(
    source: float, wished: float, expected: int
) -> None:
    times = at_rate(source, 10)

    assert abs(len(taken(Pace(wished), times)) - expected) <= 1


def test_every_other_frame_of_a_jittering_camera_is_taken() -> None:
    jitter = [0, 3, -4, 5, -2, 4, -5, 1] * 8
    times = [at + late * 1_000_000 for at, late in zip(at_rate(30, 2), jitter, strict=False)]

    assert taken(Pace(15), times) == times[::2]


def test_a_frame_that_comes_late_takes_none_of_the_others_with_it() -> None:
    times = at_rate(30, 2)
    times[5] += 40_000_000  # behind the next one, which waited in the pipe
    times[6] = times[5] + 1

    assert taken(Pace(30), times) == times


def test_what_a_pause_left_out_is_not_caught_up_with() -> None:
    before, after = at_rate(30, 1), [5 * SECOND + at for at in at_rate(30, 1)]

    found = taken(Pace(10), before + after)

    assert len(found) == pytest.approx(20, abs=1)


@given(
    gaps=st.lists(st.integers(1, 200_000_000), min_size=2, max_size=50),
    fps=st.floats(1, 60),
)
def test_in_no_time_are_there_more_frames_than_wished(gaps: list[int], fps: float) -> None:
    times = [sum(gaps[: index + 1]) for index in range(len(gaps))]

    found = taken(Pace(fps), times)

    assert found[0] == times[0]
    for index, start in enumerate(found):
        spans = [(end - start) * fps / SECOND for end in found[index:]]
        assert all(count <= span + 3 for count, span in enumerate(spans, 1))


def test_ticks_keep_their_rate_and_leave_missed_ones_out(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 7 * SECOND
    monkeypatch.setattr(pacing, "now_ns", lambda: now)
    ticks = Ticks(10)
    waits = []
    for work_ns in (20_000_000, 20_000_000, 350_000_000, 0):
        waits.append(ticks.wait_s())
        now += round(waits[-1] * SECOND) + work_ns
    waits.append(ticks.wait_s())

    assert waits == pytest.approx([0, 0.08, 0.08, 0, 0.05])
