"""Sessions of onnxruntime: how they are opened, on which device, and what can go wrong.

onnxruntime gives the processor what a provider does not take, and all of it when the provider does
not start, without an error. So nothing here believes what was asked: `where` reads the profile of
the canary's run.
"""

import contextlib
import itertools
import json
import os
from collections import Counter
from pathlib import Path

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as ort

from edged.errors import CorruptModel, ModelMissing, Unsupported
from edged.models.accelerators import CPU, Accelerator, options_for, placed, runtime_of
from edged.models.engines import placement
from edged.models.engines.graph import Array
from edged.models.engines.inputs import file_of
from edged.models.engines.placement import UNKNOWN
from edged.models.runtime import ModelSpec, Placement

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

RUNTIME = runtime_of("onnx")

_runs = itertools.count(1)
"""Two graphs of one model must not write one file: onnxruntime adds the time in seconds."""

_PLAIN = "CPUExecutionProvider"
_TENSORRT = "gpu:tensorrt"
_CUDA = "gpu:cuda"


def open_session(spec: ModelSpec, name: str) -> onnxruntime.InferenceSession:
    """A session over one of the model's files, on the spec's device and threads.

    With a scratch folder the first runs are profiled, until `placement` is asked.

    Raises:
        ModelMissing: the file is not there. CorruptModel: onnxruntime refuses it.
        Unsupported: this onnxruntime has no provider for the device.
    """
    path = file_of(spec, name)
    options = _session_options(spec)
    providers = _providers(spec)
    try:
        session = onnxruntime.InferenceSession(path, options, providers=providers)
    except ort.NoSuchFile as error:
        raise ModelMissing(f"a file of {spec.id} is not there", model=spec.id) from error
    except ORT_ERRORS as error:
        raise CorruptModel(f"onnxruntime refuses {spec.id}", model=spec.id) from error
    # Or a run that fails would be done again on the processor, by a new session, without a word.
    session.disable_fallback()
    profiled = bool(options.enable_profiling)
    placement.note(spec.id, session, lambda it: where(it, spec.device, profiled=profiled))
    return session


def open_content(content: bytes, device: str) -> onnxruntime.InferenceSession:
    """A session over a graph's bytes, to try a device.

    Raises:
        Unsupported: there is no provider for it, or it does not take the graph.
    """
    spec = ModelSpec(id="probe", task="infer", engine="onnx", files={}, device=device)
    options, providers = _session_options(spec), _providers(spec)
    try:
        session = onnxruntime.InferenceSession(content, options, providers=providers)
    except ORT_ERRORS as error:
        raise Unsupported("onnxruntime opens no graph on it") from error
    session.disable_fallback()
    return session


def run_plainly(session: onnxruntime.InferenceSession, inputs: dict[str, Array]) -> Array:
    """The first output of a graph.

    Raises:
        Unsupported: the device fails in running it.
    """
    try:
        first: Array = session.run(None, inputs)[0]
    except ORT_ERRORS as error:
        raise Unsupported("onnxruntime fails in running a graph on it") from error
    return first


def _session_options(spec: ModelSpec) -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = spec.threads
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 4
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    if spec.device == "gpu:directml":
        options.enable_mem_pattern = False  # it takes sessions without only
    if spec.device != CPU:
        options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
        _profile(options, spec.scratch)
    return options


def _profile(options: onnxruntime.SessionOptions, scratch: str) -> None:
    """Have the first runs noted in a file, where there may be one."""
    if scratch and _is_writable(scratch):
        options.enable_profiling = True
        options.profile_file_prefix = os.path.join(scratch, f"run-{next(_runs)}")


def _is_writable(folder: str) -> bool:
    """Whether a file can be made there: a worker that ran already is shut in without it."""
    trial = Path(folder, f"trial-{os.getpid()}")
    try:
        trial.touch()
        trial.unlink()
    except OSError:
        return False
    return True


def _providers(spec: ModelSpec) -> list[str | tuple[str, dict[str, str]]]:
    """The provider of the device, those that help it, and the processor for the rest."""
    accelerator = RUNTIME.accelerator(spec.device)
    if accelerator is None or accelerator.provider not in onnxruntime.get_available_providers():
        raise Unsupported(
            f"this onnxruntime has no provider for {spec.device}",
            fix=f"install one that has, or ask for one of {', '.join(compiled_in())}",
        )
    chosen: list[Accelerator] = [accelerator]
    if accelerator.device == _TENSORRT and _CUDA in compiled_in():
        chosen += [one for one in RUNTIME.accelerators if one.device == _CUDA]
    found: list[str | tuple[str, dict[str, str]]] = [
        (one.provider, options_for(one, spec.threads)) for one in chosen if one.provider != _PLAIN
    ]
    return [*found, _PLAIN]


def compiled_in() -> tuple[str, ...]:
    """The devices for which this onnxruntime has a provider; whether one works is another matter."""
    available = onnxruntime.get_available_providers()
    return tuple(one.device for one in RUNTIME.accelerators if one.provider in available)


def where(
    session: onnxruntime.InferenceSession, device: str, *, profiled: bool = False
) -> Placement:
    """Where the nodes of a session's runs were executed.

    From the profile of its runs so far, which ends here; else from the division of its graph.

    Args:
        session: that has run.
        device: what was meant.
        profiled: whether it notes its runs.
    """
    ran: Counter[str] = _ran(session) if profiled else Counter()
    divided = _divided(session)
    nodes = {one: divided.get(one) or ran[one] for one in ran} if ran else dict(divided)
    if session.get_providers() == [_PLAIN]:
        return Placement(device=CPU, nodes=nodes)  # no node can be elsewhere
    return Placement(device=placed(nodes, RUNTIME, device), nodes=nodes) if nodes else UNKNOWN


def _ran(session: onnxruntime.InferenceSession) -> Counter[str]:
    """How many kernels each provider ran, by the profile; a provider may make one of many nodes."""
    path = session.end_profiling()
    try:
        with open(path, "rb") as file:
            events = json.load(file)
    except (OSError, ValueError):
        return Counter()
    with contextlib.suppress(OSError):
        os.unlink(path)
    kernels = {
        (event["name"], provider)
        for event in events
        if event.get("cat") == "Node" and (provider := event["args"].get("provider"))
    }
    return Counter(provider for _, provider in kernels)


def _divided(session: onnxruntime.InferenceSession) -> Counter[str]:
    """How many nodes of the graph each provider got at load; empty when it was not noted."""
    tell = getattr(session, "get_provider_graph_assignment_info", None)
    if tell is None:
        return Counter()  # before onnxruntime 1.24
    nodes: Counter[str] = Counter()
    try:
        for part in tell():
            nodes[part.ep_name] += len(part.get_nodes())
    except ORT_ERRORS:
        return Counter()  # it was not asked to note it
    return nodes
