"""The Python examples of docs/CLIENTS.md do what the page says, on a real daemon."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from real_daemon import ROOT, Daemon

pytestmark = [pytest.mark.speech, pytest.mark.timeout(60)]

PAGE = (ROOT / "docs" / "CLIENTS.md").read_text()
EXAMPLES = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
A_FILE, AT_ONCE, PCM, EVENTS = EXAMPLES[:4]  # test_astronaut.py runs the others


def _run(daemon: Daemon, code: str, argument: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", code, argument],
        env=daemon.environ,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_file_is_printed_line_by_line(shared_daemon: Daemon, clip: Path) -> None:
    lines = _run(shared_daemon, A_FILE, str(clip))

    assert any("kitchen table" in line for line in lines)
    assert lines[-1].endswith("segments by pocketsphinx-en-us")


def test_several_things_at_once_end_with_the_phrase(shared_daemon: Daemon, clip: Path) -> None:
    lines = _run(shared_daemon, AT_ONCE, str(clip))

    assert any(line.startswith(("ok [", "degraded [")) for line in lines)
    assert "[kitchen] [table]" in lines[-1]


def test_a_second_of_silence_has_no_speech(shared_daemon: Daemon) -> None:
    assert _run(shared_daemon, PCM, "") == ["32 windows, 0 stretches of speech"]


def test_events_are_printed_from_the_beginning(shared_daemon: Daemon, clip: Path) -> None:
    lines = _run(shared_daemon, A_FILE, str(clip))
    command = [sys.executable, "-c", EVENTS, "0"]

    with subprocess.Popen(
        command, env=shared_daemon.environ, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        try:
            first = running.stdout.readline()
        finally:
            running.kill()  # or leaving the block would wait for it for ever

    assert first.split()[1:] == lines[0].split()[1:]


def test_without_a_daemon_the_example_says_so(daemon: Daemon, clip: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", AT_ONCE, str(clip)],
        env=daemon.environ,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )

    assert done.returncode == 1
    assert "no daemon answers" in done.stderr
