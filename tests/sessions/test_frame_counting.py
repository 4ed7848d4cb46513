"""How many frames a source gives: in all, and in the last seconds."""

from edged.capture.sight import CapturedFrame
from edged.media import Picture
from edged.sessions.frame_counting import FrameCounting

SECOND_NS = 1_000_000_000


class Clock:
    def __init__(self) -> None:
        self.ns = 0

    def __call__(self) -> int:
        return self.ns


def frame(captured: int, *, still: int = 0, late: int = 0) -> CapturedFrame:
    return CapturedFrame(
        picture=Picture(data=b""),
        number=captured - 1,
        at_ns=0,
        captured=captured,
        still=still,
        late=late,
    )


def test_what_came_before_the_first_frame_that_was_wanted_does_not_count() -> None:
    counting = FrameCounting(Clock())
    counting.begin(frame(10, late=8))
    counting.take(frame(12, late=9))
    counting.look(detected=True)
    counting.lose()

    totals = counting.totals

    assert (totals.captured, totals.late, totals.processed, totals.lost) == (3, 1, 1, 1)


def test_a_source_that_counts_from_the_start_again_adds_up() -> None:
    counting = FrameCounting(Clock())
    counting.begin(frame(1))
    counting.take(frame(5, still=2))
    counting.take(frame(2, still=1))

    assert (counting.totals.captured, counting.totals.still) == (7, 3)


def test_rates_are_of_the_last_seconds_and_fall_to_nothing_when_nothing_comes() -> None:
    clock = Clock()
    counting = FrameCounting(clock)
    counting.begin(frame(1))
    for number in range(1, 101):
        clock.ns += SECOND_NS // 10
        counting.take(frame(2 * number, late=number // 2, still=number // 2))
        counting.look(detected=number % 2 == 0)

    busy = counting.current
    clock.ns += 4 * SECOND_NS
    idle = counting.current

    assert (busy.captured_fps, busy.processed_fps) == (20.0, 10.0)
    assert 9.0 <= busy.skipped_fps <= 11.0
    assert 4.5 <= busy.detected_fps <= 5.5
    assert idle.captured_fps < 1.0
    assert idle.processed == 100
