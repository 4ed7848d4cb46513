"""Live captions of what clients append: chunks are heard from the store, in order, when they have come.

Nothing is skipped for want of time: a chunk waits in the store until those before it are heard. When
none has come for a while the models are let go; the next one takes the transcript up again.
"""

import asyncio
import logging
import os
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from edged.capture import files
from edged.capture.parts import DecodedPart
from edged.capture.source import CapturedPart
from edged.errors import EdgedError
from edged.events import Bus
from edged.media import SPEECH, AudioChunk, ms_to_samples, samples_to_ms
from edged.messages.events import AnyEvent, SessionChanged, SessionDeleted
from edged.messages.sessions import Session, SessionsStart
from edged.pipeline.decoders import Decoders
from edged.pipeline.live.captions import Live
from edged.store import chunks, session_states, transcripts
from edged.store.chunks import Chunk
from edged.store.database import Store

log = logging.getLogger(__name__)

IDLE_S = 90.0
"""How long the models are kept for the next chunk; clients send one in 30 s."""

ROOM_MS = 10_000
"""So much waits in memory at most; the rest waits in the store."""

PIECE_MS = 1_000


class OpensCaptions(Protocol):
    """Fulfilled by edged.sessions.captioning.Captioning."""

    async def open(self, options: SessionsStart, session_id: str, recording_id: str) -> Live | None:
        """Captions of one recording; None when nothing can give them."""
        ...


@dataclass(slots=True, eq=False)
class _Hearing:
    """One recording that is heard. placed_ms: so much has come; pushed_ms: so much is taken."""

    session_id: str
    recording_id: str
    options: SessionsStart
    placed_ms: int
    pushed_ms: int = 0
    more: asyncio.Event = field(default_factory=asyncio.Event)
    live: Live | None = None
    task: "asyncio.Task[None] | None" = None

    @property
    def backlog_ms(self) -> int:
        """Come and not yet recognised."""
        waiting = self.live.backlog_ms if self.live else 0
        return max(0, self.placed_ms - self.pushed_ms) + waiting


class FedCaptions:
    """Loop thread only.

    Args:
        store, bus, decoders: the daemon's.
        captions: open them.
        backlog_ms: what may wait in memory, as configured.
        idle_s: how long models are kept for the next chunk.
    """

    def __init__(
        self,
        store: Store,
        bus: Bus,
        decoders: Decoders,
        captions: OpensCaptions,
        *,
        backlog_ms: int,
        idle_s: float = IDLE_S,
    ) -> None:
        self._store = store
        self._bus = bus
        self._decoders = decoders
        self._captions = captions
        self._room_ms = min(ROOM_MS, backlog_ms // 2)
        self._idle_s = idle_s
        self._hearings: dict[str, _Hearing] = {}

    def came(
        self, session_id: str, recording_id: str, options: SessionsStart, *, placed_ms: int
    ) -> None:
        """All audio up to there has its place; never waits."""
        hearing = self._hearings.get(recording_id)
        if hearing is None:
            hearing = _Hearing(session_id, recording_id, options, placed_ms)
            self._hearings[recording_id] = hearing
            self._begin(hearing)
        hearing.placed_ms = max(hearing.placed_ms, placed_ms)
        hearing.more.set()

    def show(self, session: Session) -> Session:
        """A session with what its client has sent and nobody has heard yet."""
        heard = [one for one in self._hearings.values() if one.session_id == session.id]
        if not heard or session.status not in session_states.RUNNING:
            return session
        etas = [one.live.eta_of(one.backlog_ms) if one.live else None for one in heard]
        known = [session.eta_ms or 0, *(eta for eta in etas if eta is not None)]
        return msgspec.structs.replace(
            session,
            backlog_ms=session.backlog_ms + sum(one.backlog_ms for one in heard),
            eta_ms=None if None in etas else max(known),
        )

    async def run(self) -> None:
        """End captions with their sessions, until cancelled; then end all."""
        subscription = self._bus.subscribe(("session.changed", "session.deleted"))
        try:
            while True:
                event = await subscription.next()
                if not isinstance(event, int):
                    self._see(event[2])
        finally:
            subscription.close()
            tasks = [one.task for one in self._hearings.values() if one.task is not None]
            for task in tasks:
                task.cancel()
            if tasks:
                await asyncio.wait(tasks)

    def _see(self, event: AnyEvent) -> None:
        match event:
            case SessionChanged(session=session) if session.status not in session_states.RUNNING:
                self._end(session.id)
            case SessionDeleted(session_id=session_id):
                self._end(session_id)
            case _:
                pass

    def _end(self, session_id: str) -> None:
        for hearing in self._hearings.values():
            if hearing.session_id == session_id and hearing.task is not None:
                hearing.task.cancel()

    # --- one recording ---

    def _begin(self, hearing: _Hearing) -> None:
        hearing.task = asyncio.get_running_loop().create_task(
            self._hear(hearing), name="captions of a client's chunks"
        )
        hearing.task.add_done_callback(lambda task: self._ended(hearing, task))

    def _ended(self, hearing: _Hearing, task: "asyncio.Task[None]") -> None:
        """Forget it; unless a chunk came while it let the models go."""
        if not task.cancelled() and (error := task.exception()):
            log.error("captions of a client's chunks ended: %s", type(error).__name__)
        elif not task.cancelled() and hearing.more.is_set() and hearing.live is not None:
            hearing.live = None
            self._begin(hearing)
            return
        self._hearings.pop(hearing.recording_id, None)

    async def _hear(self, hearing: _Hearing) -> None:
        live = await self._captions.open(hearing.options, hearing.session_id, hearing.recording_id)
        if live is None:
            return
        hearing.live = live
        running = asyncio.get_running_loop().create_task(live.run(), name="live captions")
        try:
            with suppress(EdgedError):  # deleted, or gone on a full disk: the end hears all again
                await self._feed(hearing, live)
        finally:
            await live.finish(drain_s=0)
            await asyncio.wait({running})

    async def _feed(self, hearing: _Hearing, live: Live) -> None:
        """Push chunks as they come, until none has come for a while."""
        hearing.pushed_ms, number = await self._taken_up(hearing.recording_id)
        while live.problem is None:
            hearing.more.clear()
            chunk = await self._after(hearing.recording_id, number)
            if chunk is not None:
                await self._push(hearing, live, chunk)
                number = chunk.number
            elif not await self._more(hearing):
                return

    async def _taken_up(self, recording_id: str) -> tuple[int, int]:
        """Where hearing goes on: the moment, and the number of the last chunk before it."""
        current = await self._store.read(lambda db: transcripts.current(db, recording_id))
        done_ms = current.done_ms if current is not None else 0
        number = -1
        while (chunk := await self._after(recording_id, number)) is not None:
            if (chunk.start_ms or 0) + chunk.duration_ms > done_ms:
                break
            number = chunk.number
        return done_ms, number

    async def _after(self, recording_id: str, number: int) -> Chunk | None:
        return await self._store.read(lambda db: chunks.placed_after(db, recording_id, number))

    async def _more(self, hearing: _Hearing) -> bool:
        """Wait for a chunk, for a while."""
        try:
            async with asyncio.timeout(self._idle_s):
                await hearing.more.wait()
        except TimeoutError:
            return False
        return True

    async def _push(self, hearing: _Hearing, live: Live, chunk: Chunk) -> None:
        """Push one chunk, piece by piece, as captions have room; one that is damaged is passed over."""
        start = ms_to_samples(chunk.start_ms or 0)
        try:
            async with aclosing(self._decoded(hearing.recording_id, chunk)) as parts:
                async for part in parts:
                    await self._push_part(hearing, live, part.pcm, start + part.start)
        except EdgedError as error:
            log.warning("chunk %d is not heard live: %s", chunk.number, error.code)
        hearing.pushed_ms = (chunk.start_ms or 0) + chunk.duration_ms

    async def _push_part(self, hearing: _Hearing, live: Live, pcm: bytes, start: int) -> None:
        size = ms_to_samples(PIECE_MS) * SPEECH.frame_bytes
        passed = max(0, ms_to_samples(hearing.pushed_ms) - start) * SPEECH.frame_bytes
        for at in range(passed, len(pcm), size):
            await live.room(self._room_ms)
            audio = AudioChunk(data=pcm[at : at + size], start=start + at // SPEECH.frame_bytes)
            live.push(CapturedPart(audio=audio))
            hearing.pushed_ms = samples_to_ms(audio.start + audio.samples)

    async def _decoded(self, recording_id: str, chunk: Chunk) -> AsyncGenerator[DecodedPart, None]:
        data = await self._store.read(lambda db: chunks.data(db, recording_id, number=chunk.number))
        fd = await files.memory_file([data])
        try:
            async with (
                self._decoders.open(fd, chunk.audio, priority=1) as media,
                aclosing(media.parts()) as parts,
            ):
                async for part in parts:
                    yield part
        finally:
            os.close(fd)
