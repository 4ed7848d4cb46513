"""Looks for faces, hands and bodies in a session's frames, and keeps their landmarks by the second."""

import asyncio
import secrets
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from functools import partial

from edged.capture.sight import CapturedFrame
from edged.errors import EdgedError, Internal
from edged.messages.events import GestureChanged
from edged.messages.seeing import LandmarkKind, TrackKind
from edged.models.seeing import Group, Sight
from edged.pipeline.seeing.eyes import Eyes
from edged.sessions.gesturing import GestureChange, Gesturing
from edged.sessions.onlooking import Noticed, Place, Write
from edged.store import events, landmark_blocks, sights

FINISH_S = 5.0
"""How long the last second's landmarks may take; a pause or a stop waits no longer."""

SEALED_MS = 1_000
"""Blocks are sealed at whole multiples of it: what was seen before the last one is told."""

OpenEyes = Callable[[str], AbstractAsyncContextManager[Eyes]]
"""Eyes of a stream with this name."""


class LandmarkWatch:
    """Fulfils edged.sessions.onlooking.Onlooker. Loop thread only.

    Args:
        open_eyes: borrows the model.
        model: its id.
        kinds: what is kept.
        gestures: whether another gesture is told.
    """

    def __init__(
        self,
        open_eyes: OpenEyes,
        *,
        model: str,
        kinds: tuple[LandmarkKind, ...],
        gestures: bool,
    ) -> None:
        self._open_eyes = open_eyes
        self._model = model
        self._kinds = kinds
        self._gesturing = Gesturing() if gestures else None
        self._stack = AsyncExitStack()
        self._eyes: Eyes | None = None
        self._last_ms = 0
        self._looked = False
        self._size = (0, 0)

    @property
    def models(self) -> dict[TrackKind, str]:
        """See Onlooker."""
        return dict.fromkeys(self._kinds, self._model)

    async def begin(self) -> None:
        """See Onlooker."""
        if self._eyes is None:
            stream = secrets.token_hex(8)
            self._looked = False
            self._eyes = await self._stack.enter_async_context(self._open_eyes(stream))

    async def see(self, frame: CapturedFrame, at_ms: int, place: Place) -> Noticed:
        """See Onlooker."""
        if self._eyes is None:
            raise Internal("nobody looks")
        self._last_ms = at_ms
        view = await self._eyes.look(frame.picture, at_ms)
        if not isinstance(view, Sight):
            raise Internal(f"{self._model} finds no landmarks")
        # A worker that died between two frames is replaced without an error: only so it shows.
        forgot, self._looked = view.fresh and self._looked, True
        changes = () if self._gesturing is None else self._gesturing.feed(at_ms, _gestures(view))
        return Noticed(
            detected=any(group.count for group in view.groups),
            writes=(*self._measured(view, place), *_kept(view, place), *_told(changes, place)),
            kept_ms=at_ms // SEALED_MS * SEALED_MS,
            forgot=forgot,
        )

    def _measured(self, sight: Sight, place: Place) -> list[Write]:
        """Frames of another size than before."""
        size, self._size = self._size, (sight.width, sight.height)
        if size == self._size:
            return []
        return [partial(sights.measure, sight=place.sight, width=sight.width, height=sight.height)]

    async def end(self, place: Place | None, *, discard: bool) -> Noticed:
        """See Onlooker."""
        eyes, self._eyes = self._eyes, None
        writes: list[Write] = []
        if eyes is not None:
            with suppress(EdgedError, TimeoutError):  # with its worker the rest is lost
                async with asyncio.timeout(FINISH_S):
                    rest = await eyes.finish()
                    writes += [] if place is None else _kept(rest, place)
        if self._gesturing is not None and place is not None:
            writes += _told(self._gesturing.end(self._last_ms), place)
            self._gesturing = Gesturing()
        with suppress(EdgedError):
            await self._stack.aclose()
        return Noticed(writes=() if discard else tuple(writes))


def _kept(sight: Sight, place: Place) -> list[Write]:
    """The seconds that are over."""
    return [
        partial(
            landmark_blocks.add,
            session_id=place.session_id,
            track=place.tracks[block.kind],
            sealed=block,
            body=body,
        )
        for block, body in zip(sight.sealed, sight.blocks, strict=True)
    ]


def _gestures(sight: Sight) -> dict[str, str]:
    """What each hand shows; of two left ones the surer one counts."""
    found: dict[str, tuple[float, str]] = {}
    for hand, label in zip(sight.hands, _labels(sight.groups), strict=False):
        found[label] = max(found.get(label, (-1.0, "")), (hand.score, hand.gesture))
    return {label: gesture for label, (_, gesture) in found.items()}


def _labels(groups: tuple[Group, ...]) -> tuple[str, ...]:
    return next((group.labels for group in groups if group.kind == "hands"), ())


def _told(changes: list[GestureChange] | tuple[()], place: Place) -> list[Write]:
    return [
        partial(
            events.record,
            body=GestureChanged(
                session_id=place.session_id,
                at_ms=change.at_ms,
                hand=change.hand,
                gesture=change.gesture,
                before=change.before,
            ),
        )
        for change in changes
    ]
