"""The one-euro filter."""

import numpy as np
import pytest

from edged.vision.smoothing import OneEuro

FPS = 15
TIMES = (np.arange(FPS * 8) * 1000 // FPS).tolist()


def smoothed(rows: np.ndarray, times: list[int] | None = None) -> np.ndarray:
    euro = OneEuro()
    return np.stack([euro.smooth(row, at) for row, at in zip(rows, times or TIMES, strict=True)])


def trembling(size: int = 200) -> np.ndarray:
    return np.random.default_rng(2).normal(0, 0.002, (len(TIMES), size))


def test_points_that_do_not_move_tremble_half_as_much() -> None:
    noise = trembling()

    calm = smoothed(0.5 + noise)[FPS:] - 0.5

    assert calm.std() < noise.std() / 2


def test_a_moving_point_lags_by_less_than_a_frame() -> None:
    speed = 0.5
    path = np.clip(np.array(TIMES) / 1000 - 2, 0, 2)[:, None] * speed + trembling()

    behind = (path - smoothed(path))[FPS * 3 : FPS * 4].mean() / speed

    assert 0 <= behind < 1 / FPS


def test_what_does_not_change_stays_exactly() -> None:
    still = np.full((len(TIMES), 33, 7), 0.25, np.float32)

    assert (smoothed(still) == still).all()


def test_the_first_values_come_as_they_are() -> None:
    row = np.random.default_rng(0).random((2, 21, 3), dtype=np.float32)

    assert (OneEuro().smooth(row, 1_000) == row).all()


def test_unseen_points_stay_unseen_and_begin_anew() -> None:
    rows = np.array([[0.1, 0.1], [np.nan, 0.2], [0.9, 0.3]])

    smooth = smoothed(rows, [0, 66, 133])

    assert np.isnan(smooth[1, 0])
    assert smooth[2, 0] == np.float32(0.9)
    assert 0.1 < smooth[1, 1] < 0.2


@pytest.mark.parametrize("at_ms", [0, 50, 5_000])
def test_a_clock_that_stands_or_jumps_begins_anew(at_ms: int) -> None:
    euro = OneEuro()
    euro.smooth(np.zeros(3), 50)

    assert (euro.smooth(np.ones(3), at_ms) == 1.0).all()


def test_another_number_of_slots_begins_anew() -> None:
    euro = OneEuro()
    euro.smooth(np.zeros((1, 33, 7)), 0)

    assert euro.smooth(np.ones((2, 33, 7)), 66).shape == (2, 33, 7)


def test_no_one_can_change_what_the_filter_remembers() -> None:
    euro, row = OneEuro(), np.zeros(3, np.float32)
    first = euro.smooth(row, 0)
    first[:] = 9.0
    row[:] = 9.0

    assert (euro.smooth(np.zeros(3), 66) == 0.0).all()


def test_the_steps_need_not_be_even() -> None:
    """A long step trusts the new value more than a short one."""
    short, long = OneEuro(), OneEuro()
    short.smooth(np.zeros(1), 0)
    long.smooth(np.zeros(1), 0)

    assert long.smooth(np.ones(1), 500)[0] > short.smooth(np.ones(1), 10)[0]
