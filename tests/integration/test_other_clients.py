"""Clients written from PROTOCOL.md alone transcribe a file."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from real_daemon import ROOT, Daemon

pytestmark = pytest.mark.speech


def _run(command: list[str]) -> dict[str, object]:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_plain_zmq_and_msgpack(shared_daemon: Daemon, clip: Path) -> None:
    client = ROOT / "tests" / "clients" / "plain_client.py"
    endpoint = shared_daemon.paths.endpoint

    found = _run([sys.executable, str(client), endpoint, str(clip)])

    assert "kitchen table" in json.dumps(found["segments"])
    assert found["end"]["type"] == "transcribed"  # type: ignore[index]
