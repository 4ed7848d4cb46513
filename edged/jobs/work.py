"""What a job is about, and what does it."""

import hashlib
import secrets
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager

import msgspec

from edged.errors import Conflict, NoAudio, NotFound, NotKept
from edged.jobs.orders import SESSION, TRANSCRIBE, Order, ProcessSession, TranscribeFile, encode
from edged.messages.records import Job
from edged.messages.replies import AnyReply
from edged.messages.sessions import SessionsReprocess
from edged.messages.wire import Priority
from edged.pipeline import sources
from edged.pipeline.afterwards.wish import Errand, Track
from edged.pipeline.afterwards.work import Afterwards
from edged.pipeline.joined import Joined
from edged.pipeline.plan import Plan
from edged.pipeline.sources import Source
from edged.pipeline.transcription import Pipeline
from edged.pipeline.uploads import from_upload
from edged.store import chunks, jobs, outcomes, recordings, sessions, uploads
from edged.store.database import Store
from edged.store.engine import Connection


class Work:
    """Turns orders into jobs and jobs into transcripts. Loop thread only."""

    def __init__(
        self, store: Store, pipeline: Pipeline, afterwards: Afterwards, *, attempts: int
    ) -> None:
        self._store = store
        self._pipeline = pipeline
        self._afterwards = afterwards
        self._attempts = attempts

    async def submit(
        self,
        source: Source,
        order: TranscribeFile,
        plan: Plan,
        *,
        priority: Priority,
    ) -> tuple[Job, bool]:
        """Queue an order for the source's owner, and whether the same work was there already.

        An upload of the order belongs to the job from then on, or is dropped if it was there.

        The key is content and how it is done: the same file twice is one job, a better model
        another.
        """
        owner = source.owner
        work = f"{source.content} {plan.fingerprint} {order.again}"
        if order.diarize or order.lexicons:
            work += f" {order.diarize} {order.speakers} {' '.join(order.lexicons)}"
        key = hashlib.sha256(work.encode()).hexdigest()

        def queue(db: Connection) -> tuple[Job, bool]:
            job, existing = jobs.submit(
                db,
                key=key,
                kind=TRANSCRIBE,
                name=source.name,
                model=plan.model,
                payload=encode(msgspec.structs.replace(order, owner=owner)),
                priority=priority,
                max_attempts=self._attempts,
                owner=owner,
            )
            if order.upload_id is not None:
                uploads.hand_over(
                    db, order.upload_id, owner=owner, job_id=job.job_id, wanted=not existing
                )
            return job, existing

        return await self._store.write(queue)

    async def submit_session(self, session_id: str) -> Job:
        """Queue the work after a session's end, as its options say; once is enough.

        The session is `processing` already, or goes there from `failed`.

        Raises:
            NotFound: no such session.
        """
        return await self._store.write(
            lambda db: queue_session(db, order_of(db, session_id), attempts=self._attempts)
        )

    async def reprocess(self, request: SessionsReprocess, lexicons: tuple[str, ...]) -> Job:
        """Queue a session's work again, in another way; its state is `processing` from now on.

        Raises:
            NotFound: no such session. NotKept: its audio is gone.
            Conflict: it is recorded, or worked on.
        """
        order = ProcessSession(
            session_id=request.session_id,
            model=request.model,
            language=request.language,
            lexicons=lexicons,
            diarize=request.diarize,
            speakers=request.speakers or 0,
            again=secrets.token_hex(8),
        )
        async with self._tracks(request.session_id):
            return await self._store.write(lambda db: self._again(db, order))

    async def retry(self, session_id: str) -> Job:
        """Go on with a failed session's work at the stage where it failed.

        Raises:
            NotFound: no such session.
            Conflict: it has not failed. NoAudio: nothing was heard, so there is no work.
        """
        return await self._store.write(lambda db: self._retry(db, session_id))

    def _again(self, db: Connection, order: ProcessSession) -> Job:
        sessions.move(db, order.session_id, to="processing")
        return queue_session(db, order, attempts=self._attempts)

    def _retry(self, db: Connection, session_id: str) -> Job:
        session = sessions.get(db, session_id)
        if session.job_id is not None and jobs.exists(db, session.job_id):
            return outcomes.retry(db, session.job_id)
        if session.status != "failed":
            raise Conflict("the session has not failed", session_id=session_id)
        _recordings(db, session_id)
        sessions.move(db, session_id, to="processing")
        return queue_session(db, order_of(db, session_id), attempts=self._attempts)

    def carry_out(self, order: Order, job: Job) -> AsyncGenerator[AnyReply, None]:
        """Do what a job asks for; replies as Pipeline.transcribe gives them."""
        if isinstance(order, ProcessSession):
            return self._process(order, job)
        return self._transcribe(order, job)

    async def _transcribe(self, order: TranscribeFile, job: Job) -> AsyncGenerator[AnyReply, None]:
        source = await self._open(order)
        try:
            plan = self._pipeline.plan(model=order.model, language=order.language)
            replies = (
                self._listen(source, order, plan, job)
                if order.diarize or order.lexicons
                else self._pipeline.transcribe(
                    source,
                    plan,
                    priority=job.priority,
                    fresh=bool(order.again) and job.recording_id is None,
                    keep_audio=order.keep_audio,
                )
            )
            async with aclosing(replies):
                async for reply in replies:
                    yield reply
        finally:
            source.close()

    def _listen(
        self, source: Source, order: TranscribeFile, plan: Plan, job: Job
    ) -> AsyncGenerator[AnyReply, None]:
        """With speakers and lexicons."""
        wish, skipped = self._afterwards.choose(
            plan,
            lexicons=order.lexicons,
            diarize=order.diarize,
            speakers=order.speakers,
            again=order.again,
        )
        return self._afterwards.transcribe(
            source,
            wish,
            errand=Errand(priority=job.priority, job_id=job.job_id),
            keep_audio=order.keep_audio,
            skipped=skipped,
        )

    async def _process(self, order: ProcessSession, job: Job) -> AsyncGenerator[AnyReply, None]:
        plan = self._pipeline.plan(model=order.model, language=order.language)
        wish, skipped = self._afterwards.choose(
            plan,
            lexicons=order.lexicons,
            diarize=order.diarize,
            speakers=order.speakers,
            again=order.again,
        )
        errand = Errand(session_id=order.session_id, priority=job.priority, job_id=job.job_id)
        async with self._tracks(order.session_id) as tracks:
            replies = self._afterwards.process(tracks, wish, errand, skipped=skipped)
            async with aclosing(replies):
                async for reply in replies:
                    yield reply

    async def _open(self, order: TranscribeFile) -> Source:
        if order.recording_id is not None:
            return await self._pipeline.open_recording(order.recording_id)
        if order.upload_id is not None:
            source = await self._open_upload(order.upload_id, name=order.name)
        else:
            source = await sources.from_path(order.path or "")
        source.owner = order.owner
        return source

    async def _open_upload(self, upload_id: str, *, name: str) -> Source:
        """What a client sent for a job.

        Raises:
            NotKept: it is gone, since the job had failed or was cancelled long ago.
        """
        try:
            return await from_upload(self._store, upload_id, name=name)
        except NotFound as error:
            raise NotKept("the upload is not kept any more", fix="send the file again") from error

    @asynccontextmanager
    async def _tracks(self, session_id: str) -> AsyncIterator[tuple[Track, ...]]:
        """The recordings of a session that hold any audio, opened.

        Raises:
            NotFound: no such session. NoAudio: there is none. NotKept: it was deleted.
        """
        found = await self._store.read(lambda db: _recordings(db, session_id))
        async with AsyncExitStack() as stack:
            tracks: list[Track] = []
            for recording_id, audio_ms in found:
                if audio_ms is not None:
                    joined = Joined(self._store, recording_id, audio_ms=audio_ms)
                    tracks.append(Track(recording_id, joined))
                    continue
                source = await self._pipeline.open_recording(recording_id)
                stack.callback(source.close)
                tracks.append(Track(recording_id, source))
            yield tuple(tracks)


def queue_session(db: Connection, order: ProcessSession, *, attempts: int) -> Job:
    """Queue the work after a session's end within an open transaction; the runner must be woken.

    Raises:
        NotFound: no such session.
    """
    job, _ = jobs.submit(
        db,
        key=f"{SESSION} {order.session_id} {order.again}",
        kind=SESSION,
        name=sessions.get(db, order.session_id).name,
        model=order.model or "",
        payload=encode(order),
        priority="session",
        max_attempts=attempts,
        session_id=order.session_id,
        owner=sessions.owner(db, order.session_id),
    )
    outcomes.attach(db, order.session_id, job.job_id)
    return job


def order_of(db: Connection, session_id: str) -> ProcessSession:
    """What a session's options ask for.

    Raises:
        NotFound: no such session.
    """
    asked = sessions.options(db, session_id)
    if asked is None:
        return ProcessSession(session_id=session_id)
    return ProcessSession(
        session_id=session_id,
        model=asked.model,
        language=asked.language,
        lexicons=asked.lexicons or (),
        diarize=asked.diarize,
        speakers=asked.speakers or 0,
    )


def _recordings(db: Connection, session_id: str) -> list[tuple[str, int | None]]:
    """A session's recordings with audio; for those that came in chunks their length in ms."""
    found: list[tuple[str, int | None]] = []
    gone = False
    for recording_id in sessions.recordings_of(db, session_id):
        recording = recordings.get(db, recording_id)
        if not chunks.list_chunks(db, recording_id, limit=1):
            if recording.sha256:
                found.append((recording_id, None))
        elif recording.audio_kept:
            found.append((recording_id, recording.audio_ms))
        else:
            gone = True
    if gone:
        raise NotKept("the session's audio was not kept")
    if not found:
        raise NoAudio("the session holds no audio", session_id=session_id)
    return found
