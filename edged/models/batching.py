"""Requests that wait together run together, for models whose manifest states `max_batch`.

An idle model gets a request at once: nobody waits for mates that may never come. While a batch runs
those that come meanwhile gather; when they are half of all that ask, they are sent too, and wait at
the worker's door, so that it never stands still: two halves take turns. After a batch of several,
its callers are given up to `workers.batch_wait_us` to ask again, so that they run together once
more; that is the whole of the extra delay. Who is in a batch gets what it would get alone; joining and taking apart is done in
the worker (engines/joining.py).
"""

import asyncio
import time
from bisect import insort
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

from msgspec import Struct

from edged.errors import Busy, Conflict, EdgedError, Internal, WorkerGone, from_code
from edged.messages.wire import PRIORITIES, Priority
from edged.models.admission import BULKY
from edged.models.manifest import Manifest
from edged.models.pool import Pool
from edged.models.runtime import (
    Batch,
    BatchAnswer,
    BatchAnswers,
    BatchItem,
    BatchProblem,
    Inference,
    InferOptions,
    Tensors,
)
from edged.models.turns import urgency_of

MOST_WAITING = 1024
"""Requests of one model; more are refused with `busy`."""

_MOST_BYTES = 32 * 2**20
"""Of one batch's inputs."""

_RETRY_AFTER_MS = 100

_AT_ONCE = 2
"""Batches of one urgency that are sent: one runs, one waits at the worker."""

_LEAST_HALF = 4
"""Rows; smaller batches are not worth halving a crowd for."""


class Inferred(Struct, frozen=True):
    """What one caller gets. together: how many requests shared the run. device: that ran it."""

    tensors: Tensors
    together: int
    device: str


class Asked(Struct, eq=False):
    """One caller's request in the line.

    key: of those that may run with it. rows: how many it brings.
    """

    inputs: Tensors
    options: InferOptions
    urgency: int
    key: object
    rows: int
    size: int
    answer: asyncio.Future[Inferred]

    def __lt__(self, other: "Asked") -> bool:
        return self.urgency < other.urgency  # equals stay in the order in which they came


Run = Callable[[Sequence[Asked]], Awaitable[Sequence[Inferred | EdgedError]]]
"""Runs several requests; an outcome for each, in their order."""


Start = Callable[[Coroutine[Any, Any, None]], "asyncio.Task[None]"]
"""Starts a task where it belongs."""


class Batcher:
    """The line of one model's requests. Loop thread only.

    Args:
        run: runs a batch.
        start: where a batch's task belongs.
        most: rows of a batch; a single request may have more.
        pads: whether lengths may differ within a batch.
        wait_s: the longest extra delay.
    """

    def __init__(self, run: Run, start: Start, *, most: int, pads: bool, wait_s: float) -> None:
        self._run = run
        self._start = start
        self._most = most
        self._pads = pads
        self._wait_s = wait_s
        self._waiting: list[Asked] = []
        self._running: list[list[Asked]] = []
        self._crowd = 0
        self._expected = 1
        self._hold_until = 0.0
        self._timer: asyncio.TimerHandle | None = None

    async def ask(self, inputs: Tensors, options: InferOptions, urgency: int) -> Inferred:
        """One caller's outputs. Cancelling takes only this caller out.

        Raises:
            Busy: too many wait.
            EdgedError: why this caller gets nothing.
        """
        if len(self._waiting) >= MOST_WAITING:
            raise Busy("too many requests wait for this model", retry_after_ms=_RETRY_AFTER_MS)
        one = Asked(
            inputs=inputs,
            options=options,
            urgency=urgency,
            key=_key(inputs, options, pads=self._pads),
            rows=_rows(inputs),
            size=sum(map(len, inputs.parts)),
            answer=asyncio.get_running_loop().create_future(),
        )
        insort(self._waiting, one)
        self._consider()
        try:
            return await one.answer
        finally:
            if one in self._waiting:
                self._waiting.remove(one)

    def _consider(self) -> None:
        """Start what may start now: see the module's first words."""
        while self._waiting:
            group = self._group()
            if not self._may_start(group):
                return
            if self._mates_will_come(group):
                self._look_at(self._hold_until)
                return
            self._launch(group)

    def _may_start(self, group: Sequence[Asked]) -> bool:
        if not self._running:
            return True
        most_urgent = min(one[0].urgency for one in self._running)
        if group[0].urgency != most_urgent:
            return group[0].urgency < most_urgent
        return len(self._running) < _AT_ONCE and _rows_of(group) >= max(_LEAST_HALF, self._half)

    def _mates_will_come(self, group: Sequence[Asked]) -> bool:
        few = _rows_of(group) < min(self._expected, self._most)
        return few and not self._running and time.monotonic() < self._hold_until

    def _launch(self, group: list[Asked]) -> None:
        outstanding = _rows_of(self._waiting) + sum(map(_rows_of, self._running))
        self._crowd = max(outstanding, self._crowd - 1)
        for one in group:
            self._waiting.remove(one)
        try:
            task = self._start(self._answer(group))
        except Conflict as error:
            for one in group:
                one.answer.set_exception(_copy(error))
            return
        self._running.append(group)
        task.add_done_callback(lambda _: self._ended(group))
        for one in group:
            one.answer.add_done_callback(lambda _: _stop_if_left(group, task))

    @property
    def _half(self) -> int:
        """Rows of a batch, so that another one of the same size can gather while it runs."""
        crowd = max(self._crowd, _rows_of(self._waiting))
        return min(self._most, crowd // 2 if crowd >= 2 * _LEAST_HALF else self._most)

    def _look_at(self, when: float) -> None:
        if self._timer is not None:
            return
        delay_s = max(0.0, when - time.monotonic())
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._look)

    def _look(self) -> None:
        self._timer = None
        self._hold_until = 0.0
        self._consider()

    def _group(self) -> list[Asked]:
        """The most urgent request, and those behind it that may run with it."""
        first, most = self._waiting[0], self._half
        group, rows, size = [first], first.rows, first.size
        for one in self._waiting[1:]:
            if one.key != first.key or one.urgency != first.urgency:
                continue
            if rows + one.rows > most or size + one.size > _MOST_BYTES:
                break
            group.append(one)
            rows, size = rows + one.rows, size + one.size
        return group

    async def _answer(self, group: list[Asked]) -> None:
        """Run a batch; when its worker dies of it, each request alone."""
        found = await self._outcomes(group)
        if len(group) > 1 and any(isinstance(one, WorkerGone) for one in found):
            found = [(await self._outcomes([one]))[0] for one in group]
        for one, outcome in zip(group, found, strict=True):
            if one.answer.done():
                continue
            if isinstance(outcome, EdgedError):
                one.answer.set_exception(outcome)
            else:
                one.answer.set_result(outcome)

    async def _outcomes(self, group: list[Asked]) -> Sequence[Inferred | EdgedError]:
        try:
            return await self._run(group)
        except EdgedError as error:
            return [_copy(error) for _ in group]

    def _ended(self, group: list[Asked]) -> None:
        for one in group:
            if not one.answer.done():
                one.answer.set_exception(Conflict("the daemon is stopping"))
        self._running = [one for one in self._running if one is not group]
        self._expected = _rows_of(group) if len(group) > 1 else 1
        self._hold_until = time.monotonic() + self._wait_s
        self._consider()


def _rows_of(group: Sequence[Asked]) -> int:
    return sum(one.rows for one in group)


class Batching:
    """All lines of requests for graphs, over all clients of the daemon. Loop thread only.

    Args:
        pool: lends the models.
        wait_us: the longest extra delay; see `workers.batch_wait_us`.
    """

    def __init__(self, pool: Pool, wait_us: int) -> None:
        self._pool = pool
        self._wait_s = wait_us / 1_000_000
        self._batchers: dict[str, tuple[Manifest, Batcher]] = {}
        self._tasks: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Hold the tasks of the batches, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            try:
                await asyncio.Event().wait()
            finally:
                self._tasks = None

    async def infer(
        self,
        model: str,
        inputs: Tensors,
        options: InferOptions,
        *,
        priority: Priority = "interactive",
        keep_alive_ms: int | None = None,
    ) -> Inferred:
        """One caller's outputs, run with others' where the model's manifest allows it.

        Raises:
            EdgedError: as Pool.borrow and Inference.infer.
        """
        async with self._pool.borrow(
            model, Inference, priority=priority, keep_alive_ms=keep_alive_ms
        ) as lease:
            manifest = self._pool.manifest(model)
            if manifest.max_batch > 1 and sum(map(len, inputs.parts)) <= BULKY:
                batcher = self._batcher(manifest)
                return await batcher.ask(inputs, options, urgency_of(priority))
            tensors = await lease.call(lease.model.infer, inputs, options)
            return Inferred(tensors, 1, lease.device)

    def _batcher(self, manifest: Manifest) -> Batcher:
        known = self._batchers.get(manifest.id)
        if known is not None and known[0] is manifest:
            return known[1]
        batcher = Batcher(
            lambda group: self._run(manifest, group),
            self._start,
            most=manifest.max_batch,
            pads=manifest.pads,
            wait_s=self._wait_s,
        )
        self._batchers[manifest.id] = (manifest, batcher)
        return batcher

    def _start(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        if self._tasks is None:
            work.close()
            raise Conflict("the daemon is starting or stopping")
        return self._tasks.create_task(work, name="batch")

    async def _run(
        self, manifest: Manifest, group: Sequence[Asked]
    ) -> Sequence[Inferred | EdgedError]:
        priority = PRIORITIES[group[0].urgency]
        async with self._pool.borrow(manifest.id, Inference, priority=priority) as lease:
            if len(group) == 1:
                inputs, options = group[0].inputs, group[0].options
                tensors = await lease.call(lease.model.infer, inputs, options)
                return [Inferred(tensors, 1, lease.device)]
            batch = batch_of([(one.inputs, one.options) for one in group], pads=manifest.pads)
            answers = await lease.call(lease.model.infer_batch, batch)
            return outcomes_of(answers, len(group), lease.device)


def batch_of(group: Sequence[tuple[Tensors, InferOptions]], *, pads: bool) -> Batch:
    """Several requests as the worker takes them; copies no bytes."""
    items = tuple(
        BatchItem(tensors=inputs.tensors, options=options, parts=len(inputs.parts))
        for inputs, options in group
    )
    parts = tuple(part for inputs, _ in group for part in inputs.parts)
    return Batch(items=items, pads=pads, parts=parts)


def outcomes_of(answers: BatchAnswers, expected: int, device: str) -> list[Inferred | EdgedError]:
    """Each caller's outcome.

    Raises:
        Internal: the worker's answers are not one for each caller.
    """
    counts = [one.parts for one in answers.answers]
    if len(counts) != expected or min(counts) < 0 or sum(counts) != len(answers.parts):
        raise Internal("a worker answered a batch with something else")
    found: list[Inferred | EdgedError] = []
    at = 0
    for one in answers.answers:
        found.append(_outcome(one, answers.parts[at : at + one.parts], device))
        at += one.parts
    return found


def _outcome(
    answer: BatchAnswer, parts: tuple[bytes | memoryview, ...], device: str
) -> Inferred | EdgedError:
    if answer.problem is not None:
        return _error(answer.problem)
    tensors = Tensors(tensors=answer.tensors, parts=parts, computed_us=answer.computed_us)
    return Inferred(tensors, answer.together, device)


def _error(problem: BatchProblem) -> EdgedError:
    return from_code(problem.code, problem.message, fix=problem.fix)


def _copy(error: EdgedError) -> EdgedError:
    """An error for one of several callers: a raised exception is changed by whoever raises it."""
    return from_code(error.code, error.message, fix=error.fix, details=error.details)


def _stop_if_left(group: Sequence[Asked], task: "asyncio.Task[None]") -> None:
    """End a batch that nobody waits for any more."""
    if all(one.answer.cancelled() for one in group):
        task.cancel()


def _rows(inputs: Tensors) -> int:
    first = inputs.tensors[0].shape if inputs.tensors else ()
    return max(1, first[0]) if first else 1


def _key(inputs: Tensors, options: InferOptions, *, pads: bool) -> object:
    """Equal for requests that may run together: names, types and inner shapes.

    With padding, lengths are of one key up to the next power of two, so that at most half of what
    a batch computes is padding.
    """
    tensors = sorted((one.name, one.dtype, _inner(one.shape, pads=pads)) for one in inputs.tensors)
    return tuple(tensors), options.real


def _inner(shape: tuple[int, ...], *, pads: bool) -> tuple[int, ...]:
    lengths = [max(0, n - 1).bit_length() if pads else n for n in shape[1:]]
    return (len(shape), *lengths)
