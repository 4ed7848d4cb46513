"""Stands in for the probe of a device: each device fails in its own way.

Hosted by real workers, through PYTHONPATH.
"""

import ctypes
import os
import signal
import time

import msgspec

from edged.errors import Unsupported
from edged.models.trials import Trial, Verdict
from edged.workers.context import WorkerContext


class BrokenProbe:
    """Behaves as a driver may."""

    def __init__(self, device: str) -> None:
        self._device = device

    def probe(self) -> Verdict:
        """Abort, crash, hang, leave, raise, fall back, or work."""
        if self._device == "gpu:tensorrt":
            os.abort()
        if self._device == "gpu:cuda":
            ctypes.string_at(0)
        if self._device == "gpu:rocm":
            time.sleep(60)
        if self._device == "gpu:migraphx":
            os._exit(3)
        if self._device == "gpu:openvino":
            raise Unsupported("its driver is too old")
        if self._device == "npu:openvino":
            os.kill(os.getpid(), signal.SIGKILL)
        if self._device == "npu:qnn":
            return Verdict(reason="a graph that it was given ran on cpu")
        return Verdict()


def load(argument: bytes, context: WorkerContext) -> BrokenProbe:
    """What a worker hosts."""
    del context
    return BrokenProbe(msgspec.msgpack.decode(argument, type=Trial).device)
