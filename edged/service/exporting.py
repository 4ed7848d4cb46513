"""`sessions.export`: a transcript as a file of another program."""

import asyncio
from collections.abc import AsyncGenerator, Sequence

from edged.messages.replies import AnyReply
from edged.messages.sessions import Exported, SessionsExport
from edged.service.house import House
from edged.speech.exporting import FORMATS
from edged.store.telling import told

PART_BYTES = 2**20

Outgoing = AnyReply | tuple[AnyReply, Sequence[bytes]]


async def export(house: House, request: SessionsExport) -> AsyncGenerator[Outgoing, None]:
    """The transcript of a session in one of the formats, in frames of at most 1 MiB."""
    found = await house.store.read(lambda db: told(db, request.session_id))
    write, media_type, _ = FORMATS[request.format]
    content = await asyncio.to_thread(lambda: write(found).encode("utf-8", "replace"))
    reply = Exported(
        session_id=request.session_id,
        format=request.format,
        media_type=media_type,
        size_bytes=len(content),
    )
    starts = range(0, len(content), PART_BYTES)
    yield reply, [content[start : start + PART_BYTES] for start in starts]
