"""What is done with a mask of people: finer edges, blurred or new background, cut-out; numpy only.

Everything that may be coarse is computed on a picture a quarter as wide: of 640 x 480 pixels an
effect takes some milliseconds on one core (Measured: docs/SEEING.md).
"""

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

SMOOTHNESS = 1e-4
"""Of the guided filter: a contrast of a hundredth of the range from dark to light is an edge."""

FAINT = 0.1
"""Less of a pixel is none of it, and as little less than all is all: no veil beside the edge."""

_COARSE = 4
"""Pixels in a row that count as one where nothing fine is to be seen."""

_LEAST = 1e-3
"""So much of every pixel counts as background, that there is some everywhere."""

_WHOLE = 256
"""The share of a pixel that is all foreground; a product with a byte still fits into 16 bits."""


def upsample(mask: npt.NDArray[np.floating], pixels: Pixels, *, radius: int = 8) -> Floats:
    """A mask of the picture's size whose edges follow the picture's.

    Args:
        mask: how sure of each pixel, [0, 1], of any size and the picture's proportions.
        pixels: RGB, shape (height, width, 3).
        radius: how far from the mask's own edge the picture's is looked for, in pixels.

    Returns:
        [0, 1], float32, shape (height, width).

    Source: He and Sun, Fast Guided Filter, 2015: slopes and offsets from a coarse picture.
    """
    height, width = pixels.shape[:2]
    guide = _grey(pixels)
    low = _shrunk(guide)
    fine = np.asarray(mask, np.float32)
    coarse = _shrunk(fine) if fine.shape == guide.shape else _resized(fine, *low.shape)
    slope, offset = _guided(low, coarse, max(1, round(radius / _COARSE)))
    found = _grown(slope, height, width)
    found *= guide
    found += _grown(offset, height, width)
    found -= np.float32(FAINT)
    found /= np.float32(1 - 2 * FAINT)
    return np.clip(found, 0.0, 1.0, out=found)


def blur(pixels: Pixels, mask: Floats, *, radius: int = 12) -> Pixels:
    """The picture with its background blurred; nothing of the foreground is smeared into it.

    Args:
        pixels: RGB, shape (height, width, 3).
        mask: of the foreground, [0, 1], shape (height, width).
        radius: in pixels; about three times as far away nothing of a point is left.
    """
    height, width = pixels.shape[:2]
    behind = np.float32(1 + _LEAST) - _shrunk(np.asarray(mask, np.float32))
    colours = np.moveaxis(_shrunk(pixels), -1, 0) * behind
    reach = max(1, round(radius / _COARSE))
    smeared = _smeared(np.stack([*colours, behind]), reach)
    soft = np.empty(pixels.shape, np.uint16)
    for channel in range(3):
        soft[..., channel] = _grown(smeared[channel] / smeared[3], height, width)
    return _mixed(pixels, np.minimum(soft, 255, out=soft), mask)


def replace(pixels: Pixels, mask: Floats, colour: str) -> Pixels:
    """The picture's foreground before one colour.

    Args:
        pixels: RGB, shape (height, width, 3).
        mask: of the foreground, [0, 1], shape (height, width).
        colour: `#rrggbb`.
    """
    behind = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)], np.uint16)
    return _mixed(pixels, behind, mask)


def cutout(pixels: Pixels, mask: Floats) -> Pixels:
    """The foreground alone: RGBA, shape (height, width, 4); the mask is the alpha. As `replace`."""
    alpha = (np.asarray(mask, np.float32) * np.float32(255) + np.float32(0.5)).astype(np.uint8)
    return np.dstack([pixels, alpha])


def _mixed(pixels: Pixels, behind: npt.NDArray[np.uint16], mask: Floats) -> Pixels:
    share = (np.asarray(mask, np.float32) * np.float32(_WHOLE) + np.float32(0.5)).astype(np.uint16)
    share = share[..., None]
    mixed = pixels * share
    mixed += behind * (_WHOLE - share)
    mixed += _WHOLE // 2
    mixed >>= 8
    return mixed.astype(np.uint8)


def _grey(pixels: Pixels) -> Floats:
    """Lightness, [0, 1]: a quarter red, half green, a quarter blue."""
    sums = pixels[..., 1].astype(np.uint16)
    sums *= 2
    sums += pixels[..., 0]
    sums += pixels[..., 2]
    return sums.astype(np.float32) * np.float32(1 / (4 * 255))


def _guided(guide: Floats, mask: Floats, radius: int) -> tuple[Floats, Floats]:
    """Slope and offset by which the mask follows the guide around each pixel."""
    means = _boxed(np.stack([guide, mask, guide * mask, guide * guide]), radius)
    slope = (means[2] - means[0] * means[1]) / (means[3] - means[0] ** 2 + np.float32(SMOOTHNESS))
    offset = means[1] - slope * means[0]
    smooth = _boxed(np.stack([slope, offset]), radius)
    return smooth[0], smooth[1]


def _smeared(values: Floats, radius: int) -> Floats:
    """Nearly a Gaussian: a mean three times over."""
    for _ in range(3):
        values = _boxed(values, radius)
    return values


def _boxed(values: Floats, radius: int) -> Floats:
    """The mean around each value of the last two axes, in a square that ends where they do."""
    wide = _run(values, radius)
    return np.swapaxes(_run(np.swapaxes(wide, -1, -2), radius), -1, -2)


def _run(values: Floats, radius: int) -> Floats:
    count = values.shape[-1]
    sums = np.zeros((*values.shape[:-1], count + 1), np.float64)
    np.cumsum(values, axis=-1, out=sums[..., 1:])
    last = np.minimum(np.arange(count) + radius + 1, count)
    first = np.maximum(np.arange(count) - radius, 0)
    means: Floats = ((sums[..., last] - sums[..., first]) / (last - first)).astype(np.float32)
    return means


def _shrunk(values: Floats | Pixels) -> Floats:
    """A quarter as wide and high: means of squares; the last ones repeat the edge."""
    missing = [(0, -size % _COARSE) for size in values.shape[:2]] + [(0, 0)]
    whole = np.pad(values, missing[: values.ndim], mode="edge") if np.any(missing) else values
    rows: Floats = whole.reshape(-1, _COARSE, *whole.shape[1:]).sum(axis=1, dtype=np.float32)
    sums = rows[:, ::_COARSE] + rows[:, 1::_COARSE]
    for at in range(2, _COARSE):
        sums += rows[:, at::_COARSE]
    return sums * np.float32(1 / _COARSE**2)


def _grown(values: Floats, height: int, width: int) -> Floats:
    """Four times as wide and high, then cut to size; straight lines between the squares' middles."""
    wide = _quadrupled(values.T).T
    return _quadrupled(np.ascontiguousarray(wide[:, :width]))[:height]


def _quadrupled(values: Floats) -> Floats:
    """Four times as many rows: an eighth and three eighths of the way to the neighbours' middles."""
    count = values.shape[0]
    before = values[np.maximum(np.arange(count) - 1, 0)]
    after = values[np.minimum(np.arange(count) + 1, count - 1)]
    grown = np.empty((count * _COARSE, *values.shape[1:]), np.float32)
    for row, (other, share) in enumerate(
        ((before, 0.375), (before, 0.125), (after, 0.125), (after, 0.375))
    ):
        grown[row::_COARSE] = values + (other - values) * np.float32(share)
    return grown


def _resized(values: Floats, height: int, width: int) -> Floats:
    """Of another size, with straight lines between the values; smaller: means of what falls together."""
    tall = _stretched(values, height)
    return _stretched(tall.T, width).T


def _stretched(values: Floats, size: int) -> Floats:
    count = values.shape[0]
    if count <= size:
        places = (np.arange(size) + 0.5) * (count / size) - 0.5
        return _between(values, places).astype(np.float32)
    sums = np.zeros((count + 1, values.shape[1]))
    np.cumsum(values, axis=0, out=sums[1:])
    at_borders = _between(sums, np.linspace(0, count, size + 1))
    means: Floats = (np.diff(at_borders, axis=0) * (size / count)).astype(np.float32)
    return means


def _between(
    rows: npt.NDArray[np.floating], places: npt.NDArray[np.floating]
) -> npt.NDArray[np.floating]:
    """What rows at 0, 1, ... are at other places, by straight lines."""
    inside = places.clip(0, len(rows) - 1)
    low = np.minimum(np.floor(inside).astype(int), max(len(rows) - 2, 0))
    part = (inside - low)[:, None]
    found: npt.NDArray[np.floating] = (
        rows[low] * (1 - part) + rows[np.minimum(low + 1, len(rows) - 1)] * part
    )
    return found
