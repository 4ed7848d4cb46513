"""A real provider that falls back without a word: onnxruntime's OpenVINO, on the processor.

It runs in an environment of its own, .cache/openvino, made from requirements/openvino.txt. As long
as it is not there these are long tests, which make it; where no package index answers they are
skipped.
"""

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

onnx = pytest.importorskip("onnx", reason="the models of these tests are made with onnx")

ROOT = Path(__file__).parent.parent.parent
LOCK = ROOT / "requirements" / "openvino.txt"
FOLDER = ROOT / ".cache" / "openvino"
STAMP = FOLDER / "lock.txt"
SCENARIO = Path(__file__).parent / "in_openvino.py"


def _is_made() -> bool:
    return STAMP.is_file() and STAMP.read_bytes() == LOCK.read_bytes()


pytestmark = [
    pytest.mark.speech,
    *([] if _is_made() else [pytest.mark.long, pytest.mark.timeout(400)]),
]

OPS = {
    "whole": [("MatMul", ["x", "w"], ["a"]), ("Relu", ["a"], ["y"])],
    "divided": [("MatMul", ["x", "w"], ["a"]), ("Relu", ["a"], ["b"]), ("Unique", ["b"], ["y"])],
    "refused": [("Unique", ["x"], ["y"])],
}
"""OpenVINO does not take Unique with an output of unknown length."""


@pytest.fixture(scope="module")
def python() -> Path:
    """The interpreter of the environment with OpenVINO."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        pytest.skip("onnxruntime-openvino has wheels for x86-64 only")
    python = FOLDER / "bin" / "python"
    if not _is_made():
        _make(python)
        shutil.copy(LOCK, STAMP)
    return python


def _make(python: Path) -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "-qq", "install"]
    commands = (
        [sys.executable, "-m", "venv", str(FOLDER)],
        [*pip, "--require-hashes", "--only-binary", ":all:", "-r", str(LOCK)],
    )
    for command in commands:
        made = subprocess.run(command, check=False, capture_output=True, text=True, timeout=240)
        if made.returncode:
            pytest.skip(f"no environment with OpenVINO: {made.stderr.strip()[-200:]}")


def _write(home: Path, name: str, operators: str, **facts: object) -> None:
    """A manifest of the user's and its graph."""
    from onnx import TensorProto, helper

    nodes = [helper.make_node(*one) for one in OPS[operators]]
    taken = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 64])
    given = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    weights = helper.make_tensor("w", TensorProto.FLOAT, [64, 64], [0.5] * 4096)
    graph = helper.make_graph(nodes, name, [taken], [given], [weights])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    folder = home / "state" / "models" / name
    folder.mkdir(parents=True)
    content = made.SerializeToString()
    (folder / "model.onnx").write_bytes(content)
    plain = {
        "id": name,
        "task": "infer",
        "engine": "onnx",
        "description": "a test's",
        "license": "Apache-2.0",
        "memory_bytes": 50_000_000,
    }
    lines = [f"{key} = {json.dumps(value)}" for key, value in {**plain, **facts}.items()]
    lines += ["[[files]]", 'name = "model.onnx"', f"bytes = {len(content)}"]
    lines += [f'sha256 = "{hashlib.sha256(content).hexdigest()}"']
    manifests = home / "config" / "manifests"
    manifests.mkdir(parents=True, exist_ok=True)
    (manifests / f"{name}.toml").write_text("\n".join(lines))


def _loaded(python: Path, home: Path, **settings: object) -> dict[str, dict[str, object]]:
    """What became of every model of a home."""
    found: dict[str, dict[str, object]] = json.loads(
        _print(python, str(home), json.dumps(settings))
    )
    return found


def _print(python: Path, *arguments: str) -> str:
    """What the scenario prints."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(
        [str(python), str(SCENARIO), *arguments],
        check=False, capture_output=True, text=True, timeout=120, env=environment,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_what_runs_is_seen_whatever_was_asked_for(python: Path, home: Path) -> None:
    for operators in OPS:
        _write(home, operators, operators, device="cpu:openvino", threads=1)
    _write(home, "plain", "whole", device="cpu", threads=1)

    found = _loaded(python, home)

    assert {name: one.get("device", one) for name, one in found.items()} == {
        "whole": "cpu:openvino",
        "divided": "cpu (partial)",
        "refused": "cpu",
        "plain": "cpu",
    }
    assert found["refused"]["asked"] == "cpu:openvino"
    assert list((home / "cache" / "placing").iterdir()) == []


def test_a_strict_device_refuses_what_falls_back(python: Path, home: Path) -> None:
    for operators in OPS:
        _write(home, operators, operators, device="cpu:openvino", strict_device=True, threads=1)

    found = _loaded(python, home)

    assert found["whole"]["device"] == "cpu:openvino"
    assert found["divided"]["error"] == found["refused"]["error"] == "unsupported"
    assert found["divided"]["message"] == "1 of 3 nodes of divided do not run on cpu:openvino"
    assert found["refused"]["message"] == "1 of 1 nodes of refused do not run on cpu:openvino"


def test_a_device_that_is_not_there_is_an_error_that_names_those_that_are(
    python: Path, home: Path
) -> None:
    _write(home, "whole", "whole", device="gpu:openvino", threads=1)

    found = _loaded(python, home)

    assert found["whole"]["error"] == "unsupported"
    assert str(found["whole"]["message"]).startswith("the device gpu:openvino does not work here")
    assert str(found["whole"]["fix"]).startswith("ask for one of auto, cpu:openvino, cpu;")


def test_the_probe_sees_a_provider_that_starts_without_its_device(python: Path) -> None:
    """Onnxruntime makes the session all the same, on the processor, and raises nothing."""
    assert (
        json.loads(_print(python, "probe", "npu:openvino"))
        == "a graph that it was given ran on cpu"
    )
    assert json.loads(_print(python, "probe", "cpu:openvino")) == ""


def test_auto_probes_and_measures_once_and_remembers(python: Path, home: Path) -> None:
    _write(home, "whole", "whole")

    first = _loaded(python, home)["whole"]
    tuned = (home / "cache" / "tuning.json").read_text()
    second = _loaded(python, home)["whole"]

    probed = json.loads((home / "cache" / "accelerators.json").read_text())["found"]
    assert [list(one.items()) for one in probed.values()] == [[("cpu:openvino", "")]]
    assert first == second
    assert first["device"] in {"cpu", "cpu:openvino"}
    assert (home / "cache" / "tuning.json").read_text() == tuned
    assert json.loads(tuned)["found"]
