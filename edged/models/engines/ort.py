"""Sessions of onnxruntime: how they are opened, on which device, and what can go wrong."""

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as ort

from edged.errors import CorruptModel, ModelMissing
from edged.models.engines.inputs import file_of
from edged.models.runtime import ModelSpec

ORT_ERRORS = (
    ort.EngineError,
    ort.EPFail,
    ort.Fail,
    ort.InvalidArgument,
    ort.InvalidGraph,
    ort.InvalidProtobuf,
    ort.ModelLoaded,
    ort.NoModel,
    ort.NotImplemented,
    ort.RuntimeException,
)
"""Everything that onnxruntime raises; it has no common base."""


def open_session(spec: ModelSpec, name: str) -> onnxruntime.InferenceSession:
    """A session over one of the model's files, on the spec's device and threads.

    Raises:
        ModelMissing: the file is not there. CorruptModel: onnxruntime refuses it.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = spec.threads
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 4
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    path = file_of(spec, name)
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except ort.NoSuchFile as error:
        raise ModelMissing(f"a file of {spec.id} is not there", model=spec.id) from error
    except ORT_ERRORS as error:
        raise CorruptModel(f"onnxruntime refuses {spec.id}", model=spec.id) from error
