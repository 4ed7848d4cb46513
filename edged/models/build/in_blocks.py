"""Puts an ONNX graph's weights into 8 or 4 bits, a scale for each block; see blocks.py.

Products with a constant matrix become MatMulNBits, whose inputs are quantized block by block too: a
row's result never depends on the rows beside it. Rows that are looked up in a large table are kept
in 8 bits with a scale for each, which onnxruntime's own quantizer leaves as they are.
"""

from collections.abc import Iterable, Iterator

import onnx
from onnx import TensorProto, helper, numpy_helper

from edged.errors import CorruptModel
from edged.models.build.blocks import BLOCK, quantize_columns, quantize_rows
from edged.models.build.graph import ACCURACY_LEVEL, MICROSOFT

LEAST_INPUTS = BLOCK
"""A matrix with fewer rows has not one whole block."""

LEAST_ROWS = 256
"""A smaller table is not worth three more operations."""

_TWO = 2


def quantize(model: onnx.ModelProto, bits: int) -> None:
    """Change a model in place.

    Args:
        model: in one file; what its subgraphs compute stays as it is.
        bits: 8 or 4, of matrices; tables of rows always get 8.

    Raises:
        CorruptModel: nothing in it can be quantized so, or a weight is no number.
    """
    graph = model.graph
    weights = {
        one.name: one
        for one in graph.initializer
        if one.data_type == TensorProto.FLOAT and len(one.dims) == _TWO
    }
    made: dict[str, onnx.TensorProto] = {}
    nodes = [new for node in graph.node for new in _replaced(node, weights, made, bits)]
    if not made:
        raise CorruptModel("the model has no matrices that could be put into blocks")
    del graph.node[:]
    graph.node.extend(nodes)
    graph.initializer.extend(made.values())
    _drop_unused(graph)
    if not any(one.domain == MICROSOFT for one in model.opset_import):
        model.opset_import.append(helper.make_opsetid(MICROSOFT, 1))


def _replaced(
    node: onnx.NodeProto,
    weights: dict[str, onnx.TensorProto],
    made: dict[str, onnx.TensorProto],
    bits: int,
) -> list[onnx.NodeProto]:
    """A node, or what takes its place; `made` grows by the weights that it needs."""
    if node.op_type == "MatMul" and node.input[1] in weights:
        matrix = weights[node.input[1]]
        return [_product(node, matrix, made, bits)] if matrix.dims[0] >= LEAST_INPUTS else [node]
    if node.op_type == "Gather" and node.input[0] in weights and _axis(node) == 0:
        table = weights[node.input[0]]
        return _rows(node, table, made) if table.dims[0] >= LEAST_ROWS else [node]
    return [node]


def _axis(node: onnx.NodeProto) -> int:
    return next((one.i for one in node.attribute if one.name == "axis"), 0)


def _product(
    node: onnx.NodeProto,
    matrix: onnx.TensorProto,
    made: dict[str, onnx.TensorProto],
    bits: int,
) -> onnx.NodeProto:
    packed, scales = f"{matrix.name}.packed", f"{matrix.name}.scales"
    if packed not in made:
        numbers, steps = quantize_columns(numpy_helper.to_array(matrix), bits)
        made[packed] = numpy_helper.from_array(numbers, packed)
        made[scales] = numpy_helper.from_array(steps, scales)
    return helper.make_node(
        "MatMulNBits",
        [node.input[0], packed, scales],
        node.output,
        name=node.name,
        domain=MICROSOFT,
        K=matrix.dims[0],
        N=matrix.dims[1],
        accuracy_level=ACCURACY_LEVEL,
        bits=bits,
        block_size=BLOCK,
    )


def _rows(
    node: onnx.NodeProto, table: onnx.TensorProto, made: dict[str, onnx.TensorProto]
) -> list[onnx.NodeProto]:
    packed, scales = f"{table.name}.rows", f"{table.name}.steps"
    if packed not in made:
        numbers, steps = quantize_rows(numpy_helper.to_array(table))
        made[packed] = numpy_helper.from_array(numbers, packed)
        made[scales] = numpy_helper.from_array(steps, scales)
    index, result = node.input[1], node.output[0]
    whole, real, scale = (f"{result}.{part}" for part in ("whole", "real", "scale"))
    return [
        helper.make_node("Gather", [packed, index], [whole], name=whole),
        helper.make_node("Cast", [whole], [real], name=real, to=TensorProto.FLOAT),
        helper.make_node("Gather", [scales, index], [scale], name=scale),
        helper.make_node("Mul", [real, scale], [result], name=node.name or result),
    ]


def _drop_unused(graph: onnx.GraphProto) -> None:
    """Remove weights that nothing takes any more, and the inputs of old models that name them."""
    used = set(_names(graph.node)) | {one.name for one in graph.output}
    gone = {one.name for one in graph.initializer if one.name not in used}
    kept = [one for one in graph.initializer if one.name not in gone]
    inputs = [one for one in graph.input if one.name not in gone]
    del graph.initializer[:]
    graph.initializer.extend(kept)
    del graph.input[:]
    graph.input.extend(inputs)


def _names(nodes: Iterable[onnx.NodeProto]) -> Iterator[str]:
    """All that nodes take, those of subgraphs too."""
    for node in nodes:
        yield from node.input
        for attribute in node.attribute:
            for graph in (attribute.g, *attribute.graphs):
                yield from _names(graph.node)
                yield from (one.name for one in graph.output)
