"""Points, lines, boxes and labels on pictures."""

import numpy as np
import pytest
from drawn_bodies import drawn_body
from drawn_faces import drawn_face
from drawn_hands import drawn_hand, in_picture
from msgspec.structs import replace

from edged.messages.records import Class, DetectedObject
from edged.messages.seeing import Angle, Eye, Eyes, Face, Gaze, Hand, Points, Pose, Seen
from edged.vision.drawing import draw
from edged.vision.names import ANGLES, POSE

WIDTH, HEIGHT = 320, 240
ORANGE, BLUE, GREEN, YELLOW, PINK = (
    (255, 159, 28),
    (46, 196, 255),
    (123, 216, 143),
    (255, 228, 94),
    (255, 111, 181),
)

NOTHING = Seen(
    frame_id=0,
    captured_at_ms=0,
    processing_time_ms=1.0,
    task="holistic",
    model="m",
    device="cpu",
    width=WIDTH,
    height=HEIGHT,
)


def picture(width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    return np.full((height, width, 3), 100, np.uint8)


def values(points: np.ndarray) -> Points:
    return tuple(tuple(row) for row in points.tolist())


def colours_of(drawn: np.ndarray) -> set[tuple[int, ...]]:
    packed = np.unique(drawn.astype(np.int64) @ (1 << 16, 1 << 8, 1)).tolist()
    return {(colour >> 16, colour >> 8 & 255, colour & 255) for colour in packed}


def near(drawn: np.ndarray, x: float, y: float) -> set[tuple[int, ...]]:
    """The colours around a place given in fractions."""
    column, row = round(x * drawn.shape[1]), round(y * drawn.shape[0])
    return colours_of(drawn[max(row - 2, 0) : row + 3, max(column - 2, 0) : column + 3])


def body(visibility: float = 1.0) -> Pose:
    points = drawn_body()[:, :2] * (0.35, 0.45) + (0.5, 0.55)
    rows = np.concatenate([points, np.zeros((33, 1)), np.full((33, 1), visibility)], axis=1)
    return Pose(landmarks=values(rows))


def test_nothing_seen_leaves_the_picture_as_it_is() -> None:
    assert (draw(picture(), NOTHING) == picture()).all()


def test_the_picture_that_was_given_is_not_drawn_on() -> None:
    pixels = picture()
    pixels.flags.writeable = False

    drawn = draw(pixels, replace(NOTHING, poses=(body(),)))

    assert (pixels == 100).all()
    assert (drawn != 100).any()
    assert drawn.flags.writeable


def test_the_persons_left_is_orange_and_the_right_is_blue() -> None:
    pose = body()

    drawn = draw(picture(), replace(NOTHING, poses=(pose,)))

    left, right = pose.landmarks[POSE.index("left_knee")], pose.landmarks[POSE.index("right_knee")]
    assert ORANGE in near(drawn, *left[:2])
    assert BLUE in near(drawn, *right[:2])


def test_points_that_are_hardly_visible_are_not_drawn() -> None:
    drawn = draw(picture(), replace(NOTHING, poses=(body(visibility=0.3),)))

    assert (drawn == 100).all()


@pytest.mark.parametrize(("handedness", "colour"), [("Left", ORANGE), ("Right", BLUE)])
def test_a_hand_is_drawn_with_its_lines_and_its_name(
    handedness: str, colour: tuple[int, ...]
) -> None:
    points = in_picture(drawn_hand("imrl", thumb=True))
    hand = Hand(
        handedness="Left" if handedness == "Left" else "Right",
        score=0.9,
        gesture="Open_Palm",
        landmarks=values(points),
    )

    drawn = draw(picture(), replace(NOTHING, hands=(hand,)))

    middle_of_a_line = (points[0] + points[17]) / 2
    assert colour in near(drawn, *middle_of_a_line[:2])
    assert all(colour in near(drawn, *point[:2]) for point in points)
    unnamed = draw(picture(), replace(NOTHING, hands=(replace(hand, gesture=""),)))
    assert (drawn != unnamed).any()


def test_a_face_without_a_mesh_has_its_box_and_points() -> None:
    eyes = ((0.45, 0.4), (0.55, 0.4), (0.5, 0.5), (0.5, 0.55), (0.4, 0.42), (0.6, 0.42))
    face = Face(score=0.93, box=(0.35, 0.25, 0.3, 0.4), landmarks=eyes)

    drawn = draw(picture(), replace(NOTHING, faces=(face,)))

    assert all(YELLOW in near(drawn, *point) for point in eyes)
    assert YELLOW in near(drawn, 0.65, 0.6)
    assert YELLOW not in near(drawn, 0.55, 0.6)


def test_a_mesh_with_irises_shows_them_and_the_gaze() -> None:
    mesh = drawn_face()
    gaze = Gaze(yaw=3.0, pitch=-2.0, error=6.0, direction="centre")
    eyes = Eyes(left=Eye(openness=0.3), right=Eye(openness=0.3), gaze=gaze)
    face = Face(landmarks=values(mesh), eyes=eyes)

    drawn = draw(picture(), replace(NOTHING, faces=(face,)))
    plain = draw(picture(), replace(NOTHING, faces=(Face(landmarks=values(mesh[:468])),)))

    assert BLUE in colours_of(drawn)
    assert BLUE not in colours_of(plain)
    assert YELLOW in colours_of(plain)


def test_a_mesh_takes_the_place_of_the_bodys_own_face() -> None:
    pose = body()
    nose = pose.landmarks[0]
    face = Face(landmarks=values(np.full((468, 3), 0.95)))

    alone = draw(picture(), replace(NOTHING, poses=(pose,)))
    with_mesh = draw(picture(), replace(NOTHING, poses=(pose,), faces=(face,)))

    assert GREEN in near(alone, *nose[:2])
    assert GREEN not in near(with_mesh, *nose[:2])


def test_degrees_are_written_on_large_bodies_only() -> None:
    angles = {name: Angle(degrees=123.0, visibility=1.0) for name in ANGLES}

    def written(width: int, height: int) -> bool:
        with_angles = replace(NOTHING, poses=(replace(body(), angles=angles),))
        plain = replace(NOTHING, poses=(body(),))
        pixels = picture(width, height)
        return bool((draw(pixels, with_angles) != draw(pixels, plain)).any())

    assert written(1280, 960)
    assert not written(160, 120)


def test_angles_of_joints_that_are_hardly_visible_are_not_written() -> None:
    angles = {name: Angle(degrees=123.0, visibility=0.2) for name in ANGLES}
    hidden = replace(NOTHING, poses=(replace(body(), angles=angles),))

    drawn = draw(picture(1280, 960), hidden)

    assert (drawn == draw(picture(1280, 960), replace(NOTHING, poses=(body(),)))).all()


def test_a_posture_is_written() -> None:
    standing = replace(NOTHING, poses=(replace(body(), classification="standing"),))

    assert (draw(picture(), standing) != draw(picture(), replace(NOTHING, poses=(body(),)))).any()


def test_objects_have_boxes_in_pixels() -> None:
    cat = DetectedObject(label="cat", score=0.66, index=0, left=80, top=60, width=160, height=120)

    drawn = draw(picture(), replace(NOTHING, objects=(cat,)))

    assert PINK in near(drawn, 0.75, 0.7)
    assert PINK not in near(drawn, 0.5, 0.5)


def test_classes_are_listed() -> None:
    classes = (
        Class(label="tabby", score=0.8, index=1),
        Class(label="tiger cat", score=0.1, index=2),
    )

    drawn = draw(picture(), replace(NOTHING, classes=classes))

    rows = np.flatnonzero((drawn == PINK).all(axis=2).any(axis=1))
    assert rows.size > 20


@pytest.mark.parametrize("size", [(1, 1), (7, 3), (3, 200)])
def test_tiny_pictures_can_be_drawn_on(size: tuple[int, int]) -> None:
    cat = DetectedObject(label="a cat", score=0.66, index=0, left=0, top=0, width=99, height=99)
    face = Face(score=0.5, box=(-0.5, -0.5, 3.0, 3.0))
    seen = replace(NOTHING, poses=(body(),), faces=(face,), objects=(cat,))

    assert draw(picture(*size), seen).shape == (size[1], size[0], 3)


def test_what_lies_outside_the_picture_is_left_out() -> None:
    far = tuple((5.0 + number, -4.0, 0.0) for number in range(21))
    hand = Hand(handedness="Left", score=0.9, landmarks=far)

    assert draw(picture(), replace(NOTHING, hands=(hand,))).shape == (HEIGHT, WIDTH, 3)


@pytest.mark.parametrize(
    "label", ["猫", "two\nlines", "", "🐈" * 50], ids=["Chinese", "lines", "empty", "long"]
)
def test_any_label_can_be_written(label: str) -> None:
    one = DetectedObject(label=label, score=0.5, index=0, left=10, top=10, width=50, height=50)

    assert PINK in colours_of(draw(picture(), replace(NOTHING, objects=(one,))))


def test_points_that_came_in_parts_are_not_drawn() -> None:
    pose = Pose(classification="")
    hand = Hand(handedness="Left", score=0.9)

    drawn = draw(picture(), replace(NOTHING, poses=(pose,), hands=(hand,), faces=(Face(),)))

    assert (drawn == 100).all()
