"""Smaller copies of ONNX models, and what they cost."""

import hashlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tiny_models import bert

from edged.errors import BadRequest, ConfigError, CorruptModel
from edged.models.build import make
from edged.models.build.blocks import BLOCK, quantize_columns, quantize_rows
from edged.models.build.comparison import compare
from edged.models.build.quantize import METHODS, Method, quantize, samples_in
from edged.models.manifest import Build, Ingredient

WIDE, ROWS = 96, 512


def _model(path: Path, *, operator: str = "Gather") -> Path:
    """Looks rows up, and multiplies them twice: most of it is weights."""
    noise = np.random.default_rng(3)

    def weights(name: str, *shape: int) -> onnx.TensorProto:
        return numpy_helper.from_array(noise.normal(0, 0.2, shape).astype(np.float32), name)

    nodes = [
        helper.make_node(operator, ["table", "ids"], ["x"], name="look"),
        helper.make_node("MatMul", ["x", "first"], ["y"], name="one"),
        helper.make_node("Relu", ["y"], ["z"], name="cut"),
        helper.make_node("MatMul", ["z", "second"], ["out"], name="two"),
    ]
    graph = helper.make_graph(
        nodes,
        "tested",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, ["batch"])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, ["batch", 40])],
        [weights("table", ROWS, WIDE), weights("first", WIDE, 200), weights("second", 200, 40)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, path)
    return path


def _samples(folder: Path, count: int = 6) -> Path:
    noise = np.random.default_rng(5)
    folder.mkdir()
    for number in range(count):
        np.savez(folder / f"{number}.npz", ids=noise.integers(0, ROWS, 4 + number))
    return folder


@pytest.mark.parametrize(
    ("method", "least_cosine", "largest_share"),
    [
        ("nbits8", 0.9995, 0.35),
        ("nbits4", 0.98, 0.32),
        ("dynamic", 0.999, 0.35),
        ("static", 0.995, 0.35),
    ],
)
def test_every_method_makes_a_model_smaller_and_keeps_what_it_says(
    tmp_path: Path, method: Method, least_cosine: float, largest_share: float
) -> None:
    source, into = _model(tmp_path / "in.onnx"), tmp_path / "out.onnx"
    samples = samples_in(_samples(tmp_path / "samples"))

    quantize(source, into, method, samples)

    found = compare(source, into, samples)
    assert found.after.bytes == into.stat().st_size < largest_share * found.before.bytes
    assert found.cosine > least_cosine
    assert 0 < found.largest_difference < 1
    assert (found.samples, found.made_up) == (6, False)
    assert found.before.p50_us > 0 < found.after.p50_us


@pytest.mark.parametrize("method", METHODS)
def test_the_same_model_gives_the_same_bytes(tmp_path: Path, method: Method) -> None:
    source = _model(tmp_path / "in.onnx")
    samples = samples_in(_samples(tmp_path / "samples"))
    found = []

    for name in ("a.onnx", "b.onnx"):
        quantize(source, tmp_path / name, method, samples)
        found.append(hashlib.sha256((tmp_path / name).read_bytes()).hexdigest())

    assert found[0] == found[1]


def test_in_blocks_a_row_does_not_depend_on_its_batch(tmp_path: Path) -> None:
    """And dynamically it does, which is why the command warns."""
    import onnxruntime

    source = _model(tmp_path / "in.onnx")
    moved = {}

    for method in ("nbits8", "dynamic"):
        quantize(
            source, tmp_path / f"{method}.onnx", "dynamic" if method == "dynamic" else "nbits8"
        )
        session = onnxruntime.InferenceSession(tmp_path / f"{method}.onnx")
        (alone,) = session.run(None, {"ids": np.array([3])})
        (together,) = session.run(None, {"ids": np.arange(ROWS)})
        moved[method] = float(np.abs(alone[0] - together[3]).max())

    assert moved["nbits8"] < 1e-5
    assert moved["dynamic"] > 1e-3


def test_operators_of_other_domains_do_not_stop_dynamic_quantization(tmp_path: Path) -> None:
    """Onnx cannot tell the types behind them: without a default the quantizer gives up."""
    parts = bert(tmp_path)
    plan = Build(builder="bert_onnx", ingredients=(Ingredient(name="x"),), parameters={"bits": 32})
    make(plan, parts, tmp_path / "plain.onnx")
    model = onnx.load(tmp_path / "plain.onnx")
    for node in model.graph.node:
        if node.op_type == "Gelu":
            node.domain = "com.microsoft"
    onnx.save(model, tmp_path / "theirs.onnx")

    quantize(tmp_path / "theirs.onnx", tmp_path / "out.onnx", "dynamic")

    assert compare(tmp_path / "theirs.onnx", tmp_path / "out.onnx").cosine > 0.9


def test_as_a_builder_it_takes_its_samples_as_ingredients(tmp_path: Path) -> None:
    source = _model(tmp_path / "model.onnx")
    folder = _samples(tmp_path / "samples")
    parts = {"model.onnx": source} | {path.name: path for path in folder.iterdir()}
    plan = Build(
        builder="quantize",
        ingredients=tuple(Ingredient(name=name) for name in parts),
        parameters={"method": "static"},
    )

    make(plan, parts, tmp_path / "out.onnx")

    assert compare(source, tmp_path / "out.onnx", samples_in(folder)).cosine > 0.99


def test_a_method_that_is_not_known_is_refused(tmp_path: Path) -> None:
    plan = Build(
        builder="quantize", ingredients=(Ingredient(name="x"),), parameters={"method": "magic"}
    )

    with pytest.raises(ConfigError, match="method"):
        make(plan, {"model.onnx": _model(tmp_path / "in.onnx")}, tmp_path / "out.onnx")


def test_static_quantization_without_samples_says_what_it_needs(tmp_path: Path) -> None:
    with pytest.raises(BadRequest) as raised:
        quantize(_model(tmp_path / "in.onnx"), tmp_path / "out.onnx", "static")

    assert "--calibration" in raised.value.fix


def test_samples_of_other_inputs_are_refused_by_name(tmp_path: Path) -> None:
    source = _model(tmp_path / "in.onnx")
    np.savez(tmp_path / "wrong.npz", pixels=np.zeros(3, np.float32))

    with pytest.raises(BadRequest, match="holds pixels") as raised:
        quantize(source, tmp_path / "out.onnx", "static", [tmp_path / "wrong.npz"])

    assert "ids" in raised.value.fix


def test_a_sample_that_would_run_code_is_not_read(tmp_path: Path) -> None:
    source = _model(tmp_path / "in.onnx")
    np.save(tmp_path / "code.npy", np.array([{"an": "object"}], dtype=object), allow_pickle=True)

    with pytest.raises(BadRequest, match="cannot be read"):
        quantize(source, tmp_path / "out.onnx", "static", [tmp_path / "code.npy"])


def test_a_folder_without_samples_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="no samples"):
        samples_in(tmp_path)


def test_what_is_no_model_or_leads_out_of_its_file_is_corrupt(tmp_path: Path) -> None:
    (tmp_path / "junk.onnx").write_bytes(b"no model at all" * 50)
    model = onnx.load(_model(tmp_path / "in.onnx"))
    onnx.save(
        model, tmp_path / "outside.onnx", save_as_external_data=True, location="w", size_threshold=0
    )

    for name in ("junk.onnx", "outside.onnx"):
        with pytest.raises(CorruptModel):
            quantize(tmp_path / name, tmp_path / "out.onnx", "nbits8")


def test_a_model_without_matrices_is_not_pretended_to_be_quantized(tmp_path: Path) -> None:
    node = helper.make_node("Relu", ["x"], ["y"])
    ends = [helper.make_tensor_value_info(one, TensorProto.FLOAT, [4]) for one in ("x", "y")]
    model = helper.make_model(
        helper.make_graph([node], "plain", ends[:1], ends[1:]),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=9,
    )
    onnx.save(model, tmp_path / "in.onnx")

    with pytest.raises(CorruptModel, match="no matrices"):
        quantize(tmp_path / "in.onnx", tmp_path / "out.onnx", "nbits4")


@pytest.mark.parametrize("bits", [8, 4])
def test_blocks_are_the_weights_again_but_for_half_a_step(bits: int) -> None:
    weights: npt.NDArray[np.float32] = (
        np.random.default_rng(1).normal(size=(50, 7)).astype(np.float32)
    )

    packed, scales = quantize_columns(weights, bits)

    whole = packed if bits == 8 else np.stack([packed & 15, packed >> 4], axis=-1)
    numbers = whole.reshape(7, 2, BLOCK).astype(np.float32) - 2 ** (bits - 1)
    found = (numbers * scales[:, :, None]).reshape(7, -1)[:, :50].T
    steps = np.repeat(scales, BLOCK, axis=1)[:, :50].T
    assert packed.shape == (7, 2, BLOCK * bits // 8)
    assert (np.abs(found - weights) <= 0.5001 * steps).all()


def test_rows_of_zeros_stay_zeros_and_weights_that_are_no_numbers_are_refused() -> None:
    zeros = np.zeros((2, 4), np.float32)

    packed, scales = quantize_rows(zeros)

    assert not packed.any()
    assert not scales.any()
    with pytest.raises(CorruptModel):
        quantize_rows(np.full((2, 4), np.nan, np.float32))
    with pytest.raises(CorruptModel):
        quantize_columns(np.full((2, 4), np.inf, np.float32), 8)
