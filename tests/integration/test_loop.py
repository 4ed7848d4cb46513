"""The daemon's loop is never blocked: blockbuster watches it while it works."""

import subprocess
import sys
from pathlib import Path

import pytest
from real_daemon import Daemon

pytestmark = pytest.mark.speech

WATCHED = """
import sys
from blockbuster import BlockBuster
from edged import daemon, __main__

start = daemon._start

def watched(*arguments):
    # From here on: what happens before is the start, when nobody waits yet.
    BlockBuster(excluded_modules=["logging"]).activate()
    return start(*arguments)

daemon._start = watched
sys.argv = ["edged", "serve"]
sys.exit(__main__.main())
"""


def test_no_request_blocks_the_loop(daemon: Daemon, clip: Path, tmp_path: Path) -> None:
    with (daemon.home / "serve.log").open("ab") as log:
        daemon.process = subprocess.Popen(
            [sys.executable, "-P", "-c", WATCHED], env=daemon.environ, stdout=log, stderr=log
        )
    daemon.wait(daemon.paths.socket.exists)

    daemon.json("watch", "add", str(tmp_path))
    (tmp_path / "clip.wav").write_bytes(clip.read_bytes())
    daemon.wait(lambda: daemon.json("jobs", "list")["counts"].get("done"))
    recording = daemon.json("transcribe", "-", input=clip.read_bytes() + b"\0\0")["recording_id"]
    for command in (
        ("status",),
        ("models", "list"),
        ("models", "ps"),
        ("models", "show", "silero-v6"),
        ("describe",),
        ("metrics",),
        ("search", "kitchen"),
        ("recordings", "list"),
        ("recordings", "audio", recording, str(daemon.home / "out.wav")),
        ("recordings", "delete", recording),
        ("backup", str(daemon.home / "copy.db")),
        ("key", "rotate"),
        ("models", "unload", "silero-v6"),
        ("watch", "remove", str(tmp_path)),
    ):
        daemon.json(*command)

    assert "Blocking" not in daemon.log()
    daemon.kill()  # stopping may block: nobody is served any more
