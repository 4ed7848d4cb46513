"""MediaPipe in a real, shut-in worker, on the models that `edged models pull --defaults` brings."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hosted import spec_for
from moved_eyes import moved_eyes
from PIL import Image
from seers import (
    GREY,
    Pixels,
    Seers,
    decoded,
    group_of,
    photo,
    points_of,
    raw,
    spec_of,
    world_of,
)
from skimage import data

from edged.errors import BadRequest, Busy, CorruptModel, ModelMissing, Unsupported
from edged.media import ImageFormat, Picture
from edged.models.runtime import ModelSpec, Parameter
from edged.models.seeing import SeeOptions

pytestmark = pytest.mark.speech

FACE = "media/images/face.jpg"
MODELS = {
    "face-detector-short-range": "face",
    "face-mesh": "face",
    "hand-landmarker": "hands",
    "pose-landmarker-full": "pose",
}


def astronaut() -> Pixels:
    """A person who looks at the camera, shape (512, 512, 3)."""
    found: Pixels = data.astronaut()  # type: ignore[no-untyped-call] # scikit-image's
    return found


def _official(assets: Path, task: str, name: str) -> ModelSpec:
    """A bundle as MediaPipe publishes it, under the id `official`."""
    path = assets / name
    if not path.exists():
        pytest.skip(f"EDGED_TEST_ASSETS holds no {name}")
    return ModelSpec(id="official", task=task, engine="mediapipe", files={"model.task": str(path)})


@pytest.fixture(scope="module")
def seers(pulled: Path) -> Iterator[Seers]:
    found = Seers(pulled)
    yield found
    found.close()


def test_faces_have_boxes_scores_and_six_points_each(seers: Seers, assets: Path) -> None:
    picture = photo(assets, FACE)

    found = seers.see("face-detector-short-range", picture)
    first = seers.see("face-detector-short-range", picture, SeeOptions(most=1))

    group = group_of(found, "face")
    boxes = np.array(group.boxes)
    points = points_of(found, "face")
    eyes = points[:, :2]
    assert (found.width, found.height) == (512, 355)
    assert (group.count, group.values) == (2, ("x", "y"))
    assert min(group.scores) >= 0.9
    assert points.shape == (2, 6, 2)
    assert ((eyes > boxes[:, None, :2]) & (eyes < boxes[:, None, :2] + boxes[:, None, 2:])).all()
    assert group_of(first, "face").scores == (max(group.scores),)
    assert found.computed_us > 0


def test_a_mesh_has_no_points_that_its_model_does_not_know(seers: Seers, assets: Path) -> None:
    found = seers.see("face-mesh", photo(assets, FACE))

    points = points_of(found, "face")
    assert points.shape == (1, 468, 3)
    assert ((points[..., :2] > 0) & (points[..., :2] < 1)).all()
    nose, chin, forehead = points[0, 1], points[0, 152], points[0, 10]
    assert forehead[1] < nose[1] < chin[1]
    eyes = found.faces[0].eyes
    assert eyes is not None
    assert eyes.left.openness > 0.1
    assert (eyes.gaze, eyes.left.iris) == (None, None)


def test_several_faces_have_meshes_when_so_many_are_asked_for(seers: Seers, assets: Path) -> None:
    found = seers.see("face-mesh", photo(assets, FACE), SeeOptions(most=5))

    assert points_of(found, "face").shape == (2, 468, 3)
    assert len(found.faces) == 2


def test_a_body_has_points_world_points_joints_and_a_box(seers: Seers, assets: Path) -> None:
    found = seers.see("pose-landmarker-full", photo(assets, FACE))

    points, world = points_of(found, "pose"), world_of(found, "pose")
    assert group_of(found, "pose").values == ("x", "y", "z", "visibility")
    assert points.shape == (1, 33, 4)
    assert world.shape == (1, 33, 3)
    assert points[0, 0, 3] > 0.9  # the nose is seen
    assert points[0, 0, 1] < points[0, 11, 1]  # and lies above a shoulder
    assert 0.1 < abs(world[0, 0, 1]) < 1.2  # metres from the hips
    assert 0 <= found.bodies[0].angles["left_elbow"].degrees <= 180


def test_hands_are_found_in_seven_of_eight_photos(seers: Seers, assets: Path) -> None:
    photos = sorted((assets / "media" / "images" / "hands").glob("*.jpg"))
    if len(photos) != 8:
        pytest.skip("EDGED_TEST_ASSETS holds no eight photos of hands")

    found = [seers.see("hand-landmarker", Picture(data=one.read_bytes())) for one in photos]

    hands = [one for one in found if one.groups[0].count]
    assert len(hands) == 7
    assert all(points_of(one, "hands").shape[1:] == (21, 3) for one in hands)
    assert all(world_of(one, "hands").shape == points_of(one, "hands").shape for one in hands)
    assert {label for one in hands for label in one.groups[0].labels} <= {"Left", "Right"}
    assert all(len(one.hands) == one.groups[0].count for one in hands)


@pytest.mark.parametrize("model", ["selfie-segmenter", "selfie-segmenter-landscape"])
def test_people_stand_out_from_the_background(seers: Seers, assets: Path, model: str) -> None:
    found = seers.segment(model, photo(assets, FACE))

    mask = np.frombuffer(found.data, np.uint8).reshape(found.height, found.width)
    assert (found.kind, found.labels) == ("confidence", ("person",))
    assert mask.shape == (355, 512)
    assert mask[120, 310] > 200  # a face
    assert mask[5, 5] < 50  # a corner


@pytest.mark.parametrize(
    ("model", "answer"),
    [
        ("face-detector-short-range", "1 0.4 0.5"),
        ("face-mesh", "1 0.5 0.6"),
        ("hand-landmarker", "0"),
        ("pose-landmarker-full", "0"),
        ("holistic", "1 0.5 0.6"),
    ],
)
def test_where_nobody_is_nothing_is_found_and_a_drawn_face_is_one(
    seers: Seers, model: str, answer: str
) -> None:
    found = seers.see(model, GREY)

    assert [group.count for group in found.groups] == [0] * len(found.groups)
    assert (found.points, found.world) == (b"", b"")
    assert (found.faces, found.hands, found.bodies) == ((), (), ())
    assert (found.width, found.height) == (48, 32)
    assert seers.canary(model) == answer


# --- streams ---


@pytest.mark.parametrize("model", MODELS)
def test_a_stream_finds_what_a_picture_shows_and_its_canary_stays_the_same(
    seers: Seers, assets: Path, model: str
) -> None:
    pixels = decoded(photo(assets, FACE))
    kind = MODELS[model]
    alone = seers.see(model, raw(pixels))
    known = seers.canary(model)

    frames = [
        seers.see(model, raw(pixels), SeeOptions(stream="one", at_ms=40 * number, keep=True))
        for number in range(3)
    ]
    again = seers.canary(model)
    seers.finish(model, "one")

    assert again == known
    for frame in frames:
        assert frame.groups[0].count == alone.groups[0].count
        if alone.groups[0].count:
            distances = points_of(frame, kind)[..., :2] - points_of(alone, kind)[..., :2]
            assert np.abs(distances).max() < 0.15
            assert frame.groups[0].slots == tuple(range(frame.groups[0].count))


@pytest.mark.parametrize("at_ms", [-1, 0, 39, 40])
def test_a_frame_that_is_not_newer_is_refused_and_the_stream_goes_on(
    seers: Seers, at_ms: int
) -> None:
    seers.see("face-mesh", GREY, SeeOptions(stream="old", at_ms=40))

    with pytest.raises(BadRequest, match="newer"):
        seers.see("face-mesh", GREY, SeeOptions(stream="old", at_ms=at_ms))

    assert seers.see("face-mesh", GREY, SeeOptions(stream="old", at_ms=41)).width == 48
    seers.finish("face-mesh", "old")


def test_the_first_frame_of_a_stream_has_no_negative_time(seers: Seers) -> None:
    with pytest.raises(BadRequest, match="negative"):
        seers.see("face-mesh", GREY, SeeOptions(stream="before", at_ms=-1))


def test_frames_of_a_stream_may_change_their_size(seers: Seers, assets: Path) -> None:
    pixels = decoded(photo(assets, FACE))
    small = np.ascontiguousarray(pixels[:, 100:])

    seers.see("face-mesh", raw(pixels), SeeOptions(stream="size", at_ms=0))
    found = seers.see("face-mesh", raw(small), SeeOptions(stream="size", at_ms=1))
    seers.finish("face-mesh", "size")

    assert (found.width, found.groups[0].count) == (pixels.shape[1] - 100, 1)


def test_eight_streams_are_followed_and_a_ninth_waits_for_one_to_end(seers: Seers) -> None:
    names = [f"stream {number}" for number in range(8)]
    for name in names:
        seers.see("face-detector-short-range", GREY, SeeOptions(stream=name))

    with pytest.raises(Busy, match="8 streams"):
        seers.see("face-detector-short-range", GREY, SeeOptions(stream="ninth"))
    seers.finish("face-detector-short-range", names[0])
    found = seers.see("face-detector-short-range", GREY, SeeOptions(stream="ninth"))
    for name in [*names[1:], "ninth"]:
        seers.finish("face-detector-short-range", name)

    assert found.width == 48


def test_the_end_of_a_stream_that_is_not_known_is_empty(seers: Seers) -> None:
    found = seers.finish("face-mesh", "never")

    assert (found.groups, found.sealed, found.width) == ((), (), 0)


def test_a_name_may_be_used_again_with_a_clock_from_0(seers: Seers) -> None:
    seers.see("face-mesh", GREY, SeeOptions(stream="twice", at_ms=1_000_000))
    seers.finish("face-mesh", "twice")

    found = seers.see("face-mesh", GREY, SeeOptions(stream="twice", at_ms=0))
    seers.finish("face-mesh", "twice")

    assert found.width == 48


def test_streams_that_ended_leave_no_memory_behind(seers: Seers, assets: Path) -> None:
    """Measured: 0.3 MB after eight; without edged.models.engines.seeing.memory up to 5."""
    picture = raw(decoded(photo(assets, FACE)))

    def follow(times: int) -> int:
        for number in range(times):
            seers.see("face-mesh", picture, SeeOptions(stream=f"stream {number}"))
            seers.finish("face-mesh", f"stream {number}")
        return seers.memory("face-mesh")

    before = follow(2)
    after = follow(8)

    assert after - before < 5_000_000


# --- face, hands and body together ---


def test_face_hands_and_body_are_found_on_one_frame(seers: Seers, assets: Path) -> None:
    found = seers.see("holistic", photo(assets, FACE))

    assert [group.kind for group in found.groups] == ["face", "hands", "pose"]
    assert points_of(found, "face").shape == (1, 468, 3)
    assert points_of(found, "pose").shape == (1, 33, 4)
    assert points_of(found, "hands").shape[0] == len(found.hands)
    nose = points_of(found, "face")[0, 1, :2] - points_of(found, "pose")[0, 0, :2]
    assert np.abs(nose).max() < 0.1  # the same person's


def test_only_the_kinds_that_are_wanted_are_looked_for(seers: Seers, assets: Path) -> None:
    found = seers.see("holistic", photo(assets, FACE), SeeOptions(kinds=("pose",)))

    assert [group.kind for group in found.groups] == ["pose"]
    assert found.faces == ()


def test_a_kind_that_a_model_does_not_see_is_refused(seers: Seers) -> None:
    with pytest.raises(BadRequest, match="sees none of hands"):
        seers.see("face-mesh", GREY, SeeOptions(kinds=("hands",)))


# --- irises ---


def test_irises_move_with_the_picture(seers: Seers) -> None:
    pixels = astronaut()
    moved = np.roll(pixels, (-6, 9), axis=(0, 1))
    scale = np.array([pixels.shape[1], pixels.shape[0]])

    before = points_of(seers.see("face-iris", raw(pixels)), "face")
    after = points_of(seers.see("face-iris", raw(moved)), "face")

    assert before.shape == after.shape == (1, 478, 3)
    shift = (after - before)[0, 468:, :2] * scale
    np.testing.assert_allclose(shift, np.tile([9, -6], (10, 1)), atol=1.5)


@pytest.mark.parametrize(("right", "down"), [(6, 0), (-6, 0), (0, 4), (0, -4)])
def test_irises_that_are_moved_in_the_photograph_move_and_turn_the_gaze(
    seers: Seers, right: int, down: int
) -> None:
    """Six pixels are 4 mm of this face, or 24 degrees; docs/SEEING.md says how much of it is told."""
    pixels = np.asarray(Image.fromarray(astronaut()).resize((1024, 1024)))
    before = seers.see("face-iris", raw(pixels))
    mesh = points_of(before, "face")[0]

    after = seers.see("face-iris", raw(moved_eyes(pixels, mesh, right=right, down=down)))

    way = (points_of(after, "face")[0] - mesh)[[468, 473], :2] * 1024
    np.testing.assert_allclose(way, [(right, down)] * 2, atol=2.5)
    gazes = [one.faces[0].eyes.gaze for one in (before, after) if one.faces[0].eyes is not None]
    assert gazes[0] is not None
    assert gazes[1] is not None
    assert np.sign(round((gazes[1].yaw - gazes[0].yaw) / 6)) == np.sign(right)
    assert np.sign(round((gazes[0].pitch - gazes[1].pitch) / 4)) == np.sign(down)


def test_irises_lie_between_the_corners_of_their_eyes(seers: Seers) -> None:
    found = seers.see("face-iris", raw(astronaut()))

    points = points_of(found, "face")[0, :, :2]
    for iris, left, right in ((468, 33, 133), (473, 362, 263)):
        along = (points[iris, 0] - points[left, 0]) / (points[right, 0] - points[left, 0])
        assert 0.3 < along < 0.7
    eyes = found.faces[0].eyes
    assert eyes is not None
    assert eyes.gaze is not None
    assert eyes.right.iris == pytest.approx(points[468].tolist())
    assert eyes.left.iris == pytest.approx(points[473].tolist())


def test_irises_agree_with_the_official_bundle(seers: Seers, assets: Path) -> None:
    """Measured: 0.01 to 0.06 of an eye's length apart; the official model knows irises itself."""
    seers.load(_official(assets, "face_landmarks", "vision/face_landmarker.task"))
    pixels = astronaut()

    ours = points_of(seers.see("face-iris", raw(pixels)), "face")[0, :, :2]
    theirs = points_of(seers.see("official", raw(pixels)), "face")[0, :, :2]

    eye = np.linalg.norm(theirs[33] - theirs[133])
    assert np.linalg.norm(ours[468:] - theirs[468:], axis=1).max() < 0.1 * eye
    assert np.linalg.norm(ours[[468, 473]] - theirs[[468, 473]], axis=1).max() < 0.05 * eye


# --- official bundles ---


def test_expressions_and_the_transform_are_told_when_the_bundle_has_them(
    seers: Seers, assets: Path
) -> None:
    seers.load(_official(assets, "face_landmarks", "vision/face_landmarker.task"))

    found = seers.see("official", raw(astronaut()))
    plain = seers.see("face-mesh", raw(astronaut()))

    signs = found.faces[0]
    assert points_of(found, "face").shape == (1, 478, 3)
    assert len(signs.blendshapes) == 52
    assert signs.blendshapes["mouthSmileLeft"] > 0.5  # she smiles
    assert signs.blendshapes["eyeBlinkLeft"] < 0.3
    turn = np.reshape(signs.transform, (4, 4))
    np.testing.assert_allclose(turn[3], [0, 0, 0, 1], atol=1e-6)
    turned = turn[:3, :3] @ turn[:3, :3].T
    np.testing.assert_allclose(turned / turned[0, 0], np.eye(3), atol=0.05)
    assert turn[2, 3] < -10  # centimetres in front of the camera
    assert (plain.faces[0].blendshapes, plain.faces[0].transform) == ({}, ())


def test_the_official_recogniser_names_gestures(seers: Seers, assets: Path) -> None:
    spec = _official(assets, "gestures", "vision/derived/gesture_recognizer_lite.task")
    seers.load(msgspec.structs.replace(spec, id="recogniser"))
    photos = assets / "media" / "images" / "hands"
    pointing = next(photos.glob("none__00b85ea4*.jpg"), None)
    if pointing is None:
        pytest.skip("EDGED_TEST_ASSETS holds no such photo of a hand")
    picture = Picture(data=pointing.read_bytes())

    alone = seers.see("recogniser", picture)
    first = seers.see("recogniser", picture, SeeOptions(stream="one", at_ms=5))
    seers.finish("recogniser", "one")
    nobody = seers.see("recogniser", GREY)

    assert alone.hands[0].gesture == first.hands[0].gesture == "Pointing_Up"
    assert 0.5 < alone.hands[0].score <= 1
    assert points_of(alone, "hands").shape == world_of(alone, "hands").shape == (1, 21, 3)
    assert nobody.hands == ()


def test_a_lighter_bundle_finds_the_same_body(seers: Seers, assets: Path) -> None:
    spec = _official(assets, "pose_landmarks", "vision/pose_landmarker_lite.task")
    seers.load(msgspec.structs.replace(spec, id="lite"))

    lite = points_of(seers.see("lite", raw(astronaut())), "pose")[0]
    full = points_of(seers.see("pose-landmarker-full", raw(astronaut())), "pose")[0]

    assert np.abs(lite[:13, :2] - full[:13, :2]).max() < 0.1


# --- what is wrong ---


def test_wrong_pixels_and_confidences_are_refused(seers: Seers) -> None:
    short = Picture(data=b"123", raw=ImageFormat(width=48, height=32))

    with pytest.raises(BadRequest, match="came"):
        seers.see("face-mesh", short)
    with pytest.raises(BadRequest, match="confidence"):
        seers.see("face-mesh", GREY, SeeOptions(min_detection=1.5))
    with pytest.raises(BadRequest, match="most"):
        seers.see("face-mesh", GREY, SeeOptions(most=101))


@pytest.mark.parametrize(("parameter", "value"), [("points", "many"), ("most", 0.5)])
def test_a_parameter_that_makes_no_sense_is_refused(
    seers: Seers, pulled: Path, parameter: str, value: Parameter
) -> None:
    spec = spec_of(pulled, "face-mesh", **{parameter: value})

    with pytest.raises(CorruptModel, match=parameter):
        seers.load(msgspec.structs.replace(spec, id="tested"))


def test_a_file_that_is_no_model_is_corrupt(seers: Seers, tmp_path: Path) -> None:
    file = tmp_path / "model.task"
    file.write_bytes(b"this is no model" * 100)

    with pytest.raises(CorruptModel, match="MediaPipe refuses"):
        seers.load(spec_for("mediapipe", {"model.task": str(file)}, task="face_detect"))


def test_a_file_that_is_not_there_is_missing(seers: Seers, tmp_path: Path) -> None:
    gone = {"model.task": str(tmp_path / "model.task")}

    with pytest.raises(ModelMissing):
        seers.load(spec_for("mediapipe", gone, task="hand_landmarks"))


def test_a_task_of_another_engine_is_unsupported(seers: Seers, tmp_path: Path) -> None:
    files = {"model.task": str(tmp_path / "model.task")}

    with pytest.raises(Unsupported, match="does not know the task transcribe"):
        seers.load(spec_for("mediapipe", files, task="transcribe"))
