"""One look at one frame, by whatever model looks: opened for a picture, or for a stream of frames."""

from collections.abc import AsyncGenerator, Callable
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    suppress,
)
from typing import Protocol, TypeVar

import msgspec

from edged.errors import EdgedError
from edged.media import Picture
from edged.messages.seeing import Look
from edged.messages.wire import Priority
from edged.models.runtime import (
    Classified,
    ClassifyOptions,
    Detected,
    EmbedOptions,
    ImageClassifier,
    ImageEmbedder,
    ImageSegmenter,
    ObjectDetector,
    Segmented,
    Vector,
)
from edged.models.seeing import Effected, EffectOptions, Effects, SeeOptions, Seer, SeeStream, Sight
from edged.pipeline.live.models import Borrowed
from edged.pipeline.seeing.choosing import Plan

M = TypeVar("M")
M_co = TypeVar("M_co", covariant=True)

_OBJECT_SCORE = 0.5
"""What is less sure is no object, unless somebody wants it; of classes the best are always told."""

_NOTHING = Sight()

View = Sight | Detected | Classified | Vector | Segmented | Effected
"""What a look gives; which one, follows from the task."""


class Lent(Borrowed[M_co], Protocol[M_co]):
    """A borrowed model; fulfilled by edged.models.lease.Lease."""

    @property
    def device(self) -> str:
        """What runs it."""
        ...


class Lends(Protocol):
    """Fulfilled by edged.models.pool.Pool."""

    def borrow(
        self,
        model: str,
        protocol: Callable[..., M],
        *,
        priority: Priority = "interactive",
        keep_alive_ms: int | None = None,
    ) -> AbstractAsyncContextManager[Lent[M]]:
        """Lend a model, loaded now if it is not."""
        ...


class Eyes(Protocol):
    """A model that looks. Loop thread only. Two looks of one stream may be under way at once."""

    @property
    def device(self) -> str:
        """What runs the model."""
        ...

    async def look(self, picture: Picture, at_ms: int = 0) -> View:
        """What a frame shows; looks of one stream are done in the order in which they are asked for.

        Args:
            picture: raw pixels or a file.
            at_ms: of a stream's frame, on the stream's clock; grows.

        Raises:
            WorkerGone, Deadline: this frame is lost; the next look begins with a new worker.
            BadMedia, BadRequest: the frame cannot be read. Busy: too many streams.
        """
        ...

    async def finish(self) -> Sight:
        """End the stream: blocks that are not yet told, where they are kept; a second time nothing.

        Raises:
            WorkerGone, Deadline: they are lost.
        """
        ...


@asynccontextmanager
async def open_eyes(
    pool: Lends,
    plan: Plan,
    *,
    stream: str = "",
    keep: bool = False,
    priority: Priority = "interactive",
    keep_alive_ms: int | None = None,
) -> AsyncGenerator[Eyes, None]:
    """Borrow the model of a plan; leaving the block ends the stream and gives the model back.

    Args:
        pool: lends models.
        plan: from `choosing`.
        stream: a name that nobody else uses: frames are followed from one to the next. Empty: each
            picture stands alone. Models that follow nothing ignore it.
        keep: collect landmarks, and seal blocks of them once a second.
        priority: of all looks.
        keep_alive_ms: how long the model stays afterwards; None: as set before, or configured.

    Raises:
        ModelMissing, CorruptModel, EngineMissing, Quarantined, Busy, Deadline, WorkerGone: the model
            cannot be had.
    """
    async with AsyncExitStack() as stack:
        lender = _Lender(pool, plan.model, stack, priority, keep_alive_ms)
        eyes = await _opened(lender, plan, stream=stream, keep=keep)
        try:
            yield eyes
        finally:
            with suppress(EdgedError):  # its worker is gone, and with it the stream
                await eyes.finish()


class _Lender:
    """Borrows one model for as long as a stack stands."""

    def __init__(
        self,
        pool: Lends,
        model: str,
        stack: AsyncExitStack,
        priority: Priority,
        keep_alive_ms: int | None,
    ) -> None:
        self._pool = pool
        self._model = model
        self._stack = stack
        self._priority: Priority = priority
        self._keep_alive_ms = keep_alive_ms

    async def borrow(self, protocol: Callable[..., M]) -> Lent[M]:
        return await self._stack.enter_async_context(
            self._pool.borrow(
                self._model, protocol, priority=self._priority, keep_alive_ms=self._keep_alive_ms
            )
        )


async def _opened(lender: _Lender, plan: Plan, *, stream: str, keep: bool) -> Eyes:
    look = plan.look
    match plan.task:
        case "image_detect":
            return _Objects(await lender.borrow(ObjectDetector), look)
        case "image_classify":
            return _Classes(await lender.borrow(ImageClassifier), look)
        case "image_embed":
            return _Vectors(await lender.borrow(ImageEmbedder))
        case "image_segment" if look.effect == "mask":
            return _Masks(await lender.borrow(ImageSegmenter))
        case "image_segment":
            return _Changed(await lender.borrow(Effects), look)
        case _:
            return _Landmarks(await lender.borrow(Seer), plan, stream=stream, keep=keep)


class _Landmarks:
    """Eyes of faces, hands and bodies."""

    def __init__(self, lease: Lent[Seer], plan: Plan, *, stream: str, keep: bool) -> None:
        self._lease = lease
        self._see = lease.model.see
        self._stream = stream
        self._options = SeeOptions(
            stream=stream,
            kinds=plan.kinds,
            most=plan.look.most or 0,
            min_detection=plan.look.min_detection_confidence,
            min_tracking=plan.look.min_tracking_confidence,
            keep=keep,
        )

    @property
    def device(self) -> str:
        return self._lease.device

    async def look(self, picture: Picture, at_ms: int = 0) -> View:
        options = msgspec.structs.replace(self._options, at_ms=at_ms)
        return await self._lease.call(self._see, picture, options)

    async def finish(self) -> Sight:
        stream, self._stream = self._stream, ""
        if not stream:
            return _NOTHING
        return await self._lease.call(self._lease.model.finish, SeeStream(stream=stream))


class _Still:
    """Eyes that follow nothing from frame to frame."""

    def __init__(self, lease: Lent[object]) -> None:
        self._told = lease

    @property
    def device(self) -> str:
        return self._told.device

    async def finish(self) -> Sight:
        return _NOTHING


class _Objects(_Still):
    def __init__(self, lease: Lent[ObjectDetector], look: Look) -> None:
        super().__init__(lease)
        self._lease = lease
        score = _OBJECT_SCORE if look.min_score is None else look.min_score
        self._options = ClassifyOptions(top_k=look.most or look.top_k, min_score=score)

    async def look(self, picture: Picture, at_ms: int = 0) -> View:
        del at_ms
        return await self._lease.call(self._lease.model.detect, picture, self._options)


class _Classes(_Still):
    def __init__(self, lease: Lent[ImageClassifier], look: Look) -> None:
        super().__init__(lease)
        self._lease = lease
        self._options = ClassifyOptions(top_k=look.top_k, min_score=look.min_score or 0.0)

    async def look(self, picture: Picture, at_ms: int = 0) -> View:
        del at_ms
        return await self._lease.call(self._lease.model.classify, picture, self._options)


class _Vectors(_Still):
    def __init__(self, lease: Lent[ImageEmbedder]) -> None:
        super().__init__(lease)
        self._lease = lease

    async def look(self, picture: Picture, at_ms: int = 0) -> View:
        del at_ms
        return await self._lease.call(self._lease.model.embed, picture, EmbedOptions(unit=True))


class _Masks(_Still):
    def __init__(self, lease: Lent[ImageSegmenter]) -> None:
        super().__init__(lease)
        self._lease = lease

    async def look(self, picture: Picture, at_ms: int = 0) -> View:
        del at_ms
        return await self._lease.call(self._lease.model.segment, picture)


class _Changed(_Still):
    def __init__(self, lease: Lent[Effects], look: Look) -> None:
        super().__init__(lease)
        self._lease = lease
        self._options = EffectOptions(effect=look.effect, background=look.background)

    async def look(self, picture: Picture, at_ms: int = 0) -> View:
        del at_ms
        return await self._lease.call(self._lease.model.change, picture, self._options)
