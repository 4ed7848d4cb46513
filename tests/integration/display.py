"""A screen without hardware: Xvfb, for tests that look at screens."""

import os
import struct
import subprocess
from itertools import count
from pathlib import Path

from edged.capture.x11 import X11, Cookie, request_bytes, socket_path

SIZE = (1280, 720)
_NOWHERE = "unix:path=/nonexistent/bus"
"""The desktop of whoever runs the tests may be locked."""


class Display:
    """A private X server of 1280 x 720 pixels; started by `start`, ended by `stop`.

    name: `:7`, for example.
    locked_by: 16 bytes that a program has to know to be let in; none: every program is.
    env: variables for a process that is to use it: `Daemon(home, **display.env)`.
    """

    def __init__(self, folder: Path, *, locked_by: bytes = b"") -> None:
        self.name = ""
        self._secret = locked_by
        self._authority = folder / "authority" if locked_by else None
        self._log = folder / "display.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._clients: list[subprocess.Popen[bytes]] = []
        self._numbers = count(1)

    @property
    def env(self) -> dict[str, str]:
        """What tells a process of this display, and of no other one."""
        return {
            "DISPLAY": self.name, "XAUTHORITY": str(self._authority or ""), "WAYLAND_DISPLAY": "",
            "XDG_SESSION_TYPE": "x11", "DBUS_SESSION_BUS_ADDRESS": _NOWHERE,
            "DBUS_SYSTEM_BUS_ADDRESS": _NOWHERE,
        }  # fmt: skip

    def start(self) -> None:
        """Start the server and wait until it says its number."""
        width, height = SIZE
        read, write = os.pipe()
        auth = []
        if self._authority is not None:
            local, magic = b"\1\0", b"MIT-MAGIC-COOKIE-1"
            fields = (b"", b"", magic, self._secret)
            entry = b"".join(len(field).to_bytes(2, "big") + field for field in fields)
            self._authority.write_bytes(local + entry)
            auth = ["-auth", str(self._authority)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                ["Xvfb", "-displayfd", str(write), "-screen", "0", f"{width}x{height}x24",
                 "-nolisten", "tcp", "-noreset", *auth],
                pass_fds=(write,), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        os.close(write)
        with os.fdopen(read) as said:
            number = said.readline().strip()
        assert number.isdigit(), self._log.read_text()[-2000:]
        self.name = f":{number}"
        cookie = Cookie(b"MIT-MAGIC-COOKIE-1", self._secret) if self._secret else Cookie()
        self._x11 = X11(socket_path(self.name), cookie)

    def show(
        self,
        title: str,
        place: tuple[int, int, int, int],
        colour: int,
        *,
        free: bool = False,
        program: str = "",
        inside: int = 0,
    ) -> int:
        """Open a window of one colour, and wait until it is on the screen; returns its id.

        place: left, top, width, height. colour: 0xRRGGBB. free: no window manager cares for it.
        program: its class. inside: of which window, 0: of the desktop.
        """
        window: int = self._x11.id_base + next(self._numbers)
        left, top, width, height = place
        looks, own_pixels = 0x2 | 0x200, 1
        self._x11.tell(
            request_bytes(
                1, 0,
                struct.pack("<IIhhHHHHIIII", window, inside or self._x11.root, left, top, width, height, 0,
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
