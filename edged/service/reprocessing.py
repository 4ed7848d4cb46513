"""`sessions.reprocess` and `sessions.retry`: the work after a session's end, again."""

from collections.abc import AsyncGenerator

from edged.messages.replies import AnyReply
from edged.messages.sessions import OneSession, SessionsReprocess, SessionsRetry
from edged.service.house import House
from edged.service.transcribe import active
from edged.store import sessions


async def reprocess(house: House, request: SessionsReprocess) -> AsyncGenerator[AnyReply, None]:
    """Queue the work again, in another way; what was claimed is lost with its speakers."""
    house.pipeline.plan(model=request.model, language=request.language)
    lexicons = await active(house, request.lexicons)
    await house.work.reprocess(request, lexicons)
    async for reply in _queued(house, request.session_id):
        yield reply


async def retry(house: House, request: SessionsRetry) -> AsyncGenerator[AnyReply, None]:
    """Go on with a failed session's work where it stopped."""
    await house.work.retry(request.session_id)
    async for reply in _queued(house, request.session_id):
        yield reply


async def _queued(house: House, session_id: str) -> AsyncGenerator[AnyReply, None]:
    house.runner.wake()
    session = await house.store.read(lambda db: sessions.get(db, session_id))
    yield OneSession(session=session)
