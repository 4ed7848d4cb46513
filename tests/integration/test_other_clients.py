"""Clients written from PROTOCOL.md alone transcribe a file."""

import json
import shutil
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


def test_node_with_zeromq_and_msgpack(shared_daemon: Daemon, clip: Path) -> None:
    folder = ROOT / "tests" / "clients" / "node"
    if shutil.which("node") is None or not (folder / "node_modules").is_dir():
        pytest.skip("needs node and `npm ci` in tests/clients/node (.ci/run does it)")
    script = next(folder.glob("*.mjs"), None) or next(folder.glob("*.js"))

    found = _run(["node", str(script), shared_daemon.paths.endpoint, str(clip)])

    assert "kitchen table" in json.dumps(found)
