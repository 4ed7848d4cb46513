"""LiteRT's compiled models, for its GPU and NPU accelerators, as an interpreter is used.

Not run by us on a GPU or NPU; the tests run it on the processor, where it gives the same numbers.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from ai_edge_litert.compiled_model import CompiledModel, HardwareAccelerator, Options
from ai_edge_litert.interpreter import Interpreter

from edged.errors import BadRequest, Unsupported
from edged.models.accelerators import CPU, PARTIAL
from edged.models.engines.graph import Array
from edged.models.engines.libraries import is_mapped
from edged.models.runtime import Placement

_NPU = "npu:litert"
_DISPATCH = "libLiteRtDispatch"
"""What LiteRT loads to reach an NPU, one library for each maker."""

_KINDS = {
    "gpu:litert": HardwareAccelerator.GPU,
    _NPU: HardwareAccelerator.NPU,
    CPU: HardwareAccelerator.CPU,
}


class CompiledInterpreter:
    """A compiled model with the methods of an Interpreter that edged uses. One thread.

    The device alone is tried first: with the processor as its help LiteRT falls back in silence.

    Args:
        path: of the graph.
        device: gpu:litert, npu:litert, or cpu.
        content: the graph itself, instead of the path.

    Raises:
        RuntimeError: LiteRT refuses the graph.
        Unsupported: not even with the processor's help.
    """

    def __init__(self, path: str, device: str, content: bytes = b"") -> None:
        self._facts = Interpreter(model_content=content) if content else Interpreter(path)
        self._source = content or path
        self._model, self.placement = self._open(device)
        key = self._model.get_signature_by_index(0)["key"]
        self._inputs = _positions(self._model.get_input_tensor_details(key), self._names(0))
        self._outputs = _positions(self._model.get_output_tensor_details(key), self._names(1))
        self.allocate_tensors()

    def _names(self, which: int) -> Sequence[str]:
        signature = self._model.get_signature_by_index(0)
        names: Sequence[str] = signature[("inputs", "outputs")[which]]
        return names

    def _open(self, device: str) -> tuple[CompiledModel, Placement]:
        kind = _KINDS[device]
        try:
            return self._compile(kind), Placement(device=device)
        except RuntimeError:
            if device == CPU:
                raise
        try:
            model = self._compile(kind | HardwareAccelerator.CPU)
        except RuntimeError as error:
            raise Unsupported(
                f"LiteRT cannot run this graph on {device}", fix="run it on cpu"
            ) from error
        # `is_fully_accelerated` counts XNNPACK's operators too, so it says nothing here.
        at_all = device != _NPU or is_mapped(_DISPATCH)
        return model, Placement(device=PARTIAL if at_all else CPU)

    def _compile(self, kind: HardwareAccelerator) -> CompiledModel:
        options = Options(hardware_accelerators=kind)
        if isinstance(self._source, bytes):
            return CompiledModel.from_buffer(self._source, options=options)
        return CompiledModel.from_file(self._source, options=options)

    def get_input_details(self) -> list[dict[str, Any]]:
        """As an Interpreter has them."""
        details: list[dict[str, Any]] = self._facts.get_input_details()
        return details

    def get_output_details(self) -> list[dict[str, Any]]:
        """As an Interpreter has them."""
        details: list[dict[str, Any]] = self._facts.get_output_details()
        return details

    def resize_tensor_input(self, index: int, shape: Sequence[int]) -> None:
        """Give an input other lengths; `allocate_tensors` has to follow."""
        self._model.resize_input_tensor(self._inputs[index], shape, strict=False)

    def allocate_tensors(self) -> None:
        """Make buffers for the tensors as they are now."""
        self._given = self._model.create_input_buffers(0)
        self._found = self._model.create_output_buffers(0)
        self._dtypes = {one["index"]: np.dtype(one["dtype"]) for one in self.get_output_details()}

    def set_tensor(self, index: int, array: Array) -> None:
        """Copy an input in.

        Raises:
            BadRequest: it holds strings, which no accelerator takes.
        """
        if array.dtype.kind == "O":
            raise BadRequest("an accelerated graph takes no strings")
        self._given[self._inputs[index]].write(np.ascontiguousarray(array))

    def invoke(self) -> None:
        """One inference."""
        self._model.run_by_index(0, self._given, self._found)

    def get_tensor(self, index: int) -> Array:
        """A copy of an output."""
        position = self._outputs[index]
        key = self._model.get_signature_by_index(0)["key"]
        details = self._model.get_output_tensor_details(key)[self._names(1)[position]]
        shape = tuple(details["shape"])
        flat = self._found[position].read(math.prod(shape), self._dtypes[index].type)
        return np.asarray(flat).reshape(shape)


def _positions(details: dict[str, dict[str, Any]], names: Sequence[str]) -> dict[int, int]:
    """Where each tensor, by its index in the graph, stands in the signature."""
    return {int(details[name]["index"]): position for position, name in enumerate(names)}
