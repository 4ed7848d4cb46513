"""What was seen, in words: rows of tables, and one line of what a frame shows."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from edged.bridge.framing import Buffer
from edged.cli.seeing.documents import LISTS, coverage
from edged.cli.seeing.parts import apart
from edged.messages.seeing import Angle, Face, Pose, Seen

VISIBLE = 0.5
"""Joints that are less visible are not told to people."""

MOST_ANGLES = 6
MOST_EXPRESSIONS = 3
SHOWN = 0.3
"""An expression that is weaker is none."""


class Table(NamedTuple):
    """What `render.table` takes."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


def tables(seen: Seen, parts: Sequence[Buffer] = ()) -> list[Table]:
    """Everything that a frame shows; kinds of which there is nothing are left out."""
    makers: Mapping[str, Callable[[Seen, Sequence[Buffer]], Table]] = {
        "faces": lambda seen, _: faces(seen),
        "hands": lambda seen, _: hands(seen),
        "poses": lambda seen, _: poses(seen),
        "objects": lambda seen, _: objects(seen),
        "classes": lambda seen, _: classes(seen),
        "masks": masks,
    }
    made = (makers[name](seen, parts) for name in LISTS[seen.task])
    return [_told(table) for table in made if table.rows]


def _told(table: Table) -> Table:
    """Without the columns in which nothing stands."""
    keep = [at for at in range(len(table.columns)) if any(row[at] for row in table.rows)]
    rows = [[row[at] for at in keep] for row in table.rows]
    return Table([table.columns[at] for at in keep], rows)


def faces(seen: Seen) -> Table:
    """Faces: where, how sure, where they look, what they express."""
    rows = [
        [str(at), _box(one, seen), _score(one.score), _eyes(one), _gaze(one), _expressions(one)]
        for at, one in enumerate(seen.faces)
    ]
    return Table(["face", "at (pixels)", ">score", "eyes open", "gaze", "expression"], rows)


def hands(seen: Seen) -> Table:
    """Hands: which, how sure, what they say."""
    rows = [
        [
            one.handedness,
            _score(one.score),
            one.gesture or "none",
            _score(one.gesture_score) if one.gesture else "",
            "" if one.body is None else str(one.body),
        ]
        for one in seen.hands
    ]
    return Table(["hand", ">score", "gesture", ">sure", ">of body"], rows)


def poses(seen: Seen) -> Table:
    """Bodies: how they are held, how much of them is visible, their joints."""
    rows = [
        [str(at), one.classification or "unknown", f"{visible(one)}/33", angles(one.angles)]
        for at, one in enumerate(seen.poses)
    ]
    return Table(["body", "posture", ">visible", "angles"], rows)


def objects(seen: Seen) -> Table:
    """Objects and their boxes, in pixels."""
    rows = [
        [one.label, _score(one.score)]
        + [f"{value:.0f}" for value in (one.left, one.top, one.width, one.height)]
        for one in seen.objects
    ]
    return Table(["label", ">score", ">left", ">top", ">width", ">height"], rows)


def classes(seen: Seen) -> Table:
    """What the picture as a whole shows."""
    return Table(["label", ">score"], [[one.label, f"{one.score:.3f}"] for one in seen.classes])


def masks(seen: Seen, parts: Sequence[Buffer]) -> Table:
    """Masks: of what, and how much of the picture they cover."""
    part = apart(seen, parts).get("mask")
    rows = [
        [
            one.kind,
            ", ".join(one.labels) or one.media_type,
            f"{one.width} x {one.height}",
            "" if part is None else f"{coverage(one, part):.0%}",
        ]
        for one in seen.masks
    ]
    return Table(["mask", "of", "size", ">covers"], rows)


def summary(seen: Seen) -> str:
    """One line of what a frame shows, for a log: `Right Thumb_Up; body standing; 2 faces`."""
    told = [f"{one.handedness} {one.gesture or 'hand'}" for one in seen.hands]
    told += [f"body {one.classification}".strip() for one in seen.poses]
    if seen.faces:
        told.append("1 face" if len(seen.faces) == 1 else f"{len(seen.faces)} faces")
    told += [one.label for one in seen.objects]
    told += [one.label for one in seen.classes[:1]]
    told += [f"mask of {', '.join(one.labels) or 'people'}" for one in seen.masks]
    return "; ".join(told) or "nothing"


def angles(found: Mapping[str, Angle], *, most: int = MOST_ANGLES) -> str:
    """The angles of visible joints: `left elbow 164°`."""
    seen = [(name, one) for name, one in found.items() if one.visibility >= VISIBLE]
    told = [f"{name.replace('_', ' ')} {one.degrees:.0f}°" for name, one in seen[:most]]
    return ", ".join(told) + (", ..." if len(seen) > most else "")


def visible(pose: Pose) -> int:
    """How many of its points can be seen."""
    return sum(1 for point in pose.landmarks if point[-1] >= VISIBLE)


def _score(score: float | None) -> str:
    return "" if score is None else f"{score:.2f}"


def _box(face: Face, seen: Seen) -> str:
    if face.box is None:
        return ""
    left, top, width, height = face.box
    return (
        f"{left * seen.width:.0f},{top * seen.height:.0f} "
        f"{width * seen.width:.0f} x {height * seen.height:.0f}"
    )


def _eyes(face: Face) -> str:
    if face.eyes is None:
        return ""
    return f"left {face.eyes.left.openness:.2f}, right {face.eyes.right.openness:.2f}"


def _gaze(face: Face) -> str:
    if face.eyes is None or face.eyes.gaze is None:
        return ""
    gaze = face.eyes.gaze
    return f"{gaze.direction} ({gaze.yaw:+.0f}°, {gaze.pitch:+.0f}° ± {gaze.error:.0f}°)"


def _expressions(face: Face) -> str:
    shown = [(value, name) for name, value in face.blendshapes.items() if value >= SHOWN]
    return ", ".join(name for _, name in sorted(shown, reverse=True)[:MOST_EXPRESSIONS])
