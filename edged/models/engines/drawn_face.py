"""A drawn face, for the canaries of models that look for people: the same pixels everywhere."""

import numpy as np
import numpy.typing as npt

from edged.media import ImageFormat, Picture

SIDE = 128
"""Pixels, both ways."""

_ELLIPSES = (
    (0.5, 0.5, 0.24, 0.32, 200),
    (0.4, 0.42, 0.055, 0.012, 70),
    (0.6, 0.42, 0.055, 0.012, 70),
    (0.4, 0.47, 0.05, 0.025, 235),
    (0.6, 0.47, 0.05, 0.025, 235),
    (0.4, 0.47, 0.022, 0.025, 30),
    (0.6, 0.47, 0.022, 0.025, 30),
    (0.475, 0.585, 0.015, 0.01, 120),
    (0.525, 0.585, 0.015, 0.01, 120),
    (0.5, 0.55, 0.03, 0.05, 185),
    (0.5, 0.66, 0.08, 0.025, 110),
)
"""Middle, radii and grey of: head, brows, eyes, pupils, nostrils, nose, mouth; later ones above."""

_BACKGROUND, _HAIR, _HAIRLINE = 90, 50, 0.3


def drawn_face() -> Picture:
    """The face, in front, in grey, before a darker background."""
    rows, columns = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    grey = np.full((SIDE, SIDE), _BACKGROUND, np.uint8)
    for x, y, across, down, shade in _ELLIPSES:
        grey[_inside(rows, columns, x, y, (across, down))] = shade
    grey[_inside(rows, columns, 0.5, 0.28, (0.24, 0.12)) & (rows < _HAIRLINE)] = _HAIR
    return Picture(
        data=np.repeat(grey[:, :, None], 3, axis=2).tobytes(),
        raw=ImageFormat(width=SIDE, height=SIDE),
    )


def _inside(
    rows: npt.NDArray[np.float64],
    columns: npt.NDArray[np.float64],
    x: float,
    y: float,
    radii: tuple[float, float],
) -> npt.NDArray[np.bool_]:
    found: npt.NDArray[np.bool_] = ((columns - x) / radii[0]) ** 2 + (
        (rows - y) / radii[1]
    ) ** 2 < 1
    return found
