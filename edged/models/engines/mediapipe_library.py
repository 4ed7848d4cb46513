"""MediaPipe's Tasks library: imported without what only draws, and asked for its tasks.

It holds code that reports its use; a worker has no network, and gives it no id of the app.
"""

import contextlib
import sys
import types
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from edged.errors import CorruptModel, Internal, ModelMissing
from edged.media import Picture
from edged.models.accelerators import CPU, PARTIAL
from edged.models.engines.inputs import file_of
from edged.models.engines.seeing.found import Frame
from edged.models.presets.pictures import pixels
from edged.models.runtime import ModelSpec, Placement

_UNUSED = ("matplotlib", "matplotlib.pyplot", "cv2", "sounddevice")
"""What the library imports to draw and to listen, and what nobody here calls: matplotlib would want
a folder to write to. Measured: 2026-11: without them 72 MB and 2 s (cold) less."""


def _leave_out(packages: Sequence[str]) -> None:
    for name in packages:
        sys.modules.setdefault(name, types.ModuleType(name))
        parent, _, child = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], child, sys.modules[name])


_leave_out(_UNUSED)
from mediapipe.tasks.python import vision  # noqa: E402 - after what it must not import
from mediapipe.tasks.python.components.containers import landmark_c as landmarks  # noqa: E402
from mediapipe.tasks.python.core.base_options import BaseOptions  # noqa: E402
from mediapipe.tasks.python.vision.core import image as images  # noqa: E402

__all__ = ["ERRORS", "frame_of", "landmarks", "open_task", "placement_of", "running", "vision"]

GPU = "gpu:mediapipe"

_devices: dict[str, set[str]] = {}
"""Of each model of this process."""

ERRORS = (RuntimeError, ValueError, OSError, IndexError, NotImplementedError)
"""Everything that the library raises. Source: mediapipe_c_utils.py, convert_to_exception."""


def frame_of(picture: Picture) -> Frame:
    """A picture for the library's tasks.

    Raises:
        BadRequest, BadMedia: as edged.models.presets.pictures.pixels. Internal: the library failed.
    """
    array = np.ascontiguousarray(pixels(picture))
    try:
        return Frame(images.Image(image_format=images.ImageFormat.SRGB, data=array), array)
    except ERRORS as error:
        raise Internal("MediaPipe cannot take a picture") from error


def running(*, video: bool) -> Any:  # noqa: ANN401 - the library's
    """The mode of a task: one picture at a time, or a stream in which things are followed."""
    return vision.RunningMode.VIDEO if video else vision.RunningMode.IMAGE


def open_task(spec: ModelSpec, file: str, task: Any, options: Any, **settings: object) -> Any:  # noqa: ANN401
    """One of the library's tasks over one of the model's files, on the spec's device.

    A GPU that the library cannot use is replaced by the processor; `placement_of` tells.

    Raises:
        ModelMissing: the file is not there. CorruptModel: the library refuses it.
    """
    if spec.device == GPU:
        with contextlib.suppress(CorruptModel):
            return _opened(spec, file, task, options, settings, GPU)
    return _opened(spec, file, task, options, settings, CPU)


def _opened(
    spec: ModelSpec,
    file: str,
    task: Any,  # noqa: ANN401 - the library's
    options: Any,  # noqa: ANN401 - the library's
    settings: Mapping[str, object],
    device: str,
) -> Any:  # noqa: ANN401 - the library's
    delegate = BaseOptions.Delegate.GPU if device == GPU else BaseOptions.Delegate.CPU
    base = BaseOptions(model_asset_path=file_of(spec, file), delegate=delegate)
    try:
        opened = task.create_from_options(options(base_options=base, **settings))
    except FileNotFoundError as error:
        raise ModelMissing(
            f"a file of {spec.id} is not there, or its bundle lacks one", model=spec.id
        ) from error
    except ERRORS as error:
        raise CorruptModel(f"MediaPipe refuses the file of {spec.id}", model=spec.id) from error
    _devices.setdefault(spec.id, set()).add(device)
    return opened


def placement_of(model: str) -> Placement:
    """Where a model's tasks were opened; each runs there as a whole, or cannot be opened."""
    devices = _devices.get(model, {CPU})
    return Placement(device=devices.copy().pop() if len(devices) == 1 else PARTIAL)
