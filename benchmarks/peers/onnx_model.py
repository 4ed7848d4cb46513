"""The graph that every peer serves, opened as edged opens it; in a peer's own environment."""

import os
from typing import Any

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # before the import: later is too late

import numpy as np
import numpy.typing as npt
import onnxruntime

Array = npt.NDArray[Any]

DTYPES = {"tensor(float)": np.float32, "tensor(int64)": np.int64}


class Model:
    """One input `x`, one output `y`, raw bytes in and out."""

    def __init__(self, path: str, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 4
        self._session = onnxruntime.InferenceSession(
            path, options, providers=["CPUExecutionProvider"]
        )
        (one,) = self._session.get_inputs()
        self._dtype = DTYPES[one.type]
        self._inner = [size for size in one.shape if isinstance(size, int)]

    def array(self, data: bytes | memoryview) -> Array:
        """The bytes as a tensor of any number of rows."""
        return np.frombuffer(data, self._dtype).reshape(-1, *self._inner)

    def run(self, array: Array) -> Array:
        """One inference."""
        answer: Array = self._session.run(None, {"x": array})[0]
        return answer

    def answer(self, data: bytes | memoryview) -> bytes:
        """Bytes to bytes."""
        answer: bytes = self.run(self.array(data)).tobytes()
        return answer
