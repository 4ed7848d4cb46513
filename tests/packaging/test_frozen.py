"""The one-folder binary transcribes with workers of its own kind. Long: takes minutes to make.

PyInstaller and edged are installed into an environment of the test's own, so that the bundle holds
what a user's would; it is skipped where they cannot be had.
"""

import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE
from typing import IO, Any

import pytest

from edged.bridge.browsers.identity import CHROMIUM_ID

ROOT = Path(__file__).parent.parent.parent
AUDIO = ROOT / "edged" / "cli" / "assets" / "conversation.opus"
pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def edged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The frozen program."""
    folder = tmp_path_factory.mktemp("frozen")
    python = _environment(folder / "venv")
    places = ["--distpath", str(folder / "dist"), "--workpath", str(folder / "build")]
    spec = str(ROOT / "packaging" / "pyinstaller" / "edged.spec")
    command = [python, "-m", "PyInstaller", "--noconfirm", "--log-level=ERROR", *places, spec]
    subprocess.run(command, check=True, cwd=folder)
    shutil.rmtree(folder / "venv")  # the bundle must not need it
    return folder / "dist" / "edged" / "edged"


def _environment(folder: Path) -> str:
    """The Python of a fresh environment with edged, speech and PyInstaller."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = str(folder / "bin" / "python")
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    locked = ["--require-hashes", "-r", str(ROOT / "requirements" / "speech.txt")]
    build = ["--require-hashes", "-r", str(ROOT / "requirements" / "build.txt")]
    if subprocess.run([*pip, "pyinstaller>=6.16"], check=False).returncode:
        pytest.skip("PyInstaller cannot be installed here")
    subprocess.run([*pip, *locked], check=True)
    subprocess.run([*pip, *build], check=True)
    subprocess.run([*pip, "--no-deps", "--no-build-isolation", str(ROOT)], check=True)
    return python


@pytest.fixture
def environ() -> Iterator[dict[str, str]]:
    """A home of its own, and neither Python nor its packages on the way there."""
    home = tempfile.mkdtemp(prefix="edged-", dir="/tmp")
    yield {"EDGED_HOME": home, "PATH": "/usr/bin:/bin", "HOME": home, "LANG": "C.UTF-8"}
    shutil.rmtree(home, ignore_errors=True)


def _json(edged: Path, environ: dict[str, str], *arguments: str) -> Any:
    done = subprocess.run(
        [edged, *arguments, "--json"],
        env=environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr + _log(environ)
    return json.loads(done.stdout)


def _log(environ: dict[str, str]) -> str:
    log = Path(environ["EDGED_HOME"], "state", "edged.log")
    return log.read_text()[-5000:] if log.exists() else ""


def test_a_frozen_edged_transcribes_with_workers_of_its_own_kind(
    edged: Path, environ: dict[str, str]
) -> None:
    try:
        found = _json(edged, environ, "transcribe", str(AUDIO))
        loaded = _json(edged, environ, "models", "ps")["models"]
        programs = {os.readlink(f"/proc/{one['pid']}/exe") for one in loaded}
        commands = [Path(f"/proc/{one['pid']}/cmdline").read_bytes() for one in loaded]
        status = _json(edged, environ, "status")
        hits = _json(edged, environ, "search", "kitchen table")["hits"]
    finally:
        subprocess.run([edged, "shutdown"], env=environ, check=True, capture_output=True)

    assert "kitchen table" in " ".join(one["text"] for one in found["segments"])
    assert hits[0]["recording_id"] == found["recording_id"]
    assert {one["id"] for one in loaded} == {"silero-v6", "pocketsphinx-en-us"}
    assert programs == {str(edged)}
    assert all(b"--edged-worker" in one for one in commands)
    assert status["health"] == "ok"


def test_a_frozen_edged_says_its_version(edged: Path, environ: dict[str, str]) -> None:
    from edged import __version__

    done = subprocess.run([edged, "--version"], env=environ, capture_output=True, check=True)

    assert __version__ in done.stdout.decode()


def test_a_frozen_edged_is_the_host_that_it_registers(
    edged: Path, environ: dict[str, str], tmp_path: Path
) -> None:
    folder = ("--user-data-dir", str(tmp_path))
    try:
        _json(edged, environ, "browser", "install", *folder)
        examined = _json(edged, environ, "browser", "doctor", *folder)
    finally:
        subprocess.run([edged, "shutdown"], env=environ, check=True, capture_output=True)
    launcher = Path(environ["EDGED_HOME"], "state", "native-host").read_text()

    (report,) = examined["browsers"]
    assert report["trial"]["fault"] is None
    assert f"exec {edged} --edged-native-host" in launcher


def test_a_frozen_edged_is_the_browsers_host_and_starts_its_daemon(
    edged: Path, environ: dict[str, str]
) -> None:
    origin = f"chrome-extension://{CHROMIUM_ID}/"
    command = [str(edged), "--edged-native-host", origin]
    body = {"type": "pair", "name": "test", "scopes": ["speech"], "nonce": "0" * 32}
    try:
        with subprocess.Popen(command, env=environ, stdin=PIPE, stdout=PIPE) as host:
            assert host.stdin is not None
            assert host.stdout is not None
            request = json.dumps({"v": 1, "id": "1", "body": body}).encode()
            host.stdin.write(struct.pack("=I", len(request)) + request)
            host.stdin.flush()
            said = [_next_message(host.stdout), _next_message(host.stdout)]
            host.stdin.close()
            status = host.wait(10)
    finally:
        subprocess.run([edged, "shutdown"], env=environ, check=True, capture_output=True)

    assert said[0]["host"]["type"] == "ready", _log(environ)
    assert said[0]["host"]["origin"] == origin
    assert len(said[1]["body"]["client"]["fingerprint"].split()) == 6
    assert status == 0


def _next_message(stream: IO[bytes]) -> Any:
    (size,) = struct.unpack("=I", stream.read(4))
    return json.loads(stream.read(size))
