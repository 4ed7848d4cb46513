"""TensorFlow Lite graphs, run as they are: on LiteRT, or on the tflite-runtime a board has."""

import math
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from edged.errors import BadRequest, Internal
from edged.messages.records import TensorFacts
from edged.models.engines.inputs import spec_from
from edged.models.engines.tflite import Interpreter, open_interpreter
from edged.models.runtime import Tensors
from edged.workers.context import WorkerContext

_Array = npt.NDArray[Any]


def load(argument: bytes, context: WorkerContext) -> "LiteRt":
    """The graph that a worker hosts; file `model.tflite`.

    Raises:
        ModelMissing: the file is not there.
        CorruptModel: LiteRT refuses it.
    """
    del context  # a call is too short to give way
    spec = spec_from(argument)
    return LiteRt(open_interpreter(spec))


class LiteRt:
    """Fulfils Inference; shapes are those that the graph was made with."""

    def __init__(self, interpreter: Interpreter) -> None:
        self._interpreter = interpreter
        self._inputs = {one["name"]: one for one in interpreter.get_input_details()}
        self._outputs: list[dict[str, Any]] = interpreter.get_output_details()

    def infer(self, inputs: Tensors) -> Tensors:
        """All outputs of the graph, in its order.

        Raises:
            BadRequest: names, shapes, types or the number of bytes are not the graph's.
        """
        arrays = dict(_arrays(inputs))
        if {name: _kind(array) for name, array in arrays.items()} != {
            name: (np.dtype(one["dtype"]).name, tuple(one["shape"].tolist()))
            for name, one in self._inputs.items()
        }:
            raise BadRequest("the tensors' names, types or shapes are not the graph's")
        return _tensors(self._run(arrays))

    def canary(self) -> str:
        """Where each output is greatest when all inputs are zero."""
        zeros = {name: np.zeros(one["shape"], one["dtype"]) for name, one in self._inputs.items()}
        return " ".join(str(int(array.argmax())) for _, array in self._run(zeros))

    def _run(self, arrays: dict[str, _Array]) -> list[tuple[str, _Array]]:
        try:
            for name, array in arrays.items():
                self._interpreter.set_tensor(self._inputs[name]["index"], array)
            self._interpreter.invoke()
            return [
                (one["name"], self._interpreter.get_tensor(one["index"])) for one in self._outputs
            ]
        except (RuntimeError, ValueError) as error:
            raise Internal("LiteRT failed in running a graph") from error


def _kind(array: _Array) -> tuple[str, tuple[int, ...]]:
    return array.dtype.name, array.shape


def _arrays(tensors: Tensors) -> Iterator[tuple[str, _Array]]:
    """The tensors as views of their bytes.

    Raises:
        BadRequest: there are more or fewer bytes than the shapes say.
    """
    sizes = [np.dtype(one.dtype).itemsize * math.prod(one.shape) for one in tensors.tensors]
    if sum(sizes) != len(tensors.data) or any(
        min(one.shape, default=0) < 0 for one in tensors.tensors
    ):
        raise BadRequest("the tensors' bytes are not as many as their shapes say")
    at = 0
    for one, size in zip(tensors.tensors, sizes, strict=True):
        flat = np.frombuffer(tensors.data, np.dtype(one.dtype), math.prod(one.shape), at)
        yield one.name, flat.reshape(one.shape)
        at += size


def _tensors(arrays: list[tuple[str, _Array]]) -> Tensors:
    facts = [
        {"name": name, "dtype": array.dtype.name, "shape": array.shape} for name, array in arrays
    ]
    return Tensors(
        tensors=msgspec.convert(facts, tuple[TensorFacts, ...]),
        data=b"".join(array.tobytes() for _, array in arrays),
    )
