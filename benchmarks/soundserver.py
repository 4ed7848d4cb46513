"""A PulseAudio server without sound hardware, whose microphone hears a faint hiss."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

ANSWERS_WITHIN_S = 10.0
HISS_VOLUME = 11_654
"""Of 65,536, which PulseAudio takes to the third power: -45 dB, so that the noise is at -50 dB."""

_NULL_SINK = "module-null-sink sink_name=room rate=48000 channels=1 norewinds=1"


def available() -> bool:
    """Whether there is a PulseAudio here."""
    return bool(shutil.which("pulseaudio") and shutil.which("pacat"))


@contextmanager
def hissing() -> Iterator[dict[str, str]]:
    """Run the server; gives the variables that lead to it."""
    with TemporaryDirectory(prefix="edged-pulse-", dir="/tmp") as name:
        folder = Path(name)
        found = {"PULSE_SERVER": f"unix:{folder}/native"}
        environ = {**os.environ, **found, "HOME": name, "XDG_RUNTIME_DIR": name}
        server = _started(folder, environ)
        try:
            _wait_for(folder / "native")
            hiss = _hiss(environ)
            try:
                yield found
            finally:
                _end(hiss)
        finally:
            _end(server)


def _started(folder: Path, environ: dict[str, str]) -> "subprocess.Popen[bytes]":
    command = [
        "pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no",
        "--disable-shm=yes", "--realtime=no", "--high-priority=no", "-L", _NULL_SINK,
        "-L", "module-remap-source source_name=microphone master=room.monitor",
        "-L", f"module-native-protocol-unix socket={folder}/native auth-anonymous=1",
    ]  # fmt: skip
    return subprocess.Popen(command, env=environ, stderr=subprocess.DEVNULL)


def _hiss(environ: dict[str, str]) -> "subprocess.Popen[bytes]":
    """Played in blocks as long as a sound card's; with 20 ms the server sends 400 packets a second."""
    command = [
        "pacat", "--playback", "--raw", "--format=s16le", "--channels=1", "--rate=48000",
        "--latency-msec=100", f"--volume={HISS_VOLUME}", "--device=room", "/dev/urandom",
    ]  # fmt: skip
    return subprocess.Popen(command, env=environ, stderr=subprocess.DEVNULL)


def _wait_for(path: Path) -> None:
    deadline = time.monotonic() + ANSWERS_WITHIN_S
    while not path.exists():
        assert time.monotonic() < deadline, "the sound server did not start"
        time.sleep(0.02)


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait()
