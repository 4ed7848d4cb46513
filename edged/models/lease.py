"""A borrowed model: typed calls to a worker, in turn, made again where that is right."""

import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from functools import partial
from typing import Any, Generic, TypeVar, TypeVarTuple

import msgspec
from msgspec import Struct

from edged.errors import Internal, WorkerGone
from edged.messages.wire import Priority
from edged.models.admission import BULKY, input_bytes
from edged.models.manifest import Manifest
from edged.models.slot import Slot
from edged.models.turns import Turn, urgency_of
from edged.workers import codec
from edged.workers.process import Answer, Call, CallYielded, Worker

M = TypeVar("M")
R = TypeVar("R")
Ts = TypeVarTuple("Ts")

YIELDS_AT_MOST = 3
"""Then a batch call runs through: it must come to its end beside any number of short ones."""


class Begun(Generic[R]):
    """A call that is under way. Once awaited by `result`, or given up by `cancel`."""

    def __init__(
        self, worker: Worker, call: Call, kind: type[R], again: Callable[[], Awaitable[R]]
    ) -> None:
        self._worker = worker
        self._call = call
        self._kind = kind
        self._again = again

    async def result(self) -> R:
        """What the model answers; made again if its worker died before it began.

        Raises:
            Deadline, WorkerGone, EdgedError: as for `Lease.call`.
        """
        try:
            answer = await self._worker.answer_of(self._call)
        except WorkerGone as error:
            if error.details.get("started", True):
                raise
            return await self._again()
        return answer.to(self._kind)

    def cancel(self) -> None:
        """Nobody waits for it any more."""
        self._worker.give_up(self._call)


class Lease(Generic[M]):
    """A borrowed model. Loop thread only; ends with the `borrow` that gave it.

    model: a typed stand-in whose methods name what to call: lease.call(lease.model.detect, ...).
    """

    def __init__(
        self, slot: Slot, manifest: Manifest, protocol: Callable[..., M], priority: Priority
    ) -> None:
        self.model: M = _stand_in(protocol)
        self._slot = slot
        self._manifest = manifest
        self._priority = priority
        self._deadline_s = slot.call_deadline_s

    @property
    def device(self) -> str:
        """What really runs the model, as far as its engine tells."""
        return self._slot.device(self._manifest.id)

    async def call(self, method: Callable[[*Ts], R], *arguments: *Ts) -> R:
        """What the model answers. Cancelling frees the caller at once.

        Raises:
            Deadline: the worker hung and was killed. WorkerGone: it died in this call.
            Busy: there is no memory for a request so large.
            EdgedError: what `Slot.ready` raises, and what the method itself raises.
        """
        kind: type[R] = codec.result_type(method)
        bulk = input_bytes(arguments)
        if bulk <= BULKY and not self._manifest.yields:
            return (await self._through(method, arguments, 0)).to(kind)
        if bulk <= BULKY:
            return (await self._one(method, arguments, 0)).to(kind)
        async with self._admitted(bulk):
            return (await self._one(method, arguments, bulk)).to(kind)

    def begin(self, method: Callable[[*Ts], R], *arguments: *Ts) -> Begun[R] | None:
        """A call that is sent at once, so that its caller need not wait here; None where it has to.

        It has to wait for its turn, for the model to be loaded, or for the memory that it needs: then
        `call` does that.

        Raises:
            EdgedError: as for `call`.
        """
        if self._manifest.yields or input_bytes(arguments) > BULKY:
            return None
        worker = self._slot.at_hand(self._manifest.id)
        turn = self._turn(0)
        if worker is None or not self._slot.line.enter_now(turn):
            return None
        call = self._sent(worker, method, arguments, turn)
        again = partial(self.call, method, *arguments)
        return Begun(worker, call, codec.result_type(method), again)

    def _sent(
        self,
        worker: Worker,
        method: Callable[..., object],
        arguments: tuple[object, ...],
        turn: Turn,
    ) -> Call:
        """A call on its way, which leaves the line by itself."""
        sent = time.monotonic()

        def done() -> None:
            self._slot.line.leave(turn)
            if not call.failed:
                self._served(turn, worker, sent, None)

        try:
            call = worker.begin(
                method.__name__,
                *(_with_yieldable(one, yieldable=False) for one in arguments),
                deadline_s=self._deadline_s,
                target=self._manifest.id,
                priority=turn.urgency,
                on_done=done,
            )
        except BaseException:
            self._slot.line.leave(turn)
            raise
        return call

    @asynccontextmanager
    async def _admitted(self, bulk: int) -> AsyncGenerator[None, None]:
        """Hold the memory that a large request is going to take; how much, the worker tells."""
        await self._slot.ready(self._manifest.id)
        async with self._slot.admit(self._manifest, bulk):
            yield

    async def _one(
        self, method: Callable[..., object], arguments: tuple[object, ...], bulk: int
    ) -> Answer:
        if not self._may_yield(YIELDS_AT_MOST):
            return await self._through(method, arguments, bulk)
        answers = self._answers(method, arguments, bulk, stream=False)
        found = [answer async for answer in answers]
        return found[0]

    async def _through(
        self, method: Callable[..., object], arguments: tuple[object, ...], bulk: int
    ) -> Answer:
        """One answer of a call that does not give way: `_answers` without its generators.

        Measured: 2026-11, 2 vCPU: they cost 20 us, a fifth of all that a call costs beside the model.
        """
        turn = self._turn(bulk)
        try:
            return await self._once(method, arguments, turn)
        except WorkerGone as error:
            if error.details.get("started", True):
                raise
            return await self._once(method, arguments, turn)
        except CallYielded as error:
            raise Internal(f"{self._manifest.id} gave up a call that it may not") from error

    def _turn(self, bulk: int) -> Turn:
        """A place in the line; short calls of different callers pair too.

        So the worker has the next one at hand. Measured: 2026-11, 2 vCPU, 8 clients, 600 kB: it
        answers 201 instead of 176 a second.
        """
        owner = self if self._manifest.yields or bulk else self._slot
        return Turn(urgency_of(self._priority), owner, self._manifest.id, paired=True, bulk=bulk)

    async def _once(
        self, method: Callable[..., object], arguments: tuple[object, ...], turn: Turn
    ) -> Answer:
        line = self._slot.line
        await line.enter(turn)
        try:
            worker = await self._slot.ready(self._manifest.id)
            sent = time.monotonic()
            memory = self._slot.meter.watch(worker.pid) if turn.bulk else None
            answer = await worker.call(
                method.__name__,
                *(_with_yieldable(one, yieldable=False) for one in arguments),
                deadline_s=self._deadline_s,
                target=self._manifest.id,
                priority=turn.urgency,
            )
        finally:
            line.leave(turn)
        self._served(turn, worker, sent, memory)
        return answer

    def _served(
        self, turn: Turn, worker: Worker, sent: float, memory: tuple[int, int] | None
    ) -> None:
        self._slot.served(turn.model, turn.asked, sent)
        if memory is not None:
            self._slot.meter.learn(worker.pid, turn.model, turn.bulk, memory)

    async def stream(
        self, method: Callable[[*Ts], Iterator[R]], *arguments: *Ts
    ) -> AsyncGenerator[R, None]:
        """What the model yields, as it comes; errors as for `call`.

        A call that may be interrupted yields nothing before it is complete, since it could start
        over. Closing the generator cancels the call.
        """
        kind: type[R] = codec.result_type(method)
        bulk = input_bytes(arguments)
        async with AsyncExitStack() as stack:
            if bulk > BULKY:
                await stack.enter_async_context(self._admitted(bulk))
            answers = self._answers(method, arguments, bulk if bulk > BULKY else 0, stream=True)
            await stack.enter_async_context(aclosing(answers))
            async for answer in answers:
                yield answer.to(kind)

    async def _answers(
        self,
        method: Callable[..., object],
        arguments: tuple[object, ...],
        bulk: int,
        *,
        stream: bool,
    ) -> AsyncGenerator[Answer, None]:
        """One call, made again when it gave way or when its worker died before it began."""
        yields_left = YIELDS_AT_MOST
        restarts_left = 1
        turn = self._turn(bulk)
        while True:
            yieldable = self._may_yield(yields_left)
            turn.paired = not yieldable
            attempt = self._attempt(method, arguments, turn, yieldable=yieldable, stream=stream)
            try:
                async with aclosing(attempt):
                    async for answer in attempt:
                        yield answer
            except CallYielded as error:
                if not yieldable:
                    raise Internal(f"{self._manifest.id} gave up a call that it may not") from error
                yields_left -= 1
            except WorkerGone as error:
                if error.details.get("started", True) or not restarts_left:
                    raise
                restarts_left -= 1
            else:
                return

    def _may_yield(self, yields_left: int) -> bool:
        return self._manifest.yields and self._priority == "batch" and yields_left > 0

    async def _attempt(
        self,
        method: Callable[..., object],
        arguments: tuple[object, ...],
        turn: Turn,
        *,
        yieldable: bool,
        stream: bool,
    ) -> AsyncGenerator[Answer, None]:
        """One try of a call: waits for its turn, and leaves the line when the worker is done."""
        line = self._slot.line
        await line.enter(turn)
        try:
            worker = await self._slot.ready(self._manifest.id)
            sent = time.monotonic()
            memory = self._slot.meter.watch(worker.pid) if turn.bulk else None
            answers = self._send(
                worker, method, arguments, turn, yieldable=yieldable, stream=stream
            )
            if yieldable:
                held_back = [answer async for answer in answers]
                self._served(turn, worker, sent, memory)
                line.leave(turn)
                for answer in held_back:
                    yield answer
                return
            async with aclosing(answers):
                async for answer in answers:
                    yield answer
            self._served(turn, worker, sent, memory)
        finally:
            line.leave(turn)

    async def _send(
        self,
        worker: Worker,
        method: Callable[..., object],
        arguments: tuple[object, ...],
        turn: Turn,
        *,
        yieldable: bool,
        stream: bool,
    ) -> AsyncGenerator[Answer, None]:
        structs = [_with_yieldable(one, yieldable=yieldable) for one in arguments]
        facts: dict[str, Any] = {
            "deadline_s": self._deadline_s,
            "target": self._manifest.id,
            "priority": turn.urgency,
        }
        if not stream:
            yield await worker.call(method.__name__, *structs, **facts)
            return
        answers = worker.stream(
            method.__name__, *structs, **facts, on_done=lambda: self._slot.line.leave(turn)
        )
        async with aclosing(answers):
            async for answer in answers:
                yield answer


class _Methods:
    """Gives a Protocol's functions by name, without `self`."""

    def __init__(self, protocol: Callable[..., object]) -> None:
        self._protocol = protocol

    def __getattr__(self, name: str) -> object:
        return getattr(self._protocol, name)


def _stand_in(protocol: Callable[..., M]) -> Any:  # noqa: ANN401 - it is never called, only named
    return _Methods(protocol)


def _with_yieldable(argument: object, *, yieldable: bool) -> Struct | None:
    """The argument, told whether the call may be interrupted; only the pool knows that."""
    if not isinstance(argument, Struct):
        return None
    if not hasattr(argument, "yieldable"):
        return argument
    return msgspec.structs.replace(argument, yieldable=yieldable)
