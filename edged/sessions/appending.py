"""Chunks of a client's own recording: committed before they are acknowledged, in any order.

A chunk has its place on the session's clock as soon as all lower numbers are there. At the end the
numbers that never came are gaps, each as long as the session says that a chunk is.
"""

import os
from array import array
from collections.abc import Sequence
from contextlib import aclosing
from functools import partial
from typing import Protocol

from msgspec import Struct

from edged.capture import files
from edged.errors import BadMedia, BadRequest, Conflict, TooLarge
from edged.media import AudioFormat, samples_to_ms
from edged.messages.sessions import Appended, SessionsAppend, SessionsStart
from edged.pipeline.decoders import Decoders
from edged.store import chunks, ledger, session_states, sessions
from edged.store.database import Store
from edged.store.engine import Connection

Buffer = bytes | memoryview

MOST_BYTES = 64 * 2**20
"""One chunk: 30 minutes of 16 kHz PCM, or days of Opus."""

LONGEST_MS = 72 * 3_600_000
"""Of a session, by the numbers of its chunks: a wrong number must not make days of silence."""

MOST_MISSING = 100
"""Numbers that one reply names."""

SILENCE = 0.001
"""-60 dB of full scale: a chunk with nothing louder is silence in the ledger."""


class _Decoded(Struct, frozen=True):
    """What the decoder found out about a chunk."""

    duration_ms: int
    silent: bool


class Hears(Protocol):
    """Live captions of what is appended; fulfilled by edged.sessions.fed_captions.FedCaptions."""

    def came(
        self, session_id: str, recording_id: str, options: SessionsStart, *, placed_ms: int
    ) -> None:
        """All audio up to there has its place; never waits."""
        ...


class Appending:
    """Answers `sessions.append`. Loop thread only.

    Args:
        store, decoders: the daemon's. captions: hear what is appended.
    """

    def __init__(self, store: Store, decoders: Decoders, captions: Hears) -> None:
        self._store = store
        self._decoders = decoders
        self._captions = captions

    async def append(self, request: SessionsAppend, parts: Sequence[Buffer]) -> Appended:
        """Commit one chunk, then say so.

        Raises:
            NotFound: no such session. BadRequest: no such source, no bytes, half a sample.
            Conflict: the number has other bytes, or the session does not record.
            BadMedia: nothing in it can be decoded. TooLarge: more than 64 MiB.
            DiskFull, Busy: nothing was committed; send it again.
        """
        data = _whole(request.audio, parts)
        session_id, number = request.session_id, request.chunk_number
        options = await self._store.read(lambda db: _options(db, session_id))
        recording_id = await self._store.read(lambda db: _source(db, session_id, request.source))
        if number * options.chunk_ms > LONGEST_MS:
            raise BadRequest("the chunk's number is beyond what a session holds", number=number)
        decoded = await self._decode(data, request.audio)
        commit = partial(
            _commit, request=request, recording_id=recording_id, data=data, decoded=decoded
        )
        reply, placed_ms = await self._store.write(commit)
        if options.live and not reply.existing:
            self._captions.came(session_id, recording_id, options, placed_ms=placed_ms)
        return reply

    async def _decode(self, data: bytes, audio: AudioFormat | None) -> _Decoded:
        """How long it sounds, and whether it says nothing; nothing of it is kept here."""
        samples, loudest = 0, 0.0
        fd = await files.memory_file([data])
        try:
            async with (
                self._decoders.open(fd, audio) as media,
                aclosing(media.parts()) as decoded,
            ):
                async for part in decoded:
                    samples += part.audio.samples
                    loudest = max(loudest, _loudest(part.rms))
        finally:
            os.close(fd)
        if not samples:
            raise BadMedia("there is no audio in the chunk")
        return _Decoded(samples_to_ms(samples), loudest < SILENCE)


def close_fed(db: Connection, session_id: str, chunk_count: int | None) -> None:
    """Complete the ledger of all that a client has sent: numbers that never came are gaps.

    Args:
        db: the writing connection; a part of the transaction that ends the session.
        session_id: which; one without client sources is left alone.
        chunk_count: so many chunks there were, for each source; None: as many as came.

    Raises:
        NotFound: no such session.
    """
    options = sessions.options(db, session_id)
    if options is None:
        return
    for source in sessions.get(db, session_id).sources:
        if source.kind == "client":
            _close_source(db, source.recording_id, options.chunk_ms, chunk_count)


def _close_source(
    db: Connection, recording_id: str, chunk_ms: int, chunk_count: int | None
) -> None:
    following, at_ms = chunks.placed(db, recording_id)
    for number in chunks.unplaced(db, recording_id):
        start_ms = at_ms + (number - following) * chunk_ms
        ledger.miss(db, recording_id, at_ms, start_ms, reason="not_uploaded")
        at_ms = chunks.place(db, recording_id, number=number, start_ms=start_ms)
        following = number + 1
    absent = min(chunk_count or 0, LONGEST_MS // chunk_ms) - following
    if following and absent > 0:
        end_ms = at_ms + absent * chunk_ms
        ledger.miss(db, recording_id, at_ms, end_ms, reason="not_uploaded")


def _commit(
    db: Connection,
    *,
    request: SessionsAppend,
    recording_id: str,
    data: bytes,
    decoded: _Decoded,
) -> tuple[Appended, int]:
    """Add the chunk, and give all that now can have one its place; up to where, in ms."""
    number = request.chunk_number
    new = chunks.add(
        db,
        recording_id,
        number=number,
        start_ms=None,
        duration_ms=decoded.duration_ms,
        codec="file" if request.audio is None else "pcm",
        data=data,
        silent=decoded.silent,
        audio_format=request.audio,
    )
    if new:
        _check_records(db, request.session_id)
        _place_all(db, recording_id)
    reply = Appended(
        session_id=request.session_id,
        chunk_number=number,
        duration_ms=decoded.duration_ms,
        existing=not new,
        missing=chunks.missing(db, recording_id, below=number, limit=MOST_MISSING),
    )
    return reply, chunks.placed(db, recording_id)[1]


def _check_records(db: Connection, session_id: str) -> None:
    """A chunk that is there already is answered in any state; a new one only while recording."""
    status = sessions.status(db, session_id)
    if status == "recording":
        return
    fix = "resume it first" if status in session_states.RUNNING else "start another one"
    raise Conflict(f"the session is {status} and takes no chunk", fix=fix, session_id=session_id)


def _place_all(db: Connection, recording_id: str) -> None:
    following, at_ms = chunks.placed(db, recording_id)
    for number in chunks.unplaced(db, recording_id):
        if number != following:
            return
        at_ms = chunks.place(db, recording_id, number=number, start_ms=at_ms)
        following += 1


def _whole(audio: AudioFormat | None, parts: Sequence[Buffer]) -> bytes:
    size = sum(len(part) for part in parts)
    if not size:
        raise BadRequest("no audio came with the request", fix="send it as binary frames")
    if size > MOST_BYTES:
        raise TooLarge(f"a chunk of {size} bytes", fix="send shorter chunks", limit=MOST_BYTES)
    if audio is not None and size % audio.frame_bytes:
        raise BadRequest(f"{size} bytes are no whole number of {audio.frame_bytes}-byte samples")
    return b"".join(parts)


def _options(db: Connection, session_id: str) -> SessionsStart:
    options = sessions.options(db, session_id)
    if options is None:
        raise BadRequest("that session is a file's: nothing can be appended")
    return options


def _source(db: Connection, session_id: str, number: int) -> str:
    """The recording that a client source fills."""
    sources = [one for one in sessions.get(db, session_id).sources if one.kind == "client"]
    if number >= len(sources):
        raise BadRequest(
            f"the session has {len(sources)} client sources, not {number + 1}",
            fix="start it with a source of kind client",
        )
    return sources[number].recording_id


def _loudest(values: Buffer) -> float:
    """The greatest of float32 values as the decode worker gives them."""
    found = array("f")
    found.frombytes(values)
    return max(found, default=0.0)
