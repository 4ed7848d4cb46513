"""Puts an ONNX graph together, node by node, always with the same names and bytes."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from edged.models.build.blocks import BLOCK, quantize_columns, quantize_rows

OPSET = 20
"""The first with Gelu. Source: onnx, Operators.md."""
IR_VERSION = 9
"""What belongs to opset 20. onnxruntime >= 1.23 runs both; 1.17 was the first."""

MICROSOFT = "com.microsoft"

ACCURACY_LEVEL = 4
"""Of MatMulNBits: inputs in 8 bits, block by block, so that a row never depends on its batch."""

Array = npt.NDArray[np.generic]
Size = str | int


class GraphBuilder:
    """A graph in the making: every method adds a node and returns the name of its output."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, onnx.TensorProto] = {}

    def constant(self, name: str, value: Array) -> str:
        """A tensor that the graph holds; the first one of a name stays."""
        if name not in self._constants:
            content = np.ascontiguousarray(value)
            self._constants[name] = numpy_helper.from_array(content.reshape(value.shape), name)
        return name

    def whole(self, name: str, *values: int) -> str:
        """Whole numbers that the graph holds, shape (n,)."""
        return self.constant(name, np.array(values, np.int64))

    def real(self, name: str, value: float) -> str:
        """One number that the graph holds, shape ()."""
        return self.constant(name, np.array(value, np.float32))

    def node(
        self,
        kind: str,
        *inputs: str,
        domain: str = "",
        attributes: dict[str, int | float | Sequence[int]] | None = None,
    ) -> str:
        """Any operator with one output."""
        output = f"{kind}_{len(self._nodes)}"
        made = helper.make_node(kind, inputs, [output], name=output, domain=domain)
        for name, value in sorted((attributes or {}).items()):
            made.attribute.append(helper.make_attribute(name, value))
        self._nodes.append(made)
        return output

    def product(self, x: str, name: str, weights: npt.NDArray[np.float32], bits: int) -> str:
        """X times a matrix of shape (inputs, outputs); bits: 8 or 4, 32: as it is."""
        if bits == 32:  # noqa: PLR2004 - bits of a float
            return self.node("MatMul", x, self.constant(name, weights))
        packed, scales = quantize_columns(weights, bits)
        return self.node(
            "MatMulNBits",
            x,
            self.constant(name + ".packed", packed),
            self.constant(name + ".scales", scales),
            domain=MICROSOFT,
            attributes={
                "K": weights.shape[0],
                "N": weights.shape[1],
                "accuracy_level": ACCURACY_LEVEL,
                "bits": bits,
                "block_size": BLOCK,
            },
        )

    def rows(self, name: str, table: npt.NDArray[np.float32], index: str, bits: int) -> str:
        """Rows of a table of shape (rows, columns); bits: 8, a scale for each row; 32: as they are."""
        if bits == 32:  # noqa: PLR2004 - bits of a float
            return self.node("Gather", self.constant(name, table), index)
        numbers, scales = quantize_rows(table)
        found = self.node("Gather", self.constant(name + ".packed", numbers), index)
        scale = self.node("Gather", self.constant(name + ".scales", scales), index)
        real = self.node("Cast", found, attributes={"to": TensorProto.FLOAT})
        return self.node("Mul", real, scale)

    def model(
        self,
        name: str,
        inputs: dict[str, tuple[Size, ...]],
        outputs: dict[str, tuple[str, tuple[Size, ...]]],
    ) -> onnx.ModelProto:
        """The finished model.

        Args:
            name: of the graph.
            inputs: shapes of int64 inputs by name; text for a free dimension.
            outputs: by name, which node's output each one is, and its shape, float32.
        """
        ends = [
            helper.make_node("Identity", [found], [public], name=public)
            for public, (found, _) in outputs.items()
        ]
        graph = helper.make_graph(
            [*self._nodes, *ends],
            name,
            [
                helper.make_tensor_value_info(one, TensorProto.INT64, shape)
                for one, shape in inputs.items()
            ],
            [
                helper.make_tensor_value_info(one, TensorProto.FLOAT, shape)
                for one, (_, shape) in outputs.items()
            ],
            list(self._constants.values()),
        )
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(MICROSOFT, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)


def content_of(model: onnx.ModelProto) -> bytes:
    """The file of a model; the same for the same model."""
    content: bytes = model.SerializeToString(deterministic=True)
    return content
