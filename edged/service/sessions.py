"""`sessions.*`: what is recorded and was recorded; appending, exporting and retrying are elsewhere."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime

from edged.errors import BadRequest
from edged.messages.replies import AnyReply, Done
from edged.messages.seeing import SessionsFrame
from edged.messages.sessions import (
    Ledger,
    OneSession,
    Session,
    Sessions,
    SessionsDelete,
    SessionsGet,
    SessionsLedger,
    SessionsList,
    SessionsPause,
    SessionsResume,
    SessionsStart,
    SessionsStop,
)
from edged.service import capturing
from edged.service.house import House
from edged.service.paths import absolute
from edged.store import ledger, sessions, sights
from edged.store.clock import stamp
from edged.store.narrowing import moment

Parts = tuple[bytes | memoryview, ...]


async def start(
    house: House, request: SessionsStart, _: Parts, caller: str
) -> AsyncGenerator[AnyReply, None]:
    """Begin to record, in the name of the client that asked."""
    _check_paths(request)
    await house.captioning.check(request)
    session = await house.sessions.start(
        request, started_by=house.called(caller), owner=house.asker.client_id
    )
    house.ownership.remember(house.asker, "session", session.id)
    capturing.note(house, (wish.kind for wish in request.wished))
    yield OneSession(session=session)


async def frame(
    house: House, request: SessionsFrame, parts: Parts
) -> AsyncGenerator[AnyReply, None]:
    """Take a frame; answered at once, whatever becomes of it."""
    yield await house.sessions.frame(request, parts)


async def pause(house: House, request: SessionsPause) -> AsyncGenerator[AnyReply, None]:
    """Stop capturing; answered when nothing more reaches the disk."""
    yield OneSession(session=await house.sessions.pause(request.session_id))


async def resume(house: House, request: SessionsResume) -> AsyncGenerator[AnyReply, None]:
    """Go on after a pause."""
    session = await house.sessions.resume(request.session_id)
    asked = await house.store.read(lambda db: sessions.options(db, session.id))
    if asked is not None:
        capturing.note(house, (wish.kind for wish in asked.wished))
    yield OneSession(session=session)


async def stop(house: House, request: SessionsStop) -> AsyncGenerator[AnyReply, None]:
    """End the recording; the work after it is queued."""
    session = await house.sessions.stop(request.session_id, chunk_count=request.chunks)
    yield OneSession(session=session)


async def get(house: House, request: SessionsGet) -> AsyncGenerator[AnyReply, None]:
    """One session."""
    yield OneSession(session=_shown(house, await house.sessions.get(request.session_id)))


async def list_sessions(house: House, request: SessionsList) -> AsyncGenerator[AnyReply, None]:
    """A page of sessions, newest first."""
    found = await house.store.read(
        lambda db: sessions.list_sessions(
            db,
            status=request.status,
            group=request.group,
            since=_time(request.since),
            until=_time(request.until),
            limit=request.limit,
            before=request.before,
            owner=house.asker.sees,
        )
    )
    full = len(found) == request.limit
    shown = tuple(_shown(house, house.sessions.show(session)) for session in found)
    yield Sessions(sessions=shown, next=found[-1].id if full else None)


async def show_ledger(house: House, request: SessionsLedger) -> AsyncGenerator[AnyReply, None]:
    """What of its time was captured, silent or missing."""
    entries, gaps = await house.store.read(
        lambda db: (
            ledger.of_session(db, request.session_id),
            sights.gaps(db, request.session_id),
        )
    )
    yield Ledger(session_id=request.session_id, entries=entries, sights=gaps)


async def delete(house: House, request: SessionsDelete) -> AsyncGenerator[AnyReply, None]:
    """Delete a session and all that hangs on it."""
    await house.sessions.delete(request.session_id)
    house.note_deleted(request)
    yield Done()


def _check_paths(request: SessionsStart) -> None:
    """Refuse the path of a video that means another file to another process.

    Raises:
        BadRequest: it is missing, or relative.
    """
    for wish in request.wished:
        if wish.kind == "video" and wish.device is None:
            raise BadRequest("no video is named", fix="give its path as the device")
        if wish.kind == "video":
            absolute(wish.device or "")


def _time(timestamp: str | None) -> str | None:
    """A time of a request as tables have it, so that it compares as text.

    Raises:
        BadRequest: it is no time.
    """
    milliseconds = moment(timestamp)
    if milliseconds is None:
        return None
    return stamp(datetime.fromtimestamp(milliseconds / 1000, UTC))


def _shown(house: House, session: Session) -> Session:
    """With what waits to be heard live, of a client that sends its own audio."""
    return house.fed_captions.show(session)
