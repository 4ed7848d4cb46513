"""A sound server without sound hardware: PulseAudio with null sinks, for tests that record."""

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

MICROPHONE = "microphone"
SPEAKERS = "speakers"
LISTENING_WITHIN_S = 10.0

_PLAIN = ("--raw", "--format=s16le", "--channels=1")


class Pulse:
    """A private PulseAudio server; started by `start`, ended by `stop`.

    It has a sink `speakers` (the default; its monitor is `speakers.monitor`, a loopback) and a
    source `microphone` (the default), which hears what `play` plays.

    folder: private to it, with a path short enough for a socket.
    environ: variables for a process that is to use it, the daemon for example:
        `Daemon(home, **pulse.env)`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server = f"unix:{folder}/native"
        self.env = {"PULSE_SERVER": self.server}
        self._environ = {
            **os.environ,
            **self.env,
            "HOME": str(folder),
            "XDG_RUNTIME_DIR": str(folder),
            "PULSE_RUNTIME_PATH": str(folder),
        }
        self._environ.pop("DBUS_SESSION_BUS_ADDRESS", None)
        self._process: subprocess.Popen[bytes] | None = None
        self._keepers: dict[str, subprocess.Popen[bytes]] = {}
        self._players: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Start the server and wait until it answers; may be called again after `stop`."""
        command = [
            "pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no",
            "--disable-shm=yes", "--realtime=no", "--high-priority=no",
            "-L", f"module-native-protocol-unix socket={self.folder}/native auth-anonymous=1",
        ]  # fmt: skip
        with (self.folder / "pulse.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, env=self._environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self.wait(lambda: self._ask("info").returncode == 0)
        self.pactl(
            "load-module", "module-null-sink", f"sink_name={SPEAKERS}", "rate=48000", "norewinds=1"
        )
        self.pactl("set-default-sink", SPEAKERS)
        self._keep(SPEAKERS)
        self.add_source(MICROPHONE)
        self.pactl("set-default-source", MICROPHONE)

    def stop(self) -> None:
        """End the server as a crash would: every source is gone."""
        for process in [*self._players, *self._keepers.values(), self._process]:
            if process is not None:
                process.kill()
                process.wait()
        self._players, self._keepers, self._process = [], {}, None

    def add_source(self, name: str, *, rate: int = 48_000) -> None:
        """Plug a microphone in; `play(..., name)` makes it hear something."""
        sink = f"{name}-sink"
        self.pactl(
            "load-module",
            "module-null-sink",
            f"sink_name={sink}",
            f"rate={rate}",
            "channels=1",
            "norewinds=1",
        )
        self.pactl(
            "load-module", "module-remap-source", f"source_name={name}", f"master={sink}.monitor",
            f"source_properties=device.description={name.capitalize()}-of-the-test",
        )  # fmt: skip
        self._keep(sink)

    def remove_source(self, name: str) -> None:
        """Pull a microphone out: its readers see its end."""
        keeper = self._keepers.pop(f"{name}-sink")
        keeper.kill()
        keeper.wait()
        for line in reversed(self.pactl("list", "short", "modules").splitlines()):
            if f"{name}-sink" in line:
                self._ask("unload-module", line.split("\t")[0])

    def play(self, sound: Path | bytes, name: str = MICROPHONE, *, rate: int = 16_000) -> None:
        """Make a microphone (or a sink, `speakers`) hear something, and wait until it is over.

        sound: a WAV or FLAC file, or 16-bit mono PCM of `rate` Hz.
        """
        player = self.begin(sound, name, rate=rate)
        assert player.wait(300) == 0
        self._players.remove(player)

    def begin(
        self, sound: Path | bytes, name: str = MICROPHONE, *, rate: int = 16_000
    ) -> "subprocess.Popen[bytes]":
        """As `play`, without waiting; `stop` ends it."""
        sink = name if name == SPEAKERS else f"{name}-sink"
        command = ["paplay", "--latency-msec=20", f"--device={sink}"]
        if isinstance(sound, bytes):
            path = self.folder / f"played-{time.monotonic_ns()}.pcm"
            path.write_bytes(sound)
            command += [*_PLAIN, f"--rate={rate}", str(path)]
        else:
            command.append(str(sound))
        player = subprocess.Popen(command, env=self._environ, stdin=subprocess.DEVNULL)
        self._players.append(player)
        return player

    def readers(self) -> list[dict[str, Any]]:
        """Who records now, as the server lists them (`source-outputs`)."""
        found: list[dict[str, Any]] = json.loads(self.pactl("-f", "json", "list", "source-outputs"))
        return found

    def wait(self, condition: Callable[[], Any], within_s: float = LISTENING_WITHIN_S) -> Any:
        """The first true answer."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            if answer := condition():
                return answer
            time.sleep(0.02)
        log = (self.folder / "pulse.log").read_text()[-2000:]
        raise AssertionError(f"it did not happen; the sound server's log:\n{log}")

    def pactl(self, *arguments: str) -> str:
        """What `pactl` prints; it must succeed."""
        done = self._ask(*arguments)
        assert done.returncode == 0, (arguments, done.stderr)
        return done.stdout

    def _keep(self, sink: str) -> None:
        """Play silence: a null sink that nobody plays to works in blocks of up to two seconds."""
        self._keepers[sink] = subprocess.Popen(
            ["pacat", "--playback", *_PLAIN, "--rate=48000", "--latency-msec=20",
             f"--device={sink}", "/dev/zero"],
            env=self._environ, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def _ask(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["pactl", *arguments],
            env=self._environ, capture_output=True, text=True, timeout=15, check=False,
        )  # fmt: skip


@contextmanager
def sound_server() -> Iterator[Pulse]:
    """A running one, without any hardware; skips the test where PulseAudio is not installed."""
    if not (shutil.which("pulseaudio") and shutil.which("paplay")):
        pytest.skip("no pulseaudio here: apt-get install pulseaudio pulseaudio-utils")
    folder = Path(tempfile.mkdtemp(prefix="edged-pulse-", dir="/tmp"))
    server = Pulse(folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
