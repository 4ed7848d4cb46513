"""sherpa-onnx's providers: how they are called, and whether one is really used.

sherpa-onnx prints a line and takes the processor when its build lacks a provider, and nobody can
ask its sessions. But a provider that runs is a library in this process.
"""

from edged.errors import Unsupported
from edged.models.accelerators import CPU, runtime_of
from edged.models.engines.libraries import is_mapped
from edged.models.runtime import ModelSpec, Placement

_LIBRARIES = {"gpu:cuda": "libonnxruntime_providers_cuda"}
"""The providers that are libraries of their own. Which share of the nodes they run stays unknown."""


def provider_of(spec: ModelSpec) -> str:
    """The spec's device in sherpa-onnx's words.

    Raises:
        Unsupported: it has no such device.
    """
    accelerator = runtime_of(spec.engine).accelerator(spec.device)
    if accelerator is None:
        raise Unsupported(f"sherpa-onnx has no {spec.device}", fix="ask for cpu or gpu:cuda")
    return accelerator.provider


def where(spec: ModelSpec) -> Placement:
    """Where a loaded model runs; unknown for a provider that is compiled in."""
    if spec.device == CPU:
        return Placement(device=CPU)
    library = _LIBRARIES.get(spec.device)
    if library is None:
        return Placement(device="")
    return Placement(device=spec.device if is_mapped(library) else CPU)
