"""What finders of an engine take and give: a frame, how to look at it, and what is in it."""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from edged.messages.seeing import LandmarkKind
from edged.models.presets.pictures import Pixels
from edged.models.runtime import ModelSpec

Floats = npt.NDArray[np.float32]

XYZ = ("x", "y", "z")
SEEN = (*XYZ, "visibility")

MOST_THINGS = 100
"""More of a kind than any picture shows."""

_NONE: Floats = np.zeros((0, 0, 0), np.float32)


class Frame(Struct, frozen=True):
    """A picture as an engine takes it, which any number of finders may look at at once.

    image: the engine's own. pixels: RGB, shape (height, width, 3).
    """

    image: Any
    pixels: Pixels

    @property
    def width(self) -> int:
        """In pixels."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """In pixels."""
        return int(self.pixels.shape[0])


class Found(Struct, frozen=True, kw_only=True):
    """Things of one kind in a frame.

    points: float32, shape (things, points, 2 to 4): x, y as fractions of the picture, z, visibility.
    world: metres, shape (things, points, 3); (0, 0, 0) where the task tells none.
    scores, labels, boxes (left, top, width, height as fractions), gestures, blendshapes,
    transforms (16 numbers, row by row): of each thing; empty likewise.
    """

    points: Floats
    world: Floats = _NONE
    scores: tuple[float, ...] = ()
    labels: tuple[str, ...] = ()
    boxes: tuple[tuple[float, float, float, float], ...] = ()
    gestures: tuple[tuple[str, float], ...] = ()
    blendshapes: tuple[dict[str, float], ...] = ()
    transforms: tuple[tuple[float, ...], ...] = ()


class Settings(Struct, frozen=True, kw_only=True):
    """How a finder looks; see SeeOptions.

    video: it follows things from frame to frame. most: 0: as the manifest says.
    """

    video: bool = False
    most: int = 0
    detection: float = 0.5
    tracking: float = 0.5


class Finder(Protocol):
    """Finds things of one kind. One thread at a time."""

    def find(self, frame: Frame, at_ms: int) -> Found:
        """What is in the frame; at_ms: of a stream, greater than before. Raises Internal."""
        ...

    def close(self) -> None:
        """Free its memory. A graph that failed may never come back from this."""
        ...


Opener = Callable[[ModelSpec, str, Settings], Finder]
"""Opens a model's file as a finder; raises ModelMissing and CorruptModel."""


class Part(Struct, frozen=True):
    """One kind of thing that a model sees: the model's file for it, and what opens that.

    nose: the point that a canary tells.
    """

    kind: LandmarkKind
    file: str
    opener: Opener
    nose: int = 0


def boxes_around(points: Floats) -> tuple[tuple[float, float, float, float], ...]:
    """The smallest box around the points of each thing: left, top, width, height."""
    if not len(points):
        return ()
    low, high = points[..., :2].min(axis=1), points[..., :2].max(axis=1)
    return tuple(
        (left, top, width, height)
        for left, top, width, height in np.concatenate([low, high - low], axis=1).tolist()
    )
