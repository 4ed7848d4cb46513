"""One look at one frame, by whatever model looks: opened for a picture, or for a stream of frames."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    suppress,
)
from typing import Generic, Protocol, TypeVar, TypeVarTuple

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
R = TypeVar("R")
Ts = TypeVarTuple("Ts")

_OBJECT_SCORE = 0.5
"""What is less sure is no object, unless somebody wants it; of classes the best are always told."""

View = Sight | Detected | Classified | Vector | Segmented | Effected
"""What a look gives; which one, follows from the task."""


class Flight(Protocol[M_co]):
    """Something that is under way; fulfilled by edged.models.lease.Begun."""

    async def result(self) -> M_co:
        """What comes of it, awaited once; its errors."""
        ...

    def cancel(self) -> None:
        """Nobody waits for it any more."""
        ...


class Lent(Borrowed[M_co], Protocol[M_co]):
    """A borrowed model; fulfilled by edged.models.lease.Lease."""

    def begin(self, method: Callable[[*Ts], R], *arguments: *Ts) -> Flight[R] | None:
        """A call that is sent at once; None where it has to wait for something."""
        ...

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


class QuickEyes(Eyes, Protocol):
    """Eyes that begin to look at once."""

    def begin(self, picture: Picture, at_ms: int = 0) -> Flight[View]:
        """As `look`, which has begun when this returns; its result is awaited later."""
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
) -> AsyncGenerator[QuickEyes, None]:
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


async def _opened(lender: _Lender, plan: Plan, *, stream: str, keep: bool) -> QuickEyes:
    match plan.task:
        case "image_detect":
            return _objects(await lender.borrow(ObjectDetector), plan.look)
        case "image_classify":
            return _classes(await lender.borrow(ImageClassifier), plan.look)
        case "image_embed":
            return _vectors(await lender.borrow(ImageEmbedder))
        case "image_segment" if plan.look.effect == "mask":
            return _masks(await lender.borrow(ImageSegmenter))
        case "image_segment":
            return _changed(await lender.borrow(Effects), plan.look)
        case _:
            return _landmarks(await lender.borrow(Seer), plan, stream=stream, keep=keep)


class _Later(Generic[R]):
    """A call that could not be sent at once. Fulfils Flight."""

    def __init__(self, call: Coroutine[None, None, R]) -> None:
        self._task = asyncio.get_running_loop().create_task(call)

    async def result(self) -> R:
        return await self._task

    def cancel(self) -> None:
        self._task.cancel()


def _begun(lease: Lent[M], method: Callable[[*Ts], R], *arguments: *Ts) -> Flight[R]:
    begun = lease.begin(method, *arguments)
    return begun if begun is not None else _Later(lease.call(method, *arguments))


async def _nothing() -> Sight:
    return Sight()


class _Looking:
    """A borrowed model and how it is asked. Fulfils QuickEyes."""

    def __init__(
        self,
        lease: Lent[object],
        begin: Callable[[Picture, int], Flight[View]],
        finish: Callable[[], Awaitable[Sight]] = _nothing,
    ) -> None:
        self._lease = lease
        self._begin = begin
        self._finish: Callable[[], Awaitable[Sight]] = finish

    @property
    def device(self) -> str:
        return self._lease.device

    def begin(self, picture: Picture, at_ms: int = 0) -> Flight[View]:
        return self._begin(picture, at_ms)

    async def look(self, picture: Picture, at_ms: int = 0) -> View:
        flight = self._begin(picture, at_ms)
        try:
            return await flight.result()
        except asyncio.CancelledError:
            flight.cancel()
            raise

    async def finish(self) -> Sight:
        finish, self._finish = self._finish, _nothing
        return await finish()


def _landmarks(lease: Lent[Seer], plan: Plan, *, stream: str, keep: bool) -> _Looking:
    options = SeeOptions(
        stream=stream,
        kinds=plan.kinds,
        most=plan.look.most or 0,
        min_detection=plan.look.min_detection_confidence,
        min_tracking=plan.look.min_tracking_confidence,
        keep=keep,
    )

    def begin(picture: Picture, at_ms: int) -> Flight[View]:
        now = msgspec.structs.replace(options, at_ms=at_ms)
        return _begun(lease, lease.model.see, picture, now)

    async def finish() -> Sight:
        return await lease.call(lease.model.finish, SeeStream(stream=stream))

    return _Looking(lease, begin, finish if stream else _nothing)


def _objects(lease: Lent[ObjectDetector], look: Look) -> _Looking:
    score = _OBJECT_SCORE if look.min_score is None else look.min_score
    options = ClassifyOptions(top_k=look.most or look.top_k, min_score=score)
    return _Looking(lease, lambda one, _: _begun(lease, lease.model.detect, one, options))


def _classes(lease: Lent[ImageClassifier], look: Look) -> _Looking:
    options = ClassifyOptions(top_k=look.top_k, min_score=look.min_score or 0.0)
    return _Looking(lease, lambda one, _: _begun(lease, lease.model.classify, one, options))


def _vectors(lease: Lent[ImageEmbedder]) -> _Looking:
    options = EmbedOptions(unit=True)
    return _Looking(lease, lambda one, _: _begun(lease, lease.model.embed, one, options))


def _masks(lease: Lent[ImageSegmenter]) -> _Looking:
    return _Looking(lease, lambda one, _: _begun(lease, lease.model.segment, one))


def _changed(lease: Lent[Effects], look: Look) -> _Looking:
    options = EffectOptions(effect=look.effect, background=look.background)
    return _Looking(lease, lambda one, _: _begun(lease, lease.model.change, one, options))
