"""LiteRT's compiled models: the same numbers as an interpreter's, and no fall back in silence."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("ai_edge_litert", reason="needs the [vision] extra")

from edged.errors import BadRequest, Unsupported
from edged.models.engines import placement, probe
from edged.models.engines.compiled import CompiledInterpreter
from edged.models.engines.tflite import Interpreter, open_interpreter
from edged.models.runtime import ModelSpec

ADD = probe._ADD_TFLITE


def spec(tmp_path: Path, device: str) -> ModelSpec:
    path = tmp_path / "model.tflite"
    path.write_bytes(ADD)
    return ModelSpec(
        id="add", task="infer", engine="litert", files={"model.tflite": str(path)}, device=device
    )


def test_a_compiled_graph_gives_what_an_interpreter_gives(assets: Path) -> None:
    path = str(assets / "audio" / "yamnet_audio_classifier_with_metadata.tflite")
    if not Path(path).exists():
        path = str(next(assets.rglob("yamnet*.tflite")))
    plain, compiled = Interpreter(path), CompiledInterpreter(path, "cpu")
    plain.allocate_tensors()
    noise = np.random.default_rng(0).uniform(-1, 1, 15600).astype(np.float32)

    for one in (plain, compiled):
        one.set_tensor(one.get_input_details()[0]["index"], noise)
        one.invoke()

    index = plain.get_output_details()[0]["index"]
    np.testing.assert_allclose(compiled.get_tensor(index), plain.get_tensor(index), atol=1e-5)


def test_inputs_may_get_other_lengths() -> None:
    compiled = CompiledInterpreter("", "cpu", ADD)

    compiled.resize_tensor_input(0, (1, 2, 2, 8))
    compiled.allocate_tensors()
    compiled.set_tensor(0, np.ones((1, 2, 2, 8), np.float32))
    compiled.invoke()

    assert np.array_equal(compiled.get_tensor(1), np.full((1, 2, 2, 8), 2, np.float32))


def test_no_accelerator_takes_strings() -> None:
    compiled = CompiledInterpreter("", "cpu", ADD)

    with pytest.raises(BadRequest):
        compiled.set_tensor(0, np.array(["x"], object))


def test_an_npu_that_is_not_there_is_told_as_the_processor(tmp_path: Path) -> None:
    """LiteRT itself calls this graph fully accelerated."""
    open_interpreter(spec(tmp_path, "cpu"))
    compiled = open_interpreter(spec(tmp_path, "npu:litert"))

    assert placement.placement_of("add").device == "cpu"
    assert compiled.get_input_details()[0]["name"] == "x"


def test_a_gpu_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    if list(Path("/dev").glob("dri/renderD*")):
        pytest.skip("this machine may have one")

    with pytest.raises(Unsupported, match="LiteRT cannot run this graph on gpu:litert"):
        open_interpreter(spec(tmp_path, "gpu:litert"))
