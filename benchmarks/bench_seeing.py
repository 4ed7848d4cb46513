"""What does the daemon add to MediaPipe? Frames over ZeroMQ beside the same Tasks in this process.

Both look at the same 640 x 480 frames in video mode, on the same bundles from PyPI, in interleaved rounds:
a photograph of a man with a hand at his face, before which the camera sways. So everything is followed
from frame to frame; but as two hands are looked for and one is there, hands are searched in each frame.
`holistic` in this process is the better of two ways: its three tasks one after another, or all at once
in threads. A figure is the mean over a round's frames, and the median of the rounds.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from functools import partial
from statistics import median

from benchmarks import alone, sights
from benchmarks.bare_tasks import MODELS, Bare
from benchmarks.figures import Figure, difference, interleaved, ratio
from benchmarks.frame_stream import FrameStream
from benchmarks.processes import pss
from benchmarks.served import Served, until_unloaded
from benchmarks.sights import Pixels
from edged.messages import replies, requests
from edged.messages.seeing import Look, VisionTask

TITLE = "Seeing: frames over ZeroMQ, beside MediaPipe's Tasks in this process"

FRAMES: Mapping[VisionTask, int] = {
    "face": 240, "face_mesh": 240, "hands": 60, "pose": 60, "holistic": 40
}  # fmt: skip
"""In a round: about a second of work each."""

SHORT = frozenset({"face", "face_mesh"})
"""So short that what is added counts in milliseconds, and not as a share."""

LEAST_SHARE = 0.9
MOST_ADDED_MS = 1.0
HOLISTIC_FPS, WHERE_BARE_FPS = 40, 45

PUBLISHED: Mapping[VisionTask, tuple[float, int]] = {
    "face": (5, 50), "face_mesh": (15, 150), "hands": (10, 100), "pose": (12, 120),
    "holistic": (25, 300),
}  # fmt: skip
"""Milliseconds a frame and megabytes that a comparable service states, measured on an RTX 4090."""

ALONE = "in-process"
AT_ONCE = "in-process, all at once"
PACE = "daemon, pace"
DELAY = "daemon, delay"


def measure(*, quick: bool) -> list[Figure]:
    """Of each task: pace, delay and memory."""
    found: list[Figure] = []
    daemon = Served(EDGED_WORKERS_KEEP_ALIVE_MS="-1")
    sights.stock(daemon, *MODELS.values(), "holistic")
    with daemon, daemon.client() as client:
        for task in FRAMES:
            until_unloaded(client)
            found += _task(daemon, task, rounds=3 if quick else 9)
    return found


def _task(daemon: Served, task: VisionTask, rounds: int) -> list[Figure]:
    frames = (sights.frames() * 2)[: FRAMES[task]]
    with ExitStack() as stack:
        stream = stack.enter_context(FrameStream(daemon, Look(task=task)))
        turns: dict[str, Callable[[], float]] = {
            name: partial(_mean, stack.enter_context(closing(one)).run, frames)
            for name, one in _bare(task).items()
        }
        turns[PACE] = partial(_mean, stream.run, frames)
        turns[DELAY] = partial(_mean, partial(stream.run, ahead=0), frames[: len(frames) // 2])
        for turn in turns.values():
            turn()
        stream.forget()
        found = interleaved(turns, rounds)
        figures = _figures(task, found, stream)
        return [*figures, _memory(daemon, task, stream.model)]


def _bare(task: VisionTask) -> dict[str, Bare]:
    found = {ALONE: Bare(task)}
    return found | {AT_ONCE: Bare(task, threads=True)} if task == "holistic" else found


def _mean(run: Callable[[Sequence[Pixels]], float], frames: Sequence[Pixels]) -> float:
    """Seconds for one frame."""
    return run(frames) / len(frames)


def _figures(
    task: VisionTask, found: Mapping[str, Sequence[float]], stream: FrameStream
) -> list[Figure]:
    bare = min(
        (one for one in found if one in (ALONE, AT_ONCE)), key=lambda one: median(found[one])
    )
    told = f"somebody in {stream.found} of {stream.seen} frames; {stream.dropped} dropped"
    published_ms = PUBLISHED[task][0]
    return [
        _milliseconds(f"{task}, {bare}", found[bare], _fps(found[bare])),
        _milliseconds(f"{task}, daemon, a frame behind another", found[PACE], _fps(found[PACE])),
        _added(task, found, bare) if task in SHORT else _share(task, found, bare),
        *(_holistic(found, bare) if task == "holistic" else ()),
        Figure(
            what=f"{task}, daemon, from frame to result",
            value=median(found[DELAY]) * 1e3,
            unit="ms",
            most=published_ms,
            note=f"{told}; published: {published_ms:g} ms on an RTX 4090",
        ),
    ]


def _milliseconds(what: str, values: Sequence[float], note: str) -> Figure:
    return Figure(what=what, value=median(values) * 1e3, unit="ms", note=note)


def _fps(values: Sequence[float]) -> str:
    return f"{1 / median(values):.1f} frames a second"


def _share(task: VisionTask, found: Mapping[str, Sequence[float]], bare: str) -> Figure:
    ratios = [one / other for one, other in zip(found[bare], found[PACE], strict=True)]
    return Figure(
        what=f"{task}, daemon / {bare}, frames a second",
        value=ratio(found, bare, PACE),
        unit="x",
        least=LEAST_SHARE,
        note=f"{min(ratios):.2f} to {max(ratios):.2f} by rounds",
    )


def _added(task: VisionTask, found: Mapping[str, Sequence[float]], bare: str) -> Figure:
    return Figure(
        what=f"{task}, daemon over {bare}",
        value=difference(found, DELAY, bare) * 1e3,
        unit="ms",
        most=MOST_ADDED_MS,
    )


def _holistic(found: Mapping[str, Sequence[float]], bare: str) -> list[Figure]:
    """The pace that is wanted where the library alone has a little more; else told without a target."""
    reaches = 1 / median(found[bare])
    asked = reaches >= WHERE_BARE_FPS
    return [
        Figure(
            what="holistic, daemon, frames a second",
            value=1 / median(found[PACE]),
            unit="/s",
            least=HOLISTIC_FPS if asked else None,
            note="" if asked else f"{HOLISTIC_FPS} where in-process reaches {WHERE_BARE_FPS}",
        )
    ]


def _memory(daemon: Served, task: VisionTask, model: str) -> Figure:
    """Of the worker, beside what is published; no target: MediaPipe's import alone takes 108 MB."""
    with daemon.client() as client:
        loaded = client.ask(requests.ModelsPs(), replies.LoadedModels).models
    held = [pss(one.pid) for one in loaded if one.id == model and one.pid]
    return Figure(
        what=f"{task}, memory of {model}'s worker",
        value=sum(held),
        unit="MB",
        note=f"published: {PUBLISHED[task][1]} MB",
    )


if __name__ == "__main__":
    raise SystemExit(alone.run("seeing", TITLE, measure))
