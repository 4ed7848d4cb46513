"""What is done with a mask of people: finer edges, blurred or new background, cut-out; numpy only."""

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.float32]


def upsample(mask: npt.NDArray[np.floating], pixels: Pixels, *, radius: int = 8) -> Mask:
    """A mask of the picture's size whose edges follow the picture's.

    Args:
        mask: how sure of each pixel, [0, 1], shape (rows, columns).
        pixels: RGB, shape (height, width, 3).
        radius: of the guided filter's window, in pixels of the picture.

    Returns:
        [0, 1], float32, shape (height, width).

    Source: He, Sun: Fast Guided Filter, 2015.
    """
    height, width = pixels.shape[:2]
    grey = pixels @ np.array([0.299, 0.587, 0.114], np.float32) / np.float32(255)
    wide = _resize(np.asarray(mask, np.float32), height, width)
    mean_grey, mean_mask = _box(grey, radius), _box(wide, radius)
    slope = (_box(grey * wide, radius) - mean_grey * mean_mask) / (
        _box(grey * grey, radius) - mean_grey**2 + np.float32(1e-4)
    )
    offset = mean_mask - slope * mean_grey
    guided = _box(slope, radius) * grey + _box(offset, radius)
    return np.clip(guided, 0.0, 1.0).astype(np.float32)


def blur(pixels: Pixels, mask: Mask, *, radius: int = 12) -> Pixels:
    """The picture with its background blurred; mask: [0, 1], shape (height, width)."""
    soft = pixels.astype(np.float32)
    for _ in range(3):
        soft = np.stack([_box(soft[..., one], radius) for one in range(3)], axis=-1)
    return _mixed(pixels, soft, mask)


def replace(pixels: Pixels, mask: Mask, colour: str) -> Pixels:
    """The picture before one colour, `#rrggbb`; mask: [0, 1], shape (height, width)."""
    behind = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)], np.float32)
    return _mixed(pixels, behind, mask)


def cutout(pixels: Pixels, mask: Mask) -> Pixels:
    """RGBA of shape (height, width, 4): the mask is the alpha."""
    alpha = np.rint(mask * 255).astype(np.uint8)
    return np.concatenate([pixels, alpha[..., None]], axis=-1)


def _mixed(pixels: Pixels, behind: npt.NDArray[np.float32], mask: Mask) -> Pixels:
    share = mask[..., None].astype(np.float32)
    return np.rint(pixels * share + behind * (1 - share)).astype(np.uint8)


def _box(values: npt.NDArray[np.floating], radius: int) -> Mask:
    """The mean around each value, in a square of 2 radius + 1; at edges of what there is."""
    for axis in (0, 1):
        values = _line(values.astype(np.float32), min(radius, values.shape[axis] - 1), axis)
    return np.asarray(values, np.float32)


def _line(values: npt.NDArray[np.floating], radius: int, axis: int) -> Mask:
    count = values.shape[axis]
    total = np.cumsum(values, axis=axis, dtype=np.float64)
    total = np.concatenate([np.zeros_like(total.take([0], axis)), total], axis=axis)
    last = np.minimum(np.arange(count) + radius + 1, count)
    first = np.maximum(np.arange(count) - radius, 0)
    shape = [1, 1]
    shape[axis] = count
    mean = (total.take(last, axis) - total.take(first, axis)) / (last - first).reshape(shape)
    return np.asarray(mean, np.float32)


def _resize(values: Mask, height: int, width: int) -> Mask:
    """Bilinear, with the middles of the corner pixels kept inside."""
    for axis, size in ((0, height), (1, width)):
        count = values.shape[axis]
        at = np.clip((np.arange(size) + 0.5) * count / size - 0.5, 0, count - 1)
        low = np.floor(at).astype(int)
        high = np.minimum(low + 1, count - 1)
        shape = [1, 1]
        shape[axis] = size
        share = (at - low).reshape(shape).astype(np.float32)
        values = values.take(low, axis) * (1 - share) + values.take(high, axis) * share
    return values
