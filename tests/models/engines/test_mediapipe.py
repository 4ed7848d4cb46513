"""MediaPipe in a real, shut-in worker, on the models that `edged models pull --defaults` brings."""

import asyncio
import functools
from collections.abc import Callable, Coroutine
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hosted import DEADLINE_S, REPOSITORY, canary, hosted, spec_for

from edged.errors import CorruptModel, ModelMissing, Unsupported
from edged.media import ImageFormat, Picture
from edged.models import manifest
from edged.models.runtime import FindOptions, Landmarks, ModelSpec, Parameter, Segmented
from edged.workers.process import Worker

pytestmark = pytest.mark.speech

Test = Callable[..., Coroutine[None, None, None]]

Floats = npt.NDArray[np.float32]

GREY = Picture(data=bytes([128]) * (48 * 32 * 3), raw=ImageFormat(width=48, height=32))
FACE = "media/images/face.jpg"


def in_loop(test: Test) -> Callable[..., None]:
    """A test that is a coroutine, as a function."""

    @functools.wraps(test)
    def run(*arguments: object, **named: object) -> None:
        asyncio.run(test(*arguments, **named))

    return run


def _spec(pulled: Path, model: str, **parameters: Parameter) -> ModelSpec:
    """One of our manifests with its pulled file; skips when it is not there."""
    found = manifest.read(REPOSITORY / "model_manifests" / f"{model}.toml")
    paths = {file.name: str(pulled / model / file.name) for file in found.files}
    if not all(Path(path).is_file() for path in paths.values()):
        pytest.skip(f"{model} was not pulled: `make models`")
    return ModelSpec(
        id=model,
        task=found.task,
        engine=found.engine,
        files=paths,
        parameters=found.parameters | parameters,
        labels=found.labels,
    )


def _picture(folder: Path, name: str) -> Picture:
    path = folder / name
    if not path.exists():
        pytest.skip(f"EDGED_TEST_ASSETS holds no {name}")
    return Picture(data=path.read_bytes())


async def _find(worker: Worker, picture: Picture, *, most: int = 0) -> Landmarks:
    answer = await worker.call("find", picture, FindOptions(most=most), deadline_s=DEADLINE_S)
    return answer.to(Landmarks)


def _points(found: Landmarks) -> Floats:
    return np.frombuffer(found.points, np.float32).reshape(found.found, -1, len(found.values))


def _world(found: Landmarks) -> Floats:
    return np.frombuffer(found.world, np.float32).reshape(found.found, -1, 3)


@in_loop
async def test_faces_have_boxes_and_six_points_each(pulled: Path, assets: Path) -> None:
    picture = _picture(assets, FACE)

    async with hosted(_spec(pulled, "face-detector-short-range")) as worker:
        found = await _find(worker, picture)
        first = await _find(worker, picture, most=1)

    boxes = np.frombuffer(found.boxes, np.float32).reshape(-1, 4)
    eyes = _points(found)[:, :2]
    assert (found.width, found.height) == (512, 355)
    assert found.found == len(found.scores) == 2
    assert min(found.scores) >= 0.9
    assert _points(found).shape == (2, 6, 2)
    assert ((eyes > boxes[:, None, :2]) & (eyes < boxes[:, None, :2] + boxes[:, None, 2:])).all()
    assert first.found == 1


@in_loop
async def test_a_mesh_has_no_points_that_its_model_does_not_know(
    pulled: Path, assets: Path
) -> None:
    async with hosted(_spec(pulled, "face-mesh")) as worker:
        found = await _find(worker, _picture(assets, FACE))

    points = _points(found)
    assert points.shape == (1, 468, 3)
    assert ((points[..., :2] > 0) & (points[..., :2] < 1)).all()
    nose, chin, forehead = points[0, 1], points[0, 152], points[0, 10]
    assert forehead[1] < nose[1] < chin[1]


@in_loop
async def test_a_body_is_found_with_its_bundle_that_was_given_metadata(
    pulled: Path, assets: Path
) -> None:
    async with hosted(_spec(pulled, "pose-landmarker-full")) as worker:
        found = await _find(worker, _picture(assets, FACE))

    points = _points(found)
    assert found.values == ("x", "y", "z", "visibility", "presence")
    assert points.shape == (1, 33, 5)
    assert points[0, 0, 3] > 0.9  # the nose is seen
    assert points[0, 0, 1] < points[0, 11, 1]  # and lies above a shoulder
    assert 0.1 < abs(_world(found)[0, 0, 1]) < 1.2  # metres from the hips


@in_loop
async def test_hands_are_found_in_seven_of_eight_photos(pulled: Path, assets: Path) -> None:
    photos = sorted((assets / "media" / "images" / "hands").glob("*.jpg"))
    if len(photos) != 8:
        pytest.skip("EDGED_TEST_ASSETS holds no eight photos of hands")

    async with hosted(_spec(pulled, "hand-landmarker")) as worker:
        found = [await _find(worker, Picture(data=photo.read_bytes())) for photo in photos]

    hands = [one for one in found if one.found]
    assert len(hands) == 7
    assert all(_points(one).shape == _world(one).shape == (1, 21, 3) for one in hands)
    assert {label for one in hands for label in one.labels} <= {"Left", "Right"}


@pytest.mark.parametrize("model", ["selfie-segmenter", "selfie-segmenter-landscape"])
@in_loop
async def test_people_stand_out_from_the_background(pulled: Path, assets: Path, model: str) -> None:
    async with hosted(_spec(pulled, model)) as worker:
        answer = await worker.call("segment", _picture(assets, FACE), deadline_s=DEADLINE_S)

    found = answer.to(Segmented)
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
        ("pose-landmarker-full", "0"),
    ],
)
@in_loop
async def test_where_nobody_is_nothing_is_found_and_a_drawn_face_is_one(
    pulled: Path, model: str, answer: str
) -> None:
    async with hosted(_spec(pulled, model)) as worker:
        found = await _find(worker, GREY)
        known = await canary(worker)

    assert (found.found, found.points, found.world, found.boxes) == (0, b"", b"", b"")
    assert (found.width, found.height) == (48, 32)
    assert known == answer


@pytest.mark.parametrize(("parameter", "value"), [("min_confidence", 1.5), ("most", 0.5)])
@in_loop
async def test_a_parameter_that_makes_no_sense_is_refused(
    pulled: Path, parameter: str, value: float
) -> None:
    spec = _spec(pulled, "hand-landmarker", **{parameter: value})

    with pytest.raises(CorruptModel, match=parameter):
        async with hosted(spec):
            pass


@in_loop
async def test_a_file_that_is_no_model_is_corrupt(tmp_path: Path) -> None:
    file = tmp_path / "model.task"
    file.write_bytes(b"this is no model" * 100)

    with pytest.raises(CorruptModel, match="MediaPipe refuses"):
        async with hosted(spec_for("mediapipe", {"model.task": str(file)}, task="face_detect")):
            pass


@in_loop
async def test_a_file_that_is_not_there_is_missing(tmp_path: Path) -> None:
    gone = {"model.task": str(tmp_path / "model.task")}

    with pytest.raises(ModelMissing):
        async with hosted(spec_for("mediapipe", gone, task="hand_landmarks")):
            pass


@in_loop
async def test_a_task_of_another_engine_is_unsupported(tmp_path: Path) -> None:
    files = {"model.task": str(tmp_path / "model.task")}

    with pytest.raises(Unsupported, match="does not know the task transcribe"):
        async with hosted(spec_for("mediapipe", files, task="transcribe")):
            pass
