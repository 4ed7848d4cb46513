"""`models add` and `models quantize` as a person types them, and the daemon that runs what was added."""

import json
import subprocess
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from real_daemon import ROOT, Daemon

from edged.config import Paths

pytestmark = [pytest.mark.speech, pytest.mark.timeout(40)]

WHISPER = ROOT / "tests" / "data" / "tiny-whisper"


def _matrix(path: Path) -> Path:
    weights = np.random.default_rng(1).normal(size=(64, 64)).astype(np.float32)
    ends = [helper.make_tensor_value_info(one, TensorProto.FLOAT, ["n", 64]) for one in ("x", "y")]
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "tested",
        ends[:1],
        ends[1:],
        [numpy_helper.from_array(weights, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, path)
    return path


def test_a_model_that_was_added_is_listed_and_transcribes_while_the_daemon_runs(
    daemon: Daemon,
) -> None:
    daemon.start()
    said = dict(line.split("|") for line in (WHISPER / "list.txt").read_text().splitlines())
    clip = next(iter(said))

    added = daemon.json(
        "models", "add", str(WHISPER), "--engine", "faster_whisper", "--task", "transcribe",
        "--id", "mine", "--license", "Apache-2.0", "--languages", "en",
    )  # fmt: skip

    assert added["manifest"] == str(daemon.paths.manifests / "mine.toml")
    daemon.wait(lambda: "mine" in _listed(daemon))
    assert _listed(daemon)["mine"]["problem"] is None
    found = daemon.json("transcribe", str(WHISPER / clip), "--model", "mine")
    assert " ".join(one["text"] for one in found["segments"]) == said[clip]


def _listed(daemon: Daemon) -> dict[str, dict[str, object]]:
    return {one["id"]: one for one in daemon.json("models", "list")["models"]}


def test_copied_files_are_the_models_own_and_the_original_may_go(
    paths: Paths, home: Path, tmp_path: Path
) -> None:
    source = _matrix(tmp_path / "sums.onnx")

    added = _run(
        home, "models", "add", str(source), "--engine", "onnx", "--task", "infer", "--copy"
    )

    source.unlink()
    assert added.returncode == 0, added.stderr
    assert (paths.models / "sums" / "model.onnx").stat().st_nlink == 2  # and a blob
    assert b"path" not in (paths.manifests / "sums.toml").read_bytes()
    assert _run(home, "models", "verify", "sums").returncode == 0


def test_a_manifest_is_replaced_only_by_force(home: Path, paths: Paths, tmp_path: Path) -> None:
    command = ["models", "add", str(_matrix(tmp_path / "sums.onnx")), "--engine", "onnx"]
    command += ["--task", "infer"]
    first = _run(home, *command)
    content = (paths.manifests / "sums.toml").read_bytes()

    again = _run(home, *command, "--license", "MIT", "--json")
    kept = (paths.manifests / "sums.toml").read_bytes()
    forced = _run(home, *command, "--license", "MIT", "--force")

    assert (first.returncode, forced.returncode) == (0, 0)
    assert json.loads(again.stdout)["error"]["code"] == "conflict"
    assert kept == content
    assert b'license = "MIT"' in (paths.manifests / "sums.toml").read_bytes()
    taken = _run(home, *command, "--id", "silero-v6", "--json")
    assert json.loads(taken.stdout)["error"]["code"] == "conflict"


def test_quantize_says_size_time_and_difference(home: Path, tmp_path: Path) -> None:
    source, out = _matrix(tmp_path / "in.onnx"), tmp_path / "out.onnx"
    samples = tmp_path / "samples"
    samples.mkdir()
    np.save(samples / "one.npy", np.ones((2, 64), np.float32))

    done = _run(home, "models", "quantize", str(source), str(out), "--json",
                "--calibration", str(samples))  # fmt: skip
    again = _run(home, "models", "quantize", str(source), str(out), "--json")
    shown = _run(
        home, "models", "quantize", str(source), str(out), "--force", "--method", "dynamic"
    )

    found = json.loads(done.stdout)["comparison"]
    assert found["before"]["bytes"] == source.stat().st_size > found["after"]["bytes"]
    assert found["cosine"] > 0.999
    assert (found["samples"], found["made_up"]) == (1, False)
    assert json.loads(again.stdout)["error"]["code"] == "conflict"
    assert shown.returncode == 0
    assert b"depends on the others in its batch" in b" ".join(shown.stdout.split())
    assert b"quantizing in.onnx: dynamic" in shown.stderr
    assert not list(tmp_path.glob("*.part"))


def test_a_model_is_never_quantized_onto_itself(home: Path, tmp_path: Path) -> None:
    source = _matrix(tmp_path / "in.onnx")
    content = source.read_bytes()

    done = _run(home, "models", "quantize", str(source), str(source), "--force", "--json")

    assert json.loads(done.stdout)["error"]["code"] == "conflict"
    assert source.read_bytes() == content


def _run(home: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """A command that needs no daemon."""
    return Daemon(home).run(*arguments)
