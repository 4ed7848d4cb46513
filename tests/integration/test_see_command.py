"""`edged see` and `edged sessions report` on a real daemon, with models from PyPI.

The commands run in this process, as `edged` runs them: an interpreter for each would take longer than
what is looked at. One is a process of its own, to be interrupted.
"""

import io
import json
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
import portraits
import pytest
from camera import PipedCamera
from real_daemon import Daemon
from viewer import seeing_daemon

from edged.cli.main import main
from edged.messages import sessions as wire

pytestmark = pytest.mark.timeout(60)

FACES = "face-detector-short-range"
MESH = "face-mesh"
BAD_REQUEST, MODEL_MISSING = 2, 9


@pytest.fixture(scope="module")
def looking(pulled: Path) -> Iterator[Daemon]:
    """A running daemon that finds faces."""
    with seeing_daemon(pulled, FACES, MESH) as daemon:
        yield daemon


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Somebody's picture."""
    path = tmp_path_factory.mktemp("photo") / "me.png"
    path.write_bytes(portraits.encoded(portraits.portrait(), "PNG"))
    return path


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second of somebody, then a second of nobody, then a second of somebody again."""
    path = tmp_path_factory.mktemp("clip") / "me.mp4"
    somebody, nobody = portraits.portrait(), np.full_like(portraits.portrait(), 90)
    portraits.film(path, [somebody] * 10 + [nobody] * 14 + [somebody] * 10)
    return path


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Somebody who does not move."""
    path = tmp_path_factory.mktemp("still") / "me.mp4"
    portraits.film(path, [portraits.portrait()] * 10)
    return path


class Done(NamedTuple):
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[Any]:
        """Each line of what it printed, read as JSON; it has to have succeeded."""
        assert self.status == 0, self.err
        return [json.loads(line) for line in self.out.splitlines()]


Run = Callable[..., Done]


@pytest.fixture
def run(
    looking: Daemon, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Runs `edged` in the daemon's home."""
    monkeypatch.setenv("EDGED_HOME", str(looking.home))

    def command(*words: str) -> Done:
        status = main(words)
        printed = capsys.readouterr()
        return Done(status, printed.out, printed.err)

    return command


def test_a_picture_is_one_object_and_a_drawing(run: Run, photo: Path, tmp_path: Path) -> None:
    out = tmp_path / "drawn.png"
    command = ("see", str(photo), "--task", "face", "--draw", str(out))

    (found,) = run(*command, "--json").lines
    again = run(*command)

    (face,) = found["faces"]
    assert len(face["landmarks"]) == 6
    assert face["score"] > 0.8
    assert (found["model"], found["width"], found["height"]) == (FACES, 400, 300)
    assert out.stat().st_size > 10_000
    assert again.status == BAD_REQUEST
    assert "--force" in again.err


def test_a_picture_on_stdin_is_told_in_words(
    run: Run, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(photo.read_bytes())))

    done = run("see", "-", "--task", "face_mesh")

    assert done.status == 0, done.err
    assert "eyes open" in done.out
    assert "400 x 300" in done.out
    assert MESH in done.out


def test_a_video_is_an_object_with_tracks_or_a_line_a_frame_with_a_movie(
    run: Run, clip: Path, tmp_path: Path
) -> None:
    out = tmp_path / "drawn.mp4"
    command = ("see", str(clip), "--task", "face")

    (whole,) = run(*command, "--json").lines
    each = run(*command, "--jsonl", "--draw", str(out), "--fps", "5").lines

    assert (whole["frames"], whole["detected"]) == (34, 20)
    assert whole["fps"] > 10
    assert [(one["of"], one["frames"]) for one in whole["tracks"]] == [("face", 10), ("face", 10)]
    assert [one["captured_at_ms"] for one in each] == list(range(0, 3_400, 200))
    assert [len(one["faces"]) for one in each] == [1] * 5 + [0] * 7 + [1] * 5
    with av.open(str(out)) as movie:
        shown = [
            (round(float(frame.time or 0) * 1000), frame.to_ndarray(format="rgb24"))
            for frame in movie.decode(video=0)
        ]
    assert [ms for ms, _ in shown] == [one["captured_at_ms"] for one in each]
    assert shown[6][1].std() < 3 < shown[0][1].std()


def test_a_model_that_is_not_here_is_missing_with_the_command_that_brings_it(
    run: Run, photo: Path
) -> None:
    done = run("see", str(photo), "--task", "pose", "--complexity", "lite", "--json")

    assert done.status == MODEL_MISSING
    assert json.loads(done.out)["error"]["fix"] == "edged models pull pose-landmarker-lite"


def test_a_camera_is_watched_for_a_while_or_until_ctrl_c(
    looking: Daemon, run: Run, piped_camera: PipedCamera, still: Path, tmp_path: Path
) -> None:
    piped_camera.unplug()
    piped_camera.plug(still, size=(400, 300))
    camera = ("see", "camera", "--device", str(piped_camera.path), "--task", "face", "--fps", "10")
    out = tmp_path / "drawn.mp4"

    each = run(*camera, "--for", "1", "--jsonl", "--draw", str(out)).lines
    process = looking.begin(*camera)
    assert process.stdout is not None
    first = process.stdout.readline()
    process.send_signal(signal.SIGINT)
    rest, told = process.communicate(timeout=15)

    assert len(each) >= 2
    assert [one["frame_id"] for one in each] == sorted(one["frame_id"] for one in each)
    assert all(len(one["faces"]) == 1 for one in each)
    with av.open(str(out)) as movie:
        assert sum(1 for _ in movie.decode(video=0)) == len(each)
    assert process.returncode == 0, told
    assert first == b"0:00.00  1 face\n"
    assert b"something in" in rest
    assert FACES.encode() in told


def test_a_camera_that_is_not_there_is_told_with_a_way_out(run: Run) -> None:
    done = run("see", "camera", "--device", "/none/camera.y4m", "--task", "face")

    assert done.status not in (0, 1)
    assert "fix: " in done.err


def test_a_session_that_saw_somebody_is_a_page(
    looking: Daemon, run: Run, clip: Path, tmp_path: Path
) -> None:
    started = looking.ask(
        wire.SessionsStart(
            sources=(wire.SourceWish(kind="video", device=str(clip)),), name="<b>", face=True
        ),
        wire.OneSession,
    ).session
    looking.wait(lambda: _get(looking, started.id).status == "completed")
    out = tmp_path / "report.html"

    (done,) = run("sessions", "report", started.id, "--html", str(out), "--json").lines
    printed = run("sessions", "report", started.id, "--html", "-")

    assert done == {"path": str(out), "size_bytes": out.stat().st_size}
    assert printed.out == out.read_text()
    html = out.read_text()
    assert "&lt;b&gt;" in html
    assert "In the picture, Face" in html
    assert "face-mesh" in html
    assert "Not told" not in html
    assert out.stat().st_mode & 0o777 == 0o600


def _get(daemon: Daemon, session_id: str) -> wire.Session:
    found: wire.Session = daemon.ask(
        wire.SessionsGet(session_id=session_id), wire.OneSession
    ).session
    return found
