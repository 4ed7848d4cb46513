"""What every session is recorded with: the daemon's parts, behind what a session asks of them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from edged.capture.clock import now_ns
from edged.capture.sight import Sights
from edged.capture.source import CapturedPart, Microphones
from edged.config import Seeing as Settings
from edged.events import Bus
from edged.messages.sessions import SessionsStart
from edged.sessions import ending
from edged.sessions.onlooking import OpenOnlookers
from edged.store.database import Store

ROOM_S = 2.0
"""How often a full disk is looked at."""


class Captions(Protocol):
    """Live captions of one recording; fulfilled by edged.pipeline.live.captions.Live."""

    @property
    def backlog_ms(self) -> int:
        """Captured and not yet recognised."""
        ...

    @property
    def eta_ms(self) -> int | None:
        """When it will be; None while nobody knows."""
        ...

    def push(self, part: CapturedPart) -> None:
        """Add what was captured; never waits."""
        ...

    async def run(self) -> None:
        """Recognise until `finish`."""
        ...

    async def finish(self, *, drain_s: float) -> None:
        """Take nothing more, and end within so many seconds."""
        ...


OpenCaptions = Callable[[SessionsStart, str, str], Awaitable[Captions | None]]
"""Captions for a session's options, its id and a recording's; None when nothing can give them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Equipment:
    """What every session is recorded with.

    sights, onlookers: open what is seen, and look at it; None: nothing can be seen. seeing: settings.
    chunk_ms: length of a chunk. reopen_s: before a lost device is tried again. room_s: how often a
    full disk is looked at. clock: nanoseconds that go on while the machine sleeps.
    """

    store: Store
    bus: Bus
    microphones: Microphones
    captions: OpenCaptions
    queue: ending.Queue
    close_fed: ending.CloseFed
    chunk_ms: int
    sights: Sights | None = None
    onlookers: OpenOnlookers | None = None
    seeing: Settings = field(default_factory=Settings)
    reopen_s: float = 0.5
    room_s: float = ROOM_S
    clock: Callable[[], int] = field(default=now_ns)
