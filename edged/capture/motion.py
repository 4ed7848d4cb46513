"""How much of a picture differs from another one; in workers only.

Definition: the mean absolute difference of two small grey pictures, 64 pixels wide, in [0, 1]. So
small a picture averages a camera's noise away.
"""

from typing import TypeAlias

import av
import numpy as np
from av.video.reformatter import VideoReformatter

WIDTH = 64
_LEAST_HEIGHT = 4

_Grey: TypeAlias = "np.ndarray[tuple[int, ...], np.dtype[np.int16]]"


class Motion:
    """Compares frames with the last one that was kept."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()
        self._kept: _Grey | None = None
        self._newest: _Grey | None = None

    def moved(self, frame: av.VideoFrame) -> float:
        """How much this frame differs from the kept one; 1 when there is none, or of another shape."""
        newest = self._newest = self._small(frame)
        if self._kept is None or self._kept.shape != newest.shape:
            return 1.0
        return float(np.abs(newest - self._kept).mean()) / 255.0

    def keep(self) -> None:
        """The frame that `moved` got last is what the next ones are compared with."""
        self._kept = self._newest

    def _small(self, frame: av.VideoFrame) -> _Grey:
        height = max(_LEAST_HEIGHT, frame.height * WIDTH // frame.width)
        small = self._reformatter.reformat(
            frame, width=WIDTH, height=height, format="gray", interpolation="AREA"
        )
        grey: _Grey = small.to_ndarray().astype(np.int16)
        return grey
