"""A screen without hardware: Xvfb, for tests that look at screens."""

import os
import struct
import subprocess
from itertools import count
from pathlib import Path

from edged.capture.x11 import X11, Cookie, request_bytes, socket_path

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
        self._numbers = count(1)

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
        self._x11 = X11(socket_path(self.name), Cookie())

    def show(
        self,
        title: str,
        place: tuple[int, int, int, int],
        colour: int,
        *,
        free: bool = False,
        program: str = "",
    ) -> int:
        """Open a window of one colour, and wait until it is on the screen; returns its id.

        place: left, top, width, height. colour: 0xRRGGBB. free: no window manager cares for it.
        program: its class.
        """
        window: int = self._x11.id_base + next(self._numbers)
        left, top, width, height = place
        looks, own_pixels = 0x2 | 0x200, 1
        self._x11.tell(
            request_bytes(
                1, 0,
                struct.pack("<IIhhHHHHIIII", window, self._x11.root, left, top, width, height, 0,
                            own_pixels, 0, looks, colour, free),
            )
        )  # fmt: skip
        self.name_it(window, "WM_NAME", title)
        self.name_it(window, "WM_CLASS", f"{program}\0{program}\0")
        self._x11.tell(request_bytes(8, 0, struct.pack("<I", window)))
        self._wait()
        return window

    def hide(self, window: int) -> None:
        """Close a window."""
        self._x11.tell(request_bytes(4, 0, struct.pack("<I", window)))
        self._wait()

    def name_it(self, window: int, what: str, text: str) -> None:
        """Give a window a property of text."""
        self.mark(window, what, "STRING", 8, text.encode())

    def mark(self, window: int, what: str, kind: str, unit: int, data: bytes) -> None:
        """Give a window a property; 0: the root window. unit: bits of each of its values."""
        body = struct.pack(
            "<IIIBxxxI", window or self._x11.root, self._x11.atom(what), self._x11.atom(kind),
            unit, len(data) * 8 // unit,
        )  # fmt: skip
        self._x11.tell(request_bytes(18, 0, body + data))
        self._wait()

    def blank(self, *, on: bool) -> None:
        """Turn the server's screen saver on or off, as a locker does."""
        self._x11.tell(request_bytes(115, int(on)))
        self._wait()

    def _wait(self) -> None:
        """Until the server has done what it was told."""
        self._x11.children([self._x11.root])

    def stop(self) -> None:
        """End the server and its windows."""
        if self.name:
            self._x11.close()
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
