"""Small ONNX graphs that tests make, the same bytes each time."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

Dimensions = Sequence[int | str | None]


def save(
    path: Path,
    nodes: Sequence[onnx.NodeProto],
    inputs: dict[str, tuple[int, Dimensions]],
    outputs: dict[str, tuple[int, Dimensions]],
    weights: Sequence[onnx.TensorProto] = (),
) -> Path:
    """A model of these nodes as a file; types are TensorProto's."""
    graph = helper.make_graph(
        list(nodes),
        "graph",
        [helper.make_tensor_value_info(name, *facts) for name, facts in inputs.items()],
        [helper.make_tensor_value_info(name, *facts) for name, facts in outputs.items()],
        list(weights),
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, path)
    return path


def doubler(path: Path, dtype: int = TensorProto.FLOAT, shape: Dimensions = ("batch", 3)) -> Path:
    """Y = x + x."""
    nodes = [helper.make_node("Add", ["x", "x"], ["y"])]
    return save(path, nodes, {"x": (dtype, shape)}, {"y": (dtype, shape)})


def echo(path: Path, dtype: int, shape: Dimensions) -> Path:
    """Y = x, of any type."""
    nodes = [helper.make_node("Identity", ["x"], ["y"])]
    return save(path, nodes, {"x": (dtype, shape)}, {"y": (dtype, shape)})


def masked(path: Path) -> Path:
    """Tokens = ids x mask; total = their sum: a text encoder's shapes, whole numbers."""
    nodes = [
        helper.make_node("Mul", ["ids", "mask"], ["tokens"]),
        helper.make_node("ReduceSum", ["tokens", "axis"], ["total"], keepdims=0),
    ]
    both: dict[str, tuple[int, Dimensions]] = dict.fromkeys(
        ("ids", "mask"), (TensorProto.INT64, ("batch", "length"))
    )
    outputs: dict[str, tuple[int, Dimensions]] = {
        "tokens": (TensorProto.INT64, ("batch", "length")),
        "total": (TensorProto.INT64, ("batch",)),
    }
    axis = numpy_helper.from_array(np.array([1], np.int64), "axis")
    return save(path, nodes, both, outputs, [axis])


def looker(path: Path) -> Path:
    """Y = the row of a table of 10 that x names: fails for a number outside."""
    table = numpy_helper.from_array(np.arange(10, dtype=np.float32) * 10, "table")
    nodes = [helper.make_node("Gather", ["table", "x"], ["y"])]
    shape: Dimensions = ("batch", 2)
    return save(
        path, nodes, {"x": (TensorProto.INT64, shape)}, {"y": (TensorProto.FLOAT, shape)}, [table]
    )
