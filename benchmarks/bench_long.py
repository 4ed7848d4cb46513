"""Is memory bounded, however long the recording?"""

import threading
import time
from contextlib import ExitStack
from pathlib import Path

from benchmarks import sounds
from benchmarks.figures import Figure
from benchmarks.processes import children, maps, pss
from benchmarks.served import Served, until_unloaded
from edged.bridge.link import SyncClient
from edged.messages import replies, requests

TITLE = "Memory: eleven hours beside a minute"

MODEL = "pocketsphinx-en-us"
HOURS = 11.0
TALK_EVERY_S = 3600
"""One conversation of a minute per hour of a quiet room: decoding and voice activity run over all
of it, and recognition often enough."""

WATCHED_S = 240.0
DENSE_S = 45.0
SAMPLE_S = 0.25


def measure(*, quick: bool, watched_s: float = WATCHED_S) -> list[Figure]:
    """The most memory of daemon and decode worker, for a minute and for eleven hours.

    Args:
        quick: look at each recording for a few seconds only.
        watched_s: how long to look at the long ones at most; enough for all of them by default.
    """
    sparse_s, dense_s = (15.0, 10.0) if quick else (watched_s, DENSE_S)
    with ExitStack() as stack:
        folder = stack.enter_context(sounds.folder())
        sparse = sounds.sparse(HOURS, folder / "sparse.opus", block_s=TALK_EVERY_S)
        dense = sounds.repeated(sounds.CONVERSATION, int(HOURS * 60.4), folder / "dense.opus")
        daemon = stack.enter_context(Served())
        minute = _watch(daemon, sounds.CONVERSATION, 60)
        long = _watch(daemon, sparse, sparse_s)
        talk = _watch(daemon, dense, dense_s)
    return [
        *_figures("a minute", minute, None),
        *_figures("11 hours with a conversation in each", long, minute),
        *_figures("11 hours of talk", talk, minute),
    ]


class Watcher:
    """Notes the most memory of each process while a transcription runs."""

    def __init__(self, pid: int) -> None:
        self.most: dict[str, float] = {}
        self.together = 0.0
        self.done_ms = self.audio_ms = 0
        self._pid = pid
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watch memory", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def _watch(self) -> None:
        while not self._ended.wait(SAMPLE_S):
            found = {"daemon": pss(self._pid)}
            for child in children(self._pid):
                role = _role(child)
                found[role] = found.get(role, 0.0) + pss(child)
            for role, size in found.items():
                self.most[role] = max(size, self.most.get(role, 0.0))
            both = found["daemon"] + found.get("decode worker", 0.0)
            self.together = max(self.together, both)

    def end(self) -> None:
        """Stop looking."""
        self._ended.set()
        self._thread.join()


def _role(pid: int) -> str:
    """Which worker it is: only the decode worker maps FFmpeg."""
    return "decode worker" if "libavcodec" in maps(pid) else "model workers"


def _watch(daemon: Served, path: Path, longest_s: float) -> Watcher:
    watcher = Watcher(daemon.pid)
    with daemon.client() as client:
        watcher.start()
        _transcribe(client, path, longest_s, watcher)
        watcher.end()
        until_unloaded(client)
    return watcher


def _transcribe(client: SyncClient, path: Path, longest_s: float, watcher: Watcher) -> None:
    """Run it to its end, or leave it when its time is over; leaving cancels it."""
    request = requests.Transcribe(path=str(path), model=MODEL, language="en", fresh=True)
    ends = time.monotonic() + longest_s
    for reply, _ in client.stream(request):
        if isinstance(reply, replies.Progress):
            watcher.done_ms, watcher.audio_ms = reply.done_ms, reply.audio_ms
        if time.monotonic() > ends:
            return


def _figures(what: str, seen: Watcher, short: Watcher | None) -> list[Figure]:
    done = f"{seen.done_ms / 3_600_000:.2f} of {seen.audio_ms / 3_600_000:.2f} h seen"
    figures = [
        Figure(
            what=f"most PSS of daemon and decode worker, {what}",
            value=seen.together,
            unit="MB",
            note=f"{done}; " + ", ".join(f"{who} {mb:.0f}" for who, mb in seen.most.items()),
        )
    ]
    if short is not None:
        grown = seen.together - short.together
        figures.append(
            Figure(what=f"growth over a minute, {what}", value=grown, unit="MB", most=300)
        )
    return figures
