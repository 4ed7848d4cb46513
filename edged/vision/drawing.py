"""Draws onto a picture what was seen in it: points, skeletons, boxes and labels; for the CLI."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from edged.messages.records import DetectedObject
from edged.messages.seeing import Box, Points, Seen
from edged.vision.names import (
    FACE_CONTOURS,
    HAND_CONNECTIONS,
    IRIS_CONNECTIONS,
    MESH_POINTS,
    POSE_CONNECTIONS,
    Connection,
)

Pixels = npt.NDArray[np.uint8]

_FACE, _HAND, _POSE, _OBJECT = "#ffb000", "#00c2ff", "#7ee081", "#ff5ea8"


def draw(pixels: Pixels, seen: Seen) -> Pixels:
    """A copy of a picture with all points, lines, boxes and labels of what was seen in it.

    Args:
        pixels: RGB, shape (height, width, 3).
        seen: with its points as values.
    """
    image = Image.fromarray(pixels)
    pen = _Pen(image)
    for pose in seen.poses:
        pen.skeleton(pose.landmarks, POSE_CONNECTIONS, _POSE)
    for face in seen.faces:
        pen.box(face.box, "" if face.score is None else f"face {face.score:.2f}", _FACE)
        pen.skeleton(face.landmarks, _face_lines(len(face.landmarks)), _FACE)
    for hand in seen.hands:
        pen.skeleton(hand.landmarks, HAND_CONNECTIONS, _HAND)
    for one in seen.objects:
        pen.box(_box_of(one, seen), f"{one.label} {one.score:.2f}", _OBJECT)
    return np.asarray(image)


def _box_of(one: DetectedObject, seen: Seen) -> Box:
    """Its box as fractions of the picture."""
    return (
        one.left / max(seen.width, 1),
        one.top / max(seen.height, 1),
        one.width / max(seen.width, 1),
        one.height / max(seen.height, 1),
    )


def _face_lines(points: int) -> tuple[Connection, ...]:
    if points < MESH_POINTS:
        return ()
    return FACE_CONTOURS + (IRIS_CONNECTIONS if points > MESH_POINTS else ())


class _Pen:
    def __init__(self, image: Image.Image) -> None:
        self._draw = ImageDraw.Draw(image)
        self._size = image.size
        self._width = max(1, round(min(image.size) / 300))

    def skeleton(self, points: Points, lines: Sequence[Connection], colour: str) -> None:
        width, height = self._size
        places = [(point[0] * width, point[1] * height) for point in points]
        for start, end in lines:
            self._draw.line([places[start], places[end]], fill=colour, width=self._width)
        for x, y in places:
            r = self._width
            self._draw.ellipse((x - r, y - r, x + r, y + r), fill=colour)

    def box(self, box: Box | None, label: str, colour: str) -> None:
        if box is None:
            return
        width, height = self._size
        left, top = box[0] * width, box[1] * height
        right, bottom = left + box[2] * width, top + box[3] * height
        self._draw.rectangle((left, top, right, bottom), outline=colour, width=self._width)
        if label:
            self._draw.text((left, top), label, fill=colour)
