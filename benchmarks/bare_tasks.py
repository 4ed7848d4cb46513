"""MediaPipe's own Tasks in this process, in video mode, on the same bundles: what edged is held against."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count
from typing import Any

from mediapipe.tasks.python import vision
from mediapipe.tasks.python.core.base_options import BaseOptions
from mediapipe.tasks.python.vision.core import image as images

from benchmarks.sights import Pixels, model_file

SURE = 0.5
FRAME_MS = 33

MODELS: Mapping[str, str] = {
    "face": "face-detector-short-range",
    "face_mesh": "face-mesh",
    "hands": "hand-landmarker",
    "pose": "pose-landmarker-full",
}
"""By task, the model whose bundle is opened; `holistic` takes the last three."""


def _face() -> Any:  # noqa: ANN401 - the library has no types, here and below
    path = model_file(MODELS["face"], "model.tflite")
    return vision.FaceDetector.create_from_options(
        vision.FaceDetectorOptions(
            base_options=_base(path), running_mode=_VIDEO, min_detection_confidence=SURE
        )
    )


def _mesh() -> Any:  # noqa: ANN401
    return vision.FaceLandmarker.create_from_options(
        vision.FaceLandmarkerOptions(
            base_options=_base(model_file(MODELS["face_mesh"])), running_mode=_VIDEO
        )
    )


def _hands(most: int) -> Any:  # noqa: ANN401
    return vision.HandLandmarker.create_from_options(
        vision.HandLandmarkerOptions(
            base_options=_base(model_file(MODELS["hands"])), running_mode=_VIDEO, num_hands=most
        )
    )


def _pose() -> Any:  # noqa: ANN401
    return vision.PoseLandmarker.create_from_options(
        vision.PoseLandmarkerOptions(
            base_options=_base(model_file(MODELS["pose"])), running_mode=_VIDEO
        )
    )


def _base(path: Any) -> Any:  # noqa: ANN401
    return BaseOptions(model_asset_path=str(path), delegate=BaseOptions.Delegate.CPU)


_VIDEO = vision.RunningMode.VIDEO
_MAKERS: dict[str, Callable[[], Any]] = {
    "face": _face,
    "face_mesh": _mesh,
    "pose": _pose,
}
_PARTS: Mapping[str, tuple[str, ...]] = {"holistic": ("pose", "hands", "face_mesh")}


def needed(task: str) -> set[str]:
    """The models without which a task cannot be compared."""
    return {MODELS[part] for part in _PARTS.get(task, (task,))} | (_PARTS.keys() & {task})


class Bare:
    """One task of the library, or the three of `holistic` on one frame; one thread's own.

    Args:
        task: face, face_mesh, hands, pose or holistic.
        hands: so many at most.
        threads: of `holistic`: all three at once, instead of one after the other.
    """

    def __init__(self, task: str, *, hands: int = 2, threads: bool = False) -> None:
        makers = _MAKERS | {"hands": partial(_hands, hands)}
        self._tasks = [makers[part]() for part in _PARTS.get(task, (task,))]
        self._pool = ThreadPoolExecutor(len(self._tasks)) if threads else None
        self._numbers = count()

    def look(self, frame: Pixels) -> list[Any]:
        """What each task finds in the next frame."""
        image = images.Image(image_format=images.ImageFormat.SRGB, data=frame)
        at_ms = FRAME_MS * next(self._numbers)
        if self._pool is None:
            return [one.detect_for_video(image, at_ms) for one in self._tasks]
        waiting = [self._pool.submit(one.detect_for_video, image, at_ms) for one in self._tasks]
        return [one.result() for one in waiting]

    def run(self, frames: Sequence[Pixels]) -> float:
        """Seconds that it takes to look at all these frames."""
        began = time.perf_counter()
        for frame in frames:
            self.look(frame)
        return time.perf_counter() - began

    def close(self) -> None:
        """Free them."""
        if self._pool is not None:
            self._pool.shutdown()
        for one in self._tasks:
            one.close()
