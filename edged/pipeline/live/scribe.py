"""The second half of live captions' end: what was heard is committed, then told."""

from collections.abc import Callable
from typing import Protocol

import msgspec

from edged.events import Bus
from edged.messages.events import SegmentPartial
from edged.messages.records import LanguageSource, Problem, Segment
from edged.messages.sessions import PartialText
from edged.models.runtime import Utterance
from edged.pipeline.live.plan import LivePlan
from edged.speech.words import Window, to_segments
from edged.store import Connection, figures, segments, transcripts
from edged.store.database import Store

Tell = Callable[[PartialText | Segment], None]
"""Hears of every partial text, and of every segment once it is committed; must not wait."""


class Corrector(Protocol):
    """Fulfilled by edged.speech.lexicon.Active."""

    def correct(self, text: str) -> str:
        """The text with the active lexicons' corrections."""
        ...


class Scribe:
    """Writes one recording's live transcript. Loop thread only.

    Args:
        store, bus: where segments are kept, and partial texts are told.
        recording_id: of whom; None: nothing is kept, only `tell` hears of it.
        session_id: named in hints.
        plan: names the transcript. lexicons: correct the text; None: none is active.
        tell: hears of everything.
    """

    def __init__(  # noqa: PLR0913 the facts of one transcript, all by keyword
        self,
        store: Store,
        bus: Bus,
        *,
        recording_id: str | None,
        session_id: str | None,
        plan: LivePlan,
        lexicons: Corrector | None,
        tell: Tell | None,
    ) -> None:
        self._store = store
        self._bus = bus
        self._recording_id = recording_id
        self._session_id = session_id
        self._plan = plan
        self._lexicons = lexicons
        self._tell = tell
        self._transcript = 0
        self._language = plan.language or ""
        self._source: LanguageSource = "asked" if plan.language else "assumed"
        self.segment_count = 0
        self.compute_ms = 0

    @property
    def language(self) -> str:
        """Asked for, or as the first utterance was found to be; empty while nobody knows."""
        return self._language

    async def begin(self) -> None:
        """Start the live transcript, or take it up where it stopped.

        Raises:
            NotFound: the recording is gone.
        """
        recording_id = self._recording_id
        if recording_id is None:
            return
        begun = await self._store.write(
            lambda db: transcripts.begin(
                db,
                recording_id,
                self._plan.fingerprint,
                model=self._plan.model,
                language=self._plan.language,
            )
        )
        self._transcript = begun.transcript_id
        self.segment_count = begun.segment_count
        self.compute_ms = begun.compute_ms

    async def add(self, heard: list[Utterance], window: Window, *, done_ms: int) -> None:
        """Commit what was heard in a window, then tell.

        Raises:
            NotFound: the transcript was replaced, or the recording is gone.
            DiskFull: it is not kept.
        """
        self._learn(heard)
        found = to_segments(heard, window, first_seq=self.segment_count)
        corrected = [self._correct(segment) for segment in found]
        if self._recording_id is not None:
            await self._commit(corrected, done_ms)
        self.segment_count += len(corrected)
        for segment in corrected:
            self._say(segment)

    async def note(self, done_ms: int) -> None:
        """Nothing was said up to here."""
        if self._recording_id is not None:
            await self._commit([], done_ms)

    async def finish(self, audio_ms: int, problem: Problem | None) -> None:
        """The live transcript is all there will be: its session ends with it, failed with a problem."""
        if self._recording_id is None:
            return
        if not self._transcript:
            await self.begin()  # ended before it began
        if problem is not None:
            await self._store.write(lambda db: transcripts.fail(db, self._transcript, problem))
            return

        def end(db: Connection) -> None:
            done = transcripts.finish(
                db, self._transcript, audio_ms=audio_ms, compute_ms=self.compute_ms
            )
            figures.recount_recording(db, done.recording_id)

        await self._store.write(end)

    def partial(self, text: str, start_ms: int, end_ms: int) -> None:
        """Tell what is heard so far; it may be lost."""
        text = self._lexicons.correct(text) if self._lexicons else text
        self._say(PartialText(text=text, start_ms=start_ms, end_ms=end_ms))
        if self._recording_id is not None:
            self._bus.hint(
                SegmentPartial(
                    recording_id=self._recording_id,
                    session_id=self._session_id,
                    text=text,
                    start_ms=start_ms,
                    end_ms=end_ms,
                )
            )

    def _say(self, news: PartialText | Segment) -> None:
        if self._tell is not None:
            self._tell(news)

    def _learn(self, heard: list[Utterance]) -> None:
        """Keep the first detected language: a later utterance must not change its mind."""
        for utterance in heard:
            if utterance.language and not self._language:
                self._language = utterance.language
                self._source = "detected" if utterance.language_detected else "assumed"

    def _correct(self, segment: Segment) -> Segment:
        if self._lexicons is None:
            return segment
        text = self._lexicons.correct(segment.text)
        if text == segment.text:
            return segment
        return msgspec.structs.replace(segment, text=text, raw=segment.text)

    async def _commit(self, found: list[Segment], done_ms: int) -> None:
        await self._store.write(
            lambda db: segments.add(
                db,
                self._transcript,
                found,
                done_ms=done_ms,
                compute_ms=self.compute_ms,
                language=self._language or None,
                language_source=self._source,
            )
        )
