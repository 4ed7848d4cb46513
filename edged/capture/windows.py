"""Which windows are on an X display, and which pixels are theirs; in workers only.

A window belongs to its title, its class (the program's name) and whatever they are inside of it: a
window manager puts each into a frame of its own, and frame and all are what is meant by it. Its
menus and tooltips are windows that no manager cares for, of the same program.
"""

import struct
from collections.abc import Iterator, Sequence

from msgspec import Struct

from edged.capture.x11 import X11
from edged.errors import Denied

_DEEP = 3
"""So deep inside a frame lies a program's own window: frame, wrapper, window."""

_MOST = 4_000
"""More windows than any desktop has; what cannot be looked through is not shown."""

_NAMES = ("_NET_WM_NAME", "WM_NAME", "WM_CLASS")
_ID_BYTES = 4

Rectangle = tuple[int, int, int, int]
"""left, top, width, height in pixels of the desktop."""


class Window(Struct, frozen=True):
    """What lies right on the desktop: a frame, or a menu. The later ones lie above.

    names: titles and classes of it and of what is inside. ids: of all these windows; named: of
    those that have a title or class, so that they are a program's own.
    owners: windows that it belongs to (a dialog to its program's main window).
    free: no window manager cares for it.
    """

    place: Rectangle
    names: tuple[str, ...]
    ids: tuple[int, ...]
    named: tuple[int, ...]
    owners: tuple[int, ...]
    free: bool


def list_windows(display: X11) -> list[Window]:
    """Every window that is on the screen now, from the lowest to the topmost.

    Raises:
        DeviceMissing: the display is gone. Denied: there are too many to tell.
    """
    tops = display.children([display.root])[0]
    shown = display.shown(tops)
    tops = tuple(top for top, (on, _) in zip(tops, shown, strict=True) if on)
    free = [free for on, free in shown if on]
    families = _families(display, tops)
    members = [member for family in families for member in family]
    names = dict(zip(members, _names(display, members), strict=True))
    owners = dict(zip(members, _owners(display, members), strict=True))
    places = display.places(tops)
    return [
        Window(
            place,
            tuple(name for member in family for name in names[member]),
            tuple(family),
            tuple(member for member in family if names[member]),
            tuple(owners[member] for member in family if owners[member]),
            is_free,
        )
        for place, family, is_free in zip(places, families, free, strict=True)
    ]


def matching(windows: Sequence[Window], wishes: Sequence[str]) -> list[Window]:
    """Those with one of these words in a title or class, whatever the case."""
    folded = [wish.casefold() for wish in wishes if wish]
    return [
        window
        for window in windows
        if any(wish in name.casefold() for name in window.names for wish in folded)
    ]


def denied_places(windows: Sequence[Window], deny: Sequence[str], id_mask: int) -> list[Rectangle]:
    """Where nothing may be seen: windows with denied words, their dialogs, menus and tooltips.

    Args:
        windows: all that are shown.
        deny: the words.
        id_mask: the bits of an id that a program chooses; the others say which program it is.
    """
    denied = matching(windows, deny)
    ids = {member for window in denied for member in window.ids}
    programs = {member & ~id_mask for window in denied for member in window.named}
    for window in windows:
        belongs = any(owner in ids for owner in window.owners)
        menu = window.free and any(member & ~id_mask in programs for member in window.ids)
        if (belongs or menu) and window not in denied:
            denied.append(window)
    return [window.place for window in denied]


def _families(display: X11, tops: Sequence[int]) -> list[list[int]]:
    """Each top window with those inside of it."""
    families = [[top] for top in tops]
    layer = [(index, top) for index, top in enumerate(tops)]
    for _ in range(_DEEP):
        inside = display.children([window for _, window in layer])
        layer = [
            (index, child)
            for (index, _), children in zip(layer, inside, strict=True)
            for child in children
        ]
        if len(layer) > _MOST:
            raise Denied("there are too many windows to find the denied ones among them")
        for index, child in layer:
            families[index].append(child)
    return families


def _names(display: X11, windows: Sequence[int]) -> Iterator[tuple[str, ...]]:
    found = [display.property(windows, name) for name in _NAMES]
    for values in zip(*found, strict=True):
        yield tuple(_text(value) for value in values if value)


def _text(value: bytes) -> str:
    """A title; older programs give Latin-1, a class is two words with NULs behind them."""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        text = value.decode("latin-1")
    return text.replace("\0", " ").strip()


def _owners(display: X11, windows: Sequence[int]) -> Iterator[int]:
    for value in display.property(windows, "WM_TRANSIENT_FOR"):
        yield struct.unpack_from("<I", value)[0] if len(value) >= _ID_BYTES else 0
