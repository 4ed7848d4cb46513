"""The one-folder binary transcribes. Long: takes minutes to make; skipped without PyInstaller."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
pytestmark = [pytest.mark.long, pytest.mark.timeout(1200)]


@pytest.mark.skipif(not find_spec("PyInstaller"), reason="PyInstaller is not installed")
def test_a_frozen_edged_transcribes_with_workers_of_its_own_kind(tmp_path: Path) -> None:
    folders = ["--distpath", str(tmp_path / "dist"), "--workpath", str(tmp_path / "build")]
    spec = str(ROOT / "packaging" / "pyinstaller" / "edged.spec")
    command = [sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level=ERROR"]
    subprocess.run([*command, *folders, spec], check=True)
    edged = tmp_path / "dist" / "edged" / "edged"
    environ = {**os.environ, "EDGED_HOME": str(tmp_path / "home")}
    audio = ROOT / "edged" / "cli" / "assets" / "conversation.opus"

    done = subprocess.run(
        [edged, "transcribe", audio, "--json"],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    subprocess.run([edged, "shutdown"], env=environ, check=True, capture_output=True)

    assert done.returncode == 0, done.stderr
    text = " ".join(segment["text"] for segment in json.loads(done.stdout)["segments"])
    assert "kitchen table" in text
