"""The JSON of `see`, as other programs read it."""

import json
from typing import Any

import pytest
from msgspec.structs import replace
from seen_frames import (
    CUP,
    FACE,
    HAND,
    MASK,
    MASK_DATA,
    MASK_PART,
    POSE,
    TABBY,
    VECTOR_DATA,
    VECTOR_PART,
    seen,
)

from edged.cli.seeing import documents
from edged.messages.seeing import Looked, Stretch, VisionTask


def read(document: dict[str, Any]) -> Any:
    return json.loads(documents.line(document))


def test_a_hand_is_told_as_the_issue_says() -> None:
    found = read(documents.of_frame(replace(seen("hands"), hands=(HAND,))))

    (hand,) = found["hands"]
    assert (hand["handedness"], hand["score"], hand["gesture"]) == ("Right", 0.97, "Thumb_Up")
    assert len(hand["landmarks"]) == 21
    assert hand["landmarks"][0] == [0.123457, 0.5, -0.1]
    assert hand["world_landmarks"][0] == [0.01, 0.08, 0.0]


def test_every_frame_says_when_and_by_what_it_was_seen() -> None:
    found = read(documents.of_frame(seen("hands", frame_id=7)))

    assert found["frame_id"] == 7
    assert found["captured_at_ms"] == 1_795_248_000_000
    assert found["processing_time_ms"] == 10.457
    assert (found["model"], found["device"]) == ("a-model", "cpu")
    assert (found["width"], found["height"]) == (640, 480)


@pytest.mark.parametrize(
    ("task", "lists"),
    [
        ("face", {"faces"}),
        ("face_mesh", {"faces"}),
        ("iris", {"faces"}),
        ("hands", {"hands"}),
        ("pose", {"poses"}),
        ("holistic", {"faces", "hands", "poses"}),
        ("segment", {"masks"}),
        ("detect", {"objects"}),
        ("classify", {"classes"}),
        ("embed", set()),
    ],
)
def test_lists_of_the_task_are_there_when_nothing_was_found(
    task: VisionTask, lists: set[str]
) -> None:
    found = documents.of_frame(seen(task))

    assert {name for name, value in found.items() if value == []} == lists


def test_a_body_has_points_angles_and_its_posture() -> None:
    (body,) = read(documents.of_frame(replace(seen("pose"), poses=(POSE,))))["poses"]

    assert len(body["landmarks"]) == len(body["world_landmarks"]) == 33
    assert body["landmarks"][0] == [0.5, 0.2, -0.3, 0.99]
    assert body["angles"]["left_elbow"] == {"degrees": 164.2, "visibility": 0.9}
    assert body["classification"] == "standing"


def test_a_face_has_its_eyes_and_expressions() -> None:
    (face,) = read(documents.of_frame(replace(seen("iris"), faces=(FACE,))))["faces"]

    assert face["eyes"]["gaze"]["direction"] == "left"
    assert face["blendshapes"]["jawOpen"] == 0.4


def test_objects_and_classes_are_told_as_they_came() -> None:
    objects = read(documents.of_frame(replace(seen("detect"), objects=(CUP,))))
    classes = read(documents.of_frame(replace(seen("classify"), classes=(TABBY,))))

    assert objects["objects"][0]["label"] == "cup"
    assert classes["classes"][0] == {"label": "tabby", "score": 0.61, "index": 282}


def test_a_mask_says_how_much_it_covers_and_a_vector_is_written_out() -> None:
    masked = replace(seen("segment"), masks=(MASK,), parts=(MASK_PART,))
    embedded = replace(seen("embed"), vector=2, parts=(VECTOR_PART,))

    mask = read(documents.of_frame(masked, (MASK_DATA[:1], MASK_DATA[1:])))["masks"][0]
    vector = read(documents.of_frame(embedded, (VECTOR_DATA,)))["vector"]

    assert (mask["kind"], mask["labels"], mask["coverage"]) == ("confidence", ["person"], 0.5)
    assert vector == [0.25, -0.5]


def test_a_category_covers_what_is_not_its_first_label() -> None:
    mask = replace(MASK, kind="category", labels=("background", "hair", "skin"))
    reply = replace(seen("segment"), masks=(mask,), parts=(MASK_PART,))

    (found,) = documents.of_frame(reply, (bytes((0, 1, 2, 1)),))["masks"]

    assert found["coverage"] == 0.75


def test_a_video_is_one_object_with_frames_detected_fps_and_tracks() -> None:
    track = Stretch(of="pose", start_ms=0, end_ms=900, frames=9, most=2)
    looked = Looked(frames=10, detected=9, fps=91.234, duration_ms=1_000, tracks=(track,), lost=1)

    found = read(documents.of_video(looked, seen("pose")))

    assert {name: found[name] for name in ("frames", "detected", "fps", "duration_ms", "lost")} == {
        "frames": 10,
        "detected": 9,
        "fps": 91.23,
        "duration_ms": 1_000,
        "lost": 1,
    }
    assert found["tracks"] == [{"of": "pose", "start_ms": 0, "end_ms": 900, "frames": 9, "most": 2}]
    assert (found["model"], found["task"]) == ("a-model", "pose")


def test_a_video_without_a_frame_has_figures_too() -> None:
    assert documents.of_video(Looked(frames=0, detected=0, fps=0.0), None)["frames"] == 0
