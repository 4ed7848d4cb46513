"""Openness and gaze of eyes of known geometry."""

import math

import numpy as np
import pytest
from drawn_faces import drawn_face

from edged.vision.eyes import IRIS_RADIUS_MM, TURN_RADIUS_MM, eyes_of, openness
from edged.vision.names import LEFT_IRIS, RIGHT_IRIS

ASPECT = 4 / 3


@pytest.mark.parametrize("gaze", [(0, 0), (20, 0), (-20, 0), (0, 15), (0, -15), (25, 10)])
@pytest.mark.parametrize("head", [(0, 0, 0), (25, 0, 0), (-25, 10, 0), (0, -20, 30)])
def test_drawn_eyes_look_where_they_were_told(
    gaze: tuple[float, float], head: tuple[float, float, float]
) -> None:
    eyes = eyes_of(drawn_face(gaze=gaze, head=head), ASPECT)

    assert eyes.gaze is not None
    assert (eyes.gaze.yaw, eyes.gaze.pitch) == pytest.approx(gaze, abs=0.5)


@pytest.mark.parametrize(
    ("gaze", "direction"),
    [
        ((0, 0), "centre"),
        ((20, 5), "right"),
        ((-20, 5), "left"),
        ((5, 20), "up"),
        ((5, -20), "down"),
    ],
)
def test_a_gaze_has_the_direction_of_its_larger_part(
    gaze: tuple[float, float], direction: str
) -> None:
    eyes = eyes_of(drawn_face(gaze=gaze), ASPECT)

    assert eyes.gaze is not None
    assert eyes.gaze.direction == direction


@pytest.mark.parametrize("moved_mm", [-4.0, -2.0, 2.0, 4.0])
def test_irises_moved_by_known_lengths_turn_the_gaze_by_the_angle_of_the_eyeball(
    moved_mm: float,
) -> None:
    mesh = drawn_face()
    mesh[[*LEFT_IRIS, *RIGHT_IRIS], 0] += moved_mm / 400 / ASPECT

    eyes = eyes_of(mesh, ASPECT)

    assert eyes.gaze is not None
    assert eyes.gaze.yaw == pytest.approx(
        math.degrees(math.asin(moved_mm / TURN_RADIUS_MM)), abs=0.1
    )
    assert eyes.gaze.pitch == pytest.approx(0.0, abs=0.1)


@pytest.mark.parametrize("wide", [0.5, 1.0, 2.4])
def test_the_width_of_the_picture_is_no_part_of_the_gaze(wide: float) -> None:
    eyes = eyes_of(drawn_face(gaze=(15, -12), aspect=wide), wide)

    assert eyes.gaze is not None
    assert (eyes.gaze.yaw, eyes.gaze.pitch) == pytest.approx((15, -12), abs=0.1)


def test_the_stated_error_holds_for_points_that_are_off_by_a_millimetre() -> None:
    """In two of three eyes at least, as one standard deviation does."""
    chance = np.random.default_rng(11)
    within = 0

    for _ in range(100):
        gaze = tuple(chance.uniform(-20, 20, 2))
        mesh = drawn_face(gaze=gaze, head=tuple(chance.uniform(-20, 20, 3)))
        mesh[:, :2] += chance.normal(0, 1.0, (478, 2)) / 400 / (ASPECT, 1.0)
        found = eyes_of(mesh, ASPECT).gaze
        assert found is not None
        within += max(abs(found.yaw - gaze[0]), abs(found.pitch - gaze[1])) <= found.error

    assert within >= 67


def test_eyes_of_few_pixels_are_less_sure_and_have_no_direction() -> None:
    """Of 24 pixels' height an iris is 0.35 pixels wide; of 2400, 35."""
    mesh = drawn_face(gaze=(25, 0))

    small, large = (eyes_of(mesh, ASPECT, height).gaze for height in (24, 2_400))

    assert small is not None
    assert large is not None
    assert large.error == pytest.approx(14.0, abs=0.5)
    assert large.direction == "right"
    assert small.error > 60
    assert small.direction == "centre"


def test_two_eyes_that_disagree_are_less_sure() -> None:
    mesh = drawn_face()
    calm = eyes_of(mesh, ASPECT).gaze
    mesh[list(LEFT_IRIS), 0] += 3.0 / 400 / ASPECT

    crossed = eyes_of(mesh, ASPECT).gaze

    assert calm is not None
    assert crossed is not None
    assert crossed.error > calm.error + 2


@pytest.mark.parametrize("opened", [0.0, 0.1, 0.3, 0.45])
def test_openness_is_height_by_width(opened: float) -> None:
    mesh = drawn_face(openness=opened, head=(15, -10, 20))

    eyes = eyes_of(mesh, ASPECT)

    assert eyes.left.openness == pytest.approx(opened, abs=0.01)
    assert eyes.right.openness == pytest.approx(opened, abs=0.01)
    assert openness(mesh, ASPECT) == pytest.approx(opened, abs=0.01)


def test_each_eye_is_the_persons_own() -> None:
    """Who looks at the camera has the left eye on the picture's right."""
    mesh = drawn_face()
    mesh[[387, 385], 1] = mesh[[373, 380], 1]

    eyes = eyes_of(mesh, ASPECT)

    assert eyes.left.openness == pytest.approx(0.0, abs=0.01)
    assert eyes.right.openness == pytest.approx(0.3, abs=0.01)
    assert eyes.left.iris is not None
    assert eyes.right.iris is not None
    assert eyes.left.iris[0] > 0.5 > eyes.right.iris[0]


def test_an_iris_is_told_on_the_scale_of_x() -> None:
    eyes = eyes_of(drawn_face(), ASPECT)

    assert eyes.left.radius == pytest.approx(IRIS_RADIUS_MM / 400 / ASPECT, rel=1e-6)
    assert eyes.left.iris == pytest.approx((0.5 + 32 / 400 / ASPECT, 0.5 - 31 / 400), abs=1e-3)


def test_a_mesh_without_irises_has_no_gaze() -> None:
    eyes = eyes_of(drawn_face()[:468].astype(np.float32), ASPECT)

    assert eyes.gaze is None
    assert eyes.left.iris is None
    assert eyes.left.openness == pytest.approx(0.3, abs=0.01)


def test_points_that_are_all_the_same_are_shut_eyes() -> None:
    eyes = eyes_of(np.zeros((478, 3)), ASPECT)

    assert eyes.left.openness == 0.0
    assert eyes.gaze is not None
    assert math.isfinite(eyes.gaze.yaw)
