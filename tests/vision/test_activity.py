"""How fast a body's joints move."""

import numpy as np
import pytest
from drawn_bodies import drawn_body

from edged.vision.activity import JOINTS, speeds

TIMES = np.arange(30) * 100
SEEN = np.ones((30, 33))


def still() -> np.ndarray:
    return np.repeat(drawn_body()[None], 30, axis=0)


def test_a_body_that_holds_still_does_not_move() -> None:
    at_ms, metres = speeds(TIMES, still(), SEEN)

    assert at_ms.tolist() == TIMES[2:].tolist()
    assert (metres == 0.0).all()


def test_a_joint_that_moves_counts_as_one_of_thirteen() -> None:
    world = still()
    world[:, 15, 0] += 1.3 * TIMES / 1000

    _, metres = speeds(TIMES, world, SEEN)

    assert metres == pytest.approx(1.3 / len(JOINTS))


def test_invisible_joints_count_neither_as_moving_nor_as_still() -> None:
    world, visibility = still(), SEEN.copy()
    world[:, 15, 0] += 1.2 * TIMES / 1000
    world[:, 16, 0] += 99.0 * TIMES / 1000
    visibility[:, 16] = 0.3

    _, metres = speeds(TIMES, world, visibility)

    assert metres == pytest.approx(1.2 / (len(JOINTS) - 1))


def test_trembling_from_frame_to_frame_is_hardly_activity() -> None:
    """Points off by 5 mm at 30 frames a second would be some 0.3 m/s from one frame to the next."""
    times = np.arange(90) * 1000 // 30
    world = np.repeat(drawn_body()[None], 90, axis=0)
    world += np.random.default_rng(4).normal(0, 0.005, world.shape)

    _, metres = speeds(times, world, np.ones((90, 33)))

    assert metres.mean() < 0.07


def test_nothing_is_known_of_a_body_that_is_not_seen() -> None:
    world = still()
    world[10:20] = np.nan

    at_ms, metres = speeds(TIMES, world, SEEN)

    assert np.isfinite(metres).all()
    assert {1_000, 1_500, 2_000}.isdisjoint(at_ms.tolist())


def test_nothing_is_known_over_a_pause() -> None:
    times = np.array([0, 5_000])

    at_ms, metres = speeds(times, still()[:2], SEEN[:2])

    assert at_ms.size == metres.size == 0


@pytest.mark.parametrize("frames", [0, 1])
def test_one_frame_has_no_speed(frames: int) -> None:
    at_ms, metres = speeds(TIMES[:frames], still()[:frames], SEEN[:frames])

    assert at_ms.size == metres.size == 0
