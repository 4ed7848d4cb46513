"""Keeps a picture of a screen whenever it has changed, so that it can be looked at and searched."""

import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from functools import partial
from typing import Protocol

from edged.capture.sight import CapturedFrame
from edged.capture.stills import Still
from edged.errors import EdgedError
from edged.media import Picture
from edged.messages.seeing import TrackKind
from edged.models.runtime import Vector
from edged.pipeline.seeing.eyes import Eyes
from edged.sessions.onlooking import Noticed, Place
from edged.store import key_frames

log = logging.getLogger(__name__)

APART_MS = 1_000
"""Between two key frames: of something that moves all the time, one a second is kept."""


class Encodes(Protocol):
    """Fulfilled by edged.capture.stills.Stills."""

    async def encode(self, picture: Picture) -> Still:
        """A frame as a file."""
        ...


class ScreenWatch:
    """Fulfils edged.sessions.onlooking.Onlooker. Loop thread only.

    A frame is kept when what changed since the last kept one, frame by frame, adds up to `change`;
    and the first one always.

    Args:
        stills: make files of frames.
        change: in [0, 1], as CapturedFrame.moved.
        open_eyes: borrows what turns pictures into vectors; None where nothing can.
        model: its id; empty with none.
    """

    def __init__(
        self,
        stills: Encodes,
        *,
        change: float,
        open_eyes: Callable[[], AbstractAsyncContextManager[Eyes]] | None = None,
        model: str = "",
    ) -> None:
        self._stills = stills
        self._change = change
        self._open_eyes = open_eyes
        self._model = model
        self._stack = AsyncExitStack()
        self._eyes: Eyes | None = None
        self._moved = 0.0
        self._kept_ms: int | None = None

    @property
    def models(self) -> dict[TrackKind, str]:
        """See Onlooker."""
        return {"screen": self._model}

    async def begin(self) -> None:
        """See Onlooker; without a vector a picture is kept all the same."""
        if self._eyes is None and self._open_eyes is not None:
            try:
                self._eyes = await self._stack.enter_async_context(self._open_eyes())
            except EdgedError as error:
                log.info("key frames are kept without vectors: %s", error.code)

    async def see(self, frame: CapturedFrame, at_ms: int, place: Place) -> Noticed:
        """See Onlooker."""
        self._moved += frame.moved
        if not self._is_due(at_ms):
            return Noticed(kept_ms=at_ms)
        still = await self._stills.encode(frame.picture)
        vector = await self._vector(frame.picture)
        self._moved, self._kept_ms = 0.0, at_ms
        write = partial(
            key_frames.add,
            session_id=place.session_id,
            track=place.tracks["screen"],
            at_ms=at_ms,
            width=still.width,
            height=still.height,
            media_type=still.media_type,
            body=still.data,
            vector_model=None if vector is None else self._model,
            vector=vector,
        )
        return Noticed(detected=True, writes=(write,), kept_ms=at_ms)

    async def end(self, place: Place | None, *, discard: bool) -> Noticed:
        """See Onlooker; after it the first frame is kept again."""
        del place, discard
        self._eyes, self._kept_ms = None, None
        with suppress(EdgedError):
            await self._stack.aclose()
        return Noticed()

    def _is_due(self, at_ms: int) -> bool:
        if self._kept_ms is None:
            return True
        return self._moved >= self._change and at_ms - self._kept_ms >= APART_MS

    async def _vector(self, picture: Picture) -> bytes | memoryview | None:
        if self._eyes is None:
            return None
        try:
            view = await self._eyes.look(picture)
        except EdgedError as error:
            log.info("a key frame is kept without a vector: %s", error.code)
            return None
        return view.data if isinstance(view, Vector) else None
