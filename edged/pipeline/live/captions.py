"""Live captions of one recording: what is pushed is heard, recognised, committed and told.

Capture never waits for it: `push` returns at once, and where the machine is too slow the oldest is
let go (it stays `pending` until the work after the end has heard it). Nothing here ends a session:
when the models fail for good, captions end and `problem` says why.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Protocol

from edged.capture.source import CapturedPart
from edged.errors import DiskFull, EdgedError, NotFound, WorkerGone
from edged.events import Bus
from edged.messages.records import Problem, Span
from edged.messages.wire import Priority
from edged.models.runtime import (
    StreamingTranscriber,
    Transcriber,
    Utterance,
    VoiceActivity,
)
from edged.pipeline.live.ears import Ears, LiveUtterance
from edged.pipeline.live.models import Lends
from edged.pipeline.live.pace import Pace
from edged.pipeline.live.plan import LivePlan
from edged.pipeline.live.scribe import Corrector, Scribe, Tell
from edged.pipeline.live.streaming import AsItComes
from edged.pipeline.live.whole import WholeUtterances
from edged.store.database import Store

log = logging.getLogger(__name__)

BACKLOG_MS = 30_000
NOTE_MS = 10_000
"""Of silence, after which the store is told that there is nothing pending."""

FAILURES = 3
"""Utterances in a row that cannot be recognised; then captions end."""


class _Recogniser(Protocol):
    """WholeUtterances or AsItComes."""

    async def recognise(self, utterance: LiveUtterance) -> list[Utterance]:
        """What is said in an utterance that ended."""
        ...

    async def look(self) -> None:
        """See what can be told of the open utterance."""
        ...

    async def stop(self) -> None:
        """Give up the open utterance."""
        ...


class Live:
    """Captions of one recording. Loop thread only.

    Args:
        store, pool, bus: the daemon's.
        recording_id: whose transcript; None: nothing is kept.
        session_id: named in hints.
        plan: from `plan.choose_live`.
        lexicons: correct what was heard; None: none is active.
        priority: of the calls.
        backlog_ms: what may wait; beyond it live recognition skips ahead.
        tell: hears of partial texts and of committed segments; must not wait.
    """

    def __init__(  # noqa: PLR0913 the facts of one recording, all by keyword
        self,
        store: Store,
        pool: Lends,
        bus: Bus,
        *,
        recording_id: str | None,
        session_id: str | None,
        plan: LivePlan,
        lexicons: Corrector | None = None,
        priority: Priority = "session",
        backlog_ms: int = BACKLOG_MS,
        tell: Tell | None = None,
    ) -> None:
        self._pool = pool
        self._plan = plan
        self._priority: Priority = priority
        self._ears = Ears(plan.segmenter, backlog_ms=backlog_ms)
        self._pace = Pace()
        self._scribe = Scribe(
            store,
            bus,
            recording_id=recording_id,
            session_id=session_id,
            plan=plan,
            lexicons=lexicons,
            tell=tell,
        )
        self._work: asyncio.Task[None] | None = None
        self._busy_ms = 0
        self._noted_ms = 0
        self._failures = 0
        self._room = asyncio.Event()
        self.problem: Problem | None = None

    # --- for whoever captures ---

    def push(self, part: CapturedPart) -> None:
        """Add what was captured; never waits. `part.audio.start` is on the session's clock."""
        if self.problem is None:
            self._ears.push(part.audio)

    @property
    def backlog_ms(self) -> int:
        """Captured and not yet recognised; an utterance that goes on is not counted."""
        return self._ears.waiting_ms + self._busy_ms

    @property
    def eta_ms(self) -> int | None:
        """When the backlog will be done, if nothing is added; None while nobody knows."""
        return self._pace.eta_ms(self.backlog_ms)

    def eta_of(self, backlog_ms: int) -> int | None:
        """When a backlog will be done that waits elsewhere; None while nobody knows."""
        return self._pace.eta_ms(backlog_ms)

    @property
    def skipped(self) -> bool:
        """Live recognition has skipped something."""
        return self._ears.skipped_from_ms is not None

    @property
    def position_ms(self) -> int:
        """Up to where everything was listened to."""
        return self._ears.position_ms

    @property
    def segment_count(self) -> int:
        """How many segments there are."""
        return self._scribe.segment_count

    async def room(self, most_ms: int) -> None:
        """Wait until no more than this waits, or captions have ended: for those who need not hurry."""
        while self.backlog_ms > most_ms and self.problem is None:
            self._room.clear()
            await self._room.wait()

    # --- its life ---

    async def run(self) -> None:
        """Recognise until `finish`; a task of the caller's. Models that fail are a `problem`."""
        self._work = asyncio.get_running_loop().create_task(self._guarded(), name="captions")
        try:
            await asyncio.wait({self._work})
        finally:
            await _end(self._work)
            self._room.set()
        if not self._work.cancelled():
            self._work.result()

    async def finish(self, *, drain_s: float, complete: bool = False) -> None:
        """Take nothing more; recognise what waits for so long, then give the rest up.

        Args:
            drain_s: seconds.
            complete: no work after the end follows: the live transcript is the recording's.

        Raises:
            EdgedError: the transcript cannot be completed.
        """
        self._ears.close()
        if self._work is None:
            await asyncio.sleep(0)  # `run` may only just have been scheduled
        if self._work is not None:
            await asyncio.wait({self._work}, timeout=drain_s)
            await _end(self._work)
        if complete:
            await self._scribe.finish(self._ears.position_ms, self.problem)

    async def _guarded(self) -> None:
        try:
            await self._caption()
        except* EdgedError as group:
            error = _first(group)
            log.warning("live captions ended: %s", error.code)
            self.problem = Problem(code=error.code, message=error.message, fix=error.fix)
            self._ears.close()

    async def _caption(self) -> None:
        await self._scribe.begin()
        async with (
            self._pool.borrow(self._plan.vad, VoiceActivity, priority=self._priority) as vad,
            self._recogniser() as recogniser,
            asyncio.TaskGroup() as tasks,
        ):
            tasks.create_task(self._ears.listen(vad), name="ears")
            tasks.create_task(self._recognise(recogniser), name="recogniser")

    @asynccontextmanager
    async def _recogniser(self) -> AsyncGenerator[_Recogniser, None]:
        borrow, model, urgency = self._pool.borrow, self._plan.model, self._priority
        if self._plan.streaming:
            async with borrow(model, StreamingTranscriber, priority=urgency) as lease:
                yield AsItComes(self._ears, self._scribe, self._pace, lease=lease)
            return
        async with (
            borrow(model, Transcriber, priority=urgency) as lease,
            borrow(model, Transcriber, priority="batch") as spare,
        ):
            yield WholeUtterances(
                self._ears, self._scribe, self._pace, plan=self._plan, lease=lease, spare=spare
            )

    async def _recognise(self, recogniser: _Recogniser) -> None:
        try:
            while not self._ears.done:
                await self._catch_up(recogniser)
                await recogniser.look()
                await self._note_silence()
                await self._ears.changed()
            await self._catch_up(recogniser)
        finally:
            await recogniser.stop()

    async def _catch_up(self, recogniser: _Recogniser) -> None:
        """Recognise every utterance that has ended."""
        while (utterance := self._ears.take()) is not None:
            self._busy_ms = utterance.duration_ms
            try:
                await self._take(recogniser, utterance)
                self._failures = 0
            except NotFound:
                raise
            except EdgedError as error:
                self._put_off(utterance, error)
            finally:
                self._busy_ms = 0
                self._room.set()

    async def _take(self, recogniser: _Recogniser, utterance: LiveUtterance) -> None:
        """One utterance; a worker that dies of something else is no reason to lose it."""
        try:
            heard = await recogniser.recognise(utterance)
        except WorkerGone:
            heard = await recogniser.recognise(utterance)
        window = Span(start_ms=utterance.audio_ms, end_ms=utterance.end_ms)
        await self._scribe.add(heard, window, done_ms=self._ears.heard_up_to(utterance.end_ms))
        self._noted_ms = utterance.end_ms

    def _put_off(self, utterance: LiveUtterance, error: EdgedError) -> None:
        """Leave an utterance to the work after the end.

        Raises:
            EdgedError: the error, when this was one too many. A full disk ends nothing.
        """
        log.warning("an utterance is put off: %s", error.code)
        self._ears.skip(utterance)
        if isinstance(error, DiskFull):
            return
        self._failures += 1
        if self._failures >= FAILURES:
            raise error

    async def _note_silence(self) -> None:
        """Let the store know, now and then, that nothing was said."""
        position_ms = self._ears.position_ms
        quiet = self._ears.opening is None and not self.skipped
        if not quiet or position_ms - self._noted_ms < NOTE_MS:
            return
        self._noted_ms = position_ms
        with suppress(DiskFull):
            await self._scribe.note(position_ms)


async def _end(task: "asyncio.Task[None]") -> None:
    """Cancel a task and wait until it is over."""
    task.cancel()
    await asyncio.wait({task})


def _first(group: BaseExceptionGroup[EdgedError]) -> EdgedError:
    """The first error of a group, however deep."""
    inner = group.exceptions[0]
    return _first(inner) if isinstance(inner, BaseExceptionGroup) else inner
