"""Interpreters of LiteRT, or of the tflite-runtime that a board has: how they are opened, on which device."""

import os
from typing import TYPE_CHECKING

from edged.errors import CorruptModel, ModelMissing, Unsupported
from edged.models.accelerators import is_processor
from edged.models.engines import placement
from edged.models.engines.inputs import file_of
from edged.models.runtime import ModelSpec, Placement

if TYPE_CHECKING:
    from edged.models.engines.compiled import CompiledInterpreter

try:
    from ai_edge_litert.interpreter import Interpreter
except ModuleNotFoundError:
    from tflite_runtime.interpreter import Interpreter


__all__ = ["Interpreter", "open_interpreter"]


def open_interpreter(spec: ModelSpec) -> Interpreter:
    """The graph of `model.tflite`, with its memory, on the spec's device and threads.

    On the processor XNNPACK runs it; on a gpu or npu it is a CompiledInterpreter, which has the
    same methods.

    Raises:
        ModelMissing: the file is not there. CorruptModel: LiteRT refuses it.
        Unsupported: this runtime has no accelerators, or the device cannot run it.
    """
    path = file_of(spec, "model.tflite")
    if not os.path.isfile(path):
        raise ModelMissing(f"a file of {spec.id} is not there", model=spec.id)
    try:
        if is_processor(spec.device):
            return _on_processor(path, spec)
        return _accelerated(path, spec)
    except (RuntimeError, ValueError) as error:
        raise CorruptModel(f"LiteRT refuses the file of {spec.id}", model=spec.id) from error


def _on_processor(path: str, spec: ModelSpec) -> Interpreter:
    interpreter = Interpreter(model_path=path, num_threads=spec.threads)
    interpreter.allocate_tensors()
    # no delegate for another device is ever given to it
    placement.note(spec.id, interpreter, lambda _: Placement(device=spec.device))
    return interpreter


def _accelerated(path: str, spec: ModelSpec) -> "CompiledInterpreter":
    try:
        from edged.models.engines.compiled import CompiledInterpreter  # LiteRT alone has it
    except ModuleNotFoundError as error:
        raise Unsupported(
            f"this runtime has no {spec.device}", fix="install ai-edge-litert, or run it on cpu"
        ) from error
    compiled = CompiledInterpreter(path, spec.device)
    placement.note(spec.id, compiled, lambda it: it.placement)
    return compiled
