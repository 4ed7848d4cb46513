"""A photograph that is in the public domain and in scikit-image's wheel: its person is found."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from portraits import astronaut, encoded, film
from real_daemon import ROOT, Daemon
from viewer import look, seeing_daemon

from edged.media import ImageFormat
from edged.messages.seeing import Look, Points, VisionTask

pytestmark = [pytest.mark.speech, pytest.mark.timeout(60)]

RAW = ImageFormat(width=512, height=512)

NOSE_TIP = (0.43, 0.24)
"""As seen by eye: the astronaut's nose, as fractions of the photograph."""


@pytest.fixture(scope="module")
def seer(pulled: Path) -> Iterator[Daemon]:
    models = ("face-detector-short-range", "face-mesh", "pose-landmarker-full")
    with seeing_daemon(pulled, *models) as daemon:
        yield daemon


def _points(daemon: Daemon, task: VisionTask) -> Points:
    """The points of the one thing that is found."""
    (seen,), looked = look(daemon, Look(task=task), astronaut().tobytes(), image=RAW)
    assert (looked.frames, looked.detected) == (1, 1)
    assert (seen.width, seen.height, seen.task) == (512, 512, task)
    assert (seen.model != "", seen.device, seen.processing_time_ms > 0) == (True, "cpu", True)
    things = seen.poses if task == "pose" else seen.faces
    assert len(things) == 1
    return things[0].landmarks


@pytest.mark.parametrize(
    ("task", "count", "nose"), [("face", 6, 2), ("face_mesh", 468, 1), ("pose", 33, 0)]
)
def test_the_astronaut_is_found_and_her_nose_is_where_it_is(
    seer: Daemon, task: VisionTask, count: int, nose: int
) -> None:
    points = _points(seer, task)

    assert len(points) == count
    assert points[nose][:2] == pytest.approx(NOSE_TIP, abs=0.03)


def test_her_eyes_lie_above_her_mouth_and_her_shoulders_below(seer: Daemon) -> None:
    face = _points(seer, "face")
    pose = _points(seer, "pose")

    right_eye, left_eye, nose, mouth = face[:4]
    assert (
        right_eye[0] < nose[0] < left_eye[0]
    )  # a picture that is not mirrored shows her right first
    assert max(right_eye[1], left_eye[1]) < nose[1] < mouth[1]
    left_shoulder, right_shoulder = pose[11], pose[12]
    assert mouth[1] < min(left_shoulder[1], right_shoulder[1])
    assert right_shoulder[0] < left_shoulder[0]
    assert min(left_shoulder[3], right_shoulder[3]) > 0.8


def test_the_command_line_finds_her_too(seer: Daemon, tmp_path: Path) -> None:
    file = tmp_path / "astronaut.png"
    file.write_bytes(encoded(astronaut(), "PNG"))

    found = seer.json("see", str(file), "--task", "face")

    assert len(found["faces"]) == 1
    assert found["faces"][0]["landmarks"][2][:2] == pytest.approx(NOSE_TIP, abs=0.03)


PAGE = (ROOT / "docs" / "CLIENTS.md").read_text()
A_PICTURE, A_CAMERA = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)[4:6]


def _run(daemon: Daemon, code: str, file: Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", code, str(file)],
        env=daemon.environ,
        capture_output=True,
        text=True,
        timeout=40,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_the_example_of_a_picture_says_where_her_eyes_are(seer: Daemon, tmp_path: Path) -> None:
    file = tmp_path / "astronaut.jpg"
    file.write_bytes(encoded(astronaut(), "JPEG", quality=95))

    first, *eyes = _run(seer, A_PICTURE, file)

    assert first == "1 faces, by face-detector-short-range"
    places = [tuple(map(int, re.findall(r"\d+", one))) for one in eyes]
    assert [pytest.approx(one, abs=8) for one in ((206, 110), (245, 108))] == places


def test_the_example_of_a_camera_follows_her_with_zmq_and_msgpack_alone(
    seer: Daemon, tmp_path: Path
) -> None:
    file = tmp_path / "film.mp4"
    film(file, [astronaut()] * 6)

    lines = _run(seer, A_CAMERA, file)

    assert lines.pop() == "6 frames"
    assert [line.split(" ", 1)[0] for line in lines] == list("012345")
    assert all(re.search(r"nose at 0\.4[234], 0\.2[345]$", line) for line in lines)
