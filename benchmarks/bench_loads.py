"""Does loading and unloading models leave anything behind, in the daemon and all that it starts?"""

import os
import time
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.processes import children, memory, tree
from benchmarks.served import Served
from edged.bridge.link import SyncClient
from edged.messages import replies, requests

TITLE = "A hundred loads and unloads of Silero"

MODEL = "silero-v6"
WARM_UP = 10
GIVEN_BACK_S = 42.0
"""Twice the time after which the daemon gives freed memory back."""


def measure(*, quick: bool) -> list[Figure]:
    """The memory of the daemon, and of the daemon with its workers, before and after, at rest."""
    cycles = 20 if quick else 100
    with Served() as daemon, daemon.client() as client:
        _cycle(client, WARM_UP)
        time.sleep(GIVEN_BACK_S)
        before, descriptors = memory(daemon.pid), _descriptors(daemon.pid)
        tree_before = tree(daemon.pid)
        started = time.perf_counter()
        _cycle(client, cycles)
        taken = time.perf_counter() - started
        at_once, tree_at_once = memory(daemon.pid), tree(daemon.pid)
        time.sleep(GIVEN_BACK_S)
        after, tree_after = memory(daemon.pid), tree(daemon.pid)
        assert not children(daemon.pid), "a worker is left"
        grown = _descriptors(daemon.pid) - descriptors
    return [
        Figure(
            what=f"growth over {cycles} cycles, PSS",
            value=after["Pss"] - before["Pss"],
            unit="MB",
            most=2,
            note=f"RSS {after['Rss'] - before['Rss']:+.2f} MB",
        ),
        Figure(
            what=f"the whole tree over its baseline after {cycles} cycles, PSS",
            value=tree_after - tree_before,
            unit="MB",
            most=5,
            note=f"baseline {tree_before:.1f} MB; {tree_at_once - tree_before:+.2f} MB at once",
        ),
        Figure(
            what="growth at once, before freed memory is given back, RSS",
            value=at_once["Rss"] - before["Rss"],
            unit="MB",
        ),
        Figure(what="descriptors left open", value=grown, unit="", most=0),
        Figure(what="one load and unload", value=taken / cycles * 1e3, unit="ms"),
    ]


def _cycle(client: SyncClient, times: int) -> None:
    for _ in range(times):
        client.ask(requests.ModelsLoad(model=MODEL), replies.Done)
        client.ask(requests.ModelsUnload(model=MODEL), replies.Done)


def _descriptors(pid: int) -> int:
    return len(os.listdir(Path(f"/proc/{pid}/fd")))
