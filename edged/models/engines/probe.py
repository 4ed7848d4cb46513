"""Tries one device of one runtime, in a process that may crash or hang for it.

Hosted in a throw-away worker by edged.models.probing. A tiny graph is run, and where it ran counts.
"""

import base64
import ctypes
import importlib
from collections.abc import Callable, Mapping

import msgspec

from edged.errors import BadRequest, EdgedError, Unsupported
from edged.models.accelerators import CPU
from edged.models.runtime import Placement
from edged.models.trials import Trial, Verdict
from edged.workers.context import WorkerContext

_MATMUL_ONNX = base64.b64decode(
    "CAg6kQEKEQoBeAoBdxIBeSIGTWF0TXVsEgVwcm9iZSpLCAQIBBABIkAAAABAAAAAAAAAAAAAAAAAAAAAAAAAAEAA"
    "AAAAAAAAAAAAAAAAAAAAAAAAQAAAAAAAAAAAAAAAAAAAAAAAAABAQgF3WhMKAXgSDgoMCAESCAoCCAQKAggEYhMK"
    "AXkSDgoMCAESCAoCCAQKAggEQgQKABAN"
)
"""y = 2 x, a product of 4 x 4 matrices; 156 bytes. Made with onnx.helper, opset 13."""

_ADD_TFLITE = base64.b64decode(
    "GAAAAFRGTDMAAA4AFAAQAAwACAAAAAQADgAAABAAAAAYAAAA+AAAAAMAAAABAAAABAAAABD///8BAAAAEAAAAAwA"
    "FAAQAAwACAAEAAwAAAAQAAAAUAAAAFQAAABYAAAAAQAAABQAAAAAAA4AFAAAABAADAALAAQADgAAABAAAAAAAAAL"
    "DAAAABAAAABo////AQAAAAEAAAACAAAAAAAAAAAAAAABAAAAAQAAAAEAAAAAAAAAAgAAADwAAAAEAAAA2P///wgA"
    "AAAMAAAAAQAAAHkAAAAEAAAAAQAAAAIAAAACAAAABAAAAAwADAAIAAAAAAAEAAwAAAAIAAAADAAAAAEAAAB4AAAA"
    "BAAAAAEAAAACAAAAAgAAAAQAAAABAAAACAAAAAQABAAEAAAA"
)
"""y = x + x over 1 x 2 x 2 x 4; 300 bytes. Made with LiteRT's own schema."""


class Probe:
    """Tries; anything may happen in it."""

    def __init__(self, trial: Trial) -> None:
        self._trial = trial

    def probe(self) -> Verdict:
        """Run a tiny graph on the device and look where it ran."""
        try:
            found = _TRIALS[self._trial.runtime](self._trial.device)
        except EdgedError as error:
            return Verdict(reason=error.message)
        except (RuntimeError, ValueError, OSError) as error:
            return Verdict(reason=_first_line(error))
        if found.device != self._trial.device:
            return Verdict(reason=f"a graph that it was given ran on {found.device or CPU}")
        return Verdict()


def load(argument: bytes, context: WorkerContext) -> Probe:
    """What a worker hosts; the argument is a Trial.

    Raises:
        BadRequest: the bytes are none.
    """
    del context
    try:
        return Probe(msgspec.msgpack.decode(argument, type=Trial))
    except msgspec.MsgspecError as error:
        raise BadRequest("the load call holds no trial") from error


def _onnxruntime(device: str) -> Placement:
    import numpy as np

    from edged.models.engines import ort

    session = ort.open_content(_MATMUL_ONNX, device)
    ones = np.ones((4, 4), np.float32)
    found = ort.run_plainly(session, {"x": ones})
    if not np.allclose(found, 2 * ones, atol=0.05):
        raise Unsupported("it computes wrong numbers")
    return ort.where(session, device)


def _litert(device: str) -> Placement:
    import numpy as np

    from edged.models.engines.compiled import CompiledInterpreter

    if device.startswith(CPU):
        return Placement(device=device)
    interpreter = CompiledInterpreter("", device, _ADD_TFLITE)
    ones = np.ones((1, 2, 2, 4), np.float32)
    interpreter.set_tensor(0, ones)
    interpreter.invoke()
    if not np.allclose(interpreter.get_tensor(1), 2 * ones, atol=0.05):
        raise Unsupported("it computes wrong numbers")
    return interpreter.placement


def _ctranslate2(device: str) -> Placement:
    import ctranslate2
    import numpy as np

    if device == CPU:
        return Placement(device=device)
    if not ctranslate2.get_cuda_device_count():
        raise Unsupported("CTranslate2 finds no CUDA device")
    on_card = ctranslate2.StorageView.from_array(np.ones(4, np.float32)).to_device(
        ctranslate2.Device.cuda
    )
    return Placement(device=device if on_card.device == "cuda" else CPU)


def _sherpa_onnx(device: str) -> Placement:
    """It runs nothing without a model: only whether it can be imported is tried."""
    importlib.import_module("sherpa_onnx")
    return Placement(device=device)


def _mediapipe(device: str) -> Placement:
    """The library needs EGL for the GPU, and refuses every graph there without it."""
    if device == CPU:
        return Placement(device=device)
    egl = ctypes.CDLL("libEGL.so.1")
    egl.eglGetDisplay.restype = ctypes.c_void_p
    egl.eglGetDisplay.argtypes = (ctypes.c_void_p,)
    egl.eglInitialize.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
    display = egl.eglGetDisplay(None)
    if not display or not egl.eglInitialize(display, None, None):
        raise Unsupported("EGL cannot be started")
    return Placement(device=device)


_TRIALS: Mapping[str, Callable[[str], Placement]] = {
    "onnxruntime": _onnxruntime,
    "litert": _litert,
    "ctranslate2": _ctranslate2,
    "sherpa_onnx": _sherpa_onnx,
    "mediapipe": _mediapipe,
}


def _first_line(error: Exception) -> str:
    """What a runtime says, as far as a table can show it."""
    text = str(error).strip().partition("\n")[0]
    return text[:200] or type(error).__name__
