"""What does a camera session cost? Fifteen frames a second from a named pipe, bodies followed and kept.

The camera is a pipe that FFmpeg feeds at real pace with a film of people who come and go, 640 x 480; its
own time is not counted. Counted is all that the daemon and its workers do: reading frames, looking at
them, sealing each second, encrypting it, committing it, telling it.
"""

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from benchmarks import alone, sights
from benchmarks.figures import Figure
from benchmarks.processes import children, cpu_seconds
from benchmarks.served import Served
from edged.bridge.link import SyncClient
from edged.messages.seeing import FrameCounts
from edged.messages.sessions import (
    OneSession,
    SessionsGet,
    SessionsStart,
    SessionsStop,
    SourceWish,
)

TITLE = "A camera session: pose at 15 frames a second"

FPS = 15
SETTLED_S = 8.0
WATCHED_S = 45.0
MOST_SHARE = 35
FILM_STARTS_S = 8
"""In the film: somebody comes in then, and most of the time somebody is there."""


def measure(*, quick: bool) -> list[Figure]:
    """Processor time of a session with a camera: pose, and with the motion gate; frames that were looked at."""
    if not shutil.which("ffmpeg"):
        print("no ffmpeg here: what a camera costs is not measured")
        return []
    watched_s = WATCHED_S / 3 if quick else WATCHED_S
    with piped_camera() as camera:
        found = _session(camera, watched_s, motion=False)
    with piped_camera() as camera:
        return found + _session(camera, watched_s, motion=True)


def _session(camera: Path, watched_s: float, *, motion: bool) -> list[Figure]:
    source = SourceWish(kind="camera", device=str(camera), motion=motion)
    start = SessionsStart(sources=(source,), pose=True, target_fps=FPS)
    daemon = Served()
    if sights.stock(daemon, "pose-landmarker-full"):
        return []
    with daemon, daemon.client(answer_within_s=30) as client:
        session_id = client.ask(start, OneSession).session.id
        time.sleep(SETTLED_S)
        used, counted = _used_s(daemon.pid), _counts(client, session_id)
        time.sleep(watched_s)
        share = (_used_s(daemon.pid) - used) / watched_s
        counts = _counts(client, session_id)
        client.ask(SessionsStop(session_id=session_id), OneSession)
    return _figures(share, counted, counts, watched_s, motion=motion)


def _counts(client: SyncClient, session_id: str) -> FrameCounts:
    return client.ask(SessionsGet(session_id=session_id), OneSession).session.sights[0].counts


def _used_s(pid: int) -> float:
    return sum(cpu_seconds(one) for one in [pid, *children(pid)])


def _figures(
    share: float, before: FrameCounts, after: FrameCounts, watched_s: float, *, motion: bool
) -> list[Figure]:
    how = ", where nothing moves left out" if motion else ""
    processed = after.processed - before.processed
    captured, still = after.captured - before.captured, after.still - before.still
    return [
        Figure(
            what=f"pose of a camera at {FPS} fps{how}: daemon and workers, of one core",
            value=share * 100,
            unit="%",
            most=None if motion else MOST_SHARE,
            note=f"somebody in {after.detected - before.detected} of {processed} frames",
        ),
        Figure(
            what=f"frames looked at{how}",
            value=processed / watched_s,
            unit="/s",
            least=None if motion else FPS * 0.95,
            note=f"{captured / watched_s:.1f}/s captured; {still} frames still, "
            f"{after.late - before.late} late, {after.lost - before.lost} lost",
        ),
    ]


@contextmanager
def piped_camera(fps: int = FPS * 2) -> Iterator[Path]:
    """A named pipe that gives frames at real pace whenever somebody reads it."""
    folder = Path(mkdtemp(prefix="edged-bench-camera-"))
    pipe = folder / "camera.y4m"
    os.mkfifo(pipe)
    feeder = _Feeder(_command(pipe, fps))
    try:
        yield pipe
    finally:
        feeder.end()
        shutil.rmtree(folder, ignore_errors=True)


def _command(pipe: Path, fps: int) -> list[str]:
    film = sights.video()
    given = ["-f", "lavfi", "-i", "testsrc2"]
    if film is not None:
        given = ["-stream_loop", "-1", "-ss", str(FILM_STARTS_S), "-i", str(film)]
    # `realtime` and not `-re`: a film of fewer frames a second would come in bursts of the same ones.
    shape = f"scale={sights.WIDTH}:{sights.HEIGHT},fps={fps},realtime"
    return [
        "ffmpeg", "-nostdin", "-v", "error", "-threads", "1", *given, "-vf", shape, "-an",
        "-pix_fmt", "yuv420p", "-f", "yuv4mpegpipe", "-y", str(pipe),
    ]  # fmt: skip


class _Feeder:
    """Runs a command anew whenever it ends: as it does when its reader goes."""

    def __init__(self, command: list[str]) -> None:
        self._command = command
        self._over = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._over.wait(0.02):
            quiet = subprocess.DEVNULL
            self._process = subprocess.Popen(self._command, stdout=quiet, stderr=quiet)
            self._process.wait()

    def end(self) -> None:
        """Stop it: by force, as one that waits for a reader hears nothing else."""
        self._over.set()
        while self._thread.is_alive():
            if self._process is not None:
                self._process.send_signal(signal.SIGKILL)
            self._thread.join(0.05)


if __name__ == "__main__":
    raise SystemExit(alone.run("camera", TITLE, measure))
