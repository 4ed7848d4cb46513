"""Draws onto a picture what was seen in it: points, skeletons, boxes and labels; for the CLI.

The person's own left is orange, the right one blue, what is in the middle green; faces are yellow,
objects pink.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from edged.messages.records import DetectedObject
from edged.messages.seeing import Box, Face, Hand, Points, Pose, Seen
from edged.vision.angles import corner_of
from edged.vision.names import (
    FACE_CONTOURS,
    HAND_CONNECTIONS,
    IRIS_CONNECTIONS,
    MESH_POINTS,
    POSE,
    POSE_CONNECTIONS,
    Connection,
)

Pixels = npt.NDArray[np.uint8]
Place = tuple[float, float]

_LEFT, _RIGHT, _MIDDLE, _FACE, _OBJECT = "#ff9f1c", "#2ec4ff", "#7bd88f", "#ffe45e", "#ff6fb5"
_DARK, _LIGHT = "#14171c", "#ffffff"

VISIBLE = 0.5
"""Less visible points of a body are not drawn. Source: as MediaPipe's own drawing."""

_VISIBILITY = 3
"""Its place among the values of a point."""

_BELOW_HEAD = POSE.index("left_shoulder")

ANGLES_FROM = 240
"""Pixels: degrees are written beside the joints of bodies that are at least so high."""

_NUMBERED = tuple(
    f"{side}_{joint}"
    for joint in ("elbow", "shoulder", "hip", "knee")
    for side in ("left", "right")
)
"""The angles that have room; the others are in the reply."""

_FINE = 200
"""Pixels: in a face that is at least so wide every point of its mesh is drawn, not only its lines."""


def draw(pixels: Pixels, seen: Seen) -> Pixels:
    """A copy of a picture with all points, lines, boxes and labels of what was seen in it.

    Args:
        pixels: RGB, shape (height, width, 3).
        seen: with its points as values; what came in parts is not drawn.
    """
    image = Image.fromarray(pixels).copy()
    pen = _Pen(image)
    meshed = any(len(face.landmarks) >= MESH_POINTS for face in seen.faces)
    for pose in seen.poses:
        if pose.landmarks:
            _draw_pose(pen, pose, first=_BELOW_HEAD if meshed else 0)
    for face in seen.faces:
        _draw_face(pen, face)
    for hand in seen.hands:
        if hand.landmarks:
            _draw_hand(pen, hand)
    for one in seen.objects:
        pen.box(_box_of(one, seen), f"{one.label} {one.score:.2f}", _OBJECT)
    if seen.classes:
        pen.lines([f"{one.label} {one.score:.2f}" for one in seen.classes], _OBJECT)
    return np.array(image)


def _draw_pose(pen: "_Pen", pose: Pose, *, first: int) -> None:
    """first: the number of the first point; those of the head are left to a mesh."""
    shown = [
        number >= first and (len(point) <= _VISIBILITY or point[_VISIBILITY] >= VISIBLE)
        for number, point in enumerate(pose.landmarks)
    ]
    pen.skeleton(pose.landmarks, POSE_CONNECTIONS, [_colour_of(name) for name in POSE], shown)
    if pen.height_of(pose.landmarks) >= ANGLES_FROM:
        _write_angles(pen, pose)
    if pose.classification:
        pen.label(pen.place(pen.top_of(pose.landmarks)), pose.classification, _MIDDLE)


def _write_angles(pen: "_Pen", pose: Pose) -> None:
    for name in _NUMBERED:
        angle = pose.angles.get(name)
        if angle is not None and angle.visibility >= VISIBLE:
            corner = pen.place(pose.landmarks[corner_of(name)])
            pen.label(corner, f"{angle.degrees:.0f}°", _colour_of(name), beside=True)


def _draw_face(pen: "_Pen", face: Face) -> None:
    pen.box(face.box, "" if face.score is None else f"face {face.score:.2f}", _FACE)
    count = len(face.landmarks)
    colours = [_FACE] * MESH_POINTS + [_RIGHT] * (count - MESH_POINTS)
    colours = colours[:count]
    if count < MESH_POINTS:
        pen.skeleton(face.landmarks, (), colours)
        return
    irises = IRIS_CONNECTIONS if count > MESH_POINTS else ()
    pen.skeleton(face.landmarks, FACE_CONTOURS + irises, colours, fine=True)
    if face.eyes is not None and face.eyes.gaze is not None:
        gaze = face.eyes.gaze
        text = f"gaze {gaze.direction} {gaze.yaw:+.0f}° {gaze.pitch:+.0f}°"
        pen.label(pen.place(pen.top_of(face.landmarks)), text, _FACE)


def _draw_hand(pen: "_Pen", hand: Hand) -> None:
    colour = _LEFT if hand.handedness == "Left" else _RIGHT
    pen.skeleton(hand.landmarks, HAND_CONNECTIONS, [colour] * len(hand.landmarks))
    text = f"{hand.handedness} {hand.gesture}".strip()
    pen.label(pen.place(pen.top_of(hand.landmarks)), text, colour)


def _colour_of(name: str) -> str:
    if name.startswith("left") or name.endswith("left"):
        return _LEFT
    return _RIGHT if "right" in name else _MIDDLE


def _box_of(one: DetectedObject, seen: Seen) -> Box:
    """Its box as fractions of the picture."""
    width, height = max(seen.width, 1), max(seen.height, 1)
    return one.left / width, one.top / height, one.width / width, one.height / height


@lru_cache(maxsize=4)
def _font(size: int) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    """Pillow's own font; reading it takes longer than drawing."""
    return ImageFont.load_default(size)


class _Pen:
    """Draws in fractions of one picture, as thick as the picture is large."""

    def __init__(self, image: Image.Image) -> None:
        self._draw = ImageDraw.Draw(image)
        self._size = image.size
        self._thick = max(1, round(min(image.size) / 260))
        self._font = _font(max(10, min(image.size) // 36))

    def place(self, point: Sequence[float]) -> Place:
        """A point in pixels."""
        return point[0] * self._size[0], point[1] * self._size[1]

    def top_of(self, points: Points) -> Sequence[float]:
        """The highest of some points."""
        return min(points, key=lambda point: point[1])

    def height_of(self, points: Points) -> float:
        """From the highest to the lowest of some points, in pixels."""
        heights = [point[1] for point in points]
        return (max(heights) - min(heights)) * self._size[1]

    def skeleton(
        self,
        points: Points,
        lines: Sequence[Connection],
        colours: Sequence[str],
        shown: Sequence[bool] = (),
        *,
        fine: bool = False,
    ) -> None:
        """Points and the lines between them; a line between two colours has the middle's.

        fine: thin lines, and the points only where there is room for them.
        """
        places = [self.place(point) for point in points]
        visible = shown or [True] * len(places)
        for start, end in lines:
            if visible[start] and visible[end]:
                same = colours[start] == colours[end]
                self._line(
                    places[start], places[end], colours[start] if same else _MIDDLE, fine=fine
                )
        if fine and not self._is_wide(places):
            return
        for place, colour, seen in zip(places, colours, visible, strict=True):
            if seen:
                self._dot(place, colour, fine=fine)

    def box(self, box: Box | None, label: str, colour: str) -> None:
        """A frame with its label on top."""
        if box is None:
            return
        left, top = self.place(box[:2])
        right, bottom = self.place((box[0] + box[2], box[1] + box[3]))
        sides = (min(left, right), min(top, bottom), max(left, right), max(top, bottom))
        self._draw.rectangle(sides, outline=_DARK, width=self._thick + 2)
        self._draw.rectangle(sides, outline=colour, width=self._thick)
        if label:
            self.label((left, top), label, colour)

    def label(self, place: Place, text: str, colour: str, *, beside: bool = False) -> None:
        """Dark words on a patch of colour: above a place or beside it, always inside the picture."""
        left, top, right, bottom = self._draw.textbbox((0, 0), text, font=self._font)
        gap = self._thick + 1
        width, height = right - left + 2 * gap, bottom - top + 2 * gap
        x, y = (
            (place[0] + 3 * gap, place[1] - height / 2) if beside else (place[0], place[1] - height)
        )
        x = max(0.0, min(x, self._size[0] - width))
        y = max(0.0, min(y, self._size[1] - height))
        self._draw.rectangle((x, y, x + width, y + height), fill=colour)
        self._draw.text((x + gap - left, y + gap - top), text, fill=_DARK, font=self._font)

    def lines(self, texts: Sequence[str], colour: str) -> None:
        """Labels one below the other, from the picture's left upper corner."""
        row = 0.0
        for text in texts:
            height = self._draw.textbbox((0, 0), text, font=self._font)[3] + 3 * self._thick
            self.label((0.0, row + height), text, colour)
            row += height

    def _is_wide(self, places: Sequence[Place]) -> bool:
        return max(x for x, _ in places) - min(x for x, _ in places) >= _FINE

    def _line(self, start: Place, end: Place, colour: str, *, fine: bool) -> None:
        thick = max(1, self._thick // 2) if fine else self._thick
        if not fine:
            self._draw.line([start, end], fill=_DARK, width=thick + 2)
        self._draw.line([start, end], fill=colour, width=thick)

    def _dot(self, place: Place, colour: str, *, fine: bool) -> None:
        radius = max(1, self._thick // 2) if fine else self._thick + 1
        sides = (place[0] - radius, place[1] - radius, place[0] + radius, place[1] + radius)
        self._draw.ellipse(sides, fill=colour, outline=None if fine else _LIGHT)
