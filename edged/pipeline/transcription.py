"""Transcribes a source: decode, find speech, recognise, commit, tell.

Decoding and voice activity work ahead of recognition by a few windows; every window's segments
are committed before anyone hears of them. A run that was killed is taken up again: decoding and
voice activity are repeated (about 1/500 of the audio's length), windows already committed are not.
"""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import aclosing

from msgspec import Struct

from edged.config import Config
from edged.errors import Cancelled, EdgedError, NotKept, Unsupported
from edged.media import AudioChunk
from edged.messages.records import LanguageSource, Problem, Recording, Segment
from edged.messages.replies import Accepted, AnyReply, Loading, Progress, Transcribed, Transcript
from edged.messages.wire import Priority
from edged.models.lease import Lease
from edged.models.pool import Pool
from edged.models.runtime import TranscribeOptions, Transcriber, Utterance
from edged.pipeline import sources
from edged.pipeline.ahead import ahead
from edged.pipeline.decoders import Decoders
from edged.pipeline.plan import Plan, choose
from edged.pipeline.sources import Audible, Source
from edged.pipeline.speech import Passage, Speech
from edged.speech.windows import SpeechWindow
from edged.speech.words import to_segments
from edged.store import Connection, audio, chunks, figures, recordings, segments, transcripts
from edged.store.database import Store
from edged.store.recordings import ContentFacts
from edged.store.transcripts import Begun

log = logging.getLogger(__name__)

PASSAGES_AHEAD = 4
"""Windows decoded and cut before recognition asks for them; each is at most 28 s of PCM."""

SEGMENTS_PER_REPLY = 500
KEPT_PART_BYTES = 256 * 2**10


class Pipeline:
    """Runs transcriptions. Loop thread only; any number at once, the pool orders their calls."""

    def __init__(self, store: Store, pool: Pool, decoders: Decoders, config: Config) -> None:
        self._store = store
        self._pool = pool
        self._decoders = decoders
        self._config = config
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def plan(
        self, *, model: str | None = None, language: str | None = None, words: bool = True
    ) -> Plan:
        """How a request would be transcribed; see plan.choose for what it raises."""
        return choose(
            self._pool, self._config.defaults, model=model, language=language, words=words
        )

    async def open_recording(self, recording_id: str) -> Source:
        """A recording's audio: from the store, or its unchanged original.

        Raises:
            NotFound: no such recording. NotKept: neither the store nor the path has it.
            Unsupported: it came in chunks, see edged.pipeline.joined.
        """
        recording = await self._store.read(lambda db: recordings.get(db, recording_id))
        facts = await self._store.read(lambda db: recordings.facts(db, recording_id))
        if await self._store.read(lambda db: chunks.list_chunks(db, recording_id, limit=1)):
            raise Unsupported(
                "this recording came in chunks and belongs to a session",
                fix="`edged sessions reprocess ID` works on all of the session",
                session_id=recording.session_id,
            )
        if recording.audio_kept:
            return await self._open_kept(recording_id, facts)
        if recording.path is None:
            raise NotKept("the recording's audio was not kept")
        try:
            source = await sources.from_path(recording.path)
        except EdgedError as error:
            raise NotKept(f"the original file cannot be used: {error.message}") from error
        if source.sha256 != recording.sha256:
            source.close()
            raise NotKept("the original file has changed since")
        source.name = recording.name
        source.owner = facts.owner
        return source

    async def _open_kept(self, recording_id: str, facts: ContentFacts) -> Source:
        parts: list[bytes] = []
        while part := await self._store.read(
            lambda db: audio.read(db, recording_id, number=len(parts))
        ):
            parts.append(part)
        source = await sources.from_bytes(parts, audio=facts.audio, name=facts.name)
        source.owner = facts.owner
        return source

    async def transcribe(
        self,
        source: Source,
        plan: Plan,
        *,
        priority: Priority,
        fresh: bool = False,
        keep_audio: bool | None = None,
        keep_alive_ms: int | None = None,
    ) -> AsyncGenerator[AnyReply, None]:
        """Replies from `accepted` to `transcribed`; every segment in them is committed.

        The same source with the same plan is transcribed once: a second caller waits for the
        first and then gets what is stored. `fresh` does it again and replaces it.

        Raises:
            EdgedError: the leaf that ended it; it is also recorded with the recording.
        """
        key = f"{source.content} {plan.fingerprint}"
        lock = self._locks[key]
        if lock.locked():
            yield Progress(stage="wait", fraction=0.0)
        try:
            async with lock:
                begun = await self._begin(source, plan, fresh=fresh, keep_audio=keep_audio)
                reused = begun.completed
                yield Accepted(recording_id=begun.recording_id, model=plan.model, reused=reused)
                run = Run(self._store, self._pool, self._decoders, plan, begun)
                work = (
                    run.replay()
                    if reused
                    else run.work(source, priority=priority, keep_alive_ms=keep_alive_ms)
                )
                async with aclosing(work):
                    async for reply in work:
                        yield reply
        finally:
            if not lock.locked():
                self._locks.pop(key, None)

    async def take_in(self, source: Source, *, keep_audio: bool | None) -> Recording:
        """The recording of a source, which is added when its content is new to the source's owner.

        Args:
            source: what was opened.
            keep_audio: copy it to the store; None: when it has no path.
        """
        recording = await self._store.write(
            lambda db: recordings.ensure(
                db,
                name=source.name,
                path=source.path,
                sha256=source.sha256,
                size_bytes=source.size_bytes,
                audio=source.audio,
                owner=source.owner,
            )
        )
        keep = source.path is None if keep_audio is None else keep_audio
        if keep and not recording.audio_kept:
            await self._keep(recording.recording_id, source)
        return recording

    async def _begin(
        self, source: Source, plan: Plan, *, fresh: bool, keep_audio: bool | None
    ) -> Begun:
        recording = await self.take_in(source, keep_audio=keep_audio)
        return await self._store.write(
            lambda db: transcripts.begin(
                db,
                recording.recording_id,
                plan.fingerprint,
                model=plan.model,
                language=plan.language,
                fresh=fresh,
            )
        )

    async def _keep(self, recording_id: str, source: Source) -> None:
        """Copy the audio into the store, part by part; the last one makes it count as kept."""
        for number, offset in enumerate(range(0, source.size_bytes, KEPT_PART_BYTES)):
            part = await asyncio.to_thread(source.read, offset, KEPT_PART_BYTES)
            await self._store.write(
                lambda db, number=number, part=part: audio.add(  # type: ignore[misc] # a default
                    db, recording_id, number=number, data=part
                )
            )
        await self._store.write(lambda db: audio.complete(db, recording_id))


class RunFacts(Struct, frozen=True, kw_only=True):
    """A transcript that is recognised; compute_ms: in the models, over all runs."""

    transcript_id: int
    audio_ms: int
    compute_ms: int
    language: str
    language_source: LanguageSource


class Run:
    """One transcript on its way from its first window to its last."""

    def __init__(
        self, store: Store, pool: Pool, decoders: Decoders, plan: Plan, begun: Begun
    ) -> None:
        self._store = store
        self._pool = pool
        self._decoders = decoders
        self._plan = plan
        self._begun = begun
        self._seq = begun.segment_count
        self._done_ms = begun.done_ms
        self._audio_ms = begun.audio_ms
        self._compute_ms = begun.compute_ms
        self._language = begun.language
        self._source = begun.language_source

    @property
    def facts(self) -> "RunFacts":
        """What is known of it by now."""
        return RunFacts(
            transcript_id=self._begun.transcript_id,
            audio_ms=self._audio_ms,
            compute_ms=self._compute_ms,
            language=self._language,
            language_source=self._source,
        )

    async def replay(self) -> AsyncGenerator[AnyReply, None]:
        """What is stored."""
        async for reply in self._stored():
            yield reply
        yield self._end()

    async def work(
        self, source: Audible, *, priority: Priority, keep_alive_ms: int | None
    ) -> AsyncGenerator[AnyReply, None]:
        """What is stored so far, then the rest as it is recognised; at the end it is complete.

        Raises:
            EdgedError: recorded first.
        """
        recognised = self.recognise(
            source, priority=priority, keep_alive_ms=keep_alive_ms, finish=True
        )
        async with aclosing(recognised):
            async for reply in recognised:
                yield reply
        yield self._end()

    async def recognise(
        self,
        source: Audible,
        *,
        priority: Priority,
        keep_alive_ms: int | None = None,
        finish: bool = False,
    ) -> AsyncGenerator[AnyReply, None]:
        """As `work`, without the last reply.

        Without `finish` the transcript stays open: it waits for what speakers and lexicons add.

        Raises:
            EdgedError: recorded first.
        """
        try:
            async for reply in self._stored():
                yield reply
            recognised = self._recognise(source, priority, keep_alive_ms)
            async with aclosing(recognised):
                async for reply in recognised:
                    yield reply
            if finish:
                await self._finish()
        except EdgedError as error:
            await self._fail(error)
            raise
        except (asyncio.CancelledError, GeneratorExit):
            await asyncio.shield(self._fail(Cancelled("stopped before its end")))
            raise

    async def _stored(self) -> AsyncGenerator[AnyReply, None]:
        after = -1
        while page := await self._page(after):
            after = page[-1].seq
            yield Transcript(segments=page)

    async def _page(self, after: int) -> tuple[Segment, ...]:
        return await self._store.read(
            lambda db: segments.of_transcript(
                db, self._begun.transcript_id, after_seq=after, limit=SEGMENTS_PER_REPLY
            )
        )

    async def _recognise(
        self, source: Audible, priority: Priority, keep_alive_ms: int | None
    ) -> AsyncGenerator[AnyReply, None]:
        for model in (self._plan.vad, self._plan.model):
            if expected_ms := self._pool.expected_load_ms(model):
                yield Loading(model=model, expected_ms=expected_ms)
        speech = Speech(self._pool, self._decoders, self._plan, priority=priority)
        borrowed = self._pool.borrow(
            self._plan.model, Transcriber, priority=priority, keep_alive_ms=keep_alive_ms
        )
        async with borrowed as lease:
            passages = ahead(speech.passages(source), depth=PASSAGES_AHEAD)
            async with aclosing(passages):
                async for passage in passages:
                    async for reply in self._take(lease, passage):
                        yield reply

    async def _take(
        self, lease: Lease[Transcriber], passage: Passage
    ) -> AsyncGenerator[AnyReply, None]:
        """Recognise one passage, commit it, tell."""
        self._audio_ms = passage.audio_ms
        if passage.window is not None and passage.window.end_ms > self._done_ms:
            heard = await self._hear(lease, passage.window, passage.audio)
            await self._commit(heard, passage.window.end_ms)
            if heard:
                yield Transcript(segments=tuple(heard))
        yield self._progress(passage)

    def _progress(self, passage: Passage) -> Progress:
        done = max(self._done_ms, 0 if passage.window else passage.position_ms)
        fraction = min(1.0, done / self._audio_ms) if self._audio_ms else 0.0
        return Progress(
            stage="transcribe", fraction=fraction, done_ms=done, audio_ms=self._audio_ms
        )

    async def _hear(
        self, lease: Lease[Transcriber], window: SpeechWindow, pcm: AudioChunk
    ) -> list[Segment]:
        started = time.monotonic()
        options = TranscribeOptions(language=self._language or None, words=self._plan.words)
        utterances: list[Utterance] = []
        async with aclosing(lease.stream(lease.model.transcribe, pcm, options)) as stream:
            async for utterance in stream:
                self._learn(utterance)
                utterances.append(utterance)
        self._compute_ms += round((time.monotonic() - started) * 1000)
        return to_segments(utterances, window, first_seq=self._seq)

    def _learn(self, utterance: Utterance) -> None:
        """Keep the first detected language: a later window must not change its mind."""
        if utterance.language and not self._language:
            self._language = utterance.language
            self._source = "detected" if utterance.language_detected else "assumed"

    async def _commit(self, heard: list[Segment], done_ms: int) -> None:
        await self._store.write(
            lambda db: segments.add(
                db,
                self._begun.transcript_id,
                heard,
                done_ms=done_ms,
                compute_ms=self._compute_ms,
                language=self._language,
                language_source=self._source,
            )
        )
        self._seq += len(heard)
        self._done_ms = done_ms

    async def _finish(self) -> None:
        def finish(db: Connection) -> None:
            begun = transcripts.finish(
                db,
                self._begun.transcript_id,
                audio_ms=self._audio_ms,
                compute_ms=self._compute_ms,
                language=self._language,
                language_source=self._source,
            )
            figures.recount_recording(db, begun.recording_id)

        await self._store.write(finish)

    async def _fail(self, error: EdgedError) -> None:
        problem = Problem(code=error.code, message=error.message, fix=error.fix)
        try:
            await self._store.write(
                lambda db: transcripts.fail(db, self._begun.transcript_id, problem)
            )
        except EdgedError as second:
            log.warning("failure of %s not recorded: %s", self._begun.recording_id, second.code)

    def _end(self) -> Transcribed:
        return Transcribed(
            recording_id=self._begun.recording_id,
            model=self._plan.model,
            language=self._language,
            language_source=self._source,
            audio_ms=self._audio_ms,
            compute_ms=self._compute_ms,
            segment_count=self._seq,
        )
