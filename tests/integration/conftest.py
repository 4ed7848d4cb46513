"""Real daemons and what they are given to hear."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from camera import PipedCamera
from display import Display
from pulse import Pulse, sound_server
from real_daemon import CONVERSATION, Daemon


def _daemon(**settings: str) -> Iterator[Daemon]:
    home = Path(tempfile.mkdtemp(prefix="edged-", dir="/tmp"))
    daemon = Daemon(home, **settings)
    try:
        yield daemon
        daemon.stop()
    finally:
        daemon.kill()
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    """A home of the test's own; the test starts the daemon."""
    yield from _daemon()


@pytest.fixture(scope="module")
def shared_daemon() -> Iterator[Daemon]:
    """One running daemon for the tests of a module that leave it as it was."""
    for daemon in _daemon():
        daemon.start()
        yield daemon


@pytest.fixture
def pulse() -> Iterator[Pulse]:
    """A running sound server with a microphone and speakers, without any hardware."""
    with sound_server() as server:
        yield server


@pytest.fixture
def piped_camera() -> Iterator[PipedCamera]:
    """A camera at a named pipe, plugged in: a moving picture of 640 x 480 at 30 frames a second."""
    if not shutil.which("ffmpeg"):
        pytest.skip("no ffmpeg here: apt-get install ffmpeg")
    folder = Path(tempfile.mkdtemp(prefix="edged-camera-", dir="/tmp"))
    camera = PipedCamera(folder)
    try:
        camera.plug()
        yield camera
    finally:
        camera.unplug()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def display() -> Iterator[Display]:
    """A running X server of 1280 x 720 pixels, without any hardware; one for a module's tests."""
    if not shutil.which("Xvfb"):
        pytest.skip("no Xvfb here: apt-get install xvfb")
    folder = Path(tempfile.mkdtemp(prefix="edged-display-", dir="/tmp"))
    server = Display(folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory, conversation: Path) -> Path:
    """Twelve seconds of the conversation, four utterances, as 16 kHz mono WAV.

    Most tests take it instead of the whole: recognising a minute takes 6 s of a core.
    """
    return _cut(conversation, tmp_path_factory.mktemp("clip") / "clip.wav", 23, 36)


@pytest.fixture(scope="session")
def greeting(tmp_path_factory: pytest.TempPathFactory, conversation: Path) -> Path:
    """The first thirteen seconds: four utterances, two of each voice in turn."""
    return _cut(conversation, tmp_path_factory.mktemp("greeting") / "greeting.wav", 0, 13)


def _cut(source: Path, target: Path, first_s: int, end_s: int) -> Path:
    command = [sys.executable, "-c", CUT, str(source), str(target), str(first_s), str(end_s)]
    subprocess.run(command, check=True)
    return target


CUT = """
import sys, av, wave
resampler = av.AudioResampler(format="s16", layout="mono", rate=16000)
pcm = b""
with av.open(sys.argv[1]) as media:
    for frame in media.decode(audio=0):
        for out in resampler.resample(frame):
            pcm += out.to_ndarray().tobytes()
with wave.open(sys.argv[2], "wb") as target:
    target.setnchannels(1)
    target.setsampwidth(2)
    target.setframerate(16000)
    target.writeframes(pcm[2 * 16000 * int(sys.argv[3]) : 2 * 16000 * int(sys.argv[4])])
"""


@pytest.fixture(scope="session")
def conversation() -> Path:
    """The demo's conversation: two synthetic voices, made by a script of ours."""
    assert CONVERSATION.exists()
    return CONVERSATION
