"""The stages in their order, each committed before the next: a kill costs a window, not the work.

Telling speakers apart and recognising go on at the same time: on two cores that takes as long as the
longer of the two.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextlib import aclosing
from typing import Protocol, TypeVar

import msgspec
from msgspec import Struct

from edged.errors import Cancelled, EdgedError, NotFound
from edged.messages.records import Problem, Segment, Span
from edged.messages.replies import Accepted, AnyReply, Progress, Transcribed, Transcript
from edged.models.pool import Pool
from edged.pipeline.afterwards import diarizing, feeling, joining, results
from edged.pipeline.afterwards.progress import Stages
from edged.pipeline.afterwards.results import Diarized, Felt, Found, Joined, Saved
from edged.pipeline.afterwards.wish import Errand, Track, Wish, choose, problem_of
from edged.pipeline.decoders import Decoders
from edged.pipeline.joined import Joined as Chunks
from edged.pipeline.plan import Plan
from edged.pipeline.sources import Source
from edged.pipeline.transcription import Pipeline, Run, RunFacts
from edged.speech import turns
from edged.store import (
    jobs,
    ledger,
    outcomes,
    saving,
    segments,
    sessions,
    stages,
    transcripts,
    voices,
)
from edged.store.database import Store
from edged.store.engine import Connection
from edged.store.saving import Heard, Lexicons
from edged.store.transcripts import Begun

log = logging.getLogger(__name__)

S = TypeVar("S", bound=Struct)

TELL_S = 0.5
"""How often progress is told while nothing else is."""

PAGE = 500


class Named(Protocol):
    """Fulfilled by edged.pipeline.lexicons.Lexicons."""

    async def usable(self, names: Sequence[str] | None) -> tuple[Lexicons, tuple[Problem, ...]]:
        """The lexicons of these names that can be used, as one, and what is wrong with others."""
        ...


class Afterwards:
    """Does the work after the end. Loop thread only; one run at a time for each session.

    Args:
        store: holds what is found.
        pool: lends the models.
        decoders: bring any media to 16 kHz mono.
        pipeline: takes files in.
        lexicons: looks lexicons up.
        voice_days: so long a speaker's voice is kept, where a model gives one.
    """

    def __init__(
        self,
        store: Store,
        pool: Pool,
        decoders: Decoders,
        pipeline: Pipeline,
        lexicons: Named,
        *,
        voice_days: float = 7.0,
    ) -> None:
        self._store = store
        self._pool = pool
        self._decoders = decoders
        self._pipeline = pipeline
        self._lexicons = lexicons
        self._voice_days = voice_days
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def choose(
        self,
        plan: Plan,
        *,
        lexicons: tuple[str, ...] = (),
        diarize: bool = True,
        speakers: int = 0,
        again: str = "",
    ) -> tuple[Wish, tuple[Problem, ...]]:
        """How it can be done here; see wish.choose."""
        return choose(
            self._pool,
            plan,
            lexicons=lexicons,
            diarize=diarize,
            speakers=speakers,
            again=again,
        )

    async def process(
        self,
        tracks: Sequence[Track],
        wish: Wish,
        errand: Errand,
        *,
        skipped: tuple[Problem, ...] = (),
    ) -> AsyncGenerator[AnyReply, None]:
        """Replies of one session's work: progress, segments as they are recognised.

        Once all is saved the final segments come, from number 0 again, and `transcribed` of each
        recording. What an earlier run of the same wish committed is not done again.

        Args:
            tracks: the session's recordings, in the order of its sources.
            wish: how it is to be done.
            errand: for whom.
            skipped: stages that have no model.

        Raises:
            EdgedError: the leaf that ended it; what is committed stays.
        """
        session_id = errand.session_id
        lock = self._locks[session_id]
        if lock.locked():
            yield Progress(stage="wait", fraction=0.0)
        try:
            async with lock:
                work = _Work(self._store, self._pool, self._decoders, tracks, wish, errand)
                lexicons, missing = await self._lexicons.usable(wish.lexicons)
                replies = work.replies(lexicons, skipped + missing, self._voice_days)
                async with aclosing(replies):
                    async for reply in replies:
                        yield reply
        finally:
            if not lock.locked():
                self._locks.pop(session_id, None)

    async def transcribe(
        self,
        source: Source,
        wish: Wish,
        *,
        errand: Errand,
        keep_audio: bool | None = None,
        skipped: tuple[Problem, ...] = (),
    ) -> AsyncGenerator[AnyReply, None]:
        """Replies from `accepted` to `transcribed` for a file, or a client's bytes.

        What was done before in the same way is given as it is stored.

        Args:
            source: what was opened.
            wish: how it is to be done.
            errand: how urgent it is; its session is found here.
            keep_audio: see Pipeline.take_in.
            skipped: stages that have no model.

        Raises:
            EdgedError: the leaf that ended it; what is committed stays.
        """
        recording = await self._pipeline.take_in(source, keep_audio=keep_audio)
        recording_id, plan = recording.recording_id, wish.plan
        begun = await self._store.write(lambda db: begin(db, recording_id, wish))
        yield Accepted(recording_id=recording_id, model=plan.model, reused=begun.completed)
        if begun.completed:
            replies = Run(self._store, self._pool, self._decoders, plan, begun).replay()
        else:
            errand = msgspec.structs.replace(errand, session_id=recording.session_id)
            tracks = (Track(recording_id, source),)
            replies = self.process(tracks, wish, errand, skipped=skipped)
        async with aclosing(replies):
            async for reply in replies:
                yield reply


class _Work:
    """One run over one session."""

    def __init__(
        self,
        store: Store,
        pool: Pool,
        decoders: Decoders,
        tracks: Sequence[Track],
        wish: Wish,
        errand: Errand,
    ) -> None:
        self._store = store
        self._pool = pool
        self._decoders = decoders
        self._tracks = tracks
        self._wish = wish
        self._errand = errand
        self._stages = Stages(feels=bool(wish.feelings))
        self._session_id = errand.session_id
        self._facts: dict[str, RunFacts] = {}

    async def replies(
        self, lexicons: Lexicons, skipped: tuple[Problem, ...], voice_days: float
    ) -> AsyncGenerator[AnyReply, None]:
        """See Afterwards.process."""
        try:
            await self._store.write(self._begin)
            yield self._stages.progress
            if await self._kept(results.SAVE, "", Saved) is None:
                found = self._find()
                async with aclosing(found):
                    async for reply in found:
                        yield reply
                await self._save(lexicons, skipped, voice_days)
            self._stages.enter("samples")
            yield self._stages.progress
            await self._store.write(self._finish)
        except EdgedError as error:
            await self._fail(error)
            raise
        except (asyncio.CancelledError, GeneratorExit):
            await asyncio.shield(self._fail(Cancelled("stopped before its end")))
            raise
        async for reply in self._final():
            yield reply

    # --- what is known before it is saved ---

    async def _find(self) -> AsyncGenerator[AnyReply, None]:
        """All stages up to `save`."""
        async with aclosing(self._watch(self._join_all())) as told:
            async for reply in told:
                yield reply
        self._stages.enter("diarize")
        diarizing_all = asyncio.get_running_loop().create_task(self._diarize_all(), name="diarize")
        try:
            async with aclosing(self._recognise_all()) as heard:
                async for reply in heard:
                    yield self._stages.progress if isinstance(reply, Progress) else reply
                    if diarizing_all.done():
                        diarizing_all.result()
            async with aclosing(self._watch(_result(diarizing_all))) as told:
                async for reply in told:
                    yield reply
        finally:
            diarizing_all.cancel()
            await asyncio.wait({diarizing_all})
        if self._wish.feelings:
            async with aclosing(self._watch(self._feel_all())) as told:
                async for reply in told:
                    yield reply
        self._stages.enter("save")
        yield self._stages.progress

    async def _watch(self, work: Coroutine[object, object, None]) -> AsyncGenerator[AnyReply, None]:
        """Progress until some work is done; leaving early cancels it."""
        task = asyncio.get_running_loop().create_task(work, name="stage")
        try:
            while not task.done():
                await asyncio.wait({task}, timeout=TELL_S)
                yield self._stages.progress
            task.result()
        finally:
            task.cancel()
            await asyncio.wait({task})

    async def _join_all(self) -> None:
        for place, track in enumerate(self._tracks):
            joined = await self._kept(results.JOIN, track.recording_id, Joined)
            if joined is None:
                joined = await joining.join(
                    track.source,
                    self._wish.plan,
                    pool=self._pool,
                    decoders=self._decoders,
                    priority=self._errand.priority,
                    report=self._reporter("join", place),
                )
                bad = track.source.bad if isinstance(track.source, Chunks) else []
                await self._keep_joined(track.recording_id, joined, tuple(bad))
            self._stages.audio_ms += joined.audio_ms

    async def _keep_joined(self, recording_id: str, joined: Joined, bad: tuple[Span, ...]) -> None:
        """Commit a recording's join; chunks that cannot be decoded are gaps from now on."""

        def commit(db: Connection) -> None:
            stages.put(db, self._session_id, results.JOIN, recording_id, joined)
            for span in bad:
                ledger.miss(db, recording_id, span.start_ms, span.end_ms, reason="bad_chunk")

        await self._store.write(commit)

    async def _diarize_all(self) -> None:
        for place, track in enumerate(self._tracks):
            if await self._kept(results.DIARIZE, track.recording_id, Diarized) is None:
                await self._keep(
                    results.DIARIZE, track.recording_id, await self._diarize(track, place)
                )
            self._note("diarize", 1.0, place)

    async def _diarize(self, track: Track, place: int) -> Diarized:
        joined = await self._kept(results.JOIN, track.recording_id, Joined)
        if not self._wish.diarizer or joined is None:
            return Diarized()
        return await diarizing.diarize(
            track.source,
            joined,
            model=self._wish.diarizer,
            speakers=self._wish.speakers if len(self._tracks) == 1 else 0,
            pool=self._pool,
            decoders=self._decoders,
            priority=self._errand.priority,
            report=self._reporter("diarize", place),
        )

    async def _recognise_all(self) -> AsyncGenerator[AnyReply, None]:
        for place, track in enumerate(self._tracks):
            known = await self._kept(results.TRANSCRIBE, track.recording_id, RunFacts)
            if known is None:
                async with aclosing(self._recognise(track)) as heard:
                    async for reply in heard:
                        if isinstance(reply, Progress):
                            self._note("transcribe", reply.fraction, place)
                        yield reply
            self._note("transcribe", 1.0, place)

    async def _recognise(self, track: Track) -> AsyncGenerator[AnyReply, None]:
        plan = self._wish.plan
        begun = await self._store.write(lambda db: begin(db, track.recording_id, self._wish))
        run = Run(self._store, self._pool, self._decoders, plan, begun)
        if begun.done_ms >= begun.audio_ms > 0:  # all was recognised before
            await self._keep(results.TRANSCRIBE, track.recording_id, run.facts)
            return
        replies = run.recognise(
            track.source,
            priority=self._errand.priority,
            keep_alive_ms=self._errand.keep_alive_ms,
        )
        async with aclosing(replies):
            async for reply in replies:
                yield reply
        await self._keep(results.TRANSCRIBE, track.recording_id, run.facts)

    async def _feel_all(self) -> None:
        for place, track in enumerate(self._tracks):
            found = await self._found(track)
            parts = await self._store.read(
                lambda db, heard=found.heard: _shapes(db, heard)  # type: ignore[misc] # a default
            )
            await feeling.feel(
                track.source,
                parts,
                found.felt,
                model=self._wish.feelings,
                pool=self._pool,
                decoders=self._decoders,
                priority=self._errand.priority,
                keep=self._keeper(track.recording_id),
                report=self._reporter("feel", place),
            )

    # --- saving ---

    async def _save(
        self, lexicons: Lexicons, skipped: tuple[Problem, ...], voice_days: float
    ) -> None:
        found = [await self._found(track) for track in self._tracks]

        def commit(db: Connection) -> None:
            heard = [one.heard for one in found]
            speakers = saving.save(db, self._session_id, heard, lexicons=lexicons, skipped=skipped)
            for (place, number), who in speakers.items():
                diarized = found[place].diarized
                if vector := diarized.voice(number):
                    model = diarized.voice_model
                    voices.keep(db, who, model=model, vector=vector, days=voice_days)
            saved = Saved(speakers=[(who, *voice) for voice, who in speakers.items()])
            stages.put(db, self._session_id, results.SAVE, "", saved)

        await self._store.write(commit)

    def _finish(self, db: Connection) -> None:
        """Samples of the speakers, and the end: of the session's work, and of its job."""
        saved = stages.get(db, self._session_id, results.SAVE, "", Saved)
        clips: dict[str, tuple[str, Span]] = {}
        for place, track in enumerate(self._tracks):
            found = stages.get(db, self._session_id, results.DIARIZE, track.recording_id, Diarized)
            spans = turns.samples(found.turns) if found else {}
            for who, of_place, number in saved.speakers if saved else ():
                if of_place == place and number in spans:
                    clips[who] = track.recording_id, spans[number]
        saving.keep_samples(db, clips)
        stages.clear(db, self._session_id)
        sessions.settle(db, self._session_id)
        if self._errand.job_id is not None:
            jobs.finish(db, self._errand.job_id)

    async def _final(self) -> AsyncGenerator[AnyReply, None]:
        """What is shown now; nobody reads it when a job did the work."""
        if self._errand.job_id is not None:
            return
        for track in self._tracks:
            after = -1
            while page := await self._page(track.recording_id, after):
                after = page[-1].seq
                yield Transcript(segments=page)
            yield await self._store.read(
                lambda db, recording_id=track.recording_id: _end(db, recording_id)  # type: ignore[misc] # a default
            )

    async def _page(self, recording_id: str, after: int) -> tuple[Segment, ...]:
        return await self._store.read(
            lambda db: segments.list_segments(db, recording_id, after_seq=after, limit=PAGE)
        )

    # --- small things ---

    def _begin(self, db: Connection) -> None:
        stages.begin(db, self._session_id, self._wish.fingerprint)
        if sessions.status(db, self._session_id) != "processing":
            sessions.move(db, self._session_id, to="processing")
        if self._errand.job_id is not None:
            outcomes.attach(db, self._session_id, self._errand.job_id)

    async def _fail(self, error: EdgedError) -> None:
        """Without a job there is no other try: the session failed."""
        if self._errand.job_id is not None:
            return

        def commit(db: Connection) -> None:
            if sessions.status(db, self._session_id) == "processing":
                sessions.move(db, self._session_id, to="failed", error=problem_of(error))

        try:
            await self._store.write(commit)
        except EdgedError as second:
            log.warning("failure of %s not recorded: %s", self._session_id, second.code)

    async def _found(self, track: Track) -> Found:
        """All that is kept of a recording.

        Raises:
            NotFound: the session was deleted meanwhile.
        """

        def read(db: Connection) -> Found:
            parts = (self._session_id, track.recording_id)
            joined = stages.get(db, parts[0], results.JOIN, parts[1], Joined)
            facts = stages.get(db, parts[0], results.TRANSCRIBE, parts[1], RunFacts)
            if joined is None or facts is None:
                raise NotFound("the session's work is gone", session_id=self._session_id)
            return Found(
                recording_id=track.recording_id,
                joined=joined,
                diarized=stages.get(db, parts[0], results.DIARIZE, parts[1], Diarized)
                or Diarized(),
                facts=facts,
                felt=stages.get(db, parts[0], results.FEEL, parts[1], Felt) or Felt(),
            )

        return await self._store.read(read)

    async def _kept(self, stage: str, part: str, kind: type[S]) -> S | None:
        return await self._store.read(
            lambda db: stages.get(db, self._session_id, stage, part, kind)
        )

    async def _keep(self, stage: str, part: str, result: Struct) -> None:
        await self._store.write(lambda db: stages.put(db, self._session_id, stage, part, result))

    def _keeper(self, recording_id: str) -> Callable[[Felt], Coroutine[object, object, None]]:
        return lambda felt: self._keep(results.FEEL, recording_id, felt)

    def _reporter(self, stage: str, place: int) -> joining.Report:
        return lambda fraction: self._note(stage, fraction, place)

    def _note(self, stage: str, fraction: float, place: int) -> None:
        self._stages.note(stage, fraction, place=place, places=len(self._tracks))


def begin(db: Connection, recording_id: str, wish: Wish) -> Begun:
    """The transcript of a recording that a wish makes, begun or taken up.

    Raises:
        NotFound: no such recording.
    """
    begun = transcripts.begin(
        db,
        recording_id,
        wish.fingerprint,
        model=wish.plan.model,
        language=wish.plan.language,
    )
    if begun.segment_count or begun.completed or wish.again:
        return begun
    saving.borrow(db, begun.transcript_id, wish.plan.fingerprint)
    return transcripts.get(db, begun.transcript_id)


async def _result(task: asyncio.Task[None]) -> None:
    await task


def _shapes(db: Connection, heard: Heard) -> list[Segment]:
    """Numbers and times of the final segments; their words are not needed."""
    return [
        Segment(
            seq=part.segment.seq,
            start_ms=part.segment.start_ms,
            end_ms=part.segment.end_ms,
            text="",
            confidence=0.0,
        )
        for part in saving.spoken(db, heard)
    ]


def _end(db: Connection, recording_id: str) -> Transcribed:
    shown = transcripts.current(db, recording_id)
    if shown is None:
        raise NotFound("the recording's transcript is gone", recording_id=recording_id)
    return Transcribed(
        recording_id=recording_id,
        model=shown.model,
        language=shown.language,
        language_source=shown.language_source,
        audio_ms=shown.audio_ms,
        compute_ms=shown.compute_ms,
        segment_count=shown.segment_count,
    )
