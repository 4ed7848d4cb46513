"""A screen without hardware: Xvfb, for tests that look at screens."""

import os
import subprocess
from pathlib import Path

SIZE = (1280, 720)


class Display:
    """A private X server of 1280 x 720 pixels; started by `start`, ended by `stop`.

    name: `:7`, for example.
    env: variables for a process that is to use it: `Daemon(home, **display.env)`.
    """

    def __init__(self, folder: Path) -> None:
        self.name = ""
        self._log = folder / "display.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._clients: list[subprocess.Popen[bytes]] = []

    @property
    def env(self) -> dict[str, str]:
        """What tells a process of this display, and of no other one."""
        return {
            "DISPLAY": self.name, "XAUTHORITY": "", "WAYLAND_DISPLAY": "", "XDG_SESSION_TYPE": "x11"
        }  # fmt: skip

    def start(self) -> None:
        """Start the server and wait until it says its number."""
        width, height = SIZE
        read, write = os.pipe()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                ["Xvfb", "-displayfd", str(write), "-screen", "0", f"{width}x{height}x24",
                 "-nolisten", "tcp", "-noreset"],
                pass_fds=(write,), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        os.close(write)
        with os.fdopen(read) as said:
            number = said.readline().strip()
        assert number.isdigit(), self._log.read_text()[-2000:]
        self.name = f":{number}"

    def stop(self) -> None:
        """End the server and its windows."""
        for process in [*self._clients, self._process]:
            if process is not None:
                process.kill()
                process.wait()
        self._clients, self._process = [], None

    def begin(self, *command: str) -> "subprocess.Popen[bytes]":
        """Start a program on this display; `stop` ends it."""
        with self._log.open("ab") as log:
            client = subprocess.Popen(
                command,
                env={**os.environ, **self.env},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._clients.append(client)
        return client
