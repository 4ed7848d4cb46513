"""Whether a screen is locked or blanked, as far as anybody tells; in workers only.

Any of these counts: the X server's own screen saver is on (MIT-SCREEN-SAVER), XScreenSaver says so
on the root window, a known locker's window is on the screen, or the desktop (whose lock is a part of
it: GNOME, KDE, Cinnamon, MATE, Xfce) or logind says so over D-Bus.
Source: MIT-SCREEN-SAVER extension 1.1, ScreenSaverQueryInfo; xscreensaver's driver/atoms.h;
org.freedesktop.login1(5), LockedHint.
"""

import struct

from edged.capture.desktop_bus import Bus
from edged.capture.windows import list_windows, matching
from edged.capture.x11 import X11, request_bytes

LOCKERS = (
    "i3lock", "slock", "xsecurelock", "xtrlock", "light-locker", "xscreensaver",
    "gnome-screensaver", "mate-screensaver", "cinnamon-screensaver", "kscreenlocker", "swaylock",
)  # fmt: skip
"""Classes or titles of the windows by which these programs cover the screen."""

_SAVERS = tuple(
    (name, "/" + name.replace(".", "/"), f"{name}.GetActive")
    for name in (
        "org.freedesktop.ScreenSaver", "org.gnome.ScreenSaver", "org.cinnamon.ScreenSaver",
        "org.mate.ScreenSaver", "org.xfce.ScreenSaver",
    )
)  # fmt: skip
_LOGIN = (
    "org.freedesktop.login1", "/org/freedesktop/login1/session/auto",
    "org.freedesktop.DBus.Properties.Get", "org.freedesktop.login1.Session", "LockedHint",
)  # fmt: skip

_QUERY = 1
_ON = 1


class Desktop:
    """What a desktop's services say of its lock. One thread at a time.

    Args:
        session_bus: path of the user's bus; empty: there is none.
        system_bus: path of the machine's, for logind; likewise.
    """

    def __init__(self, session_bus: str, system_bus: str) -> None:
        self._session = _Service(session_bus, _SAVERS)
        self._system = _Service(system_bus, (_LOGIN,))

    def is_locked(self) -> bool:
        """Whether any service says so; one that is not there, or does not answer, says nothing."""
        return self._session.says_yes() or self._system.says_yes()

    def close(self) -> None:
        """End the connections."""
        self._session.close()
        self._system.close()


class _Service:
    """A bus and what is asked there; connected when it is asked, again after it was gone."""

    def __init__(self, path: str, questions: tuple[tuple[str, ...], ...]) -> None:
        self._path = path
        self._questions = questions
        self._bus: Bus | None = None

    def says_yes(self) -> bool:
        if not self._path:
            return False
        try:
            bus = self._bus = self._bus or Bus(self._path)
            return any(bus.ask(*question) for question in self._questions)
        except OSError:
            self.close()
            return False

    def close(self) -> None:
        bus, self._bus = self._bus, None
        if bus is not None:
            bus.close()


def is_locked(display: X11) -> bool:
    """Whether nobody works at the screen: it is locked, or the saver covers it.

    Raises:
        DeviceMissing: the display is gone.
    """
    return _saver_is_on(display) or _says_xscreensaver(display) or _is_covered(display)


def _saver_is_on(display: X11) -> bool:
    opcode = display.extension("MIT-SCREEN-SAVER")
    if not opcode:
        return False
    answer = display.ask([request_bytes(opcode, _QUERY, struct.pack("<I", display.root))])[0]
    return bool(answer) and answer[1] == _ON


def _says_xscreensaver(display: X11) -> bool:
    """Its first word is 0, or NONE, while the screen is free."""
    status = display.property([display.root], "_SCREENSAVER_STATUS")[0]
    return any(status[:4])


def _is_covered(display: X11) -> bool:
    return any(window.free for window in matching(list_windows(display), LOCKERS))
