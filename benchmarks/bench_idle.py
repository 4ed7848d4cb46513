"""What does an idle daemon cost: memory and processor, at the start and after work."""

import subprocess
import sys
import time
import venv
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import sounds
from benchmarks.figures import Figure
from benchmarks.processes import children, cpu_seconds, memory
from benchmarks.served import Served, until_unloaded
from edged.messages import replies, requests

TITLE = "An idle daemon"

ROOT = Path(__file__).parent.parent
SETTLED_S = 45.0
"""The daemon gives freed memory back within 20 s; its decode worker ends after 30 s."""

WATCHED_S = 20.0


def measure(*, quick: bool) -> list[Figure]:
    """In this environment, and in one that holds only what the core needs."""
    settled, watched = (22.0, 10.0) if quick else (SETTLED_S, WATCHED_S)
    figures = _here(settled, watched)
    with TemporaryDirectory(prefix="edged-bench-core-") as folder:
        try:
            python = _core_only(Path(folder))
        except subprocess.CalledProcessError:
            print("no core-only environment: its packages cannot be installed here")
            return figures
        return figures + _core(python, settled, watched)


def _here(settled: float, watched: float) -> list[Figure]:
    with Served() as daemon:
        figures = _at_rest(daemon, "at the start", "all extras", settled, watched)
        with daemon.client() as client:
            request = requests.Transcribe(path=str(sounds.CONVERSATION), language="en", fresh=True)
            for _ in range(2):
                client.ask(request, replies.Transcribed)
            until_unloaded(client)
        time.sleep(max(settled, 40.0))
        assert not children(daemon.pid), "a worker is left"
        return figures + _at_rest(
            daemon, "after transcription and unload", "all extras", 0, watched
        )


def _core(python: str, settled: float, watched: float) -> list[Figure]:
    with Served(python) as daemon:
        return _at_rest(daemon, "at the start", "core only", settled, watched)


def _at_rest(
    daemon: Served, when: str, environment: str, settle_s: float, watch_s: float
) -> list[Figure]:
    time.sleep(settle_s)
    before = cpu_seconds(daemon.pid)
    time.sleep(watch_s)
    used = (cpu_seconds(daemon.pid) - before) / watch_s * 100
    found = memory(daemon.pid)
    note = f"RSS {found['Rss']:.1f} MB, private {found['Private']:.1f} MB"
    return [
        Figure(
            what=f"PSS {when}, {environment}", value=found["Pss"], unit="MB", most=45, note=note
        ),
        Figure(
            what=f"processor {when}, {environment}",
            value=used,
            unit="%",
            most=0.3,
            note=f"of a core, over {watch_s:.0f} s",
        ),
    ]


def _core_only(folder: Path) -> str:
    """An environment with edged and what it needs without extras; returns its interpreter."""
    venv.create(folder, with_pip=True, symlinks=True)
    python = folder / "bin" / "python"
    command = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", str(ROOT)]
    subprocess.run(command, check=True, stdout=sys.stderr)
    return str(python)
