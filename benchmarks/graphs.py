"""Graphs to measure with: small, made here, the same bytes every time, and real in what they cost.

`python -m benchmarks.graphs KIND FILE` writes one.
"""

import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

IMAGE = (1, 3, 224, 224)
"""Shape of what `picture` takes: 602 kB of float32."""

TOKENS = 32
"""Tokens in a sentence of `transformer`."""

_WIDTH = 128
_HEADS = 4
_WORDS = 1000


class _Net:
    """Nodes and weights, added one after the other."""

    def __init__(self) -> None:
        self._random = np.random.default_rng(1)
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def weight(self, *shape: int) -> str:
        name = f"w{len(self.weights)}"
        scale = 1 / np.sqrt(np.prod(shape[1:]) if len(shape) > 1 else shape[0])
        values = (self._random.standard_normal(shape) * scale).astype(np.float32)
        self.weights.append(numpy_helper.from_array(values, name))
        return name

    def constant(self, values: object, dtype: type) -> str:
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def add(self, kind: str, *inputs: str, **attributes: Any) -> str:  # noqa: ANN401 - of ONNX
        name = f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def write(self, path: Path, inputs: list[onnx.ValueInfoProto], last: str, width: int) -> None:
        self.nodes.append(helper.make_node("Identity", [last], ["y"]))
        output = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", width])
        graph = helper.make_graph(self.nodes, "bench", inputs, [output], self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        path.write_bytes(model.SerializeToString(deterministic=True))


def picture(path: Path) -> None:
    """A convolutional net like a small MobileNet: 5 MB of weights, a picture in, 1000 scores out."""
    net = _Net()
    last = "x"
    widths = (3, 32, 64, 128, 256)
    for narrow, wide in pairwise(widths):
        last = net.add(
            "Conv", last, net.weight(wide, narrow, 3, 3), strides=[2, 2], pads=[1, 1, 1, 1]
        )
        last = net.add("Relu", last)
    last = net.add("Relu", net.add("Conv", last, net.weight(720, widths[-1], 1, 1)))
    pooled = net.add("Flatten", net.add("GlobalAveragePool", last))
    last = net.add("MatMul", pooled, net.weight(720, 1000))
    image = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", *IMAGE[1:]])
    net.write(path, [image], last, 1000)


def transformer(path: Path) -> None:
    """An encoder of two layers over 32 tokens: token ids in, their mean vector out; any batch."""
    net = _Net()
    last = net.add("Gather", net.weight(_WORDS, _WIDTH), "x")
    for _ in range(2):
        last = net.add("Add", last, _attention(net, last))
        inner = net.add("Relu", net.add("MatMul", last, net.weight(_WIDTH, 4 * _WIDTH)))
        last = net.add("Add", last, net.add("MatMul", inner, net.weight(4 * _WIDTH, _WIDTH)))
        last = net.add(
            "LayerNormalization", last, net.constant(np.ones(_WIDTH), np.float32), axis=-1
        )
    last = net.add("ReduceMean", last, axes=[1], keepdims=0)
    tokens = helper.make_tensor_value_info("x", TensorProto.INT64, ["batch", TOKENS])
    net.write(path, [tokens], last, _WIDTH)


def _attention(net: _Net, last: str) -> str:
    split = net.constant([0, 0, _HEADS, _WIDTH // _HEADS], np.int64)
    join = net.constant([0, 0, _WIDTH], np.int64)
    query, key, value = (
        net.add("Reshape", net.add("MatMul", last, net.weight(_WIDTH, _WIDTH)), split)
        for _ in range(3)
    )
    turned = net.add("Transpose", query, perm=[0, 2, 1, 3])
    scores = net.add("MatMul", turned, net.add("Transpose", key, perm=[0, 2, 3, 1]))
    shares = net.add("Softmax", scores, axis=-1)
    mixed = net.add("MatMul", shares, net.add("Transpose", value, perm=[0, 2, 1, 3]))
    return net.add("Reshape", net.add("Transpose", mixed, perm=[0, 2, 1, 3]), join)


KINDS = {"picture": picture, "transformer": transformer}

if __name__ == "__main__":
    KINDS[sys.argv[1]](Path(sys.argv[2]))
