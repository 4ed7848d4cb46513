"""`edged doctor` on this machine, in homes that are well and in one that is not."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


def doctor(home: Path, *flags: str) -> tuple[int, str]:
    """Exit status and output."""
    ran = subprocess.run(
        [sys.executable, "-m", "edged", "doctor", *flags],
        check=False, capture_output=True, text=True, timeout=60,
        env={**os.environ, "EDGED_HOME": str(home)},
    )  # fmt: skip
    assert not ran.stderr, ran.stderr
    return ran.returncode, ran.stdout


def findings(output: str) -> dict[str, dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(output)["findings"]
    return {f"{one['section']} {one['name'].strip()}": one for one in found}


def test_a_machine_that_is_well_is_told_so_without_a_daemon(home: Path) -> None:
    status, output = doctor(home)

    assert status == 0
    assert output.rstrip().endswith("nothing is wrong")
    assert "not running; commands start it" in output
    assert not (home / "run").exists()


def test_json_has_every_section_and_each_devices_reason(home: Path) -> None:
    status, output = doctor(home, "--json")

    told = json.loads(output)
    assert status == 0
    assert told["ok"] is True
    assert {one["section"] for one in told["findings"]} == {
        "settings", "processor", "memory", "sandbox", "engines", "devices", "store", "folders",
        "daemon", "models",
    }  # fmt: skip
    assert all(set(one) == {"section", "name", "state", "text", "fix"} for one in told["findings"])


@pytest.mark.speech
def test_what_was_probed_is_remembered_for_the_daemon(home: Path) -> None:
    _, output = doctor(home, "--json")

    devices = json.loads(output)["devices"]["onnxruntime"]
    book = json.loads((home / "cache" / "accelerators.json").read_text())
    remembered = next(one for key, one in book["found"].items() if key.startswith("onnxruntime"))
    assert devices["gpu:directml"] == "only on Windows"
    assert remembered["cpu:xnnpack"] == devices["cpu:xnnpack"] != ""


def test_open_folders_and_a_device_that_does_not_work_are_wrong_and_have_a_fix(
    home: Path,
) -> None:
    (home / "state").mkdir(parents=True, mode=0o755)
    (home / "state").chmod(0o755)
    (home / "config").mkdir()
    (home / "config" / "config.toml").write_text('[workers]\ndevice = "gpu:directml"\n')

    status, output = doctor(home, "--json")

    found = findings(output)
    assert status == 1
    assert found["folders state"]["state"] == "wrong"
    assert found["folders state"]["fix"].startswith("others can enter it: chmod go= ")
    assert found["devices gpu:directml"]["text"] == "only on Windows"
    assert found["devices gpu:directml"]["state"] == "wrong"
    assert all(one["fix"] for one in found.values() if one["state"] == "wrong")


def test_settings_that_cannot_be_read_are_wrong(home: Path) -> None:
    (home / "config").mkdir(parents=True)
    (home / "config" / "config.toml").write_text('[workers]\ndevice = "warp"\n')

    status, output = doctor(home)

    assert status == 1
    assert "! config  the device 'warp' is unknown" in output
    assert "fix: ask for one of auto, cpu, gpu, npu, gpu:tensorrt" in output
    assert output.rstrip().endswith("1 wrong")


def test_a_broken_manifest_and_a_damaged_model_are_wrong(home: Path) -> None:
    manifests = home / "config" / "manifests"
    manifests.mkdir(parents=True)
    (manifests / "broken.toml").write_text("id = ")
    (manifests / "cut.toml").write_text(
        'id = "cut"\ntask = "infer"\nengine = "onnx"\ndescription = "a test\'s"\n'
        'license = "Apache-2.0"\nmemory_bytes = 1\n[[files]]\nname = "model.onnx"\n'
        f'bytes = 10\nsha256 = "{"0" * 64}"\n'
    )
    (home / "state" / "models" / "cut").mkdir(parents=True, mode=0o700)
    (home / "state").chmod(0o700)
    (home / "state" / "models" / "cut" / "model.onnx").write_bytes(b"short")

    status, output = doctor(home, "--json")

    found = findings(output)
    assert status == 1
    assert "broken.toml" in found["models manifest"]["text"]
    assert found["models cut"]["state"] == "wrong"
