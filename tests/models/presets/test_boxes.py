"""Which of the boxes that overlap stays."""

import numpy as np

from edged.models.presets.boxes import corners, overlaps, strongest


def array(*rows: tuple[float, ...]) -> "np.typing.NDArray[np.float32]":
    return np.array(rows, np.float32)


def test_the_overlap_is_the_shared_area_by_that_of_both() -> None:
    box, others = (
        array((0, 0, 2, 2))[0],
        array((0, 0, 2, 2), (1, 0, 3, 2), (2, 0, 4, 2), (5, 5, 5, 5)),
    )

    assert overlaps(box, others).tolist() == [1.0, np.float32(1 / 3), 0.0, 0.0]


def test_two_boxes_without_area_do_not_overlap() -> None:
    assert overlaps(array((1, 1, 1, 1))[0], array((1, 1, 1, 1))).tolist() == [0.0]


def test_centres_become_corners() -> None:
    assert corners(array((5, 6, 4, 2))).tolist() == [[3, 5, 7, 7]]


def test_the_surer_of_two_that_overlap_stays_within_a_class() -> None:
    boxes = array((0, 0, 10, 10), (1, 0, 11, 10), (1, 0, 11, 10), (50, 50, 60, 60))
    scores = np.array([0.7, 0.9, 0.8, 0.6], np.float32)
    classes = np.array([1, 1, 2, 1])

    kept = strongest(boxes, scores, classes, overlap=0.5, most=10)

    assert kept.tolist() == [1, 2, 3]


def test_no_more_than_asked_stay_and_equal_scores_keep_their_order() -> None:
    boxes = array(*((10.0 * at, 0, 10.0 * at + 5, 5) for at in range(6)))
    scores = np.array([0.5] * 6, np.float32)

    kept = strongest(boxes, scores, np.zeros(6, np.int64), overlap=0.5, most=4)

    assert kept.tolist() == [0, 1, 2, 3]


def test_a_flood_of_boxes_costs_no_more_than_its_strongest() -> None:
    count = 100_000
    random = np.random.default_rng(3)
    corner = random.random((count, 2), np.float32) * 1000
    boxes = np.concatenate([corner, corner + 5], axis=1)
    scores = random.random(count, np.float32)

    kept = strongest(boxes, scores, np.zeros(count, np.int64), overlap=0.5, most=1000)

    assert len(kept) == 1000
    assert scores[kept].min() >= np.sort(scores)[-3000]


def test_of_none_none_stay() -> None:
    found = strongest(
        np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64),
        overlap=0.5, most=3,
    )  # fmt: skip

    assert found.tolist() == []
