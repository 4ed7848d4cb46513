"""`infer` and `describe` through a real daemon: graphs that tests make, and real ones."""

import concurrent.futures
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
import small_graphs
from real_daemon import ROOT, Daemon

from edged.bridge.link import SyncClient
from edged.errors import BadRequest, CorruptModel, ModelMissing, Unsupported
from edged.messages import replies, requests
from edged.messages.records import Signature, TensorFacts
from edged.models.engines.graph import Array
from edged.models.engines.tensors import arrays_of, tensors_of
from edged.models.runtime import Tensors


def install(daemon: Daemon, model: str, engine: str, path: Path, **more: int | str | bool) -> None:
    """A user's manifest for a file that stays where it is."""
    name = "model.onnx" if engine == "onnx" else "model.tflite"
    facts = {
        "id": model,
        "task": "infer",
        "engine": engine,
        "description": "made by a test",
        "license": "Apache-2.0",
        "memory_bytes": 50_000_000,
        **more,
    }
    lines = [f"{key} = {json.dumps(value)}" for key, value in facts.items()]
    lines += ["[[files]]", f'name = "{name}"', f'path = "{path}"']
    lines += [f'sha256 = "{hashlib.sha256(path.read_bytes()).hexdigest()}"']
    daemon.paths.manifests.mkdir(parents=True, exist_ok=True)
    (daemon.paths.manifests / f"{model}.toml").write_text("\n".join(lines) + "\n")


REAL = {
    "coco": "vision/coco_ssd_mobilenet_v1_1.0_quant_2018_06_29.tflite",
    "movenet": "vision/movenet_singlepose_lightning_int8_4_with_metadata.tflite",
    "embedder": "vision/mobilenet_v3_small_image_embedder.tflite",
    "words": "text/nl_classifier_builtin_ops.tflite",
    "gtcrn": "audio/gtcrn_simple.onnx",
}


ASSETS = Path(os.environ.get("EDGED_TEST_ASSETS", ROOT.parent / "shared" / "assets"))


@pytest.fixture(scope="module")
def served() -> Iterator[Daemon]:
    """A daemon with small graphs, and with real ones where they are."""
    home = Path(tempfile.mkdtemp(prefix="edged-", dir="/tmp"))
    daemon = Daemon(home)
    install(daemon, "doubler", "onnx", small_graphs.doubler(home / "doubler.onnx"))
    install(daemon, "looker", "onnx", small_graphs.looker(home / "looker.onnx"))
    texts = small_graphs.masked(home / "texts.onnx")
    install(daemon, "texts", "onnx", texts, max_batch=8, pads=True)
    for model, name in REAL.items():
        if (ASSETS / name).exists():
            install(daemon, model, "litert" if name.endswith("tflite") else "onnx", ASSETS / name)
    try:
        daemon.start()
        yield daemon
        daemon.stop()
    finally:
        daemon.kill()
        shutil.rmtree(home, ignore_errors=True)


def real(name: str) -> None:
    """Skip a test whose model is not on this machine."""
    if not (ASSETS / REAL[name]).exists():
        pytest.skip("no test assets: set EDGED_TEST_ASSETS")


def infer(
    client: SyncClient, model: str, arrays: Mapping[str, Array], *, real: bool = False
) -> tuple[replies.Tensors, dict[str, Array]]:
    facts, parts = tensors_of(arrays)
    request = requests.Infer(model=model, tensors=facts, real=real)
    return answer(client, request, [bytes(part) for part in parts])


def answer(
    client: SyncClient, request: requests.Infer, parts: Sequence[bytes]
) -> tuple[replies.Tensors, dict[str, Array]]:
    for reply, found in client.stream(request, parts):
        if isinstance(reply, replies.Tensors):
            return reply, arrays_of(Tensors(tensors=reply.tensors, parts=found))
        assert isinstance(reply, replies.Loading)
    raise AssertionError("no tensors came")


def rows(count: int) -> dict[str, Array]:
    return {"x": np.arange(count * 3, dtype=np.float32).reshape(count, 3)}


def test_a_graph_is_loaded_and_answers_with_what_it_took(served: Daemon) -> None:
    with served.client() as client:
        client.ask(requests.ModelsUnload(model="doubler"), replies.Done)
        facts, parts = tensors_of(rows(2))
        request = requests.Infer(model="doubler", tensors=facts)
        first = [reply for reply, _ in client.stream(request, parts)]
        second, found = infer(client, "doubler", rows(2))

    assert [type(one) for one in first] == [replies.Loading, replies.Tensors]
    assert (second.device, second.batch) == ("cpu", 1)
    assert second.computed_us + second.waited_us > 0
    np.testing.assert_array_equal(found["y"], rows(2)["x"] * 2)


def test_parts_may_be_cut_anywhere_and_a_large_tensor_comes_in_frames(served: Daemon) -> None:
    inputs = rows(1_500_000)
    data = inputs["x"].tobytes()
    request = requests.Infer(
        model="doubler", tensors=(TensorFacts(name="x", dtype="float32", shape=(1_500_000, 3)),)
    )
    step = 4_000_001

    with served.client() as client:
        parts = [data[at : at + step] for at in range(0, len(data), step)]
        replied = list(client.stream(request, parts))

    sizes = [len(part) for part in replied[-1][1]]
    assert sizes == [8 * 2**20, 8 * 2**20, len(data) - 16 * 2**20]
    assert b"".join(replied[-1][1]) == (inputs["x"] * 2).tobytes()


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({}, "tensor x is missing: float32 [any, 3]"),
        ({"x": np.ones((2, 4), np.float32)}, "expected float32 [any, 3], got float32 [2, 4]"),
        ({"x": np.ones((2, 3))}, "expected float32 [any, 3], got float64 [2, 3]"),
        ({**rows(1), "z": np.ones(1)}, "the graph has no input z"),
    ],
)
def test_wrong_tensors_are_told_by_name(
    arrays: dict[str, Array], message: str, served: Daemon
) -> None:
    with served.client() as client, pytest.raises(BadRequest) as caught:
        infer(client, "doubler", arrays)

    assert message in caught.value.message


def test_what_is_no_graph_or_unknown_is_said(served: Daemon) -> None:
    with served.client() as client:
        with pytest.raises(Unsupported):
            infer(client, "pocketsphinx-en-us", {})
        with pytest.raises(ModelMissing):
            infer(client, "nobody-knows-it", {})
        with pytest.raises(Unsupported):
            client.ask(requests.Describe(model="pocketsphinx-en-us"), replies.Description)


def test_a_changed_byte_is_found_before_a_load(served: Daemon, tmp_path: Path) -> None:
    path = small_graphs.doubler(tmp_path / "changed.onnx")
    install(served, "changed", "onnx", path)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)

    def known() -> bool:
        found = served.ask(requests.ModelsList(), replies.Models)
        return any(one.id == "changed" for one in found.models)

    served.wait(known)
    with served.client() as client, pytest.raises(CorruptModel):
        infer(client, "changed", rows(1))


def test_a_signature_is_asked_of_the_graph_once_and_remembered(served: Daemon) -> None:
    with served.client() as client:
        client.ask(requests.ModelsUnload(model="looker"), replies.Done)
        first = [reply for reply, _ in client.stream(requests.Describe(model="looker"))]
        client.ask(requests.ModelsUnload(model="looker"), replies.Done)
        second = [reply for reply, _ in client.stream(requests.Describe(model="looker"))]
        shown = client.ask(requests.ModelsShow(model="looker"), replies.ModelDetails)
        loaded = client.ask(requests.ModelsPs(), replies.LoadedModels)

    assert [type(one) for one in first] == [replies.Loading, replies.Description]
    assert [type(one) for one in second] == [replies.Description]
    assert "looker" not in {one.id for one in loaded.models}
    assert isinstance(first[-1], replies.Description)
    assert isinstance(second[-1], replies.Description)
    assert first[-1].signatures == second[-1].signatures == {"looker": shown.signature}
    assert shown.signature is not None
    assert [one.shape for one in shown.signature.inputs] == [(-1, 2)]


def test_many_clients_share_runs_and_each_gets_its_own(served: Daemon) -> None:
    def ask_often(client_number: int) -> int:
        shared = 0
        with served.client() as client:
            for turn in range(15):
                length = 1 + (client_number + turn) % 5
                ids = np.arange(length).reshape(1, length) + 1000 * client_number + turn
                reply, found = infer(client, "texts", {"ids": ids, "mask": np.ones_like(ids)})
                np.testing.assert_array_equal(found["tokens"], ids)
                assert found["total"].tolist() == [ids.sum()]
                shared += reply.batch > 1
        return shared

    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        shared = sum(threads.map(ask_often, range(8)))

    assert shared


def test_a_quantized_graph_takes_and_gives_real_numbers_on_request(served: Daemon) -> None:
    real("coco")
    stored = np.random.default_rng(0).integers(0, 256, (1, 300, 300, 3)).astype(np.uint8)
    name = "normalized_input_image_tensor"
    numbers = (stored.astype(np.float32) - 128) * np.float32(0.0078125)

    with served.client() as client:
        _, as_stored = infer(client, "coco", {name: stored})
        _, as_real = infer(client, "coco", {name: numbers}, real=True)
        with pytest.raises(BadRequest) as caught:
            infer(client, "coco", {name: stored}, real=True)

    assert len(as_stored) == 4
    for output, array in as_stored.items():
        np.testing.assert_array_equal(array, as_real[output])
    assert "expected float32 [1, 300, 300, 3], got uint8" in caught.value.message


def test_a_tflite_graph_with_a_free_dimension_takes_any_number_of_rows(served: Daemon) -> None:
    real("embedder")
    pictures = np.random.default_rng(0).random((3, 224, 224, 3)).astype(np.float32)
    name = "serving_default_inputs:0"

    with served.client() as client:
        alone = [infer(client, "embedder", {name: one[None]})[1] for one in pictures]
        _, together = infer(client, "embedder", {name: pictures})

    (output,) = together
    assert together[output].shape == (3, 1024)
    for row, one in zip(together[output], alone, strict=True):
        np.testing.assert_allclose(row, one[output][0], atol=1e-4)


@pytest.mark.parametrize("model", ["movenet", "words", "gtcrn"])
def test_real_graphs_answer_zeros_of_their_signature(model: str, served: Daemon) -> None:
    real(model)
    with served.client() as client:
        described = client.ask(requests.Describe(model=model), replies.Description)
        signature: Signature = described.signatures[model]
        zeros = {one.name: np.zeros(one.shape, one.dtype) for one in signature.inputs}
        _, found = infer(client, model, zeros)

    assert list(found) == [one.name for one in signature.outputs]
    assert all(np.isfinite(array).all() for array in found.values())


# --- the command ---


def test_the_command_runs_values_and_npy_files_and_writes_npy_files(
    served: Daemon, tmp_path: Path
) -> None:
    np.save(tmp_path / "x.npy", rows(2)["x"])

    typed = served.json("infer", "doubler", "x=1,2,3.5")
    written = served.json(
        "infer", "doubler", f"x={tmp_path / 'x.npy'}", "--out", str(tmp_path / "out")
    )

    assert typed["tensors"] == [
        {"name": "y", "dtype": "float32", "shape": [1, 3], "values": [2.0, 4.0, 7.0]}
    ]
    found = np.load(written["tensors"][0]["file"])
    np.testing.assert_array_equal(found, rows(2)["x"] * 2)


def test_the_command_says_what_is_wrong(served: Daemon, tmp_path: Path) -> None:
    (tmp_path / "x.npy").write_bytes(b"no array")
    wrong = {
        "x=1,2": "takes [any, 3], got 2 values",
        "x=1,2,three": "no float32",
        "z=1": "no input z",
        "1,2,3": "without a name",
        f"x={tmp_path / 'x.npy'}": "no .npy file",
        f"x={tmp_path / 'none.npy'}": "cannot be read",
    }
    for word, message in wrong.items():
        done = served.run("infer", "doubler", word)
        assert done.returncode == BadRequest.exit_status
        assert message in done.stderr.decode()


def test_the_command_asks_a_model_with_a_preset_for_what_its_task_gives(served: Daemon) -> None:
    real("coco")
    install(served, "seen", "litert", ASSETS / REAL["coco"], task="image_detect", labels_file="")
    cats = ASSETS / "media" / "images" / "cats_and_dogs.jpg"
    served.wait(lambda: served.run("models", "show", "seen").returncode == 0)

    found = served.json("infer", "seen", str(cats))
    printed = served.run("infer", "seen", str(cats)).stdout.decode()
    refused = served.run("infer", "seen")
    with served.client() as client:
        picture = np.zeros((1, 300, 300, 3), np.uint8)
        _, raw = infer(client, "seen", {"normalized_input_image_tensor": picture})

    assert len(raw) == 4
    assert found["type"] == "objects"
    assert {"left", "top", "width", "height", "score", "label"} <= set(found["objects"][0])
    assert found["objects"][0]["label"] in printed
    assert refused.returncode == BadRequest.exit_status
