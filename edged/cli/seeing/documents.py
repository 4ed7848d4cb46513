"""What was seen, as JSON: one object a frame, one for a whole video."""

from array import array
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from edged.bridge.framing import Buffer
from edged.cli.seeing.parts import Part, apart
from edged.messages.seeing import Face, Hand, Looked, MaskFacts, Points, Pose, Seen, VisionTask

LISTS: Mapping[VisionTask, tuple[str, ...]] = {
    "face": ("faces",),
    "face_mesh": ("faces",),
    "iris": ("faces",),
    "hands": ("hands",),
    "pose": ("poses",),
    "holistic": ("faces", "hands", "poses"),
    "segment": ("masks",),
    "detect": ("objects",),
    "classify": ("classes",),
    "embed": (),
}
"""What each task finds; the lists are there when they are empty, too."""

DIGITS = 6
"""Of a coordinate: float32 has no more near 1."""

_FULL = 255


def of_frame(seen: Seen, parts: Sequence[Buffer] = ()) -> dict[str, Any]:
    """One frame: what it shows, then the facts about it."""
    there = apart(seen, parts)
    shown: Mapping[str, Callable[[], list[Any]]] = {
        "faces": lambda: [_face(one) for one in seen.faces],
        "hands": lambda: [_hand(one) for one in seen.hands],
        "poses": lambda: [_pose(one) for one in seen.poses],
        "objects": lambda: list(map(msgspec.to_builtins, seen.objects)),
        "classes": lambda: list(map(msgspec.to_builtins, seen.classes)),
        "masks": lambda: [_mask(one, there.get("mask")) for one in seen.masks],
    }
    found: dict[str, Any] = {name: shown[name]() for name in LISTS[seen.task]}
    if "vector" in there:
        found["vector"] = array("f", there["vector"].data).tolist()
    return {**found, **_facts(seen)}


def of_video(looked: Looked, last: Seen | None) -> dict[str, Any]:
    """A whole video, or a camera for as long as it was looked at.

    Args:
        looked: its end.
        last: any frame: which model looked.
    """
    found: dict[str, Any] = {
        "frames": looked.frames,
        "detected": looked.detected,
        "fps": round(looked.fps, 2),
        "duration_ms": looked.duration_ms,
        "lost": looked.lost,
        "tracks": msgspec.to_builtins(looked.tracks),
    }
    if last is not None:
        facts = _facts(last)
        found.update({name: facts[name] for name in ("task", "model", "device", "width", "height")})
    return found


def line(document: dict[str, Any]) -> str:
    """A document as one line."""
    return msgspec.json.encode(document).decode()


def coverage(mask: MaskFacts, part: Part) -> float:
    """How much of the picture a mask covers, in [0, 1]: what is not its first label, or not background."""
    data = part.data
    if not data:
        return 0.0
    if mask.kind == "confidence":
        return sum(data) / _FULL / len(data)
    return 1.0 - data.count(0) / len(data)


def _facts(seen: Seen) -> dict[str, Any]:
    return {
        "task": seen.task,
        "frame_id": seen.frame_id,
        "captured_at_ms": seen.captured_at_ms,
        "processing_time_ms": round(seen.processing_time_ms, 3),
        "model": seen.model,
        "device": seen.device,
        "width": seen.width,
        "height": seen.height,
        "dropped": seen.dropped,
    }


def _hand(hand: Hand) -> dict[str, Any]:
    return {
        "handedness": hand.handedness,
        "score": hand.score,
        "gesture": hand.gesture,
        "gesture_score": hand.gesture_score,
        "landmarks": _points(hand.landmarks),
        "world_landmarks": _points(hand.world_landmarks),
        "body": hand.body,
    }


def _pose(pose: Pose) -> dict[str, Any]:
    return {
        "landmarks": _points(pose.landmarks),
        "world_landmarks": _points(pose.world_landmarks),
        "angles": msgspec.to_builtins(pose.angles),
        "classification": pose.classification,
        "box": pose.box,
    }


def _face(face: Face) -> dict[str, Any]:
    return {
        "score": face.score,
        "box": face.box,
        "landmarks": _points(face.landmarks),
        "blendshapes": face.blendshapes,
        "transform": list(face.transform),
        "eyes": msgspec.to_builtins(face.eyes),
    }


def _mask(mask: MaskFacts, part: Part | None) -> dict[str, Any]:
    found = msgspec.to_builtins(mask)
    if part is not None:
        found["coverage"] = round(coverage(mask, part), 4)
    return dict(found)


def _points(points: Points) -> list[list[float]]:
    return [[round(value, DIGITS) for value in point] for point in points]
