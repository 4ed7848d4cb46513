"""Model files are looked at before an engine opens them; whatever bytes come, nothing else happens."""

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import small_graphs
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, external_data_helper, helper, numpy_helper

from edged.errors import CorruptModel
from edged.models import graph_files


def tensor() -> onnx.TensorProto:
    return numpy_helper.from_array(np.zeros(4, np.float32), "w")


def outside(location: str = "../../etc/passwd") -> onnx.TensorProto:
    """A tensor whose data lie in another file."""
    found = tensor()
    external_data_helper.set_external_data(found, location)
    found.ClearField("raw_data")
    return found


def graph(*weights: onnx.TensorProto, nodes: tuple[onnx.NodeProto, ...] = ()) -> onnx.GraphProto:
    return helper.make_graph(list(nodes), "g", [], [], list(weights))


def constant(found: onnx.TensorProto) -> onnx.NodeProto:
    return helper.make_node("Constant", [], ["c"], value=found)


def branch(found: onnx.TensorProto) -> onnx.NodeProto:
    inner = graph(nodes=(constant(found),))
    return helper.make_node("If", ["x"], ["y"], then_branch=inner, else_branch=inner)


def in_function(found: onnx.TensorProto) -> onnx.ModelProto:
    function = helper.make_function("d", "f", [], ["c"], [constant(found)], [])
    return helper.make_model(graph(), functions=[function])


def in_sparse(found: onnx.TensorProto) -> onnx.ModelProto:
    model = helper.make_model(graph())
    model.graph.sparse_initializer.add().values.CopyFrom(found)
    return model


def in_training(found: onnx.TensorProto) -> onnx.ModelProto:
    model = helper.make_model(graph())
    model.training_info.add().algorithm.initializer.add().CopyFrom(found)
    return model


PLACES: dict[str, Callable[[onnx.TensorProto], onnx.ModelProto]] = {
    "initializer": lambda found: helper.make_model(graph(found)),
    "constant": lambda found: helper.make_model(graph(nodes=(constant(found),))),
    "subgraph": lambda found: helper.make_model(graph(nodes=(branch(found),))),
    "function": in_function,
    "sparse": in_sparse,
    "training": in_training,
    "list": lambda found: helper.make_model(
        graph(nodes=(helper.make_node("N", [], [], many=[tensor(), found]),))
    ),
}


def written(folder: Path, data: bytes) -> Path:
    path = folder / "model"
    path.write_bytes(data)
    return path


def refusal(check: Callable[..., object], path: Path) -> str:
    with pytest.raises(CorruptModel) as caught:
        check(path, name="mine")
    assert "mine" in caught.value.message
    assert str(path) not in caught.value.message
    return caught.value.message


@pytest.mark.parametrize("place", PLACES)
def test_data_outside_an_onnx_file_is_refused_wherever_it_is_named(
    place: str, tmp_path: Path
) -> None:
    inside = written(tmp_path, PLACES[place](tensor()).SerializeToString())
    graph_files.check_onnx(inside, name="mine")

    named = written(tmp_path, PLACES[place](outside()).SerializeToString())

    assert refusal(graph_files.check_onnx, named) == "the file of mine names data outside itself"


def test_a_location_alone_is_refused_also_when_only_32_of_its_bits_say_so(tmp_path: Path) -> None:
    model = helper.make_model(graph(tensor())).SerializeToString()
    place = numpy_helper.from_array(np.zeros(4, np.float32), "w").SerializeToString()
    overlong = b"\x70\x81\x80\x80\x80\x10"  # field 14, 2**32 + 1
    longer = place + overlong
    changed = model.replace(
        b"\x2a" + bytes([len(place)]) + place, b"\x2a" + bytes([len(longer)]) + longer
    )
    grown = changed.replace(
        b"\x3a" + bytes([_graph_size(model)]), b"\x3a" + bytes([_graph_size(model) + len(overlong)])
    )

    assert "outside" in refusal(graph_files.check_onnx, written(tmp_path, grown))


def _graph_size(model: bytes) -> int:
    return len(onnx.ModelProto.FromString(model).graph.SerializeToString())


def test_a_graph_compiled_into_another_file_is_refused(tmp_path: Path) -> None:
    node = helper.make_node("EPContext", [], ["c"], ep_cache_context="../other", embed_mode=0)

    path = written(tmp_path, helper.make_model(graph(nodes=(node,))).SerializeToString())

    assert "outside" in refusal(graph_files.check_onnx, path)


def test_the_operators_of_an_onnx_file_are_told_also_those_in_branches(tmp_path: Path) -> None:
    path = written(tmp_path, PLACES["subgraph"](tensor()).SerializeToString())

    assert graph_files.check_onnx(path, name="mine").operators == {"If", "Constant"}


@pytest.mark.parametrize("check", [graph_files.check_onnx, graph_files.check_tflite])
@pytest.mark.parametrize("data", [b"", b"\0", b"TFL3", b"ORTM" * 50, b"\x3a\xff", b"x" * 1000])
def test_what_is_no_model_is_corrupt(
    check: Callable[..., object], data: bytes, tmp_path: Path
) -> None:
    assert refusal(check, written(tmp_path, data))


def field(number: int, content: bytes) -> bytes:
    """A field of a protobuf message that holds bytes."""
    size = len(content)
    return bytes([number << 3 | 2, 0x80 | size & 0x7F, size >> 7]) + content


def test_nesting_is_bounded(tmp_path: Path) -> None:
    inner = b""
    for _ in range(60):
        inner = field(1, field(5, field(6, inner)))  # graph, node, attribute

    path = written(tmp_path, field(7, inner))

    assert "deep" in refusal(graph_files.check_onnx, path)


def test_a_file_larger_than_an_engine_reads_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(2**31)

    assert "2 GiB" in refusal(graph_files.check_onnx, path)
    assert "2 GiB" in refusal(graph_files.check_tflite, path)


def looked(check: Callable[..., object], path: Path) -> None:
    """Facts or CorruptModel; anything else fails the test."""
    try:
        check(path, name="mine")
    except CorruptModel as error:
        assert "mine" in error.message


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_no_change_of_an_onnx_file_makes_the_look_fail_otherwise(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    whole = bytearray(small_graphs.masked(folder / "whole").read_bytes())

    looked(graph_files.check_onnx, written(folder, changed(data, whole)))


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_no_change_of_a_tflite_file_makes_the_look_fail_otherwise(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    looked(
        graph_files.check_tflite,
        written(tmp_path_factory.mktemp("fuzz"), changed(data, bytearray(tiny_tflite()))),
    )


@pytest.mark.parametrize("check", [graph_files.check_onnx, graph_files.check_tflite])
@settings(max_examples=100, deadline=None)
@given(rest=st.binary(max_size=300))
def test_no_bytes_make_the_look_fail_otherwise(
    check: Callable[..., object], rest: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("fuzz")

    looked(check, written(folder, rest))
    looked(check, written(folder, rest[:4].ljust(4, b"\0") + b"TFL3" + rest))


def changed(data: st.DataObject, whole: bytearray) -> bytes:
    """The file with some bytes changed, and perhaps cut off."""
    places = st.integers(0, len(whole) - 1)
    for place in data.draw(st.lists(places, max_size=4)):
        whole[place] = data.draw(st.integers(0, 255))
    return bytes(
        whole[: data.draw(st.integers(0, len(whole)))] if data.draw(st.booleans()) else whole
    )


# --- TFLite ---


class Flat:
    """Writes a flatbuffer forwards: children lie behind their parents."""

    def __init__(self) -> None:
        self.data = bytearray(b"\0\0\0\0TFL3")

    def table(self, count: int, inline: dict[int, int] | None = None) -> int:
        """A table of `count` fields of 8 bytes; `inline` are numbers; returns its place."""
        vtable = len(self.data)
        self.data += struct.pack("<HH", 4 + 2 * count, 4 + 8 * count)
        self.data += b"".join(struct.pack("<H", 4 + 8 * n) for n in range(count))
        place = len(self.data)
        self.data += struct.pack("<i", place - vtable) + bytes(8 * count)
        for field, value in (inline or {}).items():
            struct.pack_into("<Q", self.data, place + 4 + 8 * field, value)
        return place

    def vector(self, owner: int, field: int, entries: list[int]) -> int:
        """A vector of 4-byte entries that a field leads to; returns its first entry's place."""
        at = owner + 4 + 8 * field
        struct.pack_into("<I", self.data, at, len(self.data) - at)
        self.data += struct.pack(f"<I{len(entries)}i", len(entries), *entries)
        return len(self.data) - 4 * len(entries)

    def point(self, at: int, target: int) -> None:
        struct.pack_into("<I", self.data, at, target - at)


def tiny_tflite(
    *, tensor_buffer: int = 0, opcode: int = 0, output: int = 0, offset: int = 0, size: int = 0
) -> bytes:
    """One graph of one tensor and one operator."""
    flat = Flat()
    model = flat.table(5, {0: 3})
    flat.point(0, model)
    codes = flat.vector(model, 1, [0])
    graphs = flat.vector(model, 2, [0])
    flat.vector(model, 3, [])
    buffers = flat.vector(model, 4, [0])
    code = flat.table(2)
    flat.vector(code, 1, [])
    flat.point(codes, code)
    buffer = flat.table(3, {1: offset, 2: size})
    flat.vector(buffer, 0, [1, 2, 3])
    flat.point(buffers, buffer)
    subgraph = flat.table(4)
    flat.point(graphs, subgraph)
    tensors = flat.vector(subgraph, 0, [0])
    flat.vector(subgraph, 1, [0])
    flat.vector(subgraph, 2, [output])
    operators = flat.vector(subgraph, 3, [0])
    one = flat.table(4, {2: tensor_buffer})
    flat.vector(one, 0, [1, 3])
    flat.vector(one, 3, [])
    flat.point(tensors, one)
    operator = flat.table(3, {0: opcode})
    flat.vector(operator, 1, [0, -1])
    flat.vector(operator, 2, [0])
    flat.point(operators, operator)
    return bytes(flat.data)


def test_a_tflite_file_whose_parts_lie_in_it_passes(tmp_path: Path) -> None:
    graph_files.check_tflite(written(tmp_path, tiny_tflite()), name="mine")
    graph_files.check_tflite(written(tmp_path, tiny_tflite(offset=8, size=100)), name="mine")


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (tiny_tflite(tensor_buffer=1), "buffer"),
        (tiny_tflite(opcode=1), "operator"),
        (tiny_tflite(output=1), "tensor"),
        (tiny_tflite(offset=8, size=2**40), "leads out"),
        (tiny_tflite(offset=2**40, size=1), "leads out"),
        (tiny_tflite()[:-40], "leads out"),
    ],
)
def test_a_tflite_file_that_leads_out_of_itself_is_refused(
    data: bytes, what: str, tmp_path: Path
) -> None:
    assert what in refusal(graph_files.check_tflite, written(tmp_path, data))


def test_real_models_pass(assets: Path) -> None:
    onnx_files, tflite_files = list(assets.rglob("*.onnx")), list(assets.rglob("*.tflite"))

    assert all(graph_files.check_onnx(path, name="mine").operators for path in onnx_files)
    for path in tflite_files:
        graph_files.check_tflite(path, name="mine")
    assert onnx_files
    assert tflite_files


def test_a_model_of_another_kind_is_refused_by_each(tmp_path: Path) -> None:
    path = small_graphs.echo(tmp_path / "m.onnx", TensorProto.FLOAT, ("n",))

    assert refusal(graph_files.check_tflite, path)
    assert refusal(graph_files.check_onnx, written(tmp_path, tiny_tflite()))
