"""Sessions that see, on the real path: camera, screen, video and client's frames; models, store, events."""

import itertools
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from camera import PipedCamera
from pulse import Pulse
from real_daemon import Daemon
from viewer import seeing_daemon

from edged.messages import sessions as wire
from edged.messages.seeing import Frames, FramesList, Kept

pytestmark = [pytest.mark.speech, pytest.mark.timeout(60)]

CHUNK_MS = 1_000
TONE = Random(5).randbytes(2 * 16_000)
"""A second of noise, as loud as can be."""

VIDEO = "media/video/one-by-one-person-detection.mp4"


@pytest.fixture(scope="module")
def room() -> Iterator[Pulse]:
    """A sound server whose microphone hears silence."""
    if not (shutil.which("pulseaudio") and shutil.which("paplay")):
        pytest.skip("no pulseaudio here: apt-get install pulseaudio pulseaudio-utils")
    folder = Path(tempfile.mkdtemp(prefix="edged-pulse-", dir="/tmp"))
    server = Pulse(folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


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
    assert 4_900 < stopped.duration_ms < 8_000
    (sight,) = stopped.sights
    counts = sight.counts
    assert counts.processed > 5 * 15 * 0.5
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
    assert 0 <= times[0] < 2_000
    assert stopped.duration_ms - 1_500 < times[-1] <= stopped.duration_ms
    gaps_ms = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert 50 < sorted(gaps_ms)[len(gaps_ms) // 2] < 150
