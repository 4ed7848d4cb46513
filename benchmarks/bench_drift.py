"""Does the memory of a worker that sees stay what it is, however many frames it looks at?

`python benchmarks/bench_drift.py --whole [TASK]` looks at 100,000 frames with each task, or with that one, and
takes its time (`holistic` most of an hour); as part of `make bench` each task gets a time limit, and the
table says how many frames that were.
"""

import sys
import time
from collections.abc import Mapping

from benchmarks import alone, sights
from benchmarks.bare_tasks import MODELS
from benchmarks.figures import Figure
from benchmarks.frame_stream import FrameStream
from benchmarks.processes import memory
from benchmarks.served import Served
from edged.messages import replies, requests
from edged.messages.seeing import Look, VisionTask

TITLE = "Memory of a worker that sees, over many frames"

FRAMES = 100_000
WARM_FRAMES = 480
WHOLE = "--whole"
MOST_DRIFT_MB = 5.0

SECONDS: Mapping[VisionTask, float] = {"face": 40, "face_mesh": 30, "holistic": 60}
"""At most so long with each task; holistic runs hands and pose too."""


def measure(*, quick: bool) -> list[Figure]:
    """Growth of each worker after it has warmed up."""
    asked = set(SECONDS) & set(sys.argv) or set(SECONDS)
    share = 0.1 if quick else 1_000.0 if WHOLE in sys.argv else 1.0
    return [
        one
        for task, most_s in SECONDS.items()
        if task in asked and (one := drift(task, FRAMES, most_s * share)) is not None
    ]


def drift(task: VisionTask, frames: int, most_s: float) -> Figure | None:
    """How much the worker of a task grows in so many frames, or so many seconds; None without its model."""
    daemon = Served(EDGED_WORKERS_KEEP_ALIVE_MS="-1")
    if sights.stock(daemon, *MODELS.values(), *(["holistic"] if task == "holistic" else [])):
        return None
    shown = sights.frames()
    with daemon, FrameStream(daemon, Look(task=task)) as stream:
        while stream.seen < WARM_FRAMES:
            stream.run(shown)
        pid = _worker(daemon, stream.model)
        before, counted = memory(pid), stream.seen
        deadline = time.monotonic() + most_s
        while stream.seen - counted < frames and time.monotonic() < deadline:
            stream.run(shown)
        after = memory(pid)
    done = stream.seen - counted
    return Figure(
        what=f"{task}: private memory gained over {done:,} frames",
        value=after["Private"] - before["Private"],
        unit="MB",
        most=MOST_DRIFT_MB,
        note=f"from {before['Private']:.1f} to {after['Private']:.1f} MB; RSS {after['Rss'] - before['Rss']:+.2f}",
    )


def _worker(daemon: Served, model: str) -> int:
    with daemon.client() as client:
        loaded = client.ask(requests.ModelsPs(), replies.LoadedModels).models
    return next(one.pid for one in loaded if one.id == model and one.pid)


if __name__ == "__main__":
    raise SystemExit(alone.run("drift", TITLE, measure))
