"""What does the daemon add to MediaPipe? Frames over ZeroMQ beside the same Tasks in this process.

Both look at the same 640 x 480 frames in video mode, on the same bundles from PyPI, in interleaved rounds:
a photograph of a man with a hand at his face, before which the camera sways. So everything is followed
from frame to frame; but where two hands are looked for and one is there, hands are searched in each frame.
`holistic` in this process is the better of two ways: its three tasks one after another, or all at once
in threads. A figure is the mean over a round's frames, and the median of the rounds.
"""

import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from functools import partial
from statistics import median

from msgspec import Struct

from benchmarks import alone, sights
from benchmarks.bare_tasks import MODELS, Bare, needed
from benchmarks.figures import Figure, difference, interleaved, ratio
from benchmarks.frame_stream import FrameStream
from benchmarks.processes import pss
from benchmarks.served import Served, until_unloaded
from benchmarks.sights import Pixels
from edged.messages import replies, requests
from edged.messages.seeing import Look, VisionTask

TITLE = "Seeing: frames over ZeroMQ, beside MediaPipe's Tasks in this process"


class Case(Struct, frozen=True, kw_only=True):
    """What is asked of each frame, and of how many frames in a round: about a second of work.

    published_ms, published_mb: of a frame and in memory, as a comparable service states them,
        measured on an RTX 4090.
    """

    what: str
    task: VisionTask
    frames: int
    published_ms: float
    published_mb: int
    most: int | None = None


CASES = (
    Case(what="face", task="face", frames=240, published_ms=5, published_mb=50),
    Case(what="face mesh", task="face_mesh", frames=240, published_ms=15, published_mb=150),
    Case(what="one hand", task="hands", most=1, frames=90, published_ms=10, published_mb=100),
    Case(what="two hands sought", task="hands", frames=60, published_ms=10, published_mb=100),
    Case(what="pose", task="pose", frames=60, published_ms=12, published_mb=120),
    Case(what="holistic", task="holistic", frames=40, published_ms=25, published_mb=300),
)

SHORT = frozenset({"face", "face_mesh"})
"""So short that what is added counts in milliseconds, and not as a share."""

LEAST_SHARE = 0.9
MOST_ADDED_MS = 1.0
HOLISTIC_FPS, WHERE_BARE_FPS = 40, 45

ALONE = "in-process"
AT_ONCE = "in-process, all at once"
PACE = "daemon, pace"
DELAY = "daemon, delay"


def measure(*, quick: bool) -> list[Figure]:
    """Of each task: pace, delay and memory."""
    found: list[Figure] = []
    daemon = Served(EDGED_WORKERS_KEEP_ALIVE_MS="-1")
    missing = set(sights.stock(daemon, *MODELS.values(), "holistic"))
    with daemon, daemon.client() as client:
        for case in CASES:
            if missing & needed(case.task):
                continue
            until_unloaded(client)
            found += _measured(daemon, case, rounds=3 if quick else 9)
    return [*found, _import_alone()]


def _measured(daemon: Served, case: Case, rounds: int) -> list[Figure]:
    frames = (sights.frames() * 2)[: case.frames]
    with ExitStack() as stack:
        look = Look(task=case.task, most=case.most)
        stream = stack.enter_context(FrameStream(daemon, look))
        turns: dict[str, Callable[[], float]] = {
            name: partial(_mean, stack.enter_context(closing(one)).run, frames)
            for name, one in _bare(case).items()
        }
        turns[PACE] = partial(_mean, stream.run, frames)
        turns[DELAY] = partial(_mean, partial(stream.run, ahead=0), frames[: len(frames) // 2])
        for turn in turns.values():
            turn()
        stream.forget()
        found = interleaved(turns, rounds)
        figures = _figures(case, found, stream)
        return [*figures, _memory(daemon, case, stream.model)]


def _bare(case: Case) -> dict[str, Bare]:
    found = {ALONE: Bare(case.task, hands=case.most or 2)}
    return found | {AT_ONCE: Bare(case.task, threads=True)} if case.task == "holistic" else found


def _mean(run: Callable[[Sequence[Pixels]], float], frames: Sequence[Pixels]) -> float:
    """Seconds for one frame."""
    return run(frames) / len(frames)


def _figures(case: Case, found: Mapping[str, Sequence[float]], stream: FrameStream) -> list[Figure]:
    bare = min(
        (one for one in found if one in (ALONE, AT_ONCE)), key=lambda one: median(found[one])
    )
    told = f"somebody in {stream.found} of {stream.seen} frames; {stream.dropped} dropped"
    return [
        _milliseconds(f"{case.what}, {bare}", found[bare], _fps(found[bare])),
        _milliseconds(f"{case.what}, daemon, frame after frame", found[PACE], _fps(found[PACE])),
        _added(case, found, bare) if case.task in SHORT else _share(case, found, bare),
        *(_holistic(found, bare) if case.task == "holistic" else ()),
        Figure(
            what=f"{case.what}, daemon, from frame to result",
            value=median(found[DELAY]) * 1e3,
            unit="ms",
            most=case.published_ms,
            note=f"{told}; published: {case.published_ms:g} ms on an RTX 4090",
        ),
    ]


def _milliseconds(what: str, values: Sequence[float], note: str) -> Figure:
    return Figure(what=what, value=median(values) * 1e3, unit="ms", note=note)


def _fps(values: Sequence[float]) -> str:
    return f"{1 / median(values):.1f} frames a second"


def _share(case: Case, found: Mapping[str, Sequence[float]], bare: str) -> Figure:
    ratios = [one / other for one, other in zip(found[bare], found[PACE], strict=True)]
    return Figure(
        what=f"{case.what}, daemon / {bare}, frames a second",
        value=ratio(found, bare, PACE),
        unit="x",
        least=LEAST_SHARE,
        note=f"{min(ratios):.2f} to {max(ratios):.2f} by rounds",
    )


def _added(case: Case, found: Mapping[str, Sequence[float]], bare: str) -> Figure:
    return Figure(
        what=f"{case.what}, daemon over {bare}",
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


def _memory(daemon: Served, case: Case, model: str) -> Figure:
    """Of the worker, beside what is published; no target: MediaPipe's import alone takes 108 MB."""
    with daemon.client() as client:
        loaded = client.ask(requests.ModelsPs(), replies.LoadedModels).models
    held = [pss(one.pid) for one in loaded if one.id == model and one.pid]
    return Figure(
        what=f"{case.what}, memory of {model}'s worker",
        value=sum(held),
        unit="MB",
        note=f"published: {case.published_mb} MB",
    )


def _import_alone() -> Figure:
    """What a Python that does nothing but import the library takes."""
    code = "import mediapipe, os; from benchmarks.processes import pss; print(pss(os.getpid()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    return Figure(
        what="importing mediapipe in a Python of its own, for comparison",
        value=float(done.stdout.split()[-1]),
        unit="MB",
        note="edged's workers leave out what only draws and listens",
    )


if __name__ == "__main__":
    raise SystemExit(alone.run("seeing", TITLE, measure))
