"""Nothing leaves the device: sockets and files of the whole process tree, at rest and under load."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from real_daemon import Daemon, unmeasured

pytestmark = pytest.mark.speech

STRACE = ["strace", "-f", "-qq", "-y", "-s", "256", "-e"]
CALLS = "trace=socket,connect,bind,sendto,openat,open,creat,unlink,unlinkat,rename,renameat2,mkdir"


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory, clip: Path) -> Iterator[tuple[str, Daemon]]:
    """What the daemon and its children asked the kernel for, while they worked and rested."""
    if shutil.which("strace") is None:
        pytest.skip("needs strace")
    home = Path("/tmp") / f"edged-trace-{os.getpid()}"
    home.mkdir(mode=0o700)
    daemon = Daemon(home, EDGED_WORKERS_KEEP_ALIVE_MS="300")
    log = tmp_path_factory.mktemp("trace") / "strace"
    with (home / "serve.log").open("ab") as output:
        daemon.process = subprocess.Popen(
            [*STRACE, CALLS, "-o", str(log), sys.executable, "-P", "-m", "edged", "serve"],
            env=unmeasured(daemon.environ),
            stderr=output,
            start_new_session=True,
        )
    try:
        daemon.wait(daemon.paths.socket.exists, 30)
        daemon.json("transcribe", str(clip))
        daemon.json("search", "kitchen")
        daemon.wait(lambda: not daemon.json("models", "ps")["models"], 20)
        daemon.json("shutdown")
        daemon.process.wait(20)
        yield log.read_text(errors="replace"), daemon
    finally:
        if daemon.process.poll() is None:
            os.killpg(daemon.process.pid, signal.SIGKILL)
            daemon.process.wait()
        shutil.rmtree(home, ignore_errors=True)


@pytest.mark.timeout(120)
def test_every_socket_is_local(trace: tuple[str, Daemon]) -> None:
    text, _ = trace
    families = set(re.findall(r"\bsocket\((\w+)", text))

    assert families <= {"AF_UNIX", "AF_LOCAL", "AF_NETLINK"}
    assert not re.search(r"sa_family=AF_INET6?\b", text)


@pytest.mark.timeout(120)
def test_only_our_own_folders_are_written(trace: tuple[str, Daemon]) -> None:
    text, daemon = trace
    allowed = (str(daemon.home), "/dev/", "/proc/", "/memfd:", "/sys/fs/cgroup")
    written = set()
    for line in text.splitlines():
        if " = -1 " in line or "resumed" in line:
            continue
        if re.search(r"\bO_(WRONLY|RDWR|CREAT)", line) or re.search(r"\b(mkdir|rename\w*)\(", line):
            written |= set(re.findall(r'"(/[^"]+)"', line))

    assert {path for path in written if not path.startswith(allowed)} == set()


@pytest.mark.timeout(120)
def test_the_media_is_read_by_its_descriptor_only(trace: tuple[str, Daemon], clip: Path) -> None:
    text, daemon = trace
    main = text.split(maxsplit=1)[0]
    opened = {
        line.split(maxsplit=1)[0]
        for line in text.splitlines()
        if str(clip) in line and "openat" in line
    }

    assert opened == {main}
    assert daemon.pid
