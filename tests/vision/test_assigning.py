"""Hands and the bodies they belong to."""

import numpy as np
from drawn_bodies import drawn_body
from drawn_hands import drawn_hand

from edged.vision.assigning import bodies_of

LEFT, RIGHT = 15, 16


def pose(x: float, *, size: float = 0.5) -> np.ndarray:
    """A standing body around x, the trunk a quarter of `size` high, in a square picture."""
    points = drawn_body()[:, :2] * (size / 2)
    found: np.ndarray = points + np.array([x, 0.5])
    return found


def hand_at(place: np.ndarray) -> np.ndarray:
    points = drawn_hand("imrl", thumb=True)[:, :2] * 0.3
    found: np.ndarray = points - points[0] + place
    return found


def test_each_hand_belongs_to_the_body_at_whose_wrist_it_is() -> None:
    bodies = [pose(0.25), pose(0.75)]
    hands = [hand_at(bodies[body][wrist]) for body, wrist in ((1, RIGHT), (0, LEFT), (1, LEFT))]

    assert bodies_of(hands, bodies) == [1, 0, 1]


def test_wrists_that_two_models_see_a_little_apart_are_the_same() -> None:
    body = pose(0.5)

    assert bodies_of([hand_at(body[LEFT] + (0.02, -0.02))], [body]) == [0]


def test_a_hand_far_from_every_wrist_is_nobodys() -> None:
    assert bodies_of([hand_at(np.array([0.95, 0.05]))], [pose(0.25)]) == [None]


def test_what_is_near_depends_on_how_large_the_body_is() -> None:
    away = np.array([0.05, 0.0])
    small, large = pose(0.5, size=0.1), pose(0.5, size=1.0)

    assert bodies_of([hand_at(small[LEFT] + away)], [small]) == [None]
    assert bodies_of([hand_at(large[LEFT] + away)], [large]) == [0]


def test_a_body_has_no_third_hand() -> None:
    body = pose(0.5)
    near = [hand_at(body[LEFT]), hand_at(body[RIGHT]), hand_at(body[RIGHT] + (0.01, 0.0))]

    assert bodies_of(near, [body]) == [0, 0, None]


def test_the_nearer_hand_has_the_wrist_whichever_comes_first() -> None:
    body = pose(0.5)
    body[RIGHT] = np.nan

    near = [hand_at(body[LEFT] + (0.03, 0.0)), hand_at(body[LEFT])]

    assert bodies_of(near, [body]) == [None, 0]


def test_joined_hands_both_belong_to_their_body() -> None:
    body = pose(0.5)
    body[LEFT] = body[RIGHT] = (0.5, 0.45)

    assert bodies_of([hand_at(body[LEFT]), hand_at(body[LEFT])], [body]) == [0, 0]


def test_the_width_of_the_picture_counts() -> None:
    """What is near in fractions of the width is far in a picture that is four times as wide as high."""
    body = pose(0.5, size=0.4)
    hand = hand_at(body[LEFT] + (0.045, 0.0))

    assert bodies_of([hand], [body], 1.0) == [0]
    assert bodies_of([hand], [body * (0.25, 1.0) + (0.375, 0.0)], 4.0) == [None]


def test_without_hands_or_bodies_nothing_is_assigned() -> None:
    assert bodies_of([], [pose(0.5)]) == []
    assert bodies_of([hand_at(np.array([0.5, 0.5]))], []) == [None]
