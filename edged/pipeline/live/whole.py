"""Captions utterance by utterance, by a model that hears whole ones.

It does not wait for the silence that ends an utterance: at the first pause it guesses that this is
the end and recognises what is there. When the silence lasts, the guess is the caption; when the
speaker goes on, it was a partial text. So the caption comes with the end of the silence, or a
recognition's time after the pause's beginning, whatever is later.
"""

import asyncio
import time
from contextlib import aclosing
from dataclasses import dataclass

from edged.media import AudioChunk
from edged.models.runtime import TranscribeOptions, Transcriber, Utterance
from edged.pipeline.live.ears import Ears, LiveUtterance
from edged.pipeline.live.models import Borrowed
from edged.pipeline.live.pace import Pace
from edged.pipeline.live.plan import LivePlan
from edged.pipeline.live.scribe import Scribe

PARTIAL_AFTER_MS = 1_500
"""Of speech without a pause, and again after as much more."""

PARTIAL_SHARE = 4
"""A partial text may take a quarter of the time, at most."""

QUICK_S = 0.2
"""So long may a partial text of a model take that does not give way: captions wait for it."""

SLOW = 0.5
"""Seconds for a second of speech from which on nothing is guessed: there is no time to lose."""


@dataclass(slots=True)
class _Guess:
    """A recognition of what may not be over yet."""

    start_ms: int
    end_ms: int
    paused: bool
    task: "asyncio.Task[list[Utterance]]"

    def covers(self, utterance: LiveUtterance) -> bool:
        """Whether it heard exactly this utterance."""
        return self.paused and (self.start_ms, self.end_ms) == (
            utterance.start_ms,
            utterance.end_ms,
        )


class WholeUtterances:
    """Takes utterances from the ears and has them recognised, one by one.

    Args:
        ears: give utterances. scribe: takes what was heard. pace: learns how long it takes.
        plan: as chosen. lease: for captions. spare: for partial texts; it gives way.
    """

    def __init__(
        self,
        ears: Ears,
        scribe: Scribe,
        pace: Pace,
        *,
        plan: LivePlan,
        lease: Borrowed[Transcriber],
        spare: Borrowed[Transcriber],
    ) -> None:
        self._ears = ears
        self._scribe = scribe
        self._pace = pace
        self._plan = plan
        self._lease = lease
        self._spare = spare
        self._guess: _Guess | None = None
        self._next_partial = 0.0

    async def recognise(self, utterance: LiveUtterance) -> list[Utterance]:
        """What is said in an utterance that ended.

        Raises:
            EdgedError: the model failed.
        """
        guess, self._guess = self._guess, None
        if guess is not None and guess.covers(utterance):
            return await guess.task
        if guess is not None:
            await _drop(guess.task)
        return await self._hear(self._lease, utterance.audio, utterance.duration_ms)

    async def look(self) -> None:
        """See whether the open utterance is worth a guess or a partial text; waits for neither."""
        opening = self._ears.opening
        if opening is None or (self._pace.known and self._pace.cost_s(1000) > SLOW):
            return
        guess = self._guess
        if opening.paused:
            if guess is None or (guess.start_ms, guess.end_ms) != (
                opening.start_ms,
                opening.end_ms,
            ):
                self._begin(opening.start_ms, opening.end_ms, paused=True)
        elif (guess is None or guess.task.done()) and self._partial_is_due(
            opening.end_ms - opening.start_ms
        ):
            self._begin(opening.start_ms, opening.end_ms, paused=False)

    async def stop(self) -> None:
        """Give up what is being guessed."""
        guess, self._guess = self._guess, None
        if guess is not None:
            await _drop(guess.task)

    def _partial_is_due(self, length_ms: int) -> bool:
        """Whether a partial text of so much speech is cheap, and none was told lately."""
        cost_s = self._pace.cost_s(length_ms)
        quick = cost_s <= QUICK_S or self._plan.yields
        due = time.monotonic() >= self._next_partial
        return self._pace.known and quick and due and length_ms >= PARTIAL_AFTER_MS

    def _begin(self, start_ms: int, end_ms: int, *, paused: bool) -> None:
        if self._guess is not None:
            self._guess.task.cancel()
        audio = self._ears.cut(self._ears.lead_ms(start_ms), end_ms)
        lease = self._lease if paused else self._spare
        task = asyncio.get_running_loop().create_task(
            self._tell_of(lease, audio, start_ms, end_ms), name="guess"
        )
        task.add_done_callback(_look_at)
        self._guess = _Guess(start_ms, end_ms, paused, task)

    async def _tell_of(
        self, lease: Borrowed[Transcriber], audio: AudioChunk, start_ms: int, end_ms: int
    ) -> list[Utterance]:
        began = time.monotonic()
        heard = await self._hear(lease, audio, end_ms - start_ms)
        took_s = time.monotonic() - began
        self._next_partial = time.monotonic() + max(PARTIAL_AFTER_MS / 1000, PARTIAL_SHARE * took_s)
        text = " ".join(one.text for one in heard if one.text)
        if text:
            self._scribe.partial(text, start_ms, end_ms)
        return heard

    async def _hear(
        self, lease: Borrowed[Transcriber], audio: AudioChunk, duration_ms: int
    ) -> list[Utterance]:
        began = time.monotonic()
        options = TranscribeOptions(language=self._scribe.language or None, words=self._plan.words)
        async with aclosing(lease.stream(lease.model.transcribe, audio, options)) as stream:
            heard = [utterance async for utterance in stream]
        took_s = time.monotonic() - began
        if lease is self._lease:
            self._pace.note(duration_ms, took_s)
        self._scribe.compute_ms += round(took_s * 1000)
        return heard


async def _drop(task: "asyncio.Task[list[Utterance]]") -> None:
    """Cancel a guess and wait until it is gone."""
    task.cancel()
    await asyncio.wait({task})


def _look_at(task: "asyncio.Task[list[Utterance]]") -> None:
    """A guess that failed is nobody's loss: its utterance is recognised again when it has ended."""
    if not task.cancelled():
        task.exception()
