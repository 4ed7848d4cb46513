"""Postures of bodies of known geometry."""

import numpy as np
import pytest
from drawn_bodies import POSTURES, drawn_body, seen_from

from edged.vision import names
from edged.vision.angles import joint_angles
from edged.vision.posture import posture_of

SEEN = np.ones(33)


def posture(body: np.ndarray, visibility: np.ndarray = SEEN) -> str:
    return posture_of(body, visibility, joint_angles(body, visibility))


def test_every_posture_is_drawn() -> None:
    assert set(POSTURES) == set(names.POSTURES)


@pytest.mark.parametrize("name", POSTURES)
@pytest.mark.parametrize("yaw", [0.0, 60.0, 90.0, 180.0])
def test_a_drawn_body_is_told_from_every_side(name: str, yaw: float) -> None:
    body = seen_from(drawn_body(**POSTURES[name]), yaw=yaw)

    assert posture(body) == name


@pytest.mark.parametrize("name", POSTURES)
def test_points_that_are_off_by_2_cm_change_nothing(name: str) -> None:
    chance = np.random.default_rng(3)

    found = {
        posture(drawn_body(**POSTURES[name]) + chance.normal(0, 0.02, (33, 3))) for _ in range(50)
    }

    assert found == {name}


def test_somebody_who_lies_on_the_belly_lies() -> None:
    assert posture(drawn_body(lean=88.0)) == "lying"


def test_one_raised_arm_is_enough() -> None:
    body = drawn_body()
    body[16] = body[8] + (0.0, -0.3, 0.0)

    assert posture(body) == "arms_raised"


def test_a_hand_at_the_ear_is_not_raised() -> None:
    body = drawn_body()
    body[16] = body[8]

    assert posture(body) == "standing"


def test_hips_that_are_not_seen_tell_nothing() -> None:
    visibility = np.ones(33)
    visibility[23:] = 0.1

    assert posture(drawn_body(), visibility) == ""


def test_raised_arms_are_told_without_hips() -> None:
    visibility = np.ones(33)
    visibility[23:] = 0.1

    assert posture(drawn_body(shoulder=170.0), visibility) == "arms_raised"


def test_one_visible_leg_is_enough() -> None:
    visibility = np.ones(33)
    visibility[[25, 27]] = 0.1

    assert posture(drawn_body(hip=90.0, knee=90.0), visibility) == "sitting"


def test_a_body_that_is_not_seen_has_no_posture() -> None:
    assert posture(np.full((33, 3), np.nan)) == ""
    assert posture(drawn_body(), np.full(33, np.nan)) == ""
