"""Lets a TFLite model of landmarks give as many points as MediaPipe's graph insists on.

The graph of faces divides a model's numbers by 478 points. A mesh of 468 has 1404 numbers: it is
taken for points of two numbers each, and every one of them is wrong. One more operation at the end
of the model repeats some of its points, so that the first 468 are right.
Source: schema.fbs of TensorFlow Lite; mediapipe/tasks/cc/vision/face_landmarker.
"""

from collections.abc import Sequence

from edged.errors import CorruptModel
from edged.models.build.flatbuffer import Bytes, Number, Table, Vector, integers, text
from edged.models.build.tflite_tables import (
    BUFFERS,
    MODEL_FIELDS,
    MODEL_NUMBERS,
    OPERATOR_KINDS,
    SUBGRAPHS,
    Fields,
    OldTable,
    extended,
)

_TENSORS, _OUTPUTS, _OPERATORS = 0, 2, 3
_SUBGRAPH_FIELDS = 6
_SUBGRAPH_NUMBERS = {5: "i"}
_SHAPE, _TYPE = 0, 1
_FLOAT32, _INT32 = 0, 2
_GATHER, _GATHER_OPTIONS = 36, 23
"""Of BuiltinOperator and of the union BuiltinOptions."""
_NUMBERS = 3
"""Of a point: x, y, z."""


def with_repeated_points(model: bytes, points: Sequence[int]) -> bytes:
    """A TFLite model whose first output gives some of its points once more, at its end.

    Args:
        model: the file's content, checked by edged.models.graph_files.check_tflite; one graph,
            whose first output is float32 of shape (1, 1, 1, 3 x points) or alike.
        points: which ones, in order.

    Raises:
        CorruptModel: its first output is another, or has fewer points.
    """

    def change(root: OldTable) -> Fields:
        graphs, buffers, kinds = (
            root.tables(SUBGRAPHS), root.tables(BUFFERS), root.tables(OPERATOR_KINDS),
        )  # fmt: skip
        if len(graphs) != 1:
            raise CorruptModel("the model has not one graph")
        order = _order(_output(graphs[0]), points)
        fields = root.kept(MODEL_FIELDS, MODEL_NUMBERS)
        fields[BUFFERS] = Vector([*(one.behind for one in buffers), Table({0: _as_bytes(order)})])
        fields[OPERATOR_KINDS] = Vector([*(one.behind for one in kinds), _gather()])
        fields[SUBGRAPHS] = Vector([_graph(graphs[0], order, buffer=len(buffers), kind=len(kinds))])
        return fields

    return extended(model, change)


def _output(graph: OldTable) -> OldTable:
    """The tensor of the first output."""
    tensors, outputs = graph.tables(_TENSORS), graph.integers(_OUTPUTS)
    if not outputs or not 0 <= outputs[0] < len(tensors):
        raise CorruptModel("the model gives nothing")
    return tensors[outputs[0]]


def _order(output: OldTable, points: Sequence[int]) -> list[int]:
    """Which number of the old output each one of the new is."""
    *others, count = output.integers(_SHAPE) or (0,)
    whole = set(others) <= {1} and count and count % _NUMBERS == 0
    if not whole or output.number(_TYPE, "b") != _FLOAT32:
        raise CorruptModel("the model's first output holds no points of three numbers")
    if not all(0 <= point < count // _NUMBERS for point in points):
        raise CorruptModel("the model has not all the points that are to be repeated")
    more = (_NUMBERS * point + axis for point in points for axis in range(_NUMBERS))
    return [*range(count), *more]


def _as_bytes(order: Sequence[int]) -> Bytes:
    plain = integers(order)
    return Bytes(plain.content, len(plain.content), aligned=16)


def _gather() -> Table:
    """The kind of operation; its number stands in an old and in a new field."""
    return Table({0: Number("b", _GATHER), 2: Number("i", 1), 3: Number("i", _GATHER)})


def _graph(old: OldTable, order: Sequence[int], *, buffer: int, kind: int) -> Table:
    tensors, outputs = old.tables(_TENSORS), old.integers(_OUTPUTS)
    shape = old.tables(_TENSORS)[outputs[0]].integers(_SHAPE)
    which, result = len(tensors), len(tensors) + 1
    indexes = Table(
        {
            0: integers([len(order)]),
            1: Number("b", _INT32),
            2: Number("I", buffer),
            3: text("order"),
        }
    )
    repeated = Table({0: integers([*shape[:-1], len(order)]), 3: text("repeated_points")})
    operation = Table(
        {
            0: Number("I", kind),
            1: integers([outputs[0], which]),
            2: integers([result]),
            3: Number("B", _GATHER_OPTIONS),
            4: Table({0: Number("i", len(shape) - 1)}),
        }
    )
    fields = old.kept(_SUBGRAPH_FIELDS, _SUBGRAPH_NUMBERS)
    fields[_TENSORS] = Vector([*(one.behind for one in tensors), indexes, repeated])
    fields[_OUTPUTS] = integers([result, *outputs[1:]])
    fields[_OPERATORS] = Vector([*(one.behind for one in old.tables(_OPERATORS)), operation])
    return Table(fields)
