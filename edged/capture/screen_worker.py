"""The screen worker's object: one monitor, or a part of it, and its newest frame.

Runs in a worker process of its own for each source. What is denied is painted black before anything
else sees the pixels; windows are listed before and after the grab, and both places are painted.
"""

import threading

import av
import msgspec

from edged.capture import locking, windows
from edged.capture.clock import now_ns
from edged.capture.grabbing import Bgra, Grabber
from edged.capture.newest import Newest
from edged.capture.pacing import Ticks
from edged.capture.screens import NO_WAYLAND, NOTHING_DENIED, UNTOLD
from edged.capture.sight_orders import (
    DisplayOrder,
    Glimpse,
    Opened,
    Reach,
    ScreenList,
    ScreenListed,
    ScreenOrder,
    Wait,
)
from edged.capture.windows import Rectangle
from edged.capture.x11 import X11, Cookie, cookie_for, socket_path
from edged.errors import BadRequest, Conflict, Denied, DeviceMissing, EdgedError, Unsupported
from edged.workers.context import WorkerContext

LOOK_FOR_LOCK_NS = 1_000_000_000


def load(argument: bytes, context: WorkerContext) -> "ScreenWorker":
    """The worker's entry; `argument` is an encoded Reach."""
    del context
    return ScreenWorker(msgspec.msgpack.decode(argument, type=Reach))


class ScreenWorker:
    """Screens of one display. Main thread; frames are grabbed in another one.

    Args:
        reach: how the display and the desktop's services are reached.
    """

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._newest: Newest | None = None

    def screens(self, order: DisplayOrder) -> ScreenList:
        """The monitors that there are.

        Raises:
            DeviceMissing, PermissionDenied, Unsupported: none can be seen.
        """
        self._display(order.display)
        grabber = Grabber(order.display, self._cookie(order.display))
        return ScreenList(screens=tuple(grabber.monitors()))

    def begin(self, order: ScreenOrder) -> Opened:
        """Open a screen.

        Raises:
            DeviceMissing, PermissionDenied, BadRequest: there is no such screen, region or window.
            Denied, Unsupported: windows cannot be told apart here.
        """
        display = self._display(order.display)
        if display is None and (order.deny or order.window):
            raise _untold(order)
        grabber = Grabber(order.display, self._cookie(order.display))
        desktop = locking.Desktop(self._reach.session_bus, self._reach.system_bus)
        view = View(grabber, display, desktop, order)
        _, _, width, height = view.place()
        newest = self._newest = Newest(0, order.still_below)
        threading.Thread(
            target=_grab_on, args=(view, newest, order.fps), name="screen", daemon=True
        ).start()
        return Opened(width=width, height=height, device=view.name)

    def next(self, wait: Wait) -> Glimpse:
        """The newest frame that was not given yet.

        Raises:
            EdgedError: it could never give one.
        """
        if self._newest is None:
            raise Conflict("no screen is open in this worker")
        return self._newest.take(wait.within_ms / 1000)

    def _display(self, display: str) -> X11 | None:
        """The display's windows; None where a screen is not an X display."""
        if not display:
            return None
        found = X11(socket_path(display), self._cookie(display))
        if found.extension("XWAYLAND"):
            raise Unsupported("Wayland shows X programs nothing of the screen", fix=NO_WAYLAND)
        return found

    def _cookie(self, display: str) -> Cookie:
        """What opens a display."""
        if not (display and self._reach.authority):
            return Cookie()
        return cookie_for(display, self._reach.authority)


class View:
    """What of a display is looked at. name: the monitor's.

    Args:
        grabber: gives pixels.
        display: tells windows; None: nobody does.
        desktop: tells whether it is locked.
        order: what is wished.

    Raises:
        DeviceMissing, BadRequest: there is no such screen or region.
    """

    def __init__(
        self, grabber: Grabber, display: X11 | None, desktop: locking.Desktop, order: ScreenOrder
    ) -> None:
        self._grabber = grabber
        self._display = display
        self._desktop = desktop
        self._order = order
        monitor = choose(grabber.monitors(), order.monitor)
        self.name = monitor.name
        self._place = within(monitor, order.region)

    def is_locked(self) -> bool:
        """Whether the screen is locked."""
        if self._display is not None and locking.is_locked(self._display):
            return True
        return self._desktop.is_locked()

    def place(self) -> Rectangle:
        """What to grab now.

        Raises:
            DeviceMissing: the window that is wished is not there.
        """
        if self._display is None or not self._order.window:
            return self._place
        found = windows.matching(windows.list_windows(self._display), (self._order.window,))
        if not found:
            raise DeviceMissing("no window with that title is on the screen")
        return cut(found[-1].place, self._place)

    def frame(self) -> av.VideoFrame:
        """The pixels of now, without what is denied.

        Raises:
            DeviceMissing, Denied: nothing can be shown.
        """
        before = self._denied()
        place = self.place()
        pixels = self._grabber.grab(place)
        for hidden in {*before, *self._denied()}:
            black_out(pixels, hidden, place)
        return av.VideoFrame.from_ndarray(pixels, format="bgra")

    def _denied(self) -> list[Rectangle]:
        if self._display is None or not self._order.deny:
            return []
        shown = windows.list_windows(self._display)
        return windows.denied_places(shown, self._order.deny, self._display.id_mask)


def _grab_on(view: View, newest: Newest, fps: float) -> None:
    """Grab at a steady rate until there is no screen any more. A thread of its own."""
    ticks = Ticks(fps)
    pause = threading.Event()
    looked_ns = 0
    locked = False
    try:
        while True:
            pause.wait(ticks.wait_s())
            at_ns = now_ns()
            if at_ns - looked_ns >= LOOK_FOR_LOCK_NS:
                looked_ns, locked = at_ns, view.is_locked()
            if locked:
                newest.lose("locked")
            else:
                newest.offer(view.frame(), at_ns)
    except EdgedError as error:
        newest.end("device_lost", error)


def black_out(pixels: Bgra, hidden: Rectangle, grabbed: Rectangle) -> None:
    """Paint a place of the desktop black in the pixels of another one."""
    left, top = max(0, hidden[0] - grabbed[0]), max(0, hidden[1] - grabbed[1])
    right = max(0, hidden[0] + hidden[2] - grabbed[0])
    bottom = max(0, hidden[1] + hidden[3] - grabbed[1])
    pixels[top:bottom, left:right] = 0


def choose(monitors: list[ScreenListed], wish: str) -> ScreenListed:
    """The monitor that is meant by its id or name; empty: the primary one, else the first.

    Raises:
        DeviceMissing: there is none.
    """
    if not wish:
        return next((one for one in monitors if one.is_primary), monitors[0])
    for one in monitors:
        if wish in {one.id, one.name}:
            return one
    raise DeviceMissing("no screen of that name or id is there")


def within(monitor: ScreenListed, region: Rectangle | None) -> Rectangle:
    """A wished part of a monitor, as a place of the desktop.

    Raises:
        BadRequest: it does not lie in it.
    """
    if region is None:
        return (monitor.left, monitor.top, monitor.width, monitor.height)
    left, top, width, height = region
    if (
        min(left, top, width - 1, height - 1) < 0
        or left + width > monitor.width
        or top + height > monitor.height
    ):
        raise BadRequest(
            f"the region does not lie in the screen of {monitor.width} x {monitor.height} pixels",
            fix="give left, top, width and height in pixels of the screen",
        )
    return (monitor.left + left, monitor.top + top, width, height)


def cut(place: Rectangle, whole: Rectangle) -> Rectangle:
    """The part of a window that lies in the part of the screen that is looked at.

    Raises:
        DeviceMissing: none does.
    """
    left, top = max(place[0], whole[0]), max(place[1], whole[1])
    right = min(place[0] + place[2], whole[0] + whole[2])
    bottom = min(place[1] + place[3], whole[1] + whole[3])
    if right <= left or bottom <= top:
        raise DeviceMissing("the window does not lie on the screen")
    return (left, top, right - left, bottom - top)


def _untold(order: ScreenOrder) -> EdgedError:
    if order.deny:
        return Denied(UNTOLD, fix=NOTHING_DENIED)
    return Unsupported("windows cannot be told apart here", fix="give a region instead")
