"""Frames of any kind as upright raw RGB; in workers only."""

from typing import TypeAlias

import av
import numpy as np
from av.video.reformatter import VideoReformatter

Rgb: TypeAlias = "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]"
"""uint8, shape (height, width, 3)."""


class Developer:
    """Turns one source's frames into RGB; keeps FFmpeg's converter from frame to frame."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()

    def rgb(self, frame: av.VideoFrame) -> Rgb:
        """A frame's pixels, turned as the frame says, in one piece."""
        turns = round(frame.rotation / 90) % 4
        pixels = (
            self._reformatter.reformat(frame, format="rgb24")
            .to_ndarray()
            .astype(np.uint8, copy=False)
        )
        return np.ascontiguousarray(np.rot90(pixels, turns) if turns else pixels)
