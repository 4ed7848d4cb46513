"""A client in another language, written from PROTOCOL.md alone, is served like any other."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edged.config import Paths, find_paths

ROOT = Path(__file__).parent.parent.parent
NODE = Path(__file__).parent / "node"
CONVERSATION = ROOT / "edged" / "cli" / "assets" / "conversation.opus"
WITHIN_S = 60

pytestmark = [
    pytest.mark.timeout(3 * WITHIN_S),
    pytest.mark.skipif(not shutil.which("node"), reason="no node here"),
    pytest.mark.skipif(
        not (NODE / "node_modules" / "zeromq").is_dir(),
        reason="its packages are not here: cd tests/clients/node && npm ci --ignore-scripts",
    ),
]


@pytest.fixture
def paths() -> Iterator[Paths]:
    """A daemon on a home of its own."""
    home = Path(tempfile.mkdtemp(prefix="edged-", dir="/tmp"))
    environ = {**os.environ, "EDGED_HOME": str(home)}
    found = find_paths(environ)
    with (home / "serve.log").open("wb") as log:
        command = [sys.executable, "-P", "-m", "edged", "serve"]
        daemon = subprocess.Popen(command, env=environ, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + WITHIN_S
        while not found.socket.exists() and time.monotonic() < deadline and daemon.poll() is None:
            time.sleep(0.02)
        assert found.socket.exists(), (home / "serve.log").read_text()
        yield found
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(WITHIN_S) == 0
    finally:
        daemon.kill()
        daemon.wait()
        shutil.rmtree(home, ignore_errors=True)


def _ask(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["node", "client.mjs", *arguments],
        cwd=NODE,
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )


def test_a_node_client_transcribes_a_file(paths: Paths) -> None:
    done = _ask(paths.endpoint, str(CONVERSATION))

    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert "kitchen table" in " ".join(segment["text"] for segment in answer["segments"])
    assert len(answer["segments"]) == answer["segment_count"]
    assert answer["segments"][0]["words"][0]["end_ms"] > 0


def test_a_node_client_reads_the_code_of_an_error(paths: Paths) -> None:
    done = _ask(paths.endpoint, "/nowhere/at/all.wav")

    assert done.returncode == 1
    assert done.stderr.startswith("not_found: ")
