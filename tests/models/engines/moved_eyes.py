"""Photographs of faces whose eyes look elsewhere: what lies around the irises is moved by known pixels."""

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.floating]

CORNERS = ((33, 133), (263, 362))
"""Of the person's right and left eye in MediaPipe's mesh."""


def moved_eyes(pixels: Pixels, mesh: Floats, *, right: float = 0.0, down: float = 0.0) -> Pixels:
    """A copy in which both irises are moved, and the corners of the eyes are where they were.

    Within half of an eye's length from its middle everything is moved by the whole way; from there to
    its corners by less and less.

    Args:
        pixels: RGB, shape (height, width, 3).
        mesh: x and y as fractions of the picture, shape (468 or more, 2 or more).
        right: pixels, less than a quarter of an eye's length, or the picture tears; less than 0: left.
        down: likewise; less than 0: up.
    """
    found = pixels
    size = np.array([pixels.shape[1], pixels.shape[0]])
    for corners in CORNERS:
        places = np.asarray(mesh)[list(corners), :2] * size
        length = float(np.linalg.norm(places[1] - places[0]))
        found = _moved(found, places.mean(axis=0), length, (right, down))
    return found


def _moved(pixels: Pixels, middle: Floats, length: float, way: tuple[float, float]) -> Pixels:
    height, width = pixels.shape[:2]
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float64)
    away = np.hypot(columns + 0.5 - middle[0], rows + 0.5 - middle[1]) / length
    share = np.clip((0.5 - away) / 0.2, 0.0, 1.0)
    share = share * share * (3 - 2 * share)
    x = np.clip(columns - share * way[0], 0, width - 1)
    y = np.clip(rows - share * way[1], 0, height - 1)
    return _sampled(pixels, x, y)


def _sampled(pixels: Pixels, x: Floats, y: Floats) -> Pixels:
    """Bilinear."""
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    right = np.minimum(left + 1, pixels.shape[1] - 1)
    bottom = np.minimum(top + 1, pixels.shape[0] - 1)
    across, along = (x - left)[..., None], (y - top)[..., None]
    upper = pixels[top, left] * (1 - across) + pixels[top, right] * across
    lower = pixels[bottom, left] * (1 - across) + pixels[bottom, right] * across
    found: Pixels = np.rint(upper * (1 - along) + lower * along).astype(np.uint8)
    return found
