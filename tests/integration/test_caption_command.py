"""`edged captions` of a microphone: a sound server without hardware, a real daemon, a real terminal's end."""

import json
import shutil
import signal
import subprocess
import sys
import tempfile
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pulse import Pulse
from real_daemon import Daemon

pytestmark = [pytest.mark.speech, pytest.mark.timeout(40)]


@pytest.fixture
def listening(pulse: Pulse) -> Iterator[Daemon]:
    """A running daemon in the room of a microphone."""
    home = Path(tempfile.mkdtemp(prefix="edged-", dir="/tmp"))
    daemon = Daemon(home, **pulse.env)
    try:
        daemon.start()
        yield daemon
        daemon.stop()
    finally:
        daemon.kill()
        shutil.rmtree(home, ignore_errors=True)


def _until(process: "subprocess.Popen[bytes]", kind: str) -> dict[str, Any]:
    """The next line of a kind."""
    assert process.stdout is not None
    for line in process.stdout:
        found: dict[str, Any] = json.loads(line)
        if found["type"] == kind:
            return found
    raise AssertionError(f"it ended without {kind}")


def test_a_microphone_has_captions_and_ctrl_c_ends_its_session_without_audio(
    pulse: Pulse, listening: Daemon, clip: Path
) -> None:
    with wave.open(str(clip)) as reader:
        question = bytes(reader.readframes(3 * 16_000))
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "edged", "captions", "--json"],
        env=listening.environ,
        stdout=subprocess.PIPE,
    )
    try:
        opened = _until(process, "stream_opened")
        pulse.begin(question + bytes(32_000))
        segment = _until(process, "segment")
        process.send_signal(signal.SIGINT)
        status = process.wait(10)
    finally:
        process.kill()
        process.communicate()
    sessions = listening.json("sessions", "list")["sessions"]

    assert status == 128 + signal.SIGINT
    assert "tickets" in segment["text"]
    assert [one["sources"][0]["recording_id"] for one in sessions] == [opened["recording_id"]]
    assert sessions[0]["status"] not in ("recording", "paused")
    assert not sessions[0]["audio_kept"]
