"""The owner of every running session: starts and ends them, and finds those that were left behind."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

import msgspec

from edged.config import Sessions as Settings
from edged.errors import BadRequest, Busy, Conflict, EdgedError, NotFound
from edged.messages.records import Listening
from edged.messages.seeing import SessionFrameTaken, SessionsFrame, SightState
from edged.messages.sessions import Session, SessionsStart
from edged.sessions import ending
from edged.sessions.equipment import Equipment
from edged.sessions.recorder import Recorder
from edged.store import chunks, sessions
from edged.store.database import Store
from edged.store.engine import Connection

log = logging.getLogger(__name__)

T = TypeVar("T")

MOST = 16
"""Sessions that are recorded at once."""

MOST_SOURCES = 4

SWEEP_S = 30.0
"""How often old sessions and unwanted audio are looked for; the end of a work is another moment."""

GAPS_S = 5.0

DAY_MS = 86_400_000

CLOSE_S = 15.0
"""How long ending all sessions may take when the daemon stops."""


class Sessions:
    """Loop thread only.

    Args:
        equipment: what sessions are recorded with.
        settings: what holds for sessions that say nothing else.
        cancel_job: cancels a job by its id and returns when it has ended.
        wake: something was queued.
    """

    def __init__(
        self,
        equipment: Equipment,
        settings: Settings,
        *,
        cancel_job: Callable[[str], Awaitable[object]],
        wake: Callable[[], None],
    ) -> None:
        self._equipment = equipment
        self._store: Store = equipment.store
        self._settings = settings
        self._cancel_job = cancel_job
        self._wake = wake
        self._running: dict[str, Recorder] = {}
        self._left: set[str] = set()
        self._starting = 0
        self._tasks: asyncio.TaskGroup | None = None
        self._ready = asyncio.Event()

    # --- its life ---

    async def run(self) -> None:
        """End what a killed daemon left, then look after sessions until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            await self._find_left()
            self._ready.set()
            tasks.create_task(self._watch_gaps(), name="gaps of sessions")
            await self._sweep_for_ever()

    async def close(self) -> None:
        """End every session in order: the daemon stops. The work after them comes at its next start."""
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S), asyncio.TaskGroup() as ending_all:
                for recorder in tuple(self._running.values()):
                    ending_all.create_task(self._end_quietly(recorder), name="last stop")

    async def _end_quietly(self, recorder: Recorder) -> None:
        try:
            await recorder.stop()
        except EdgedError as error:  # the next start finds it
            log.warning("a session was not ended in order: %s", error.code)

    # --- what is asked ---

    async def start(self, request: SessionsStart, *, started_by: str, owner: str = "") -> Session:
        """Begin to record; returns when every device gives sound and the session is committed.

        Args:
            request: what is asked for.
            started_by: the client's name.
            owner: the client_id whose result it is; empty: the user's.

        Raises:
            BadRequest: the same device twice, or sources that do not go together.
            Busy: too many are recorded.
            DeviceMissing, DeviceBusy, PermissionDenied, ...: a source cannot be captured.
            DiskFull: the store cannot be written.
        """
        _check_sources(request)
        if len(self._running) + self._starting >= MOST:
            raise Busy("too many sessions are recorded", limit=MOST)
        options = self._completed(request)
        if not options.seen and all(wish.kind == "client" for wish in options.heard):
            return await self._begin_fed(options, started_by, owner)
        self._starting += 1
        try:
            return await self._whole(self._start(options, started_by, owner))
        finally:
            self._starting -= 1

    async def pause(self, session_id: str) -> Session:
        """Stop capturing until resumed.

        Raises:
            NotFound: no such session.
            Conflict: it does not record.
        """
        if recorder := self._running.get(session_id):
            return await self._whole(recorder.pause())
        return await self._store.write(
            lambda db: sessions.move(db, session_id, to="paused", paused_reason="asked")
        )

    async def resume(self, session_id: str) -> Session:
        """Go on after a pause.

        Raises:
            NotFound: no such session.
            Conflict: it is not paused.
            DeviceMissing, DeviceBusy, ...: a source cannot be captured; it stays paused.
        """
        if recorder := self._running.get(session_id):
            return await self._whole(recorder.resume())
        return await self._store.write(lambda db: _resume_fed(db, session_id))

    async def stop(self, session_id: str, *, chunk_count: int | None = None) -> Session:
        """End the recording and queue the work after it; a session that ended stays as it is.

        Raises:
            NotFound: no such session.
            DiskFull: it cannot be written yet; it ends by itself when there is room.
        """
        recorder = self._running.get(session_id)
        if recorder is None:
            return await self._end_fed(session_id, chunk_count)
        stopped = await self._whole(self._stop(session_id, recorder, chunk_count))
        return stopped or await self.get(session_id)

    async def frame(
        self, request: SessionsFrame, parts: Sequence[bytes | memoryview]
    ) -> SessionFrameTaken:
        """Take a client's frame for a running session.

        Raises:
            NotFound: no such session. Conflict: it does not record.
            BadRequest, TooLarge: see Recorder.take_frame.
        """
        if recorder := self._running.get(request.session_id):
            return recorder.take_frame(request, parts)
        session = await self.get(request.session_id)
        raise Conflict(
            f"the session is {session.status} and takes no frame",
            fix="start one with a source of kind frames",
            session_id=session.id,
        )

    async def delete(self, session_id: str) -> None:
        """Delete a session with all that hangs on it; what records it or works on it ends first.

        Raises:
            NotFound: no such session.
            DiskFull: not even a small step of deleting has room.
        """
        await self._whole(self._delete(session_id))

    async def get(self, session_id: str) -> Session:
        """One session.

        Raises:
            NotFound: no such session.
        """
        return self.show(await self._store.read(lambda db: sessions.get(db, session_id)))

    def show(self, session: Session) -> Session:
        """A session of the store, with what its recorder knows."""
        recorder = self._running.get(session.id)
        return session if recorder is None else recorder.show(session)

    def watching(self, *, owner: str | None = None) -> tuple[SightState, ...]:
        """Every source of pictures of the sessions that run; only a client's when `owner` is given."""
        running = [
            one for one in self._running.values() if not one.over and owner in {None, one.owner}
        ]
        return tuple(state for one in running for state in one.sights)

    def listening(self, *, owner: str | None = None) -> tuple[Listening, ...]:
        """Who listens and watches at this moment; only a client's sessions when `owner` is given."""
        shown = []
        for session_id, recorder in self._running.items():
            if owner not in {None, recorder.owner}:
                continue
            if recorder.session is not None and recorder.devices:
                shown.append(
                    Listening(
                        session_id=session_id,
                        started_by=recorder.session.started_by,
                        started_at=recorder.session.started_at,
                        devices=recorder.devices,
                        duration_ms=recorder.now_ms,
                    )
                )
        return tuple(shown)

    # --- steps ---

    async def _start(self, options: SessionsStart, started_by: str, owner: str) -> Session:
        await self._ready.wait()
        recorder = Recorder(
            self._equipment,
            self._group(),
            options,
            retention_ms=self._retention_ms(options),
            owner=owner,
        )
        session = await recorder.start(started_by)
        self._running[session.id] = recorder
        return session

    async def _begin_fed(self, options: SessionsStart, started_by: str, owner: str) -> Session:
        devices = [""] * len(options.heard)
        begin = partial(
            ending.begin, options=options, started_by=started_by, devices=devices, owner=owner
        )
        return (await self._store.write(begin)).session

    async def _stop(
        self, session_id: str, recorder: Recorder, chunk_count: int | None
    ) -> Session | None:
        try:
            return await recorder.stop(chunk_count=chunk_count)
        finally:
            if recorder.over:
                self._running.pop(session_id, None)
            self._wake()

    async def _end_fed(self, session_id: str, chunk_count: int | None) -> Session:
        options = await self._store.read(lambda db: sessions.options(db, session_id))
        session = await self._store.write(
            partial(
                ending.end,
                session_id=session_id,
                queue=self._equipment.queue,
                close_fed=self._equipment.close_fed,
                chunk_count=chunk_count,
                retention_ms=None if options is None else self._retention_ms(options),
            )
        )
        self._wake()
        return session

    async def _delete(self, session_id: str) -> None:
        session = await self._store.read(lambda db: sessions.get(db, session_id))
        if recorder := self._running.pop(session_id, None):
            await recorder.discard()
        if session.job_id is not None:
            with suppress(NotFound, Conflict):
                await self._cancel_job(session.job_id)
        await self._store.delete_session(session_id)

    async def _whole(self, work: Coroutine[object, object, T]) -> T:
        """Do it to its end, also when whoever asked for it is gone meanwhile."""
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        await self._ready.wait()
        self._group().create_task(_answer(work, done), name="border of a session")
        return await asyncio.shield(done)

    def _group(self) -> asyncio.TaskGroup:
        if self._tasks is None:
            raise Conflict("sessions are not served yet")
        return self._tasks

    def _completed(self, request: SessionsStart) -> SessionsStart:
        """The options with the settings' lexicons where none were named."""
        lexicons = request.lexicons
        if lexicons is None:
            lexicons = tuple(self._settings.lexicons.split())
        return msgspec.structs.replace(request, lexicons=lexicons)

    def _retention_ms(self, options: SessionsStart) -> int | None:
        if options.retention_ms is not None:
            return options.retention_ms
        return self._settings.retention_days * DAY_MS or None

    # --- what goes on by itself ---

    async def _find_left(self) -> None:
        """Sessions that a daemon recorded when it was killed."""
        self._left.update(await self._store.read(sessions.left_running))
        await self._recover()

    async def _recover(self) -> None:
        """End what was left behind; what the store refuses stays for the next time."""
        for session_id in tuple(self._left):
            try:
                await self._store.write(partial(self._recovered, session_id=session_id))
            except NotFound:
                log.info("a session left behind was deleted")
            except EdgedError as error:
                log.warning("a session left behind waits for the store: %s", error.code)
                continue
            self._left.discard(session_id)
            self._wake()

    def _recovered(self, db: Connection, session_id: str) -> Session:
        options = sessions.options(db, session_id)
        return ending.recover(
            db,
            session_id,
            queue=self._equipment.queue,
            close_fed=self._equipment.close_fed,
            chunk_ms=self._equipment.chunk_ms,
            retention_ms=None if options is None else self._retention_ms(options),
        )

    async def _watch_gaps(self) -> None:
        while True:
            await asyncio.sleep(GAPS_S)
            for session_id, recorder in tuple(self._running.items()):
                await recorder.note_gaps()
                if recorder.over:
                    self._running.pop(session_id, None)
                    self._wake()

    async def _sweep_for_ever(self) -> None:
        while True:
            try:
                await self.sweep()
            except EdgedError as error:
                log.warning("old sessions wait for the store: %s", error.code)
            await self._until_work_ended()

    async def _until_work_ended(self) -> None:
        """Until the work after some session's end is done, or a while has passed."""
        changes = self._equipment.bus.subscribe(("session.changed",))
        try:
            async with asyncio.timeout(SWEEP_S):
                await changes.next()
        except TimeoutError:
            return
        finally:
            changes.close()

    async def sweep(self) -> None:
        """Delete sessions whose time has come, and audio that was not to be kept.

        Raises:
            EdgedError: the store refuses; what is left is swept the next time.
        """
        await self._recover()
        for session_id in await self._store.read(
            lambda db: sessions.expired(db, datetime.now(UTC))
        ):
            await self._delete(session_id)
        for session_id in await self._store.read(chunks.unwanted_audio):
            await self._store.delete_audio(session_id)


async def _answer(work: Coroutine[object, object, T], done: asyncio.Future[T]) -> None:
    """Hand the outcome over; nobody may be waiting any more."""
    try:
        result = await work
    except asyncio.CancelledError:
        done.cancel()
        raise
    except Exception as error:  # noqa: BLE001 handed to whoever asked, who awaits it
        if not done.done():
            done.set_exception(error)
            done.exception()  # seen, also when nobody waits any more
        return
    if not done.done():
        done.set_result(result)


def _resume_fed(db: Connection, session_id: str) -> Session:
    """A client's session that was paused; one of devices is resumed by its recorder."""
    return sessions.move(db, session_id, to="recording")


def _check_sources(request: SessionsStart) -> None:
    """Refuse sources that cannot be recorded together.

    Raises:
        BadRequest: two sources name the same device, a video is not alone, nothing is looked for in
            pictures, what is derived has no source, or there are too many.
    """
    wished = request.wished
    if len(wished) > MOST_SOURCES:
        raise BadRequest(f"{len(wished)} sources, at most {MOST_SOURCES} are recorded together")
    filled = ("client", "frames")
    asked = [(wish.kind, wish.device, wish.region) for wish in wished if wish.kind not in filled]
    if len(set(asked)) != len(asked):
        raise BadRequest("the same device is asked for twice")
    if request.seen and not request.sees:
        raise BadRequest(
            "a source of pictures is given, and nothing to look for",
            fix="ask for pose, face, hands, objects or screen",
        )
    if len(wished) > 1 and any(wish.kind == "video" for wish in wished):
        raise BadRequest(
            "a video has a time of its own and is watched alone",
            fix="start another session for the other sources",
        )
    if "gestures" in request.derived and not request.hands:
        raise BadRequest("gestures are those of hands", fix="ask for hands, too")
    if "blinks" in request.derived and not request.face:
        raise BadRequest("blinks are those of faces", fix="ask for face, too")
    _check_screens(request)


def _check_screens(request: SessionsStart) -> None:
    """Refuse to look for nothing in a source.

    Raises:
        BadRequest: key frames are asked for, of sources that have none.
    """
    people = request.pose or request.face or request.hands or request.objects
    if not people and any(wish.kind != "screen" for wish in request.seen):
        raise BadRequest(
            "key frames are of screens; nothing is to be looked for in the other pictures",
            fix="ask for pose, face, hands or objects, or leave the other sources out",
        )
