"""Angles of bodies of known geometry."""

import numpy as np
import pytest
from drawn_bodies import drawn_body, seen_from

from edged.vision.angles import joint_angles
from edged.vision.names import ANGLES

SEEN = np.ones(33)

BENT = {"hip": 95.0, "knee": 70.0, "shoulder": 60.0, "elbow": 120.0, "ankle": 85.0}


@pytest.mark.parametrize("yaw", [0.0, 40.0, 90.0, 200.0])
def test_every_joint_has_the_angle_it_was_drawn_with(yaw: float) -> None:
    body = seen_from(drawn_body(lean=20.0, **BENT), yaw=yaw)

    angles = joint_angles(body, SEEN)

    assert set(angles) == set(ANGLES)
    for joint, degrees in BENT.items():
        for side in ("left", "right"):
            assert angles[f"{side}_{joint}"].degrees == pytest.approx(degrees, abs=0.01), joint
    assert angles["trunk"].degrees == pytest.approx(160.0, abs=0.1)
    assert angles["neck"].degrees == pytest.approx(180.0, abs=0.1)


@pytest.mark.parametrize("joint", ["elbow", "knee", "ankle"])
@pytest.mark.parametrize("degrees", [15.0, 90.0, 179.0])
def test_joints_between_two_bones_are_exact(joint: str, degrees: float) -> None:
    angles = joint_angles(drawn_body(**{joint: degrees}), SEEN)

    assert angles[f"left_{joint}"].degrees == pytest.approx(degrees, abs=1e-4)


def test_float32_of_a_model_is_as_good() -> None:
    angles = joint_angles(drawn_body(knee=123.0).astype(np.float32), SEEN.astype(np.float32))

    assert angles["right_knee"].degrees == pytest.approx(123.0, abs=0.01)


def test_a_head_that_hangs_bends_the_neck() -> None:
    body = drawn_body()
    neck = body[[11, 12]].mean(axis=0)
    body[[7, 8]] = neck + np.array([0.0, -0.2 * np.cos(0.6), -0.2 * np.sin(0.6)])

    assert joint_angles(body, SEEN)["neck"].degrees == pytest.approx(
        180 - np.degrees(0.6), abs=0.01
    )


@pytest.mark.parametrize(("lean", "degrees"), [(0, 180), (30, 150), (-90, 90), (150, 30)])
def test_the_trunk_is_measured_from_straight_down(lean: float, degrees: float) -> None:
    angles = joint_angles(drawn_body(lean=lean), SEEN)

    assert angles["trunk"].degrees == pytest.approx(degrees, abs=1e-4)


def test_an_angle_is_as_visible_as_the_least_visible_of_its_points() -> None:
    visibility = np.ones(33)
    visibility[15] = 0.2

    angles = joint_angles(drawn_body(), visibility)

    assert angles["left_elbow"].visibility == pytest.approx(0.2)
    assert angles["right_elbow"].visibility == 1.0
    assert angles["left_shoulder"].visibility == 1.0


def test_an_unseen_point_leaves_out_its_angles() -> None:
    body = drawn_body()
    body[25] = np.nan

    angles = joint_angles(body, SEEN)

    assert {"left_hip", "left_knee", "left_ankle"}.isdisjoint(angles)
    assert "right_knee" in angles


def test_points_that_are_all_the_same_have_no_angles() -> None:
    assert joint_angles(np.zeros((33, 3)), SEEN) == {}
