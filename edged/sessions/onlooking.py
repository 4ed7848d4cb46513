"""What is made of the frames of a session's source: the Protocol, and who looks for what was asked."""

from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from edged.capture.sight import CapturedFrame
from edged.messages.seeing import TrackKind
from edged.messages.sessions import SessionsStart, SourceWish
from edged.store.engine import Connection

Write = Callable[[Connection], object]
"""A part of a transaction; made again as a whole where the store refused it, so it is idempotent."""


class Place(Struct, frozen=True, kw_only=True):
    """Where an onlooker keeps what it finds: rows of the store.

    number: of the source, from 0. tracks: rows by kind.
    """

    session_id: str
    number: int
    sight: int
    tracks: dict[TrackKind, int]


class Noticed(Struct, frozen=True, kw_only=True):
    """What came of a frame: whether something was found, and what has to be committed.

    kept_ms: all that was found before it is in writes, now or earlier; None: as before.
    forgot: what was found since then is lost; the frame itself is not.
    """

    detected: bool = False
    writes: tuple[Write, ...] = ()
    kept_ms: int | None = None
    forgot: bool = False


class Onlooker(Protocol):
    """Looks at the frames of one source. Loop thread only.

    models: that it needs, by the kind of track that it keeps.
    """

    @property
    def models(self) -> dict[TrackKind, str]:
        """Of every kind of track that it keeps, the model; empty where none is needed."""
        ...

    async def begin(self) -> None:
        """Have the models loaded; called before the first frame, and after every pause.

        Raises:
            ModelMissing, EngineMissing, Busy, ...: it cannot look.
        """
        ...

    async def see(self, frame: CapturedFrame, at_ms: int, place: Place) -> Noticed:
        """Look at one frame; at_ms, on the session's clock, grows.

        Raises:
            WorkerGone, Deadline: the frame, and what was not yet kept, is lost; the next may be seen.
            EdgedError: what the model says.
        """
        ...

    async def end(self, place: Place | None, *, discard: bool) -> Noticed:
        """Look no more, and free what is held; what was found and is not yet kept.

        Nothing is raised: what cannot be had any more is lost. place: None where it was never seen.
        """
        ...


OpenOnlookers = Callable[[SessionsStart, SourceWish], tuple[Onlooker, ...]]
"""Who looks at a source, by what a session asks for.

Raises:
    ModelMissing, EngineMissing, BadRequest: what was asked for cannot be looked for here.
"""
