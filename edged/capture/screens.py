"""Which display is meant, seen from the daemon, and whether its windows can be told apart."""

import sys
from collections.abc import Mapping, Sequence

import msgspec

from edged.capture import x11
from edged.capture.desktop_bus import session_bus, system_bus
from edged.capture.sight import SightOptions
from edged.capture.sight_orders import Reach, ScreenListed
from edged.errors import Denied, Unsupported
from edged.messages.sessions import Device
from edged.workers.process import WorkerSpec

UNTOLD = "windows cannot be told apart here, so denied ones could be seen"
NO_WAYLAND = "log in to an X11 session to let the daemon see the screen"
NOTHING_DENIED = "take the denied titles out of the request and of `seeing.deny`, or use X11"


def display_of(environ: Mapping[str, str], deny: tuple[str, ...] = ()) -> str:
    """The X display to look at; empty where the system has screens without one (macOS, Windows).

    Raises:
        DeviceMissing: there is no display. Denied: there are denied windows, and nobody tells
            windows apart. Unsupported: the desktop is Wayland, which shows us nothing.
    """
    if sys.platform != "linux":
        if deny:
            raise Denied(UNTOLD, fix=NOTHING_DENIED)
        return ""
    if environ.get("WAYLAND_DISPLAY") or environ.get("XDG_SESSION_TYPE") == "wayland":
        if deny:
            raise Denied(UNTOLD, fix=NOTHING_DENIED)
        raise Unsupported("Wayland shows other programs nothing of the screen", fix=NO_WAYLAND)
    display = environ.get("DISPLAY", "")
    x11.display_number(display)
    return display


def worker_spec(display: str, environ: Mapping[str, str]) -> WorkerSpec:
    """A worker that reaches the display and what tells whether it is locked, and nothing else.

    Looks for sockets, so not on the loop.
    """
    reach = Reach(
        authority=x11.authority_path(environ) if display else "",
        session_bus=session_bus(environ) if display else "",
        system_bus=system_bus(environ) if display else "",
    )
    return WorkerSpec(
        name="screen",
        module="edged.capture.screen_worker",
        argument=msgspec.msgpack.encode(reach),
        read_paths=(reach.authority,) if reach.authority else (),
    )


def deny_of(configured: str, options: SightOptions) -> tuple[str, ...]:
    """The configured words and the request's own, each once."""
    words = [word.strip() for word in configured.split(",")]
    return tuple(dict.fromkeys(word for word in (*words, *options.deny) if word.strip()))


def devices_of(listed: Sequence[ScreenListed]) -> list[Device]:
    """Monitors as they are told; the default one is the primary one, else the first."""
    default = next((one for one in listed if one.is_primary), next(iter(listed), None))
    return [
        Device(
            id=one.id,
            name=one.name,
            device_type="screen",
            is_default=one is default,
            sample_rate=0,
            channels=0,
            permission="granted",
            formats=(f"{one.width}x{one.height} at {one.left},{one.top}",),
        )
        for one in listed
    ]
