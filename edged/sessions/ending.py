"""The borders of a session, each one transaction: it begins, pauses, goes on, ends, is found dead."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import msgspec
from msgspec import Struct

from edged.errors import NoAudio, NoFrames
from edged.messages.records import Job, Problem
from edged.messages.seeing import SightGap, SightState, TrackKind
from edged.messages.sessions import Session, SessionsStart, SourceKind
from edged.sessions.onlooking import Place
from edged.store import chunks, ledger, recordings, session_states, sessions, sights
from edged.store.engine import Connection

Queue = Callable[[Connection, str], Job]
"""Queues the work after the end of a session, by its id, and notes the job at the session."""

CloseFed = Callable[[Connection, str, int | None], None]
"""Completes the ledger of what a client has sent: session's id, how many chunks there are in all."""

BUFFERED_MS = 500
"""Sound that is still on its way when a session is stopped; less than that is no gap."""

_NO_AUDIO = Problem(
    code=NoAudio.code, message="the session ended without any audio", fix=NoAudio.advice
)

_NO_FRAMES = Problem(
    code=NoFrames.code, message="the session ended without any frame", fix=NoFrames.advice
)

BLOCK_MS = 1_000
"""What a killed daemon had not yet committed of landmarks, at most."""


class Begun(Struct, frozen=True, kw_only=True):
    """A session with its recordings, in the order of its sources; places: of those of pictures."""

    session: Session
    recordings: tuple[str, ...]
    places: tuple[Place, ...] = ()


def begin(  # noqa: PLR0913 the facts of one session, all by keyword
    db: Connection,
    options: SessionsStart,
    *,
    started_by: str,
    devices: Sequence[str],
    seen: Sequence[SightState] = (),
    age_ms: int = 0,
    owner: str = "",
) -> Begun:
    """Add a session that records, with one recording per source of sound; told.

    Args:
        db: the writing connection.
        options: as asked, with the lexicons of the settings where none were named.
        started_by: the client's name.
        devices: what each source of sound is called, in their order; empty while that is not known.
        seen: its sources of pictures.
        age_ms: its clock stands there already.
        owner: the client_id whose result it is; empty: the user's.
    """
    session = sessions.create(
        db,
        kind="live",
        started_by=started_by,
        group_name=options.group,
        name=options.name,
        options=options,
        age_ms=age_ms,
        owner=owner,
    )
    added = tuple(
        recordings.add_source(
            db, session.id, source=wish.kind, name=options.name, device=device
        ).recording_id
        for wish, device in zip(options.heard, devices, strict=True)
    )
    places = tuple(_add_sight(db, session.id, number, one) for number, one in enumerate(seen))
    return Begun(session=sessions.tell(db, session.id), recordings=added, places=places)


def _add_sight(db: Connection, session_id: str, number: int, state: SightState) -> Place:
    sight = sights.add(
        db,
        session_id,
        number,
        kind=msgspec.convert(state.kind, SourceKind),
        device=state.device,
        target_fps=state.target_fps,
    )
    tracks = {
        kind: sights.add_track(db, sight, kind=kind, model=model)
        for kind, model in msgspec.convert(state.models, dict[TrackKind, str]).items()
    }
    return Place(session_id=session_id, number=number, sight=sight, tracks=tracks)


def pause(db: Connection, session_id: str, *, reason: str, duration_ms: int) -> Session:
    """Nothing is captured from now on.

    Raises:
        NotFound: no such session. Conflict: it does not record.
    """
    return sessions.move(db, session_id, to="paused", paused_reason=reason, duration_ms=duration_ms)


def resume(db: Connection, session_id: str, *, reason: str, duration_ms: int) -> Session:
    """It records again; up to now nothing was captured, for a reason of the ledger.

    Raises:
        NotFound: no such session. Conflict: it is not paused.
    """
    for recording_id in _captured(db, session_id):
        ledger.fill(db, recording_id, duration_ms, reason=reason)
    return sessions.move(db, session_id, to="recording", duration_ms=duration_ms)


def end(  # noqa: PLR0913 the facts of one end, all by keyword
    db: Connection,
    session_id: str,
    *,
    queue: Queue,
    close_fed: CloseFed,
    duration_ms: int = 0,
    reason: str = "stopped_late",
    chunk_count: int | None = None,
    retention_ms: int | None = None,
    error: Problem | None = None,
) -> Session:
    """Complete the ledger, end the recording and queue the work after it; again changes nothing.

    There is no work where nothing was heard: a session that only saw something is completed at once.

    Args:
        db: the writing connection.
        session_id: which.
        queue: adds the work's job.
        close_fed: completes the ledger of client sources.
        duration_ms: of device sources: time up to there of which nothing is known is a gap.
        reason: of that gap.
        chunk_count: so many chunks a client has sent; None: as many as came.
        retention_ms: the session is deleted so long after now; None: it stays.
        error: a defect ended it: it failed, `sessions.retry` works on what there is.

    Raises:
        NotFound: no such session.
    """
    if sessions.status(db, session_id) not in session_states.RUNNING:
        return sessions.get(db, session_id)
    captured = _captured(db, session_id)
    until = _last_sound(db, captured, duration_ms, killed=reason == "killed")
    for recording_id in captured:
        ledger.fill(db, recording_id, until, reason=reason)
    close_fed(db, session_id, chunk_count)
    if reason == "killed":
        _lose_sights(db, session_id, until_ms=until)
    heard = _heard(db, session_id)
    problem = error or (None if heard or _seen(db, session_id) else _nothing(db, session_id))
    if problem is None and heard:
        queue(db, session_id)
    return sessions.move(
        db,
        session_id,
        to="failed" if problem else "processing" if heard else "completed",
        error=problem,
        duration_ms=until,
        retention_ms=retention_ms,
    )


def recover(
    db: Connection,
    session_id: str,
    *,
    queue: Queue,
    close_fed: CloseFed,
    chunk_ms: int,
    retention_ms: int | None,
) -> Session:
    """End a session whose daemon was killed: what it had not committed is `killed` in the ledger.

    At most its open chunk was lost; that is what the ledger says, since nobody knows when within
    the chunk it died.

    Raises:
        NotFound: no such session.
    """
    session = sessions.get(db, session_id)
    heard = [ledger.end_ms(db, recording_id) for recording_id in _captured(db, session_id)]
    until = session.duration_ms
    if session.status == "recording" and heard:
        until = min(max(heard) + chunk_ms, _age_ms(session))
    elif session.status == "recording":
        until = min(until + BLOCK_MS, _age_ms(session))
    return end(
        db,
        session_id,
        queue=queue,
        close_fed=close_fed,
        duration_ms=max(until, session.duration_ms),
        reason="killed" if session.status == "recording" else "paused",
        retention_ms=retention_ms,
    )


def _lose_sights(db: Connection, session_id: str, *, until_ms: int) -> None:
    """What was not committed of the sources of pictures is lost; a video's own time ends there."""
    known_ms = sessions.get(db, session_id).duration_ms
    states = sights.of_session(db, session_id)
    for number, (row, state) in enumerate(zip(sights.rows_of(db, session_id), states, strict=True)):
        if state.kind == "video":
            continue
        since_ms = max(sights.end_ms(db, row), min(known_ms, until_ms))
        gap = SightGap(source=number, start_ms=since_ms, end_ms=until_ms, reason="killed")
        sights.gap(db, session_id, row, gap)


def _captured(db: Connection, session_id: str) -> tuple[str, ...]:
    """The recordings that devices fill."""
    sources = sessions.get(db, session_id).sources
    return tuple(one.recording_id for one in sources if one.kind in _DEVICES)


_DEVICES: tuple[SourceKind, ...] = ("microphone", "loopback")


def _last_sound(db: Connection, captured: Sequence[str], duration_ms: int, *, killed: bool) -> int:
    """The session's end: its last sound, when that came shortly before it was stopped in order."""
    if not captured:
        return duration_ms
    last = max(ledger.end_ms(db, recording_id) for recording_id in captured)
    buffered = not killed and 0 <= duration_ms - last < BUFFERED_MS
    return last if buffered else max(last, duration_ms)


def _heard(db: Connection, session_id: str) -> bool:
    return any(
        chunks.next_number(db, recording_id)
        for recording_id in sessions.recordings_of(db, session_id)
    )


def _seen(db: Connection, session_id: str) -> bool:
    return any(state.counts.processed for state in sights.of_session(db, session_id))


def _nothing(db: Connection, session_id: str) -> Problem:
    """Why a session without anything failed."""
    return _NO_AUDIO if sessions.recordings_of(db, session_id) else _NO_FRAMES


def _age_ms(session: Session) -> int:
    """By the wall clock, which may have been set meanwhile: a bound, no more."""
    started = datetime.fromisoformat(session.started_at)
    return max(0, int((datetime.now(UTC) - started).total_seconds() * 1000))
