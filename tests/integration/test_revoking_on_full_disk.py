"""What was granted can be taken back when nothing else can be written."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from extensions import OTHER, Extension
from real_daemon import Daemon

from edged.errors import DiskFull, NotPaired
from edged.messages import access, requests
from edged.messages.replies import Jobs

MIB = 2**20


@pytest.fixture
def small(daemon: Daemon) -> Iterator[Path]:
    """The folder of the daemon's state, on a small file system of its own."""
    state = daemon.paths.state
    state.mkdir(mode=0o700)
    mount = ["mount", "-t", "tmpfs", "-o", "size=40m,mode=0700", "edged-test", str(state)]
    if os.geteuid() or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("needs root, to mount a small file system")
    try:
        yield state
    finally:
        daemon.kill()
        subprocess.run(["umount", "--lazy", state], check=True)


def _fill(folder: Path) -> None:
    """Take what is left, whole and then in pages."""
    descriptor = os.open(folder / "filler", os.O_WRONLY | os.O_CREAT)
    size = 0
    for block in (MIB, 4096):
        with suppress(OSError):
            while True:
                os.posix_fallocate(descriptor, size, block)
                size += block
    os.close(descriptor)


def test_on_a_full_disk_a_client_is_revoked_all_the_same(daemon: Daemon, small: Path) -> None:
    daemon.start()
    with Extension(daemon) as panel, Extension(daemon, OTHER) as stranger:
        client = panel.pair(daemon, "results.read")
        _fill(small)
        with pytest.raises(DiskFull):
            stranger.ask_to_pair("speech")

        daemon.ask(access.ClientsRevoke(client_id=client.client_id), access.OneClient)

        with pytest.raises(NotPaired):
            panel.ask(requests.JobsList(), Jobs)
        assert panel.ask(access.ClientsSelf(), access.OneClient).client.status == "revoked"
