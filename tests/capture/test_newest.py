"""One place for the newest frame, between a source's thread and the worker's."""

import av
import numpy as np
import pytest

from edged.capture.motion import Motion
from edged.capture.newest import Newest
from edged.errors import DeviceMissing

SECOND = 1_000_000_000


def picture(level: int, *, width: int = 128, height: int = 96) -> av.VideoFrame:
    pixels = np.full((height, width, 3), level, np.uint8)
    return av.VideoFrame.from_ndarray(pixels, format="rgb24")


def test_a_frame_is_taken_once_with_its_pixels() -> None:
    newest = Newest(10)
    newest.offer(picture(200), SECOND)

    taken, again = newest.take(0.01), newest.take(0.01)

    assert bytes(taken.data) == bytes([200] * 128 * 96 * 3)
    assert (taken.width, taken.height, taken.number, taken.at_ns) == (128, 96, 0, SECOND)
    assert (taken.captured, taken.moved) == (1, 1.0)
    assert (bytes(again.data), again.captured) == (b"", 1)


def test_a_newer_frame_replaces_one_that_waits_and_is_counted() -> None:
    newest = Newest(10)
    for number in range(4):
        newest.offer(picture(10 * number), number * SECOND)

    taken = newest.take(0.01)

    assert (taken.number, taken.late, taken.captured, taken.data[0]) == (3, 3, 4, 30)


def test_frames_in_which_nothing_moved_are_left_out_and_counted() -> None:
    newest = Newest(10, still_below=0.02)
    newest.offer(picture(100), 0)
    first = newest.take(0.01)
    for number, level in enumerate((101, 103, 104), 1):
        newest.offer(picture(level), number * SECOND)
    still = newest.take(0.01)
    newest.offer(picture(106), 4 * SECOND)

    moved = newest.take(0.01)

    assert (first.still, bytes(still.data), still.still) == (0, b"", 3)
    # Compared with the last frame that was given: slow changes add up.
    assert (moved.number, moved.still) == (4, 3)
    assert moved.moved == pytest.approx(6 / 255, abs=0.005)


def test_frames_of_another_size_always_moved() -> None:
    motion = Motion()
    motion.moved(picture(9))
    motion.keep()

    assert motion.moved(picture(9)) == 0
    assert motion.moved(picture(9, height=480)) == 1


def test_a_lost_source_shows_nothing_that_waited() -> None:
    newest = Newest(10)
    newest.offer(picture(1), 0)
    newest.lose("locked")

    locked = newest.take(0.01)
    newest.offer(picture(2), SECOND)
    after = newest.take(0.01)

    assert (locked.lost, bytes(locked.data), locked.late) == ("locked", b"", 1)
    assert (after.lost, after.data[0]) == ("", 2)


def test_the_end_is_told_after_the_last_frame() -> None:
    newest = Newest(10)
    newest.offer(picture(1), 0)
    newest.end("device_lost", DeviceMissing("it is gone"))

    last, end = newest.take(0.01), newest.take(0.01)

    assert (last.data[0], last.ended) == (1, "")
    assert end.ended == "device_lost"


def test_a_source_that_never_gave_a_frame_raises_why() -> None:
    newest = Newest(10)
    newest.end("device_lost", DeviceMissing("it was never there"))

    with pytest.raises(DeviceMissing, match="never there"):
        newest.take(0.01)
