"""Whether an X screen is locked or blanked, as far as the display tells; in workers only.

Three signs, any of which counts: the server's own screen saver is on (MIT-SCREEN-SAVER), XScreenSaver
says so on the root window, or a known locker's window is on the screen. Desktops whose lock is a
part of the desktop (GNOME, KDE) are asked over D-Bus by edged.capture.session_lock.
Source: MIT-SCREEN-SAVER extension 1.1, ScreenSaverQueryInfo; xscreensaver's driver/atoms.h.
"""

import struct

from edged.capture.windows import list_windows, matching
from edged.capture.x11 import X11, request_bytes

LOCKERS = (
    "i3lock", "slock", "xsecurelock", "xtrlock", "light-locker", "xscreensaver",
    "gnome-screensaver", "mate-screensaver", "cinnamon-screensaver", "kscreenlocker", "swaylock",
)  # fmt: skip
"""Classes or titles of the windows by which these programs cover the screen."""

_QUERY = 1
_ON = 1


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
