"""One session that is recorded: its sources, what of them is committed, and its pauses.

Every chunk is committed before it counts, and so is every second of what is seen. When the disk is full, what is sealed stays in memory,
capturing stops, and the session goes on by itself as soon as the store can be written again.
"""

import asyncio
import logging
import math
from collections.abc import Awaitable, Coroutine, Sequence
from contextlib import suppress
from functools import partial

import msgspec

from edged.capture.source import CapturedPart, CaptureOptions, Gap, SealedChunk
from edged.errors import Conflict, DiskFull, EdgedError, Internal, NotFound
from edged.messages.events import SessionLevel, SightRate
from edged.messages.records import Problem
from edged.messages.seeing import FrameCounts, SessionFrameTaken, SessionsFrame, SightState
from edged.messages.sessions import Session, SessionsStart, SessionStatus, SourceState
from edged.sessions import ending
from edged.sessions.equipment import Captions, Equipment
from edged.sessions.fed_frames import Buffer
from edged.sessions.onlooking import Write
from edged.sessions.seeing import Seeing
from edged.sessions.tracks import Track
from edged.store import chunks, ledger, recordings, session_states
from edged.store.engine import Connection

log = logging.getLogger(__name__)

DRAIN_S = 1.0
"""How long the last captions may take when a session stops; the work after it hears all again."""

MOST_HELD = 16
"""Parts with chunks that wait for the disk at most; capturing has stopped long before."""

SILENCE_DB = -100.0


class Recorder:
    """Records one session. Loop thread only; pause, resume and stop wait for each other.

    Args:
        equipment: the daemon's.
        tasks: where the captures run.
        options: how, with lexicons already chosen.
        retention_ms: how long the session stays after its end; None: for good.
        owner: the client_id whose result it is; empty: the user's.

    Raises:
        ModelMissing, ...: what is to be looked for cannot be found here.
    """

    def __init__(
        self,
        equipment: Equipment,
        tasks: asyncio.TaskGroup,
        options: SessionsStart,
        *,
        retention_ms: int | None,
        owner: str = "",
    ) -> None:
        self.session: Session | None = None
        self.owner = owner
        self.over = False
        self._equipment = equipment
        self._tasks = tasks
        self._options = options
        self._retention_ms = retention_ms
        self._origin_ns: int | None = None
        self._tracks = [
            Track(
                equipment.microphones,
                wish.kind,
                self._capture_options(wish.device or ""),
                reopen_s=equipment.reopen_s,
            )
            for wish in options.heard
            if wish.kind != "client"
        ]
        self._captions: dict[str, Captions] = {}
        self._seeing = Seeing(equipment, options, self)
        self._sights_noted_ms = 0
        self._held: list[Write] = []
        self._turn = asyncio.Lock()
        self._writing = asyncio.Lock()
        self._paused_reason = ""
        self._paused_ms = 0
        self._stop_wanted = False

    @property
    def now_ms(self) -> int:
        """The session's clock: 0 is the first sound of its first source, or else the first frame.

        That of a video is its own: it stands at the newest frame that was looked at.
        """
        if self._origin_ns is None:
            return 0
        if self._seeing.is_video:
            return max(0, self._seeing.last_ms)
        return (self._equipment.clock() - self._origin_ns) // 1_000_000

    @property
    def devices(self) -> tuple[str, ...]:
        """What listens and watches now; empty while the session is paused."""
        if self._paused_reason or self.over:
            return ()
        return (*(track.device or track.kind for track in self._tracks), *self._seeing.devices)

    @property
    def sights(self) -> tuple[SightState, ...]:
        """Its sources of pictures, as they are now."""
        return self._seeing.states

    # --- what is asked ---

    async def start(self, started_by: str) -> Session:
        """Open every device, then add the session: one that cannot be recorded leaves no trace.

        Raises:
            DeviceMissing, DeviceBusy, ...: a source cannot be captured.
            DiskFull: the store cannot be written.
        """
        await self._open_all()
        try:
            begun = await self._equipment.store.write(partial(self._begin, started_by=started_by))
        except BaseException:
            await self._halt(discard=True)
            raise
        self.session = begun.session
        captured = [one.recording_id for one in begun.session.sources if one.kind != "client"]
        for track, recording_id in zip(self._tracks, captured, strict=True):
            await self._begin_track(track, recording_id)
        self._seeing.release(self._origin_ns or 0, begun.places)
        return self.show(begun.session)

    async def pause(self) -> Session:
        """Stop capturing; what was captured is committed, and nothing more is, from here on.

        Raises:
            Conflict: it is paused already, or over.
        """
        async with self._turn:
            self._check("paused")
            return self.show(await self._pause("asked"))

    async def resume(self) -> Session:
        """Open the devices again.

        Raises:
            Conflict: it is not paused.
            DiskFull: there is no room yet; with a full disk it goes on by itself.
            DeviceMissing, ...: a device is not there; it stays paused.
        """
        async with self._turn:
            self._check("recording")
            return self.show(await self._resume())

    async def stop(self, *, chunk_count: int | None = None) -> Session | None:
        """End the session and queue the work after it; None when it is over already.

        Raises:
            DiskFull: it cannot be written down yet; it ends by itself when there is room.
        """
        async with self._turn:
            if self.over:
                return None
            self._stop_wanted = True
            return await self._stop(chunk_count=chunk_count)

    def take_frame(self, request: SessionsFrame, parts: Sequence[Buffer]) -> SessionFrameTaken:
        """Take a frame of the client; it is looked at unless a newer one comes before.

        Raises:
            Conflict: the session is paused, or over.
            BadRequest, TooLarge: see Seeing.take.
        """
        if self._paused_reason or self.over or self._stop_wanted:
            state = "paused" if self._paused_reason else "over"
            raise Conflict(f"the session is {state} and takes no frame", session_id=self._id)
        return self._seeing.take(request, parts, origin_ns=self._origin_ns or 0, now_ms=self.now_ms)

    async def discard(self) -> None:
        """Stop capturing and forget what is not committed: the session is about to be deleted."""
        async with self._turn:
            self.over = True
            await self._halt(discard=True)
            await self._end_captions(drain_s=0)
            self._held.clear()

    def show(self, session: Session) -> Session:
        """The session with what only its recorder knows."""
        if self.over:
            return session
        etas = [captions.eta_ms for captions in self._captions.values() if captions.backlog_ms]
        lost = {track.recording_id: track.lost for track in self._tracks}
        return msgspec.structs.replace(
            session,
            status="paused" if self._paused_reason else "recording",
            paused_reason=self._paused_reason,
            duration_ms=max(session.duration_ms, 0 if self._paused_reason else self.now_ms),
            sources=tuple(_with_loss(one, lost) for one in session.sources),
            backlog_ms=sum(captions.backlog_ms for captions in self._captions.values()),
            eta_ms=None if None in etas else max((eta or 0 for eta in etas), default=0),
            sights=self._seeing.states,
        )

    async def note_gaps(self) -> None:
        """Tell the ledger of gaps that go on, once a chunk's length: a crash then loses no more."""
        due = [
            track
            for track in self._tracks
            if track.gap and self.now_ms - track.noted_ms >= self._equipment.chunk_ms
        ]
        for track in due:
            self._hold(track, self._close_gap(track, self.now_ms), ())
        if self._seeing and not self._paused_reason:
            self._note_sight_gaps()
        await self._commit()

    def _note_sight_gaps(self) -> None:
        if self.now_ms - self._sights_noted_ms >= self._equipment.chunk_ms:
            self._sights_noted_ms = self.now_ms
            self._seeing.note_gaps(self.now_ms, over=False)

    # --- what is seen; fulfils edged.sessions.sightline.Keeper ---

    def hold(self, writes: Sequence[Write]) -> None:
        """Have something committed with the next that is."""
        if writes:
            self._held.append(partial(_write_all, writes=tuple(writes)))

    async def keep(self, writes: Sequence[Write]) -> None:
        """Commit now; what the store refuses is held."""
        self.hold(writes)
        await self._commit()

    def ended(self, error: EdgedError | None) -> None:
        """A video came to its end, or to one that is too early: so does the session."""
        self.spawn(self._end_by_itself() if error is None else self._give_up(error), name="end")

    async def _end_by_itself(self) -> None:
        with suppress(EdgedError):  # a full disk: it ends when there is room
            await self.stop()

    def tell_rate(self, number: int, counts: FrameCounts) -> None:
        """Tell whoever listens how many frames come."""
        self._equipment.bus.hint(SightRate(session_id=self._id, source=number, counts=counts))

    # --- what is captured ---

    async def _take(self, track: Track, part: CapturedPart) -> None:
        if not track.recording_id or self.over:
            return
        if captions := self._captions.get(track.recording_id):
            captions.push(part)
        self._tell_level(track, part)
        if part.sealed:
            track.next_chunk = part.sealed[-1].number + 1
        self._hold(track, self._note(track, part.gaps), part.sealed)
        await self._commit()
        if part.device and part.device != track.device:
            await self._rename(track, part.device)

    def _note(self, track: Track, gaps: Sequence[Gap]) -> tuple[Gap, ...]:
        """The gaps that ended; one that goes on is remembered."""
        ended = [gap for gap in gaps if gap.end_ms is not None]
        for gap in gaps:
            goes_on = gap.end_ms is None
            track.gap = gap if goes_on else None
            track.noted_ms = gap.start_ms
        return tuple(ended)

    def _hold(self, track: Track, gaps: tuple[Gap, ...], sealed: tuple[SealedChunk, ...]) -> None:
        if not gaps and not sealed:
            return
        self._held.append(
            partial(
                _keep,
                recording_id=track.recording_id,
                hole=track.hole,
                gaps=gaps,
                sealed=sealed,
            )
        )
        if sealed:
            track.hole = "overrun"

    def _close_gap(self, track: Track, until_ms: int) -> tuple[Gap, ...]:
        """The gap that goes on, up to now."""
        if track.gap is None or until_ms <= track.gap.start_ms:
            return ()
        track.noted_ms = until_ms
        return (msgspec.structs.replace(track.gap, end_ms=until_ms),)

    def _close_gaps(self) -> None:
        for track in self._tracks:
            self._hold(track, self._close_gap(track, self.now_ms), ())
            track.gap = None
        if not self._paused_reason:
            self._seeing.note_gaps(self.now_ms, over=True)

    async def _commit(self) -> bool:
        """Write what is held; False when it stays held because the store refuses it.

        A full disk pauses the session; anything else is tried again with the next part.
        """
        async with self._writing:
            held = tuple(self._held)
            if not held:
                return True
            try:
                await self._equipment.store.write(partial(_write_all, writes=held))
            except NotFound as error:
                self.spawn(self._give_up(error), name="giving up")
            except EdgedError as error:
                self._put_off(error)
                return False
            del self._held[: len(held)]
            return True

    def _put_off(self, error: EdgedError) -> None:
        log.warning("what was captured waits for the store: %s", error.code)
        full = isinstance(error, DiskFull)
        if self._paused_reason or self._stop_wanted:
            return
        if full or len(self._held) >= MOST_HELD:
            self._paused_reason = "disk_full"
            self.spawn(self._outlast(), name="full disk")

    async def _rename(self, track: Track, device: str) -> None:
        track.device = device
        with suppress(EdgedError):  # shown all the same; the store learns it the next time
            await self._equipment.store.write(
                partial(recordings.name_device, recording_id=track.recording_id, device=device)
            )

    def _tell_level(self, track: Track, part: CapturedPart) -> None:
        captions = self._captions.get(track.recording_id)
        self._equipment.bus.hint(
            SessionLevel(
                session_id=self._id,
                recording_id=track.recording_id,
                level_db=_decibels(part.level),
                duration_ms=self.now_ms,
                backlog_ms=captions.backlog_ms if captions else 0,
                eta_ms=captions.eta_ms if captions else None,
            )
        )

    # --- borders; the caller holds the turn ---

    async def _pause(self, reason: str) -> Session:
        self._paused_reason, self._paused_ms = reason, self.now_ms
        await asyncio.gather(
            self._halt_tracks(), self._seeing.pause(self._paused_ms, _gap_reason(reason))
        )
        self._close_gaps()
        await self._commit()
        move = partial(
            ending.pause, session_id=self._id, reason=reason, duration_ms=self._paused_ms
        )
        return await self._equipment.store.write(move, makes_room=True)

    async def _resume(self) -> Session:
        if not await self._commit():
            raise DiskFull("what was captured before the pause cannot be written yet")
        reason = _gap_reason(self._paused_reason)
        since_ms = self.now_ms
        for track in self._tracks:
            track.hole = reason
        await self._open_all()
        move = partial(ending.resume, session_id=self._id, reason=reason, duration_ms=since_ms)
        try:
            session = await self._equipment.store.write(move)
        except BaseException:
            await self._halt(discard=True)
            raise
        self._paused_reason = ""
        for track in self._tracks:
            track.release()
        self._seeing.release(self._origin_ns or 0)
        return session

    async def _stop(
        self, *, chunk_count: int | None = None, error: Problem | None = None
    ) -> Session:
        until_ms = self._paused_ms if self._paused_reason else self.now_ms
        await self._halt()
        until_ms = max(until_ms, self._seeing.last_ms)
        self._close_gaps()
        await self._end_captions(drain_s=DRAIN_S)
        if not await self._commit():
            self._outlive()
            raise DiskFull(
                "the session cannot be written", fix="free space: it ends by itself then"
            )
        end = partial(
            ending.end,
            session_id=self._id,
            queue=self._equipment.queue,
            close_fed=self._equipment.close_fed,
            duration_ms=until_ms,
            chunk_count=chunk_count,
            retention_ms=self._retention_ms,
            error=error,
        )
        session = await self._equipment.store.write(end)
        self.over = True
        return session

    def _outlive(self) -> None:
        if self._paused_reason != "disk_full":
            self._paused_reason, self._paused_ms = "disk_full", self._paused_ms or self.now_ms
            self.spawn(self._outlast(), name="full disk")

    async def _outlast(self) -> None:
        """Stop capturing on a full disk; go on, or end, as soon as there is room."""
        async with self._turn:
            with suppress(EdgedError):  # not even that fits: the status is told all the same
                await self._pause("disk_full")
        while self._paused_reason == "disk_full" and not self.over:
            await asyncio.sleep(self._equipment.room_s)
            async with self._turn:
                with suppress(EdgedError):
                    await self._try_again()

    async def _try_again(self) -> None:
        if self._paused_reason != "disk_full" or self.over:
            return
        if self._stop_wanted:
            await self._stop()
        else:
            await self._resume()

    async def _give_up(self, error: EdgedError) -> None:
        """A defect of ours: what is committed stays, the session failed."""
        problem = Problem(code=error.code, message=error.message, fix=error.fix)
        async with self._turn:
            if self.over:
                return
            self._stop_wanted = True
            try:
                await self._stop(error=problem)
            except EdgedError as second:
                log.warning("the end of session %s is not recorded: %s", self._id, second.code)
                self.over = isinstance(second, NotFound)

    async def _open_all(self) -> None:
        """Open all sources, or none; the models that look are ready before.

        Raises:
            EdgedError: what kept the first of them from being opened.
        """
        await self._seeing.prepare()
        opening = (self._open_tracks(), self._seeing.open(self._tasks))
        for outcome in await asyncio.gather(*opening, return_exceptions=True):
            if isinstance(outcome, BaseException):
                await self._halt(discard=True)
                raise outcome
        if self._origin_ns is None:
            self._origin_ns = self._seeing.first_ns or self._equipment.clock()

    async def _open_tracks(self) -> None:
        """Open what is heard."""
        waiting = list(self._tracks)
        if self._origin_ns is None and waiting:
            first = waiting.pop(0)
            await self._open_together([first])
            origin_ns = first.origin_ns
            self._origin_ns = self._equipment.clock() if origin_ns is None else origin_ns
            for track in self._tracks:
                track.begin_at(self._origin_ns)
        await self._open_together(waiting)

    async def _open_together(self, tracks: Sequence[Track]) -> None:
        opening = [track.open(self._tasks, self._guarded_take) for track in tracks]
        for outcome in await asyncio.gather(*opening, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome

    async def _halt(self, *, discard: bool = False) -> None:
        await asyncio.gather(
            self._halt_tracks(discard=discard), self._seeing.close(discard=discard)
        )

    async def _halt_tracks(self, *, discard: bool = False) -> None:
        await asyncio.gather(*(track.stop(discard=discard) for track in self._tracks))

    async def _end_captions(self, *, drain_s: float) -> None:
        for captions in self._captions.values():
            with suppress(EdgedError):
                await captions.finish(drain_s=drain_s)

    # --- beginnings ---

    @property
    def _id(self) -> str:
        return "" if self.session is None else self.session.id

    def _check(self, to: SessionStatus) -> None:
        before: SessionStatus = "paused" if self._paused_reason else "recording"
        session_states.check("processing" if self.over else before, to, session_id=self._id)

    def _capture_options(self, device: str) -> CaptureOptions:
        return CaptureOptions(
            device=device,
            codec=self._options.codec,
            sample_rate=self._options.sample_rate,
            channels=self._options.channels,
            chunk_ms=self._equipment.chunk_ms,
        )

    def _begin(self, db: Connection, *, started_by: str) -> ending.Begun:
        named = iter([track.device for track in self._tracks])
        devices = ["" if wish.kind == "client" else next(named) for wish in self._options.heard]
        return ending.begin(
            db,
            self._options,
            started_by=started_by,
            devices=devices,
            seen=self._seeing.states,
            age_ms=self.now_ms,
            owner=self.owner,
        )

    async def _begin_track(self, track: Track, recording_id: str) -> None:
        captions = await self._equipment.captions(self._options, self._id, recording_id)
        if captions is not None:
            self._captions[recording_id] = captions
            self.spawn(captions.run(), name="captions")
        track.recording_id = recording_id
        track.release()

    async def _guarded_take(self, track: Track, part: CapturedPart) -> None:
        await self.guarded(self._take(track, part))

    async def guarded(self, work: Awaitable[None]) -> None:
        """The third of the three broad catches: one session."""
        try:
            await work
        except Exception:
            log.exception("session %s failed", self._id)
            self.spawn(self._give_up(Internal("the session failed")), name="giving up")

    def spawn(self, work: Coroutine[object, object, None], *, name: str) -> None:
        """Let a part of this session go on by itself."""
        self._tasks.create_task(work, name=name)


def _keep(
    db: Connection,
    recording_id: str,
    *,
    hole: str,
    gaps: Sequence[Gap],
    sealed: Sequence[SealedChunk],
) -> None:
    """Commit gaps that ended, and sealed chunks; again changes nothing."""
    for gap in gaps:
        ledger.miss(db, recording_id, gap.start_ms, gap.end_ms or gap.start_ms, reason=gap.reason)
    for chunk in sealed:
        ledger.fill(db, recording_id, chunk.start_ms, reason=hole)
        chunks.add(
            db,
            recording_id,
            number=chunk.number,
            start_ms=chunk.start_ms,
            duration_ms=chunk.duration_ms,
            codec=chunk.codec,
            data=chunk.data,
            silent=chunk.silent,
        )


def _write_all(db: Connection, writes: Sequence[Write]) -> None:
    """One transaction of several; again changes nothing."""
    for write in writes:
        write(db)


def _gap_reason(paused_reason: str) -> str:
    """As ledgers call it."""
    return {"asked": "paused"}.get(paused_reason, paused_reason)


def _with_loss(source: SourceState, lost: dict[str, str]) -> SourceState:
    return msgspec.structs.replace(source, lost=lost.get(source.recording_id, ""))


def _decibels(level: float) -> float:
    """Of full scale: 0 for the loudest, -100 for silence."""
    return round(max(SILENCE_DB, 20 * math.log10(level)), 1) if level > 0 else SILENCE_DB
