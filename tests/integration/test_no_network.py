"""All that the daemon serves, where there is no network at all: not even loopback is up."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import wave
from pathlib import Path
from typing import Any

import pytest
import small_graphs
from real_daemon import unmeasured

from edged.config import find_paths

pytestmark = [pytest.mark.speech, pytest.mark.timeout(60)]  # 5 s, but on a busy machine

SCRIPT = Path(__file__).with_name("isolated.py")


def _unshare() -> list[str]:
    """What starts a command in a network namespace of its own; skips where nothing may."""
    for flags in ("-n", "-rn"):
        command = ["unshare", flags]
        if (
            shutil.which("unshare")
            and not subprocess.run(
                [*command, "true"], capture_output=True, check=False, timeout=10
            ).returncode
        ):
            return command
    pytest.skip("this machine allows no network namespace (unshare -n, unshare -rn)")


@pytest.fixture(scope="module")
def served(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a daemon without a network answered."""
    home = tmp_path_factory.mktemp("n")  # short: a socket's path has 107 bytes
    _install_doubler(home)
    said = _beginning(clip, home / "clip.wav")
    done = subprocess.run(
        [*_unshare(), sys.executable, str(SCRIPT), str(home), str(said)],
        capture_output=True,
        env=unmeasured(dict(os.environ)),
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _beginning(clip: Path, target: Path) -> Path:
    """Its first two sentences: enough, and recognised sooner."""
    with wave.open(str(clip)) as whole, wave.open(str(target), "wb") as part:
        part.setparams(whole.getparams())
        part.writeframes(whole.readframes(whole.getframerate() * 6))
    return target


def _install_doubler(home: Path) -> None:
    """A manifest for a graph that a test made."""
    folder = find_paths({"EDGED_HOME": str(home)}).manifests
    folder.mkdir(parents=True)
    graph = small_graphs.doubler(home / "doubler.onnx")
    digest = hashlib.sha256(graph.read_bytes()).hexdigest()
    (folder / "doubler.toml").write_text(
        'id = "doubler"\ntask = "infer"\nengine = "onnx"\ndescription = "y = 2 x"\n'
        'license = "Apache-2.0"\nmemory_bytes = 1_000_000\n'
        f'[[files]]\nname = "model.onnx"\npath = "{graph}"\nsha256 = "{digest}"\n'
    )


def test_there_is_really_no_network(served: dict[str, Any]) -> None:
    assert served["interfaces"] == []
    assert served["network"] == "Network is unreachable"


def test_all_that_is_served_works_without_one(served: dict[str, Any]) -> None:
    assert served["health"] in {"ok", "degraded"}
    assert served["spans"] >= 1
    assert "kitchen" in served["text"]
    assert served["hits"] >= 1
    assert served["job"] == "done"
    assert served["models"] >= 10
    assert served["inferred"] == [2.0, 4.0, 6.0]
    assert served["loaded"] == ["doubler", "pocketsphinx-en-us", "silero-v6"]


def test_the_daemon_ends_in_order(served: dict[str, Any]) -> None:
    assert served["status"] == 0
