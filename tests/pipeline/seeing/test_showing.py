"""What a look gave, as clients are told it."""

import struct

import pytest

from edged.messages.envelope import decode_reply, encode
from edged.messages.records import Class, DetectedObject
from edged.messages.seeing import Angle, Eye, Eyes, Seen
from edged.models.runtime import Classified, Detected, Segmented, Vector
from edged.models.seeing import BodySigns, Effected, FaceSigns, Group, HandSigns, Sight
from edged.pipeline.seeing.eyes import View
from edged.pipeline.seeing.showing import PART_BYTES, Facts, counts, found, seen

HANDS = Facts(task="hands", model="m", device="cpu", frame_id=3, captured_at_ms=100, dropped=2)


def _packed(*numbers: float) -> bytes:
    return struct.pack(f"<{len(numbers)}f", *numbers)


def _holistic() -> Sight:
    """A face of one point, a body of one, and two hands of two points; only bodies have a world."""
    return Sight(
        groups=(
            Group(
                kind="face",
                count=1,
                points=1,
                values=("x", "y", "z"),
                boxes=((0.0, 0.25, 0.5, 1.0),),
            ),
            Group(
                kind="pose",
                count=1,
                points=1,
                values=("x", "y", "z", "visibility"),
                world_points=1,
            ),
            Group(
                kind="hands",
                count=2,
                points=2,
                values=("x", "y", "z"),
                scores=(1.0000001, 0.5),
                labels=("Left", "Right"),
            ),
        ),
        points=_packed(1, 2, 3, 4, 5, 6, 0.5, *range(12)),
        world=_packed(7, 8, 9),
        width=640,
        height=480,
        computed_us=10_500,
        faces=(FaceSigns(eyes=Eyes(left=Eye(openness=0.25), right=Eye(openness=0.5))),),
        hands=(HandSigns(gesture="Victory", score=0.75, body=0), HandSigns()),
        bodies=(
            BodySigns(angles={"neck": Angle(degrees=12.0, visibility=1.0)}, posture="sitting"),
        ),
    )


def test_points_of_all_kinds_find_their_things() -> None:
    reply, parts = seen(_holistic(), HANDS)

    assert (reply.frame_id, reply.captured_at_ms, reply.dropped) == (3, 100, 2)
    assert (reply.processing_time_ms, reply.width, reply.height) == (10.5, 640, 480)
    assert parts == ()
    assert reply.faces[0].landmarks == ((1.0, 2.0, 3.0),)
    assert reply.faces[0].box == (0.0, 0.25, 0.5, 1.0)
    assert reply.faces[0].eyes is not None
    assert reply.poses[0].landmarks == ((4.0, 5.0, 6.0, 0.5),)
    assert reply.poses[0].world_landmarks == ((7.0, 8.0, 9.0),)
    assert (reply.poses[0].classification, list(reply.poses[0].angles)) == ("sitting", ["neck"])
    left, right = reply.hands
    assert (left.handedness, left.gesture, left.gesture_score, left.body) == (
        "Left",
        "Victory",
        0.75,
        0,
    )
    assert left.landmarks == ((0.0, 1.0, 2.0), (3.0, 4.0, 5.0))
    assert right.landmarks == ((6.0, 7.0, 8.0), (9.0, 10.0, 11.0))
    assert (right.handedness, right.gesture, right.body) == ("Right", "", None)


def test_what_is_told_can_be_read_by_a_client() -> None:
    """float32 knows scores that are a little more than 1, which a client would refuse."""
    reply, _ = seen(_holistic(), HANDS)

    read = decode_reply(encode(reply))

    assert isinstance(read, Seen)
    assert read.hands[0].score == 1.0


def test_points_as_parts_are_described_one_after_another() -> None:
    reply, parts = seen(
        _holistic(), Facts(task="holistic", model="m", device="cpu", points="parts")
    )

    layout = [(one.of, one.dtype, one.shape, one.size_bytes) for one in reply.parts]
    assert layout == [
        ("face", "float32", (1, 1, 3), 12),
        ("pose", "float32", (1, 1, 4), 16),
        ("pose_world", "float32", (1, 1, 3), 12),
        ("hands", "float32", (2, 2, 3), 48),
    ]
    assert b"".join(parts)[28:40] == _packed(7, 8, 9)
    assert len(b"".join(parts)) == sum(one.size_bytes for one in reply.parts)
    assert reply.hands[0].landmarks == ()
    assert reply.hands[0].gesture == "Victory"


def test_a_frame_that_shows_nothing_has_empty_lists() -> None:
    reply, parts = seen(Sight(groups=(Group(kind="hands", count=0),), width=1, height=1), HANDS)

    assert (reply.hands, reply.faces, reply.poses, parts) == ((), (), (), ())


def test_objects_and_classes_are_told_as_they_are() -> None:
    cat = DetectedObject(label="cat", score=0.5, index=1, left=0, top=0, width=1, height=1)
    tabby = Class(label="tabby", score=0.5, index=3)
    detect = Facts(task="detect", model="m", device="cpu")

    objects, _ = seen(Detected(objects=(cat,), width=8, height=6), detect)
    classes, _ = seen(Classified(classes=(tabby,), width=8, height=6), detect)

    assert (objects.objects, objects.width, objects.height) == ((cat,), 8, 6)
    assert (classes.classes, classes.width) == ((tabby,), 8)


def test_masks_vectors_and_pictures_lie_in_the_parts() -> None:
    wide = Segmented(
        data=bytes(PART_BYTES + 1), kind="category", width=1, height=PART_BYTES + 1, labels=("a",)
    )
    cutout = Effected(data=b"png", media_type="image/png", width=2, height=2)
    facts = Facts(task="segment", model="m", device="cpu")

    mask, mask_parts = seen(wide, facts)
    picture, picture_parts = seen(cutout, facts)
    vector, vector_parts = seen(Vector(data=_packed(1, 2)), facts)

    assert (mask.masks[0].kind, mask.masks[0].labels) == ("category", ("a",))
    assert [len(part) for part in mask_parts] == [PART_BYTES, 1]
    assert (mask.parts[0].of, mask.parts[0].shape) == ("mask", (PART_BYTES + 1, 1))
    assert (picture.masks[0].kind, picture.masks[0].media_type) == ("picture", "image/png")
    assert [bytes(part) for part in picture_parts] == [b"png"]
    assert (vector.vector, vector.parts[0].shape) == (2, (2,))
    assert [bytes(part) for part in vector_parts] == [_packed(1, 2)]


MASK = Segmented(data=bytes(4), kind="confidence", width=2, height=2, labels=())


@pytest.mark.parametrize(
    ("view", "anything"),
    [
        (_holistic(), True),
        (Sight(groups=(Group(kind="face", count=0),)), False),
        (Detected(objects=(), width=1, height=1), False),
        (Classified(classes=()), False),
        (MASK, False),
        (Segmented(data=b"\0\1", kind="confidence", width=2, height=1, labels=()), True),
        (Vector(data=_packed(1)), True),
    ],
)
def test_whether_anything_was_found(view: View, anything: bool) -> None:
    assert found(view) is anything


def test_things_are_counted_by_their_kind() -> None:
    cat = DetectedObject(label="cat", score=0.5, index=1, left=0, top=0, width=1, height=1)

    assert counts(_holistic()) == {"face": 1, "pose": 1, "hand": 2}
    assert counts(Detected(objects=(cat, cat), width=8, height=6)) == {"cat": 2}
    assert counts(MASK) == {}
