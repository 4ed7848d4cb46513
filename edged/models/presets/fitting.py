"""How a picture of any size becomes one of the graph's size, and where its points came from."""

from typing import Literal

import numpy as np
import numpy.typing as npt
from msgspec import Struct
from PIL import Image

Way = Literal["stretch", "letterbox", "crop"]
WAYS: tuple[Way, ...] = ("stretch", "letterbox", "crop")

FILTERS: dict[str, Image.Resampling] = {
    "bilinear": Image.Resampling.BILINEAR,
    "area": Image.Resampling.BOX,
    "bicubic": Image.Resampling.BICUBIC,
    "nearest": Image.Resampling.NEAREST,
}
"""Pillow's widen with the reduction, so that no pixel of a large picture is passed over."""

Boxes = npt.NDArray[np.float32]
"""left, top, right, bottom; shape (n, 4)."""


class Fit(Struct, frozen=True, kw_only=True):
    """Which part of the picture lies where in the graph's input.

    width, height: of the picture, in pixels. source: the part of it that is used; target: where
    that lies in the input; both left, top, right, bottom.
    """

    width: int
    height: int
    source: tuple[float, float, float, float]
    target: tuple[int, int, int, int]

    def back(self, boxes: Boxes) -> Boxes:
        """Boxes in pixels of the input as boxes in the picture, cut at its borders."""
        left, top, right, bottom = self.source
        at_left, at_top, at_right, at_bottom = self.target
        scale_x = (right - left) / (at_right - at_left)
        scale_y = (bottom - top) / (at_bottom - at_top)
        scale = np.array([scale_x, scale_y] * 2, np.float32)
        moved = (boxes - np.array([at_left, at_top] * 2, np.float32)) * scale
        moved += np.array([left, top] * 2, np.float32)
        ends = np.array([self.width, self.height] * 2, np.float32)
        cut: Boxes = np.clip(moved, 0, ends)
        return cut


def plan(size: tuple[int, int], into: tuple[int, int], way: Way) -> Fit:
    """How a picture of a size (width, height) is brought into another."""
    if way == "letterbox":
        return _letterbox(size, into)
    part = _middle(size, into) if way == "crop" else (0.0, 0.0, float(size[0]), float(size[1]))
    return Fit(width=size[0], height=size[1], source=part, target=(0, 0, *into))


def _letterbox(size: tuple[int, int], into: tuple[int, int]) -> Fit:
    """The whole picture in the middle, its proportions kept."""
    scale = min(into[0] / size[0], into[1] / size[1])
    width, height = (max(1, round(one * scale)) for one in size)
    left, top = (into[0] - width) // 2, (into[1] - height) // 2
    return Fit(
        width=size[0],
        height=size[1],
        source=(0.0, 0.0, float(size[0]), float(size[1])),
        target=(left, top, left + width, top + height),
    )


def _middle(size: tuple[int, int], into: tuple[int, int]) -> tuple[float, float, float, float]:
    """The largest part in the middle that has the input's proportions."""
    scale = min(size[0] / into[0], size[1] / into[1])
    width, height = into[0] * scale, into[1] * scale
    left, top = (size[0] - width) / 2, (size[1] - height) / 2
    return left, top, left + width, top + height


def fitted(
    image: Image.Image,
    fit: Fit,
    into: tuple[int, int],
    *,
    resampling: Image.Resampling,
    fill: tuple[int, int, int] = (0, 0, 0),
) -> Image.Image:
    """The picture in the input's size (width, height); `fill` lies beside a letterboxed one.

    The image may be smaller than the picture that the fit is for: reduced already.
    """
    left, top, right, bottom = fit.target
    size = (right - left, bottom - top)
    across, down = image.width / fit.width, image.height / fit.height
    edges = zip(fit.source, (across, down) * 2, (image.width, image.height) * 2, strict=True)
    box = tuple(min(edge * scale, end) for edge, scale, end in edges)
    small = image.resize(size, resampling, box=(box[0], box[1], box[2], box[3]))
    if size == into:
        return small
    whole = Image.new(image.mode, into, fill)
    whole.paste(small, (left, top))
    return whole
