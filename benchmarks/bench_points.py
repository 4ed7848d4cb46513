"""How right are points, gestures and angles?

Points: the same photographs through the daemon and through the API that MediaPipe had until 0.10.21, which
runs in an environment of its own, both picture by picture. Gestures: the hands on photographs whose names
say what they show (`call`, `four`, `none`: none of the seven), and what the official recogniser says of the
same hands; also of each photograph mirrored and turned a little. Seen by eye, one `none` photograph shows a
finger that points up and another a fist, so that neither can be right on all of them by its label. Angles: of made bodies, whose joints are
known; and of photographs beside their mirror images, in which left and right change places.
"""

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from statistics import mean, median

import numpy as np
import numpy.typing as npt
from mediapipe.tasks.python import vision
from mediapipe.tasks.python.core.base_options import BaseOptions
from mediapipe.tasks.python.vision.core import image as images
from PIL import Image

from benchmarks import alone, sights
from benchmarks.bare_tasks import MODELS
from benchmarks.figures import Figure, percentile
from benchmarks.made_bodies import body
from benchmarks.peers import ROOT, environments
from benchmarks.served import Served
from benchmarks.sights import Pixels
from edged.bridge.framing import PART_BYTES
from edged.bridge.link import SyncClient
from edged.media import ImageFormat
from edged.messages.seeing import Angle, Hand, Look, Points, See, Seen, VisionTask
from edged.vision.angles import joint_angles

TITLE = "Points, gestures and angles: how right they are"

Floats = npt.NDArray[np.float64]
Old = Mapping[str, Mapping[str, Sequence[Sequence[tuple[float, float]]]]]
"""By picture and task: the things, each as points."""

COMPARED: tuple[VisionTask, ...] = ("face", "face_mesh", "hands", "pose")
SAME_THING = 0.5
"""Points that lie farther apart than so much of the box belong to different things."""

BODIES = 500
VISIBLE = 0.8
TURNS = (-15, 0, 15)
RECOGNISER = sights.ASSETS / "vision" / "derived" / "gesture_recognizer_lite.task"
NO_GESTURE = frozenset({"", "None"})


def measure(*, quick: bool) -> list[Figure]:
    """Agreement with the old API, gestures, angles."""
    photos = sights.photos()
    daemon = Served(EDGED_WORKERS_KEEP_ALIVE_MS="-1")
    if sights.stock(daemon, *MODELS.values()):
        return _known_angles()
    with daemon, daemon.client(answer_within_s=60) as client:
        return [
            *_agreement(client, photos),
            *_gestures(client, photos, (0,) if quick else TURNS),
            *_known_angles(),
            *_mirrored_angles(client, photos),
        ]


def _see(client: SyncClient, pixels: Pixels, look: Look) -> Seen:
    height, width = pixels.shape[:2]
    data = pixels.tobytes()
    parts = [data[at : at + PART_BYTES] for at in range(0, len(data), PART_BYTES)]
    request = See(look=look, image=ImageFormat(width=width, height=height))
    found = [reply for reply, _ in client.stream(request, parts)]
    return next(one for one in found if isinstance(one, Seen))


# --- the old API ---


def _agreement(client: SyncClient, photos: Mapping[str, Pixels]) -> list[Figure]:
    if not environments.is_ready("mediapipe"):
        print("the old API is not here, its rows are left out: `python -m benchmarks.peers.setup`")
        return []
    old = _by_old_api(photos)
    tasks = {name: {"hands": _by_tasks(one)} for name, one in photos.items()}
    return [
        *(_agreed(client, photos, old, task, "the old API") for task in COMPARED),
        _agreed(client, photos, tasks, "hands", "MediaPipe's Tasks alone"),
    ]


def _by_old_api(photos: Mapping[str, Pixels]) -> Old:
    with tempfile.TemporaryDirectory(prefix="edged-bench-") as folder:
        for name, one in photos.items():
            np.save(Path(folder) / f"{name}.npy", one)
        python = environments.interpreter("mediapipe")
        command = [str(python), "-P", "-m", "benchmarks.peers.mediapipe_photos", folder]
        environ = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, cwd=ROOT, env=environ, check=True, capture_output=True)
    found: Old = json.loads(done.stdout)
    return found


def _by_tasks(pixels: Pixels) -> list[list[tuple[float, float]]]:
    """The hands that the library finds without us: where both APIs differ, the difference is its own."""
    options = vision.HandLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=str(sights.model_file(MODELS["hands"]))),
        num_hands=2,
    )
    with closing(vision.HandLandmarker.create_from_options(options)) as landmarker:
        found = landmarker.detect(_image(pixels))
    return [[(point.x, point.y) for point in hand] for hand in found.hand_landmarks]


def _image(pixels: Pixels) -> images.Image:
    array = np.ascontiguousarray(pixels)
    return images.Image(image_format=images.ImageFormat.SRGB, data=array)


def _agreed(
    client: SyncClient, photos: Mapping[str, Pixels], others_by: Old, task: VisionTask, whose: str
) -> Figure:
    apart: list[float] = []
    theirs = ours = 0
    for name, pixels in photos.items():
        height, width = pixels.shape[:2]
        size = np.array([width, height], np.float64)
        mine = [_flat(one) * size for one in _things(_see(client, pixels, _wanted(task)))]
        others = [np.array(one) * size for one in others_by[name][task]]
        found = [min((_apart(one, my) for my in mine), default=1.0) for one in others]
        matched = [one for one in found if one < SAME_THING]
        apart += matched
        theirs += len(others) - len(matched)
        ours += len(mine) - len(matched)
    return Figure(
        what=f"{task}: points from those of {whose}, mean distance, of the box's longer side",
        value=mean(apart) * 100 if apart else 100.0,
        unit="%",
        note=f"{len(apart)} found by both (at most {max(apart, default=1.0):.1%}), "
        f"{theirs} by it alone, {ours} by edged alone",
    )


def _wanted(task: VisionTask) -> Look:
    """As many as the old API is asked for."""
    return Look(task=task, most={"face": None, "hands": 2}.get(task, 1))


def _things(seen: Seen) -> list[Points]:
    faces = [one.landmarks for one in seen.faces]
    hands = [one.landmarks for one in seen.hands]
    return faces + hands + [one.landmarks for one in seen.poses]


def _flat(points: Points) -> Floats:
    return np.array([point[:2] for point in points], np.float64)


def _apart(theirs: Floats, mine: Floats) -> float:
    """The mean distance of corresponding points, by the longer side of the box around theirs."""
    side = float((theirs.max(axis=0) - theirs.min(axis=0)).max())
    count = min(len(theirs), len(mine))
    return float(np.linalg.norm(theirs[:count] - mine[:count], axis=1).mean()) / max(side, 1e-9)


# --- gestures ---


def _gestures(
    client: SyncClient, photos: Mapping[str, Pixels], turns: Sequence[int]
) -> list[Figure]:
    """Rules beside labels, and beside the official recogniser where that is."""
    labelled = {
        name: one for name, one in photos.items() if name.startswith(("call__", "four__", "none__"))
    }
    shown = [one for name in labelled for one in _varied(labelled[name], turns)]
    by_rules = [_see(client, one, Look(task="hands")).hands for one in shown]
    hands = [hand for some in by_rules for hand in some]
    if not hands:
        return []
    figures = [_labelled("rules", [hand.gesture for hand in hands], len(shown))]
    if not RECOGNISER.exists():
        return figures
    official = _recognised(shown)
    names = [name for some in official for name, _ in some]
    return [*figures, _labelled("official", names, len(shown)), _same(by_rules, official)]


def _varied(pixels: Pixels, turns: Sequence[int]) -> list[Pixels]:
    """A photograph as it is and mirrored, each turned by some degrees."""
    return [
        np.asarray(Image.fromarray(one).rotate(turn, Image.Resampling.BICUBIC, fillcolor="grey"))
        for one in (pixels, np.ascontiguousarray(pixels[:, ::-1]))
        for turn in turns
    ]


def _labelled(by: str, names: Sequence[str], shown: int) -> Figure:
    right = sum(name in NO_GESTURE for name in names)
    others = sorted({name for name in names if name not in NO_GESTURE})
    return Figure(
        what=f"photographs of none of the seven gestures, {by}: hands of which none is told",
        value=right / len(names) * 100,
        unit="%",
        note=f"{right} of {len(names)} hands on {shown} pictures; told: {', '.join(others) or 'none'}",
    )


def _recognised(shown: Sequence[Pixels]) -> list[list[tuple[str, Floats]]]:
    """What the official recogniser says of each hand, and where its points are."""
    options = vision.GestureRecognizerOptions(
        base_options=BaseOptions(model_asset_path=str(RECOGNISER)), num_hands=2
    )
    found = []
    with closing(vision.GestureRecognizer.create_from_options(options)) as recogniser:
        for pixels in shown:
            told = recogniser.recognize(_image(pixels))
            places = [np.array([(p.x, p.y) for p in hand]) for hand in told.hand_landmarks]
            names = [some[0].category_name for some in told.gestures]
            found.append(list(zip(names, places, strict=True)))
    return found


def _same(
    by_rules: Sequence[tuple[Hand, ...]], official: Sequence[list[tuple[str, Floats]]]
) -> Figure:
    """How often both say the same of a hand that both found."""
    pairs: list[tuple[str, str]] = []
    for mine, theirs in zip(by_rules, official, strict=True):
        for name, place in theirs:
            near = [one for one in mine if _apart(place, _flat(one.landmarks)) < SAME_THING]
            pairs += [("" if name == "None" else name, one.gesture) for one in near[:1]]
    same = sum(one == other for one, other in pairs)
    return Figure(
        what="rules and official recogniser say the same of a hand that both find",
        value=same / max(len(pairs), 1) * 100,
        unit="%",
        note=f"{same} of {len(pairs)}",
    )


# --- angles ---


def _known_angles() -> list[Figure]:
    random = np.random.default_rng(5)
    off: list[float] = []
    for _ in range(BODIES):
        made = body(random)
        found = joint_angles(made.world.astype(np.float32), np.ones(33, np.float32))
        off += [abs(found[name].degrees - degrees) for name, degrees in made.degrees.items()]
    return [
        Figure(
            what="angles of made bodies: farthest from the true one",
            value=max(off),
            unit="degrees",
            note=f"{len(off)} joints of {BODIES} bodies, turned at random; median {median(off):.4f}",
        )
    ]


def _mirrored_angles(client: SyncClient, photos: Mapping[str, Pixels]) -> list[Figure]:
    """What the model itself adds: the same joints in a picture and in its mirror image."""
    off: list[float] = []
    for pixels in photos.values():
        both = [
            _see(client, np.ascontiguousarray(one), Look(task="pose")).poses
            for one in (pixels, pixels[:, ::-1])
        ]
        if both[0] and both[1]:
            off += _differences(both[0][0].angles, both[1][0].angles)
    if not off:
        return []
    return [
        Figure(
            what="angles of a photograph and of its mirror image: apart, median",
            value=median(off),
            unit="degrees",
            note=f"{len(off)} joints that are seen well; 9 of 10 within {percentile(off, 90):.1f}",
        )
    ]


def _differences(plain: Mapping[str, Angle], mirrored: Mapping[str, Angle]) -> list[float]:
    pairs = [(one, mirrored.get(_other_side(name))) for name, one in plain.items()]
    return [
        abs(one.degrees - other.degrees)
        for one, other in pairs
        if other is not None and min(one.visibility, other.visibility) >= VISIBLE
    ]


def _other_side(name: str) -> str:
    side, _, joint = name.partition("_")
    return f"{ {'left': 'right', 'right': 'left'}[side] }_{joint}" if joint else name


if __name__ == "__main__":
    raise SystemExit(alone.run("points", TITLE, measure))
