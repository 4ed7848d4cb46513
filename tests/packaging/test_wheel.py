"""What an installed edged consists of. Long: makes wheels and environments; asks the package index."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]


def _run(*command: str | Path, **environ: str) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        cwd="/",
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, (done.stdout[-2000:], done.stderr[-2000:])
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made by pip from this checkout, with the tools that are installed here."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    _run(*pip, "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", folder, ROOT)
    return next(folder.glob("edged-*.whl"))


def test_the_wheel_brings_manifests_and_the_conversation_and_no_tests(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()

    assert "edged/model_manifests/silero-v6.toml" in names
    assert "edged/lexicons/singlish.toml" in names
    assert "edged/cli/assets/conversation.opus" in names
    assert "edged/cli/assets/conversation.txt" in names
    assert "edged/bridge/access/words.txt" in names
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"edged"}


def test_the_wheel_installs_the_command_and_the_browsers_host(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (scripts,) = (name for name in archive.namelist() if name.endswith("entry_points.txt"))
        text = archive.read(scripts).decode()

    assert "edged = edged.__main__:main" in text
    assert "edged-native-host = edged.bridge.native.host:main" in text


def test_the_core_alone_starts_and_names_the_extra_that_speech_needs(
    wheel: Path, tmp_path: Path
) -> None:
    _run(sys.executable, "-m", "venv", tmp_path / "venv")
    python = tmp_path / "venv" / "bin" / "python"
    _run(python, "-m", "pip", "-qq", "--disable-pip-version-check", "install", wheel)
    home = {"EDGED_HOME": str(tmp_path / "home")}
    edged = tmp_path / "venv" / "bin" / "edged"

    assert _run(edged, "--version").startswith("edged ")
    assert _run(python, "-m", "edged", "--version") == _run(edged, "--version")
    done = subprocess.run(
        [edged, "transcribe", ROOT / "edged/cli/assets/conversation.opus"],
        env={**os.environ, **home},
        capture_output=True,
        text=True,
        check=False,
    )
    _run(edged, "shutdown", **home)
    assert done.returncode != 0
    assert "edged[speech]" in done.stderr
