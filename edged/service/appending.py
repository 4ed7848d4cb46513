"""`sessions.append`: chunks that a client records itself."""

from collections.abc import AsyncGenerator

from edged.messages.replies import AnyReply
from edged.messages.sessions import SessionsAppend
from edged.service.house import House

Parts = tuple[bytes | memoryview, ...]


async def append(
    house: House, request: SessionsAppend, parts: Parts
) -> AsyncGenerator[AnyReply, None]:
    """Answered when the chunk is committed."""
    yield await house.appending.append(request, parts)
