"""A desktop's notices, by `notify-send`: a child that lives as long as the notice, if that can be.

Source: notify-send(1) of libnotify 0.8: `--action` makes it wait and print the name of what was pressed.
"""

import asyncio
import html
import os
import shutil
import signal
from collections.abc import Mapping
from contextlib import suppress
from typing import Final, Protocol

from msgspec import Struct

from edged.capture.desktop_bus import session_bus

PROGRAM: Final = "notify-send"
SHOWN_S: Final = 10.0
ASKED_S: Final = 120.0
"""How long a question stays; `edged clients approve` answers it afterwards."""

END_S: Final = 2.0
"""How long a child may take to close its notice when it is told to."""

LONGEST_ANSWER: Final = 100

_KEPT: Final = frozenset(
    ("PATH", "HOME", "LANG", "DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR", "XAUTHORITY")
)
"""What the child needs of the environment: neither a passphrase, nor the libraries of a frozen edged."""


class Shown(Struct, frozen=True):
    """One notice. buttons: what pressing one answers, and what stands on it."""

    title: str
    text: str
    buttons: tuple[tuple[str, str], ...] = ()


class Desktop(Protocol):
    """Where notices are shown."""

    async def show(self, notice: Shown) -> str:
        """The answer of the button that was pressed; empty: none was, or nobody saw it."""
        ...


class NotifySend:
    """Fulfils Desktop. Loop thread only.

    Args:
        environ: says where the user's desktop is.
    """

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._environ = environ

    async def show(self, notice: Shown) -> str:
        """Show a notice, and with buttons wait until one is pressed, it is closed or time is over.

        Cancelling it closes the notice.
        """
        program, bus = await asyncio.to_thread(self._found)
        if not program or not bus:
            return ""
        environ = self._for_child(bus)
        buttons = notice.buttons
        if buttons and not await _has_buttons(program, environ):
            buttons = ()
        asked = [f"--action={answer}={label}" for answer, label in buttons]
        within_s = ASKED_S if buttons else SHOWN_S
        arguments = [
            "--app-name=edged",
            f"--expire-time={within_s * 1000:.0f}",
            *asked,
            "--",
            notice.title,
            html.escape(notice.text, quote=False),
        ]
        answer = (await _run(program, arguments, environ, within_s=within_s)).strip()
        return answer if answer in dict(buttons) else ""

    def _found(self) -> tuple[str, str]:
        """The program and the path of the user's bus; empty where there is none. Blocking."""
        program = shutil.which(PROGRAM, path=self._environ.get("PATH"))
        return (program, session_bus(self._environ)) if program else ("", "")

    def _for_child(self, bus: str) -> dict[str, str]:
        kept = {
            name: value
            for name, value in self._environ.items()
            if name in _KEPT or name.startswith("LC_")
        }
        address = self._environ.get("DBUS_SESSION_BUS_ADDRESS") or f"unix:path={bus}"
        return {**kept, "DBUS_SESSION_BUS_ADDRESS": address}


async def _has_buttons(program: str, environ: dict[str, str]) -> bool:
    """Whether it is new enough to ask something; an old one only tells."""
    told = await _run(program, ["--help"], environ, within_s=END_S, longest=10_000)
    return "--action" in told


async def _run(
    program: str,
    arguments: list[str],
    environ: dict[str, str],
    *,
    within_s: float,
    longest: int = LONGEST_ANSWER,
) -> str:
    """What a child says until it ends, at most so much; empty when it cannot be started."""
    try:
        child = await asyncio.create_subprocess_exec(
            program,
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=environ,
            start_new_session=True,
        )
    except OSError:
        return ""
    try:
        async with asyncio.timeout(within_s):
            return await _said(child, longest)
    except TimeoutError:
        return ""
    finally:
        await asyncio.shield(_end(child))


async def _said(child: asyncio.subprocess.Process, longest: int) -> str:
    said = b""
    while child.stdout is not None and len(said) < longest:
        piece = await child.stdout.read(longest - len(said))
        if not piece:
            break
        said += piece
    return said.decode("utf-8", "replace")


async def _end(child: asyncio.subprocess.Process) -> None:
    """Close the notice with the child; one that does not listen is killed.

    Measured: notify-send 0.8.1 closes it on SIGINT, and leaves it on SIGTERM; 2026-11.
    """
    with suppress(ProcessLookupError):
        child.send_signal(signal.SIGINT)
    try:
        async with asyncio.timeout(END_S):
            await child.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            child.kill()
        await child.wait()
