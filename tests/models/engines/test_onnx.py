"""ONNX graphs in a real worker: what they take, what they give, and what is said of wrong tensors."""

import asyncio
import itertools
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import onnx
import pytest
import small_graphs
from hosted import DEADLINE_S, asset, canary, hosted, spec_for
from onnx import TensorProto, helper

from edged.errors import BadRequest, CorruptModel, EdgedError, ModelMissing
from edged.messages.records import Signature, SignatureTensor
from edged.models.batching import batch_of
from edged.models.engines import onnx as adapter
from edged.models.engines.graph import Array
from edged.models.engines.inference import GraphInference
from edged.models.engines.ort import open_session
from edged.models.engines.tensors import DTYPES, arrays_of, tensors_of
from edged.models.runtime import InferOptions, ModelSpec, Tensors
from edged.workers import sandbox
from edged.workers.context import WorkerContext
from edged.workers.process import Worker, WorkerSpec


def graph(path: Path) -> ModelSpec:
    return spec_for("onnx", {"model.onnx": str(path)})


def opened(path: Path) -> GraphInference:
    """The same as a worker hosts, in this process."""
    session = open_session(graph(path), "model.onnx")
    return GraphInference(adapter.OnnxGraph(session, graph(path)), None, joins=True)


def tensors(**arrays: Array) -> Tensors:
    facts, parts = tensors_of(arrays)
    return Tensors(tensors=facts, parts=parts)


async def infer(worker: Worker, inputs: Tensors, *outputs: str) -> dict[str, Array]:
    options = InferOptions(outputs=outputs)
    answer = await worker.call("infer", inputs, options, deadline_s=DEADLINE_S)
    return arrays_of(answer.to(Tensors))


def test_a_worker_runs_a_graph_and_tells_its_signature(tmp_path: Path) -> None:
    path = small_graphs.doubler(tmp_path / "model.onnx")
    x = np.arange(6, dtype=np.float32).reshape(2, 3)

    async def asked() -> tuple[Signature, str, dict[str, Array]]:
        async with hosted(graph(path)) as worker:
            found = (await worker.call("signature", deadline_s=DEADLINE_S)).to(Signature)
            return found, await canary(worker), await infer(worker, tensors(x=x))

    signature, sung, outputs = asyncio.run(asked())

    assert signature.inputs == (
        SignatureTensor(name="x", dtype="float32", shape=(-1, 3), symbols=("batch", "")),
    )
    assert sung == "0"
    np.testing.assert_array_equal(outputs["y"], x + x)


@pytest.mark.parametrize("dtype", [name for name in DTYPES if name != "string"])
def test_every_type_of_number_passes_unchanged(dtype: str, tmp_path: Path) -> None:
    kind = np.dtype(dtype)
    path = small_graphs.echo(
        tmp_path / "model.onnx", helper.np_dtype_to_tensor_dtype(kind), ("n", 2)
    )
    x = np.array([[0, 1], [1, 0], [1, 1]]).astype(kind)

    found = arrays_of(opened(path).infer(tensors(x=x), InferOptions()))

    assert found["y"].dtype == kind
    np.testing.assert_array_equal(found["y"], x)


def test_strings_pass_unchanged(tmp_path: Path) -> None:
    path = small_graphs.echo(tmp_path / "model.onnx", TensorProto.STRING, ("n",))
    x = np.array(["", "ä", "three words here"], dtype=object)

    found = arrays_of(opened(path).infer(tensors(x=x), InferOptions()))

    assert found["y"].tolist() == x.tolist()


@pytest.mark.parametrize("shape", [(0, 3), (1, 3), (500, 3)])
def test_a_free_dimension_may_have_any_length_even_none(
    shape: tuple[int, int], tmp_path: Path
) -> None:
    path = small_graphs.doubler(tmp_path / "model.onnx")

    found = opened(path).infer(tensors(x=np.ones(shape, np.float32)), InferOptions())

    assert found.tensors[0].shape == shape


def test_parts_may_be_cut_anywhere(tmp_path: Path) -> None:
    hosted_graph = opened(small_graphs.masked(tmp_path / "model.onnx"))
    whole = tensors(ids=np.arange(8).reshape(2, 4), mask=np.ones((2, 4), np.int64))
    data = b"".join(whole.parts)
    expected = hosted_graph.infer(whole, InferOptions())

    for cuts in ([], [1], [64], [63, 64, 65], [7, 99]):
        edges = [0, *cuts, len(data)]
        parts = tuple(data[a:b] for a, b in itertools.pairwise(edges))
        found = hosted_graph.infer(Tensors(tensors=whole.tensors, parts=parts), InferOptions())
        assert list(map(bytes, found.parts)) == list(map(bytes, expected.parts))


def test_only_the_outputs_asked_for_come(tmp_path: Path) -> None:
    hosted_graph = opened(small_graphs.masked(tmp_path / "model.onnx"))
    inputs = tensors(ids=np.ones((1, 2), np.int64), mask=np.ones((1, 2), np.int64))

    found = hosted_graph.infer(inputs, InferOptions(outputs=("total",)))

    assert [one.name for one in found.tensors] == ["total"]
    assert arrays_of(found)["total"].tolist() == [2]


def ones(*shape: int, dtype: npt.DTypeLike = np.int64) -> Array:
    return np.ones(shape, dtype)


def test_an_error_names_the_tensor_what_was_expected_and_what_came(tmp_path: Path) -> None:
    hosted_graph = opened(small_graphs.masked(tmp_path / "model.onnx"))
    good = tensors(ids=ones(1, 2), mask=ones(1, 2))
    wrong = {
        "tensor mask is missing: int64 [any, any]": tensors(ids=ones(1, 2)),
        "the graph has no input other": tensors(ids=ones(1, 2), mask=ones(1, 2), other=ones(1)),
        "tensor ids: expected int64 [any, any], got int64 [2]": tensors(
            ids=ones(2), mask=ones(1, 2)
        ),
        "tensor mask: expected int64 [any, any], got float32 [1, 2]": tensors(
            ids=ones(1, 2), mask=ones(1, 2, dtype=np.float32)
        ),
        "tensor ids comes twice": Tensors(
            tensors=(good.tensors[0], good.tensors[0]), parts=good.parts
        ),
        "tensor mask: fewer bytes than int64 [1, 2] takes": Tensors(
            tensors=good.tensors, parts=(good.parts[0], b"1234567")
        ),
        "1 bytes more than the tensors' types and shapes say": Tensors(
            tensors=good.tensors, parts=(*good.parts, b"x")
        ),
    }

    for message, inputs in wrong.items():
        with pytest.raises(BadRequest) as caught:
            hosted_graph.infer(inputs, InferOptions())
        assert caught.value.message == message
    with pytest.raises(BadRequest, match="no output nothing"):
        hosted_graph.infer(good, InferOptions(outputs=("nothing",)))


def test_a_bool_that_is_no_bool_and_text_that_is_no_text_are_refused(tmp_path: Path) -> None:
    bools = opened(small_graphs.echo(tmp_path / "bools", TensorProto.BOOL, ("n",)))
    words = opened(small_graphs.echo(tmp_path / "words", TensorProto.STRING, ("n",)))
    one_bool, one_word = tensors(x=np.array([True])), tensors(x=np.array(["a"], dtype=object))

    with pytest.raises(BadRequest, match="tensor x: a bool"):
        bools.infer(Tensors(tensors=one_bool.tensors, parts=(b"\x02",)), InferOptions())
    for data in (b"\x01\0\0\0\xff", b"\x02\0\0\0a", b"\xff\xff\xff\xffa", b"\x01\0"):
        with pytest.raises(BadRequest, match="tensor x"):
            words.infer(Tensors(tensors=one_word.tensors, parts=(data,)), InferOptions())


def test_a_graph_that_scales_all_rows_by_one_measure_never_runs_several_callers_together(
    tmp_path: Path,
) -> None:
    path = tmp_path / "model.onnx"
    shape = ("batch", 3)
    nodes = [
        helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "scale", "zero"]),
        helper.make_node("DequantizeLinear", ["q", "scale", "zero"], ["y"]),
    ]
    facts = (TensorProto.FLOAT, shape)
    small_graphs.save(path, nodes, {"x": facts}, {"y": facts})
    quiet, loud = np.full((1, 3), 0.01, np.float32), np.full((1, 3), 1000, np.float32)
    batch = batch_of([(tensors(x=one), InferOptions()) for one in (quiet, loud)], pads=False)
    context = WorkerContext(call_waiting=lambda: False)

    found = adapter.load(msgspec.msgpack.encode(graph(path)), context).infer_batch(batch)

    assert [one.together for one in found.answers] == [1, 1]
    np.testing.assert_allclose(np.frombuffer(found.parts[0], np.float32), 0.01, rtol=0.01)


def load_error(spec: ModelSpec) -> EdgedError:
    async def load() -> None:
        async with hosted(spec):
            pass

    with pytest.raises(EdgedError) as caught:
        asyncio.run(load())
    return caught.value


def test_a_file_that_names_data_outside_itself_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    model = onnx.load(small_graphs.looker(path))
    onnx.save(model, path, save_as_external_data=True, location="beside.bin", size_threshold=0)
    assert (tmp_path / "beside.bin").stat().st_size

    error = load_error(graph(path))

    assert type(error) is CorruptModel
    assert "outside" in error.message


def test_a_graph_of_what_cannot_be_sent_and_a_missing_file_are_said(tmp_path: Path) -> None:
    path = small_graphs.echo(tmp_path / "model.onnx", TensorProto.BFLOAT16, ("n",))

    assert type(load_error(graph(path))) is CorruptModel
    assert type(load_error(graph(tmp_path / "nothing"))) is ModelMissing


def test_a_worker_reads_its_own_model_and_no_other_and_the_engine_warns_of_nothing(
    tmp_path: Path,
) -> None:
    if not sandbox.landlock_version():
        pytest.skip("no Landlock here")
    mine = small_graphs.doubler(tmp_path / "mine.onnx")
    other = small_graphs.looker(tmp_path / "other.onnx")

    def spec(path: Path) -> WorkerSpec:
        return WorkerSpec(
            name=path.stem,
            module="edged.models.engines.onnx",
            argument=msgspec.msgpack.encode(graph(path)),
            read_paths=(str(mine),),
        )

    async def asked() -> tuple[EdgedError, str, str]:
        worker = await Worker.spawn(spec(mine), load_deadline_s=DEADLINE_S)
        with pytest.raises(EdgedError) as caught:
            await worker.load(spec(other), deadline_s=DEADLINE_S)
        sung = (await worker.call("canary", target="mine", deadline_s=DEADLINE_S)).to(str)
        await worker.end()
        return caught.value, sung, worker.tail

    refused, sung, said = asyncio.run(asked())

    assert type(refused) is ModelMissing
    assert "cannot be read" in refused.message
    assert sung == "0"
    assert said == ""


REAL = ("audio/gtcrn_simple.onnx", "audio/silero_vad.onnx", "audio/dtln/model_1.onnx")


@pytest.mark.parametrize("name", REAL)
def test_real_graphs_answer_their_canary_and_zeros(name: str) -> None:
    hosted_graph = opened(asset(name))
    signature = hosted_graph.signature()
    zeros = {
        one.name: np.zeros([1 if n < 0 else n for n in one.shape], DTYPES[one.dtype])
        for one in signature.inputs
    }
    if "sr" in zeros:
        zeros |= {"sr": np.array(16_000), "input": np.zeros((1, 512), np.float32)}

    found = hosted_graph.infer(tensors(**zeros), InferOptions())

    assert hosted_graph.canary() == hosted_graph.canary()
    assert [one.name for one in found.tensors] == [one.name for one in signature.outputs]
