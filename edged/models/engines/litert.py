"""TensorFlow Lite graphs on LiteRT: as they are, or as a preset makes them a model of a task."""

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from edged.errors import BadRequest, CorruptModel, Internal, ModelMissing
from edged.messages.records import Quantization, Signature, SignatureTensor
from edged.models import graph_files
from edged.models.engines.graph import Array
from edged.models.engines.inference import GraphInference, hosted
from edged.models.engines.inputs import file_of, spec_from
from edged.models.engines.tensors import check, check_outputs, type_of
from edged.models.engines.tflite import Interpreter, open_interpreter
from edged.models.runtime import ModelSpec
from edged.workers.context import WorkerContext

_UNKNOWN = (-1,)
"""No tensor has this shape."""


def load(argument: bytes, context: WorkerContext) -> GraphInference:
    """What a worker hosts; file `model.tflite`.

    Raises:
        ModelMissing: the file is not there.
        CorruptModel: its tables lead out of it, LiteRT refuses it, or it is not a graph of its task.
    """
    del context  # a call is too short to give way
    spec = spec_from(argument)
    path = file_of(spec, "model.tflite")
    if not os.path.isfile(path):
        raise ModelMissing(f"a file of {spec.id} is not there", model=spec.id)
    try:
        graph_files.check_tflite(path, name=spec.id)
    except OSError as error:
        raise ModelMissing(f"a file of {spec.id} cannot be read", model=spec.id) from error
    return hosted(LiteRtGraph(open_interpreter(spec), spec), spec)


class LiteRtGraph:
    """Fulfils Graph; free dimensions get the lengths of what comes, and keep them until they differ.

    Args:
        interpreter: with its memory.
        spec: for messages.
    """

    def __init__(self, interpreter: Interpreter, spec: ModelSpec) -> None:
        self._interpreter = interpreter
        inputs: list[dict[str, Any]] = interpreter.get_input_details()
        outputs: list[dict[str, Any]] = interpreter.get_output_details()
        self._signature = Signature(inputs=_facts(inputs, spec), outputs=_facts(outputs, spec))
        self._inputs = _indexes(self._signature.inputs, inputs)
        self._outputs = _indexes(self._signature.outputs, outputs)
        self._shapes = {
            name: tuple(one["shape"].tolist())
            for name, one in zip(self._inputs, inputs, strict=True)
        }

    def signature(self) -> Signature:
        """What the graph takes and gives."""
        return self._signature

    def run(self, inputs: Mapping[str, Array], outputs: Sequence[str] = ()) -> dict[str, Array]:
        """One inference; copies of the outputs.

        Raises:
            BadRequest: a name, dtype or shape is not the graph's.
            Internal: LiteRT failed.
        """
        check(self._signature, inputs)
        check_outputs(self._signature, outputs)
        try:
            self._resize(inputs)
            for name, array in inputs.items():
                self._set(name, array)
            self._interpreter.invoke()
            return {
                name: self._interpreter.get_tensor(self._outputs[name])
                for name in outputs or self._outputs
            }
        except (RuntimeError, ValueError) as error:
            raise Internal("LiteRT failed in running a graph") from error

    def _resize(self, inputs: Mapping[str, Array]) -> None:
        differing = [name for name, array in inputs.items() if array.shape != self._shapes[name]]
        if not differing:
            return
        for name in differing:
            self._shapes[name] = _UNKNOWN  # until all of it has succeeded
            self._interpreter.resize_tensor_input(self._inputs[name], inputs[name].shape)
        self._interpreter.allocate_tensors()
        self._shapes |= {name: inputs[name].shape for name in differing}

    def _set(self, name: str, array: Array) -> None:
        try:
            self._interpreter.set_tensor(self._inputs[name], _stored(array))
        except ValueError as error:
            raise BadRequest(f"tensor {name}: the graph does not take this shape") from error


def _stored(array: Array) -> Array:
    """Strings as LiteRT takes them; everything else as it is."""
    if array.dtype.kind != "O":
        return array
    words = [word.encode() if isinstance(word, str) else word for word in array.reshape(-1)]
    return np.array([*words, None], dtype=object)[:-1].reshape(array.shape)


def _facts(details: Iterable[dict[str, Any]], spec: ModelSpec) -> tuple[SignatureTensor, ...]:
    facts: list[SignatureTensor] = []
    for number, one in enumerate(details):
        name = one["name"] or f"tensor_{number}"
        if any(name == other.name for other in facts):
            name = f"{name}#{number}"  # the format allows two of one name, a request does not
        facts.append(_fact(name, one, spec))
    return tuple(facts)


def _fact(name: str, one: dict[str, Any], spec: ModelSpec) -> SignatureTensor:
    dtype = type_of(np.dtype(one["dtype"]))
    if dtype is None:
        raise CorruptModel(
            f"{name} of {spec.id} is a {one['dtype'].__name__}, which cannot be sent"
        )
    return SignatureTensor(
        name=name,
        dtype=dtype,
        shape=tuple(one["shape_signature"].tolist()),
        quantized=_quantization(name, one["quantization_parameters"], spec),
    )


def _quantization(name: str, found: dict[str, Any], spec: ModelSpec) -> Quantization | None:
    scales, points = found["scales"], found["zero_points"]
    if not len(scales) or not scales[0]:
        return None
    if len(scales) > 1:
        raise CorruptModel(
            f"{name} of {spec.id} is quantized by channel, which only weights may be"
        )
    return Quantization(scale=float(scales[0]), zero_point=int(points[0]) if len(points) else 0)


def _indexes(facts: Iterable[SignatureTensor], details: Iterable[dict[str, Any]]) -> dict[str, int]:
    return {one.name: int(found["index"]) for one, found in zip(facts, details, strict=True)}
