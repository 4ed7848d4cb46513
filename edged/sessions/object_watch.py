"""Looks for objects in a session's frames, and keeps from when to when each label was seen."""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from functools import partial

from msgspec import Struct

from edged.capture.sight import CapturedFrame
from edged.errors import EdgedError, Internal
from edged.messages.records import DetectedObject
from edged.messages.seeing import TrackKind
from edged.models.runtime import Detected
from edged.pipeline.seeing.eyes import Eyes
from edged.sessions.onlooking import Noticed, Place, Write
from edged.store import object_sightings

BREAK_MS = 1_000
"""A label that is not seen for longer begins another stretch."""

INTERVAL_MS = 200
"""A detector takes several times as long as landmarks of a face that is followed, and nothing that
counts by the second gains by more than five looks in one."""

KEPT_MS = 1_000
"""How often stretches that go on are committed."""


class _Stretch(Struct, kw_only=True):
    """A label's stretch so far."""

    label: str
    start_ms: int
    end_ms: int
    frames: int = 0
    most: int = 0
    score: float = 0.0

    def add(self, at_ms: int, count: int, score: float) -> None:
        self.end_ms = at_ms
        self.frames += 1
        self.most = max(self.most, count)
        self.score = max(self.score, score)


class ObjectWatch:
    """Fulfils edged.sessions.onlooking.Onlooker. Loop thread only.

    Args:
        open_eyes: borrows the detector.
        model: its id.
    """

    def __init__(
        self, open_eyes: Callable[[], AbstractAsyncContextManager[Eyes]], *, model: str
    ) -> None:
        self._open_eyes = open_eyes
        self._model = model
        self._stack = AsyncExitStack()
        self._eyes: Eyes | None = None
        self._stretches: dict[str, _Stretch] = {}
        self._looked_ms: int | None = None
        self._kept_ms = 0
        self._detected = False

    @property
    def models(self) -> dict[TrackKind, str]:
        """See Onlooker."""
        return {"objects": self._model}

    async def begin(self) -> None:
        """See Onlooker."""
        if self._eyes is None:
            self._eyes = await self._stack.enter_async_context(self._open_eyes())

    async def see(self, frame: CapturedFrame, at_ms: int, place: Place) -> Noticed:
        """See Onlooker; frames that follow too soon are left to others."""
        if self._eyes is None:
            raise Internal("nobody looks")
        if self._looked_ms is not None and at_ms - self._looked_ms < INTERVAL_MS:
            return Noticed(detected=self._detected)
        self._looked_ms = None  # after a look that fails the next frame is looked at
        view = await self._eyes.look(frame.picture, at_ms)
        self._looked_ms = at_ms
        if not isinstance(view, Detected):
            raise Internal(f"{self._model} finds no objects")
        self._detected = bool(view.objects)
        over = self._take(view.objects, at_ms)
        if not over and at_ms - self._kept_ms < KEPT_MS:
            return Noticed(detected=self._detected)
        self._kept_ms = at_ms
        stretches = [*over, *self._stretches.values()]
        return Noticed(detected=self._detected, writes=_kept(stretches, place), kept_ms=at_ms)

    async def end(self, place: Place | None, *, discard: bool) -> Noticed:
        """See Onlooker."""
        stretches, self._stretches = list(self._stretches.values()), {}
        self._eyes, self._looked_ms = None, None
        with suppress(EdgedError):
            await self._stack.aclose()
        if discard or place is None:
            return Noticed()
        return Noticed(writes=_kept(stretches, place))

    def _take(self, objects: Sequence[DetectedObject], at_ms: int) -> list[_Stretch]:
        """Add what a frame shows; the stretches that are over."""
        over = [one for one in self._stretches.values() if at_ms - one.end_ms > BREAK_MS]
        for stretch in over:
            del self._stretches[stretch.label]
        for label, count in Counter(one.label for one in objects).items():
            score = max(one.score for one in objects if one.label == label)
            stretch = self._stretches.setdefault(
                label, _Stretch(label=label, start_ms=at_ms, end_ms=at_ms)
            )
            stretch.add(at_ms, count, score)
        return over


def _kept(stretches: Sequence[_Stretch], place: Place) -> tuple[Write, ...]:
    return tuple(
        partial(
            object_sightings.add,
            session_id=place.session_id,
            track=place.tracks["objects"],
            label=one.label,
            start_ms=one.start_ms,
            end_ms=one.end_ms,
            frames=one.frames,
            most=one.most,
            score=one.score,
        )
        for one in stretches
    )
