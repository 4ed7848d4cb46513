"""What a look gave, as clients are told it: structs and parts, made without arrays."""

import math
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import chain, repeat
from struct import Struct as Layout
from typing import TypeVar

import msgspec
from msgspec import Struct

from edged.messages.seeing import (
    Box,
    Face,
    Hand,
    MaskFacts,
    PartFacts,
    Points,
    PointsAs,
    Pose,
    Seen,
    VisionTask,
)
from edged.models.runtime import Classified, Detected, Segmented, Vector
from edged.models.seeing import (
    BodySigns,
    Effected,
    FaceSigns,
    Group,
    HandSigns,
    Sight,
)
from edged.pipeline.seeing.eyes import View

S = TypeVar("S")
Buffer = bytes | memoryview
Shown = tuple[Seen, Sequence[Buffer]]

PART_BYTES = 4 * 2**20
"""Parts are cut: a frame of the socket is bounded."""

_FLOAT = 4
_WORLD = 3


class Facts(Struct, frozen=True, kw_only=True):
    """What is told of a frame beside what it shows; see Seen. points: how landmarks are told."""

    task: VisionTask
    model: str
    device: str
    frame_id: int = 0
    captured_at_ms: int = 0
    dropped: int = 0
    points: PointsAs = "values"


def seen(view: View, facts: Facts) -> Shown:
    """The reply to a look, and its parts."""
    reply = Seen(
        frame_id=facts.frame_id,
        captured_at_ms=facts.captured_at_ms,
        processing_time_ms=view.computed_us / 1000,
        task=facts.task,
        model=facts.model,
        device=facts.device,
        width=view.width,
        height=view.height,
        dropped=facts.dropped,
    )
    match view:
        case Sight():
            return _of_sight(reply, view, facts.points)
        case Detected():
            return msgspec.structs.replace(reply, objects=view.objects), ()
        case Classified():
            return msgspec.structs.replace(reply, classes=view.classes), ()
        case Vector():
            return _of_vector(reply, view)
        case Segmented():
            return _of_mask(reply, view)
        case Effected():
            return _of_picture(reply, view)


def found(view: View) -> bool:
    """Whether anything was found: a mask has somebody in it, a vector always is something."""
    match view:
        case Sight():
            return any(group.count for group in view.groups)
        case Detected():
            return bool(view.objects)
        case Classified():
            return bool(view.classes)
        case Segmented():
            return bytes(view.data).count(0) < len(view.data)
        case Vector() | Effected():
            return True


def counts(view: View) -> dict[str, int]:
    """How many things of each kind a frame shows: face, hand, pose, and objects by their labels."""
    match view:
        case Sight():
            names = {"face": "face", "hands": "hand", "pose": "pose"}
            return {names[one.kind]: one.count for one in view.groups if one.count}
        case Detected():
            labels = [one.label for one in view.objects]
            return {label: labels.count(label) for label in dict.fromkeys(labels)}
        case _:
            return {}


# --- landmarks ---


class _Things(Struct, frozen=True):
    """All things of a group: their facts, and their points one after the other."""

    group: Group
    points: Points
    world: Points

    def landmarks(self, at: int) -> Points:
        size = self.group.points
        return self.points[at * size : (at + 1) * size]

    def world_landmarks(self, at: int) -> Points:
        size = self.group.world_points
        return self.world[at * size : (at + 1) * size]

    def score(self, at: int) -> float | None:
        """In [0, 1]: float32 may be a little more than 1."""
        scores = self.group.scores
        return min(1.0, max(0.0, scores[at])) if at < len(scores) else None

    def box(self, at: int) -> Box | None:
        return self.group.boxes[at] if at < len(self.group.boxes) else None


def _of_sight(reply: Seen, view: Sight, points: PointsAs) -> Shown:
    things = {one.group.kind: one for one in _things(view, numbers=points == "values")}
    shown = msgspec.structs.replace(
        reply,
        faces=tuple(map(_face, *_each(things.get("face"), view.faces, FaceSigns()))),
        hands=tuple(map(_hand, *_each(things.get("hands"), view.hands, HandSigns()))),
        poses=tuple(map(_pose, *_each(things.get("pose"), view.bodies, BodySigns()))),
    )
    if points == "values":
        return shown, ()
    arrays = tuple(_arrays(view))
    return msgspec.structs.replace(shown, parts=tuple(facts for facts, _ in arrays)), tuple(
        part for _, data in arrays for part in _cut(data)
    )


def _things(view: Sight, *, numbers: bool) -> Iterator[_Things]:
    for group, points, world in _split(view):
        if numbers:
            yield _Things(group, _rows(points, len(group.values)), _rows(world, _WORLD))
        else:
            yield _Things(group, (), ())


def _split(view: Sight) -> Iterator[tuple[Group, memoryview, memoryview]]:
    """Every group with the bytes of its points, and of its world points."""
    points, world = memoryview(view.points).cast("B"), memoryview(view.world).cast("B")
    for group in view.groups:
        size = group.count * group.points * len(group.values) * _FLOAT
        size_world = group.count * group.world_points * _WORLD * _FLOAT
        yield group, points[:size], world[:size_world]
        points, world = points[size:], world[size_world:]


def _rows(data: memoryview, size: int) -> Points:
    return tuple(_rows_of(size).iter_unpack(data)) if size else ()


@cache
def _rows_of(size: int) -> Layout:
    return Layout(f"<{size}f")


def _each(
    things: _Things | None, signs: Sequence[S], none: S
) -> tuple[Iterator[_Things], range, Iterator[S]]:
    """For every thing of a group: the group, its index, and its signs."""
    if things is None:
        return iter(()), range(0), iter(())
    return repeat(things), range(things.group.count), chain(signs, repeat(none))


def _face(things: _Things, at: int, signs: FaceSigns) -> Face:
    return Face(
        score=things.score(at),
        box=things.box(at),
        landmarks=things.landmarks(at),
        blendshapes=signs.blendshapes,
        transform=signs.transform,
        eyes=signs.eyes,
    )


def _hand(things: _Things, at: int, signs: HandSigns) -> Hand:
    label = things.group.labels[at] if at < len(things.group.labels) else ""
    return Hand(
        handedness="Left" if label == "Left" else "Right",
        score=things.score(at) or 0.0,
        gesture=signs.gesture,
        gesture_score=min(1.0, max(0.0, signs.score)) if signs.gesture else 0.0,
        landmarks=things.landmarks(at),
        world_landmarks=things.world_landmarks(at),
        body=signs.body,
    )


def _pose(things: _Things, at: int, signs: BodySigns) -> Pose:
    return Pose(
        landmarks=things.landmarks(at),
        world_landmarks=things.world_landmarks(at),
        angles=signs.angles,
        classification=signs.posture,
        box=things.box(at),
    )


def _arrays(view: Sight) -> Iterator[tuple[PartFacts, Buffer]]:
    """Every array of landmarks with its facts: first the points of a group, then its world points."""
    for group, points, world in _split(view):
        yield _float_facts(group.kind, (group.count, group.points, len(group.values))), points
        if group.world_points:
            yield (
                _float_facts(f"{group.kind}_world", (group.count, group.world_points, _WORLD)),
                world,
            )


def _float_facts(of: str, shape: tuple[int, ...]) -> PartFacts:
    return PartFacts(of=of, dtype="float32", shape=shape, size_bytes=math.prod(shape) * _FLOAT)


# --- vectors, masks and pictures ---


def _of_vector(reply: Seen, view: Vector) -> Shown:
    dimensions = len(view.data) // _FLOAT
    facts = _float_facts("vector", (dimensions,))
    return msgspec.structs.replace(reply, vector=dimensions, parts=(facts,)), _cut(view.data)


def _of_mask(reply: Seen, view: Segmented) -> Shown:
    mask = MaskFacts(kind=view.kind, width=view.width, height=view.height, labels=view.labels)
    shape = (view.height, view.width)
    part = PartFacts(of="mask", dtype="uint8", shape=shape, size_bytes=len(view.data))
    return msgspec.structs.replace(reply, masks=(mask,), parts=(part,)), _cut(view.data)


def _of_picture(reply: Seen, view: Effected) -> Shown:
    mask = MaskFacts(
        kind="picture", width=view.width, height=view.height, media_type=view.media_type
    )
    size = len(view.data)
    part = PartFacts(of="picture", dtype="uint8", shape=(size,), size_bytes=size)
    return msgspec.structs.replace(reply, masks=(mask,), parts=(part,)), _cut(view.data)


def _cut(data: Buffer) -> tuple[Buffer, ...]:
    view = memoryview(data)
    return tuple(view[at : at + PART_BYTES] for at in range(0, len(view), PART_BYTES))
