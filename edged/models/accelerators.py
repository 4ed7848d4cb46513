"""Which devices each runtime can use, in which order, with which options, through which files.

Pure: nothing here asks a driver. edged.models.probing finds out what works on this machine, and
docs/ACCELERATORS.md explains every line and says what was run by us.
"""

import glob
from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from edged.errors import Unsupported

CPU = "cpu"
AUTO = "auto"
KINDS = (AUTO, CPU, "gpu", "npu")
"""What may be asked for beside a device by name."""

PARTIAL = "cpu (partial)"
"""Some nodes run where they were meant to, others on the plain processor."""

RuntimeName = Literal["onnxruntime", "litert", "ctranslate2", "sherpa_onnx", "mediapipe", "none"]


class Accelerator(Struct, frozen=True, kw_only=True):
    """One way for a runtime to run a graph.

    device: its name here. provider: what the runtime calls it.
    options: of the provider; {threads} stands for the number of threads.
    library: a file beside the runtime without which it cannot work; empty: it is compiled in.
    nodes: patterns of device files of which one has to exist; empty: it needs none.
    """

    device: str
    provider: str
    options: Mapping[str, str] = {}
    library: str = ""
    nodes: tuple[str, ...] = ()


_NVIDIA = ("/dev/nvidiactl", "/dev/dxg")
_AMD = ("/dev/kfd",)
_RENDER = ("/dev/dri/renderD*",)
_INTEL_NPU = ("/dev/accel/accel*",)
_QUALCOMM = ("/dev/fastrpc-*", "/dev/adsprpc-smd*")

_FRUGAL = {"device_id": "0", "arena_extend_strategy": "kSameAsRequested"}
"""The arena grows by what is asked for; by default it doubles. Source: onnxruntime.ai, CUDA EP."""

_OPENVINO = {"num_streams": "1"}
"""One request at a time, and no cache_dir: a worker may write no files."""

ONNXRUNTIME = (
    Accelerator(
        device="gpu:tensorrt",
        provider="TensorrtExecutionProvider",
        options={
            "device_id": "0",
            "trt_engine_cache_enable": "0",
            "trt_timing_cache_enable": "0",
            "trt_max_workspace_size": str(2**28),
        },
        library="libonnxruntime_providers_tensorrt.so",
        nodes=_NVIDIA,
    ),
    Accelerator(
        device="gpu:cuda",
        provider="CUDAExecutionProvider",
        options={
            **_FRUGAL,
            "cudnn_conv_algo_search": "HEURISTIC",
            "cudnn_conv_use_max_workspace": "0",
        },
        library="libonnxruntime_providers_cuda.so",
        nodes=_NVIDIA,
    ),
    Accelerator(
        device="gpu:rocm",
        provider="ROCMExecutionProvider",
        options=_FRUGAL,
        library="libonnxruntime_providers_rocm.so",
        nodes=_AMD,
    ),
    Accelerator(
        device="gpu:migraphx",
        provider="MIGraphXExecutionProvider",
        options={"device_id": "0"},
        library="libonnxruntime_providers_migraphx.so",
        nodes=_AMD,
    ),
    Accelerator(
        device="gpu:openvino",
        provider="OpenVINOExecutionProvider",
        options={"device_type": "GPU", **_OPENVINO},
        library="libonnxruntime_providers_openvino.so",
        nodes=_RENDER,
    ),
    Accelerator(
        device="npu:openvino",
        provider="OpenVINOExecutionProvider",
        options={"device_type": "NPU", **_OPENVINO},
        library="libonnxruntime_providers_openvino.so",
        nodes=_INTEL_NPU,
    ),
    Accelerator(
        device="cpu:openvino",
        provider="OpenVINOExecutionProvider",
        options={
            "device_type": "CPU",
            "num_of_threads": "{threads}",
            "precision": "FP32",  # or processors with AMX compute in bfloat16
            **_OPENVINO,
        },
        library="libonnxruntime_providers_openvino.so",
    ),
    Accelerator(
        device="npu:qnn",
        provider="QNNExecutionProvider",
        options={"backend_path": "libQnnHtp.so", "htp_performance_mode": "balanced"},
        library="libonnxruntime_providers_qnn.so",
        nodes=_QUALCOMM,
    ),
    Accelerator(
        device="gpu:coreml",
        provider="CoreMLExecutionProvider",
        options={"ModelFormat": "MLProgram", "MLComputeUnits": "CPUAndGPU"},
    ),
    Accelerator(
        device="npu:coreml",
        provider="CoreMLExecutionProvider",
        options={"ModelFormat": "MLProgram", "MLComputeUnits": "CPUAndNeuralEngine"},
    ),
    Accelerator(device="gpu:directml", provider="DmlExecutionProvider", options={"device_id": "0"}),
    Accelerator(
        device="cpu:acl", provider="ACLExecutionProvider", options={"enable_fast_math": "false"}
    ),
    Accelerator(
        device="cpu:xnnpack",
        provider="XnnpackExecutionProvider",
        options={"intra_op_num_threads": "{threads}"},
    ),
    Accelerator(device=CPU, provider="CPUExecutionProvider"),
)
"""In the order in which they are tried."""

LITERT = (
    Accelerator(device="gpu:litert", provider="GPU", library="libLiteRtWebGpuAccelerator.so", nodes=_RENDER),
    Accelerator(
        device="npu:litert", provider="NPU", nodes=(*_QUALCOMM, *_INTEL_NPU, "/dev/apusys")
    ),
    Accelerator(device="cpu:xnnpack", provider="CPU"),
    Accelerator(device=CPU, provider="CPU"),
)  # fmt: skip
"""LiteRT's plain processor is XNNPACK: both names mean the same."""

CTRANSLATE2 = (
    Accelerator(device="gpu:cuda", provider="cuda", nodes=_NVIDIA),
    Accelerator(device=CPU, provider="cpu"),
)

SHERPA_ONNX = (
    Accelerator(
        device="gpu:cuda",
        provider="cuda",
        library="libonnxruntime_providers_cuda.so",
        nodes=_NVIDIA,
    ),
    Accelerator(device="gpu:coreml", provider="coreml"),
    Accelerator(device="gpu:directml", provider="directml"),
    Accelerator(device=CPU, provider="cpu"),
)

MEDIAPIPE = (
    Accelerator(device="gpu:mediapipe", provider="GPU", nodes=(*_RENDER, *_NVIDIA)),
    Accelerator(device=CPU, provider="CPU"),
)
"""Its delegates; for the GPU it needs EGL, with or without a display."""

_PLAIN = (Accelerator(device=CPU, provider="cpu"),)


class Runtime(Struct, frozen=True, kw_only=True):
    """What runs graphs for one or several engines.

    package: its module. folder: inside the package, where its libraries lie.
    distributions: the packages that bring it, by name; the first that is installed has its version.
    threaded: it takes a number of threads.
    """

    name: RuntimeName
    accelerators: tuple[Accelerator, ...]
    package: str = ""
    folder: str = ""
    distributions: tuple[str, ...] = ()
    threaded: bool = True

    @property
    def devices(self) -> tuple[str, ...]:
        """All devices it may know, the first choice first."""
        return tuple(one.device for one in self.accelerators)

    def accelerator(self, device: str) -> Accelerator | None:
        """The way to a device; None when it has none."""
        return next((one for one in self.accelerators if one.device == device), None)


_ORT = Runtime(
    name="onnxruntime",
    accelerators=ONNXRUNTIME,
    package="onnxruntime",
    folder="capi",
    distributions=(
        "onnxruntime",
        "onnxruntime-gpu",
        "onnxruntime-openvino",
        "onnxruntime-qnn",
        "onnxruntime-rocm",
        "onnxruntime-migraphx",
        "onnxruntime-directml",
    ),
)
_LITERT = Runtime(
    name="litert",
    accelerators=LITERT,
    package="ai_edge_litert",
    distributions=("ai-edge-litert", "tflite-runtime"),
)
_CTRANSLATE2 = Runtime(
    name="ctranslate2",
    accelerators=CTRANSLATE2,
    package="ctranslate2",
    distributions=("ctranslate2",),
)
_SHERPA = Runtime(
    name="sherpa_onnx",
    accelerators=SHERPA_ONNX,
    package="sherpa_onnx",
    folder="lib",
    distributions=("sherpa-onnx",),
)
_MEDIAPIPE = Runtime(
    name="mediapipe",
    accelerators=MEDIAPIPE,
    package="mediapipe",
    distributions=("mediapipe",),
    threaded=False,
)
_NONE = Runtime(name="none", accelerators=_PLAIN, threaded=False)

RUNTIMES = (_ORT, _LITERT, _CTRANSLATE2, _SHERPA, _MEDIAPIPE)

_OF_ENGINE: Mapping[str, Runtime] = {
    "onnx": _ORT,
    "silero": _ORT,
    "litert": _LITERT,
    "faster_whisper": _CTRANSLATE2,
    "sherpa_offline": _SHERPA,
    "sherpa_online": _SHERPA,
    "sherpa_diarization": _SHERPA,
    "sherpa_speaker": _SHERPA,
    "mediapipe": _MEDIAPIPE,
}


def runtime_of(engine: str) -> Runtime:
    """What runs an engine's graphs; one that knows only the processor when it is not listed."""
    return _OF_ENGINE.get(engine, _NONE)


def known_devices() -> tuple[str, ...]:
    """Every device by name that any runtime may have."""
    return tuple(dict.fromkeys(one for runtime in RUNTIMES for one in runtime.devices))


def check_asked(asked: str) -> None:
    """Accept what a config or a manifest may ask for.

    Raises:
        Unsupported: it is no kind of device and no device's name.
    """
    if asked not in KINDS and asked not in known_devices():
        raise Unsupported(
            f"the device {asked!r} is unknown",
            fix=f"ask for one of {', '.join(dict.fromkeys((*KINDS, *known_devices())))}",
        )


def is_processor(device: str) -> bool:
    """Whether a device is the processor, by whatever provider: then threads matter."""
    return device.partition(":")[0] == CPU


def options_for(accelerator: Accelerator, threads: int) -> dict[str, str]:
    """A provider's options with the number of threads put in."""
    return {
        name: value.replace("{threads}", str(threads))
        for name, value in accelerator.options.items()
    }


class Opening(Struct, frozen=True):
    """What a worker has to be let at. read: files and folders. use: device files to read and write."""

    read: tuple[str, ...] = ()
    use: tuple[str, ...] = ()


_OPENINGS: Mapping[str, Opening] = {
    "nvidia": Opening(
        read=(
            "/proc/driver/nvidia",
            "/proc/devices",
            "/proc/meminfo",
            "/sys/module/nvidia",
            "/sys/module/nvidia_uvm",
            "/usr/lib/wsl",
        ),
        use=(
            "/dev/nvidiactl",
            "/dev/nvidia[0-9]*",
            "/dev/nvidia-uvm",
            "/dev/nvidia-uvm-tools",
            "/dev/dxg",
        ),
    ),
    "amd": Opening(
        read=("/opt/rocm", "/proc/meminfo", "/sys/class/kfd", "/sys/module/amdgpu"),
        use=("/dev/kfd", "/dev/dri/renderD*"),
    ),
    "render": Opening(
        read=("/etc/OpenCL", "/etc/vulkan", "/proc/meminfo", "/sys/class/drm", "/sys/dev/char"),
        use=("/dev/dri/renderD*",),
    ),
    "egl": Opening(read=("/etc/glvnd", "/usr/share/glvnd", "/usr/share/drirc.d")),
    "intel_npu": Opening(read=("/sys/class/accel",), use=("/dev/accel/accel*",)),
    "qualcomm": Opening(
        use=("/dev/fastrpc-*", "/dev/adsprpc-smd*", "/dev/dma_heap/system", "/dev/ion")
    ),
    "mediatek": Opening(use=("/dev/apusys", "/dev/dma_heap/system")),
    "openvino": Opening(read=("/proc/meminfo", "/proc/self/mountinfo", "/sys/fs/cgroup")),
}

_OPENED_BY: Mapping[str, tuple[str, ...]] = {
    "gpu:tensorrt": ("nvidia",),
    "gpu:cuda": ("nvidia",),
    "gpu:rocm": ("amd",),
    "gpu:migraphx": ("amd",),
    "gpu:openvino": ("render", "openvino"),
    "npu:openvino": ("intel_npu", "openvino"),
    "cpu:openvino": ("openvino",),
    "npu:qnn": ("qualcomm",),
    "gpu:litert": ("render",),
    "gpu:mediapipe": ("render", "nvidia", "egl"),
    "npu:litert": ("qualcomm", "mediatek", "intel_npu"),
}


def opening_for(device: str) -> Opening:
    """The files that a worker may use because it runs a model there, as far as they exist."""
    openings = [_OPENINGS[name] for name in _OPENED_BY.get(device, ())]
    read = [path for one in openings for path in one.read]
    use = [path for one in openings for pattern in one.use for path in sorted(glob.glob(pattern))]
    return Opening(tuple(dict.fromkeys(read)), tuple(dict.fromkeys(use)))


def placed(nodes: Mapping[str, int], runtime: Runtime, device: str) -> str:
    """What a placement comes to: a device's name, or `cpu (partial)`.

    Args:
        nodes: how many nodes each provider ran, by the runtime's names; at least one.
        runtime: whose names they are.
        device: what was meant: it tells two devices of one provider apart.
    """
    ran = {_device_of(provider, runtime, device) for provider, count in nodes.items() if count}
    if len(ran) == 1:
        return ran.pop()
    if CPU in ran:
        return PARTIAL
    return f"{next(iter(sorted(ran - {device})))} (partial)"


def share(nodes: Mapping[str, int], runtime: Runtime, device: str) -> tuple[int, int]:
    """How many nodes run elsewhere than meant, and how many there are."""
    elsewhere = [
        count
        for provider, count in nodes.items()
        if _device_of(provider, runtime, device) != device
    ]
    return sum(elsewhere), sum(nodes.values())


def _device_of(provider: str, runtime: Runtime, device: str) -> str:
    meant = runtime.accelerator(device)
    if meant is not None and meant.provider == provider:
        return device
    ways = [one.device for one in runtime.accelerators if one.provider == provider]
    return ways[-1] if ways else provider
