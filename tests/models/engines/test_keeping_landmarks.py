"""Places that things keep while they are followed, and seconds that are sealed."""

import numpy as np
import pytest

from edged.models.engines.seeing.found import Found, boxes_around
from edged.models.engines.seeing.keeping import FORGOTTEN_MS, Keeper, Places
from edged.vision.blocks import decode


def faces(*places: float) -> Found:
    """Faces of four points, each around a place on the diagonal."""
    around = np.array([[-0.01, 0, 0], [0.01, 0, 0], [0, -0.01, 0], [0, 0.01, 0]], np.float32)
    rows = [around + np.array([place, place, 0]) for place in places]
    return Found(points=np.array(rows, np.float32).reshape(-1, 4, 3))


def hands(*sides: tuple[str, float]) -> Found:
    """Hands of these sides and scores."""
    return Found(
        points=np.zeros((len(sides), 21, 3), np.float32),
        labels=tuple(side for side, _ in sides),
        scores=tuple(score for _, score in sides),
    )


def test_a_face_keeps_its_place_whatever_order_the_finder_gives() -> None:
    places = Places("face")

    found = [
        places.of(each, 33 * number)
        for number, each in enumerate([faces(0.2, 0.8), faces(0.78, 0.22), faces(0.75, 0.25)])
    ]

    assert found == [(0, 1), (1, 0), (1, 0)]


def test_a_place_waits_a_second_for_its_face_before_another_gets_it() -> None:
    places = Places("face")
    places.of(faces(0.2, 0.8), 0)

    soon = places.of(faces(0.8, 0.5), FORGOTTEN_MS)
    late = places.of(faces(0.1), 2 * FORGOTTEN_MS + 1)

    assert soon == (1, 2)
    assert late == (0,)


def test_what_jumps_across_the_picture_is_somebody_else() -> None:
    places = Places("pose")
    places.of(faces(0.1), 0)

    assert places.of(faces(0.9), 33) == (1,)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (hands(("Right", 0.9)), (1,)),
        (hands(("Right", 0.9), ("Left", 0.8)), (1, 0)),
        (hands(("Left", 0.7), ("Left", 0.9)), (1, 0)),
        (hands(("Right", 0.9), ("Right", 0.8)), (1, 0)),
        (hands(("Left", 0.9), ("Right", 0.9), ("Left", 0.8)), (0, 1, 2)),
        (hands(), ()),
    ],
)
def test_a_left_hand_is_first_and_a_right_one_second(
    found: Found, expected: tuple[int, ...]
) -> None:
    assert Places("hands").of(found, 0) == expected


def test_frames_without_anything_are_counted_and_not_kept() -> None:
    keeper = Keeper("face")
    keeper.add(faces(0.5), (0,), 10)
    keeper.add(faces(), (), 20)
    keeper.add(faces(0.6), (0,), 30)

    sealed = keeper.add(faces(0.5), (0,), 1000)

    assert sealed is not None
    assert (sealed.facts.frames, sealed.facts.detected) == (3, 2)
    assert decode(sealed.block).times_ms.tolist() == [10, 30]


def test_a_second_with_nothing_in_it_leaves_nothing() -> None:
    keeper = Keeper("face")
    keeper.add(faces(), (), 10)

    assert keeper.add(faces(), (), 5000) is None
    assert keeper.finish() is None


def test_a_face_that_comes_later_has_no_points_before() -> None:
    keeper = Keeper("face")
    keeper.add(faces(0.5), (0,), 10)
    keeper.add(faces(0.5, 0.2), (0, 1), 20)

    sealed = keeper.finish()

    assert sealed is not None
    points = decode(sealed.block).points
    assert points.shape == (2, 2, 4, 3)
    assert np.isnan(points[0, 1]).all()
    np.testing.assert_allclose(points[1, 1], faces(0.2).points[0], atol=1e-4)


def test_key_points_lie_flat() -> None:
    keeper = Keeper("face")
    flat = Found(points=np.full((1, 6, 2), 0.25, np.float32))
    keeper.add(flat, (0,), 10)

    sealed = keeper.finish()

    assert sealed is not None
    assert decode(sealed.block).points[0, 0, 0].tolist() == [0.25, 0.25, 0.0]


def test_a_box_is_the_smallest_around_the_points() -> None:
    ((left, top, width, height),) = boxes_around(faces(0.5).points)

    assert (left, top, width, height) == pytest.approx((0.49, 0.49, 0.02, 0.02), abs=1e-6)
    assert boxes_around(faces().points) == ()
