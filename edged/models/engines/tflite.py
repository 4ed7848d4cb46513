"""Interpreters of LiteRT, or of the tflite-runtime that a board has: how they are opened, on which device."""

import os

from edged.errors import CorruptModel, ModelMissing
from edged.models.engines.inputs import file_of
from edged.models.runtime import ModelSpec

try:
    from ai_edge_litert.interpreter import Interpreter
except ModuleNotFoundError:
    from tflite_runtime.interpreter import Interpreter


__all__ = ["Interpreter", "open_interpreter"]


def open_interpreter(spec: ModelSpec) -> Interpreter:
    """The graph of `model.tflite`, with its memory, on the spec's device and threads.

    Raises:
        ModelMissing: the file is not there. CorruptModel: LiteRT refuses it.
    """
    path = file_of(spec, "model.tflite")
    if not os.path.isfile(path):
        raise ModelMissing(f"a file of {spec.id} is not there", model=spec.id)
    try:
        interpreter = Interpreter(model_path=path, num_threads=spec.threads)
        interpreter.allocate_tensors()
    except (RuntimeError, ValueError) as error:
        raise CorruptModel(f"LiteRT refuses the file of {spec.id}", model=spec.id) from error
    return interpreter
