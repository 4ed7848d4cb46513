"""Sessions that see, on the real path: camera, screen, video and client's frames; models, store, events."""

import errno
import io
import itertools
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest
from camera import PipedCamera
from display import Display
from PIL import Image
from preset_graphs import write_colours, write_manifest, write_yolo
from pulse import Pulse, sound_server
from real_daemon import Daemon
from viewer import seeing_daemon

from edged.errors import BadRequest, Conflict, ModelMissing, NoAudio, NotFound
from edged.media import ImageFormat
from edged.messages import replies, requests
from edged.messages import sessions as wire
from edged.messages.events import FrameAdded
from edged.messages.seeing import (
    FrameImage,
    Frames,
    FramesImage,
    FramesList,
    FramesSearch,
    Kept,
    SessionFrameTaken,
    SessionsFrame,
    Sightings,
)

pytestmark = [pytest.mark.speech, pytest.mark.timeout(60)]

CHUNK_MS = 1_000
TONE = Random(5).randbytes(2 * 16_000)
"""A second of noise, as loud as can be."""

VIDEO = "media/video/one-by-one-person-detection.mp4"


@pytest.fixture(scope="module")
def room() -> Iterator[Pulse]:
    """A sound server whose microphone hears silence."""
    with sound_server() as server:
        yield server


@pytest.fixture(scope="module")
def seer(pulled: Path, room: Pulse) -> Iterator[Daemon]:
    """A running daemon with the models of bodies and of everything, in the room."""
    with seeing_daemon(
        pulled, "pose-landmarker-full", "holistic", EDGED_CAPTURE_CHUNK_MS=str(CHUNK_MS), **room.env
    ) as daemon:
        yield daemon


@pytest.fixture(scope="module")
def short(assets: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds in which somebody walks: 320 x 240, 15 frames a second."""
    if not (assets / VIDEO).exists():
        pytest.skip(f"EDGED_TEST_ASSETS holds no {VIDEO}")
    path = tmp_path_factory.mktemp("film") / "short.mp4"
    command = ["ffmpeg", "-v", "error", "-ss", "10", "-i", str(assets / VIDEO), "-t", "3",
               "-vf", "scale=320:240,fps=15", "-an", str(path)]  # fmt: skip
    subprocess.run(command, check=True)
    return path


def start(daemon: Daemon, **options: Any) -> wire.Session:
    request = wire.SessionsStart(live=False, diarize=False, **options)
    found: wire.Session = daemon.ask(request, wire.OneSession).session
    return found


def get(daemon: Daemon, session_id: str) -> wire.Session:
    found: wire.Session = daemon.ask(
        wire.SessionsGet(session_id=session_id), wire.OneSession
    ).session
    return found


def stop(daemon: Daemon, session_id: str) -> wire.Session:
    found: wire.Session = daemon.ask(
        wire.SessionsStop(session_id=session_id), wire.OneSession
    ).session
    return found


def ledger(daemon: Daemon, session_id: str) -> wire.Ledger:
    found: wire.Ledger = daemon.ask(wire.SessionsLedger(session_id=session_id), wire.Ledger)
    return found


def frames(daemon: Daemon, session_id: str, **more: Any) -> list[Kept]:
    """All that is kept of a session, page by page."""
    found: list[Kept] = []
    at_ms: int | None = 0
    while at_ms is not None:
        request = FramesList(session_id=session_id, from_ms=at_ms, **more)
        page: Frames = daemon.ask(request, Frames)
        found += page.frames
        at_ms = page.next_ms
    return found


def processed(daemon: Daemon, session_id: str, number: int = 0) -> int:
    return get(daemon, session_id).sights[number].counts.processed


def looked_at(daemon: Daemon, session_id: str, frames: int) -> bool:
    return processed(daemon, session_id) >= frames


def camera(pipe: PipedCamera) -> wire.SourceWish:
    return wire.SourceWish(kind="camera", device=str(pipe.path))


def test_five_seconds_of_microphone_and_camera_are_on_one_clock(
    seer: Daemon, room: Pulse, piped_camera: PipedCamera, short: Path
) -> None:
    """A tone is played while a body is seen; both are found where they were on the same clock."""
    piped_camera.unplug()
    piped_camera.plug(short, fps=15, size=(320, 240))
    session = start(seer, sources=(wire.SourceWish(), camera(piped_camera)), pose=True)
    began = time.monotonic()
    assert seer.health().recording[0].devices == ("Microphone-of-the-test", "camera.y4m")
    room.wait(lambda: time.monotonic() - began > 1.0)
    before_ms = get(seer, session.id).duration_ms
    room.play(TONE)
    after_ms = get(seer, session.id).duration_ms
    room.wait(lambda: time.monotonic() - began > 5.0)

    stopped = stop(seer, session.id)

    assert seer.health().recording == ()
    assert 4_400 < stopped.duration_ms < 15_000  # to the last sound, a little before the end
    (sight,) = stopped.sights
    counts = sight.counts
    assert counts.processed > 5  # of about 75: a machine may be busy with other things
    assert 0 <= counts.captured - counts.processed - counts.late <= 1
    assert counts.detected > counts.processed * 0.8
    assert (counts.lost, sight.models) == (0, {"pose": "pose-landmarker-full"})
    found = ledger(seer, session.id)
    loud = [one for one in found.entries if one.state == "captured"]
    assert loud, found
    assert loud[0].start_ms <= before_ms + CHUNK_MS
    assert loud[-1].end_ms >= after_ms - CHUNK_MS
    assert found.entries[-1].end_ms == pytest.approx(stopped.duration_ms, abs=500)
    assert [one for one in found.sights if one.reason != "opening"] == []
    times = [one.at_ms for one in frames(seer, session.id, kinds=("pose",))]
    assert times == sorted(times)
    assert 0 <= times[0] < 3_000
    assert stopped.duration_ms - 2_000 < times[-1] <= stopped.duration_ms
    gaps_ms = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert sorted(gaps_ms)[len(gaps_ms) // 2] > 50  # no more than was asked for


def test_a_camera_stalls_is_paused_loses_its_model_and_its_daemon_and_nothing_is_silent(
    seer: Daemon, piped_camera: PipedCamera
) -> None:
    session = start(seer, sources=(camera(piped_camera),), pose=True)
    seer.wait(lambda: processed(seer, session.id) > 2)

    piped_camera.stall()
    stalled = time.monotonic()
    seer.wait(lambda: get(seer, session.id).sights[0].lost == "stalled")
    noticed_s = time.monotonic() - stalled
    piped_camera.go_on()
    seer.wait(lambda: not get(seer, session.id).sights[0].lost)

    os.kill(worker_of(seer, "pose-landmarker-full"), signal.SIGKILL)
    seer.wait(lambda: any(one.reason == "worker_gone" for one in ledger(seer, session.id).sights))
    survived = processed(seer, session.id)
    seer.wait(lambda: processed(seer, session.id) > survived + 2)

    piped_camera.unplug()  # so that nobody else holds the pipe
    paused = seer.ask(wire.SessionsPause(session_id=session.id), wire.OneSession).session
    assert not read_by_anybody(piped_camera)
    assert seer.health().recording == ()
    before = ledger(seer, session.id)
    piped_camera.plug()
    resumed = seer.ask(wire.SessionsResume(session_id=session.id), wire.OneSession).session
    again = processed(seer, session.id)
    seer.wait(lambda: processed(seer, session.id) > again + 2)

    seer.kill()
    seer.start()
    ended = seer.wait(lambda: one_that_ended(seer, session.id))

    assert noticed_s < 3.5
    assert (paused.status, resumed.status) == ("paused", "recording")
    assert ended.status == "completed"
    reasons = [one.reason for one in ledger(seer, session.id).sights]
    assert [one.reason for one in before.sights][:2] == ["stalled", "worker_gone"]
    assert [one for one in reasons if one != "device_lost"] == [
        "stalled",
        "worker_gone",
        "paused",
        "killed",
    ]


def worker_of(daemon: Daemon, model: str) -> int:
    """The process that runs a model."""
    loaded = daemon.json("models", "ps")["models"]
    return next(int(one["pid"]) for one in loaded if one["id"] == model)


def read_by_anybody(pipe: PipedCamera) -> bool:
    """Whether a process has the pipe open to read from it."""
    try:
        os.close(os.open(pipe.path, os.O_WRONLY | os.O_NONBLOCK))
    except OSError as error:
        assert error.errno == errno.ENXIO
        return False
    return True


def one_that_ended(daemon: Daemon, session_id: str) -> wire.Session | None:
    session = get(daemon, session_id)
    return None if session.status in ("recording", "paused") else session


def test_a_video_is_watched_to_its_end_and_face_hands_and_body_are_kept(
    seer: Daemon, short: Path
) -> None:
    session = start(
        seer,
        sources=(wire.SourceWish(kind="video", device=str(short)),),
        pose=True,
        face=True,
        hands=True,
        derived=("gestures",),
    )
    ended = seer.wait(lambda: one_that_ended(seer, session.id))

    assert ended.status == "completed"
    assert ended.job_id is None
    assert ended.duration_ms == pytest.approx(3_000, abs=200)
    (sight,) = ended.sights
    assert sight.models == dict.fromkeys(("face", "hands", "pose"), "holistic")
    assert sight.counts.captured == sight.counts.processed == pytest.approx(45, abs=2)
    bodies = frames(seer, session.id, kinds=("pose",))
    assert len(bodies) == sight.counts.detected > 30
    assert {len(one.landmarks) for one in bodies} == {33}
    assert {len(one.world_landmarks) for one in bodies} == {33}
    assert bodies[-1].at_ms > 2_500
    maps = Path(f"/proc/{seer.pid}/maps").read_text()
    assert not [name for name in ("numpy", "mediapipe", "libav", "PIL") if f"/{name}" in maps]
    with pytest.raises(Conflict, match="has not failed"):
        seer.ask(wire.SessionsRetry(session_id=session.id), wire.OneSession)
    with pytest.raises(NoAudio):
        seer.ask(wire.SessionsReprocess(session_id=session.id), wire.OneSession)


def test_frames_of_a_client_are_kept_until_the_session_is_deleted(
    seer: Daemon, short: Path
) -> None:
    size = ImageFormat(width=320, height=240)
    command = [
        "ffmpeg",
        "-v",
        "error",
        "-i",
        str(short),
        "-f",
        "rawvideo",
        "-pix_fmt",
        "rgb24",
        "-",
    ]
    pixels = subprocess.run(command, check=True, capture_output=True).stdout
    session = start(seer, sources=(wire.SourceWish(kind="frames"),), pose=True)
    taken = None
    for number in range(20):
        picture = pixels[number * size.size_bytes : (number + 1) * size.size_bytes]
        request = SessionsFrame(
            session_id=session.id, frame_id=number, captured_at_ms=100 * number, image=size
        )
        taken = seer.ask(request, SessionFrameTaken, picture)
        seer.wait(partial(looked_at, seer, session.id, number + 1))
    with pytest.raises(BadRequest, match="not newer"):
        again = SessionsFrame(session_id=session.id, frame_id=19, image=size)
        seer.ask(again, SessionFrameTaken, pixels[: size.size_bytes])
    assert seer.health().recording == ()

    stopped = stop(seer, session.id)

    assert taken is not None
    assert (taken.frame_id, taken.dropped) == (19, 0)
    assert stopped.status == "completed"
    kept = frames(seer, session.id)
    assert {one.at_ms for one in kept} <= set(range(0, 2_000, 100))
    assert len(kept) == stopped.sights[0].counts.detected > 10
    seer.ask(wire.SessionsDelete(session_id=session.id), replies.Done)
    with pytest.raises(NotFound):
        frames(seer, session.id)


def test_a_video_is_recorded_by_a_command_until_its_end(seer: Daemon, short: Path) -> None:
    found = seer.json("record", "--video", str(short), "--pose", "--fps", "5", "--name", "walk")

    session = found["session"]
    assert (session["status"], session["name"]) == ("completed", "walk")
    assert session["sights"][0]["counts"]["processed"] == pytest.approx(15, abs=1)
    shown = seer.run("sessions", "show", session["id"]).stdout.decode()
    assert "video short.mp4: pose; " in shown


def test_what_a_command_sees_is_told_by_status_and_metrics(
    seer: Daemon, piped_camera: PipedCamera
) -> None:
    wish = ("--source", "none", "--camera", str(piped_camera.path), "--pose")
    recording = seer.begin("record", *wish)
    try:
        seer.wait(lambda: any(one.counts.processed_fps > 3 for one in seer.health().watching))
        status = seer.run("status").stdout.decode()
        gauges = seer.json("metrics")["gauges"]
    finally:
        recording.send_signal(signal.SIGINT)
        said, _ = recording.communicate(timeout=15)

    assert "recording" in status
    assert "watching   camera camera.y4m  " in status
    assert "detected a second" in status
    assert gauges["sights"] == 1
    assert gauges["frames_captured_fps"] > 3
    assert recording.returncode == 0, said
    assert b"completed" in said
    assert seer.health().watching == ()


def test_another_complexity_is_never_taken_instead(seer: Daemon, short: Path) -> None:
    video = wire.SourceWish(kind="video", device=str(short))
    with pytest.raises(ModelMissing) as refused:
        start(seer, sources=(video,), pose=True, complexity="lite")

    assert "edged models pull pose-landmarker-lite" in (refused.value.fix or "")


def test_a_screen_is_kept_when_it_changes_and_what_is_on_it_is_found_again(
    daemon: Daemon, display: Display
) -> None:
    """The detector finds things of a colour by name, the embedder compares colours."""
    teach(daemon)
    display.begin("xsetroot", "-solid", "blue").wait()
    daemon.start(**display.env)
    screen = wire.SourceWish(kind="screen")
    session = start(daemon, sources=(screen,), screen=True, objects=True)
    daemon.wait(lambda: get(daemon, session.id).sights[0].counts.processed > 3)
    display.begin("xsetroot", "-solid", "red")

    first, second = key_frames(daemon, 2)
    stopped = daemon.wait(lambda: stopped_with(daemon, session.id, "red"))
    with daemon.client() as client:
        ((facts, parts),) = client.stream(FramesImage(frame_id=second.frame_id))
    picture = Image.open(io.BytesIO(b"".join(bytes(part) for part in parts)))
    red, green, blue = picture.convert("RGB").resize((1, 1)).tobytes()
    alike = daemon.ask(
        FramesSearch(image=ImageFormat(width=8, height=8)), Sightings, b"\xff\0\0" * 64
    ).sightings

    assert stopped.status == "completed"
    assert stopped.sights[0].models == {"screen": "tiny-embed", "objects": "tiny-yolo"}
    assert (first.session_id, second.session_id) == (session.id, session.id)
    assert isinstance(facts, FrameImage)
    assert (facts.width, facts.height, facts.media_type) == (1280, 720, "image/webp")
    assert red > 200
    assert max(green, blue) < 60
    assert alike[0].frame_id == second.frame_id
    assert alike[0].score > 0.9 > alike[-1].score


def teach(daemon: Daemon) -> None:
    """Give a daemon models of colours."""
    manifests, scaled = daemon.paths.manifests, {"std": 255.0}
    write_yolo(daemon.home / "yolo.onnx")
    write_colours(daemon.home / "colours.onnx")
    write_manifest(
        manifests / "tiny-yolo.toml",
        "image_detect",
        {"model.onnx": daemon.home / "yolo.onnx"},
        labels=("red", "green", "blue"),
        parameters={**scaled, "kind": "yolo", "resize": "stretch"},
    )
    write_manifest(
        manifests / "tiny-embed.toml",
        "image_embed",
        {"model.onnx": daemon.home / "colours.onnx"},
        parameters=scaled,
    )


def stopped_with(daemon: Daemon, session_id: str, label: str) -> wire.Session | None:
    """The session, stopped as soon as an object was found in it."""
    found = daemon.ask(FramesSearch(label=label, session_id=session_id), Sightings)
    return stop(daemon, session_id) if found.sightings else None


def key_frames(daemon: Daemon, count: int) -> list[FrameAdded]:
    """The first so many key frames that were told."""
    found: list[FrameAdded] = []
    with daemon.client() as client:
        request = requests.Subscribe(events=("frame.added",), after_event_seq=0)
        for reply, _ in client.stream(request):
            if isinstance(reply, replies.EventReply) and isinstance(reply.body, FrameAdded):
                found.append(reply.body)
            if len(found) == count:
                return found
    return found
