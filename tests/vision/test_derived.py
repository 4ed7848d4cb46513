"""Stretches of gestures, postures, activity and blinks."""

from typing import get_args

import numpy as np
import pytest
from drawn_bodies import POSTURES, drawn_body
from drawn_faces import drawn_face
from drawn_hands import SHOWN, drawn_hand, in_picture

from edged.messages.seeing import Derived, DerivedKind
from edged.vision import derived
from edged.vision.derived import (
    HANDS,
    activity,
    blinks,
    gestures_told,
    posture_label,
    postures_told,
    runs,
)
from edged.vision.gestures import gesture_of

FPS = 10


def times(count: int, *, start_ms: int = 0) -> np.ndarray:
    return start_ms + np.arange(count) * 1000 // FPS


def hand(name: str) -> np.ndarray:
    fingers, thumb, turned = SHOWN[name]
    return in_picture(drawn_hand(fingers, thumb=thumb, turned=turned))


def body(name: str) -> np.ndarray:
    """As it is kept: x y z visibility and world x y z."""
    world = drawn_body(**POSTURES[name])
    return np.concatenate([world, np.ones((33, 1)), world], axis=1)


def face(openness: float) -> np.ndarray:
    return drawn_face(openness=openness)[:468]


def gesture_stretches(at: np.ndarray, points: np.ndarray) -> list[Derived]:
    """Of hands, shape (n, 2, 21, 3), as edged.capture.kept.tracks reads them frame by frame."""
    found = [
        one
        for slot, side in enumerate(HANDS[: points.shape[1]])
        for one in gestures_told(
            at, [gesture_of(row, None, 4 / 3)[0] for row in points[:, slot]], side
        )
    ]
    return sorted(found, key=lambda one: one.start_ms)


def posture_stretches(at: np.ndarray, points: np.ndarray) -> list[Derived]:
    """Of bodies, shape (n, slots, 33, 7), likewise."""
    return [
        one
        for slot in range(points.shape[1])
        for one in postures_told(at, [posture_label(row) for row in points[:, slot]])
    ]


UNSEEN_HAND = np.full((21, 3), np.nan)
UNSEEN_BODY = np.full((33, 7), np.nan)


def test_every_derived_track_is_defined_with_a_source() -> None:
    assert set(derived.DEFINITIONS) == set(get_args(DerivedKind))
    assert all("Source:" in definition for definition in derived.DEFINITIONS.values())


def test_each_hand_has_its_own_gestures() -> None:
    left = [hand("Open_Palm")] * 10 + [hand("Closed_Fist")] * 10
    right = [UNSEEN_HAND] * 5 + [hand("Victory")] * 10 + [UNSEEN_HAND] * 5

    found = gesture_stretches(times(20), np.stack([left, right], axis=1))

    told = [(one.hand, one.label, one.start_ms, one.end_ms) for one in found]
    assert told == [
        ("Left", "Open_Palm", 0, 1000),
        ("Right", "Victory", 500, 1500),
        ("Left", "Closed_Fist", 1000, 1900),
    ]
    assert {one.track for one in found} == {"gestures"}


def test_a_gesture_of_one_frame_is_doubt() -> None:
    left = [hand("Open_Palm")] * 10 + [hand("Closed_Fist")] + [hand("Open_Palm")] * 10

    found = gesture_stretches(times(21), np.stack([left, [UNSEEN_HAND] * 21], axis=1))

    assert [(one.label, one.start_ms, one.end_ms) for one in found] == [("Open_Palm", 0, 2000)]


def test_postures_follow_each_other() -> None:
    rows = [body("standing")] * 20 + [body("sitting")] * 20 + [body("arms_raised")] * 5

    found = posture_stretches(times(45), np.stack(rows)[:, None])

    assert [(one.label, one.start_ms, one.end_ms) for one in found] == [
        ("standing", 0, 2000),
        ("sitting", 2000, 4000),
    ]


def test_two_bodies_at_once_have_two_postures() -> None:
    rows = np.stack([[body("standing")] * 20, [body("lying")] * 20], axis=1)

    found = posture_stretches(times(20), rows)

    assert {one.label for one in found} == {"standing", "lying"}


def test_a_body_that_went_away_has_no_posture_meanwhile() -> None:
    rows = [body("standing")] * 20 + [UNSEEN_BODY] * 20 + [body("standing")] * 20

    found = posture_stretches(times(60), np.stack(rows)[:, None])

    assert [(one.start_ms, one.end_ms) for one in found] == [(0, 2000), (4000, 5900)]


def test_activity_is_told_for_each_second_of_the_busiest_body() -> None:
    still, moving = np.stack([body("standing")] * 30), np.stack([body("standing")] * 30)
    moving[:, 15, 4] += 2.6 * times(30) / 1000

    found = activity(times(30), np.stack([still, moving], axis=1))

    assert [(one.start_ms, one.end_ms) for one in found] == [(0, 1000), (1000, 2000), (2000, 3000)]
    assert [one.value for one in found] == pytest.approx([0.2] * 3)
    assert {one.unit for one in found} == {"m/s"}


def test_seconds_in_which_nobody_was_seen_have_no_activity() -> None:
    rows = np.stack([body("standing")] * 10 + [UNSEEN_BODY] * 20 + [body("standing")] * 10)

    found = activity(times(40), rows[:, None])

    assert [one.start_ms for one in found] == [0, 3000]


def blinking(seconds: int, *, every_s: int, shut: int) -> np.ndarray:
    """A face that shuts its eyes for some frames every few seconds."""
    opened, closed = face(0.3), face(0.1)
    frames = range(seconds * FPS)
    return np.stack(
        [closed if at % (every_s * FPS) in range(5, 5 + shut) else opened for at in frames]
    )


def test_blinks_are_counted_for_each_minute() -> None:
    rows = blinking(90, every_s=6, shut=2)

    found = blinks(times(len(rows)), rows[:, None])

    assert [(one.start_ms, one.end_ms) for one in found] == [(0, 59_900), (60_000, 89_900)]
    assert [one.value for one in found] == pytest.approx([10.0, 10.0], rel=0.02)
    assert {one.unit for one in found} == {"1/min"}


def test_eyes_that_stay_shut_do_not_blink() -> None:
    rows = blinking(30, every_s=10, shut=30)

    found = blinks(times(len(rows)), rows[:, None])

    assert [one.value for one in found] == [0.0]


def test_eyes_that_only_narrow_do_not_blink() -> None:
    narrowed = np.stack([face(0.24 if at % 30 < 3 else 0.3) for at in range(300)])

    assert [one.value for one in blinks(times(300), narrowed[:, None])] == [0.0]


def test_a_rate_is_by_the_time_in_which_the_face_was_seen() -> None:
    rows = blinking(60, every_s=6, shut=2)
    rows[300:] = np.nan

    found = blinks(times(600), rows[:, None])

    assert [one.value for one in found] == pytest.approx([10.0], rel=0.03)


def test_too_little_time_has_no_rate() -> None:
    rows = blinking(8, every_s=4, shut=2)

    assert blinks(times(len(rows)), rows[:, None]) == []


def test_faces_without_a_mesh_do_not_blink() -> None:
    assert blinks(times(200), np.zeros((200, 1, 6, 3))) == []


@pytest.mark.parametrize("frames", [0, 1])
def test_hardly_any_frame_gives_nothing(frames: int) -> None:
    at = times(frames)

    assert gesture_stretches(at, np.zeros((frames, 2, 21, 3))) == []
    assert posture_stretches(at, np.zeros((frames, 1, 33, 7))) == []
    assert activity(at, np.zeros((frames, 1, 33, 7))) == []
    assert blinks(at, np.zeros((frames, 1, 468, 3))) == []


def test_no_slots_give_nothing() -> None:
    assert gesture_stretches(times(20), np.zeros((20, 0, 21, 3))) == []
    assert posture_stretches(times(20), np.zeros((20, 0, 33, 7))) == []
    assert activity(times(20), np.zeros((20, 0, 33, 7))) == []
    assert blinks(times(20), np.zeros((20, 0, 468, 3))) == []


def test_a_pause_ends_a_stretch_at_its_last_frame() -> None:
    at = np.concatenate([times(10), times(10, start_ms=5_000)])

    found = runs(at, ["a"] * 20)

    assert [(run.start_ms, run.end_ms) for run in found] == [(0, 900), (5_000, 5_900)]


def test_labels_that_alternate_are_stretches_of_their_own() -> None:
    labels = ["a"] * 5 + [""] * 5 + ["a"] * 5 + ["b"] * 5

    found = runs(times(20), labels)

    assert [(run.label, run.start_ms, run.end_ms) for run in found] == [
        ("a", 0, 500),
        ("a", 1000, 1500),
        ("b", 1500, 1900),
    ]
