"""An upload as a source: poured from the store into memory, never into a file."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from edged.capture import files
from edged.errors import Busy, Conflict, NotKept
from edged.pipeline.sources import Source
from edged.store import uploads
from edged.store.database import Store
from edged.store.uploads import Upload
from edged.workers import system

SPARE_BYTES = 64 * 2**20
"""What is left for everything else when an upload lies in memory."""


async def from_upload(
    store: Store, upload_id: str, *, name: str, owner: str | None = None
) -> Source:
    """A closed upload, opened; its hash is the one that was found when it was closed.

    Args:
        store: where it lies.
        upload_id: which.
        name: shown to the user.
        owner: a client_id, to whom others' uploads are as absent; None: whose ever it is.

    Raises:
        NotFound: no such upload. Conflict: it is not here as a whole.
        Busy: the memory for it is not there. NotKept: it was deleted meanwhile.
    """
    upload = await store.read(lambda db: uploads.get(db, upload_id, owner=owner))
    check_whole(upload)
    available = system.available_memory()
    if available and upload.size_bytes + SPARE_BYTES > available:
        raise Busy("no memory for the upload", needed=upload.size_bytes, retry_after_ms=10_000)
    async with aclosing(_pieces(store, upload)) as pieces:
        fd = await files.poured_file(pieces)
    return Source(fd=fd, name=name, sha256=upload.sha256, size_bytes=upload.size_bytes)


def check_whole(upload: Upload) -> None:
    """Refuse an upload that was not closed.

    Raises:
        Conflict: with `received` in the details.
    """
    if not upload.closed:
        raise Conflict(
            "the upload is not here as a whole",
            fix="send the rest, then `upload.close`",
            received=upload.received,
        )


async def _pieces(store: Store, upload: Upload) -> AsyncGenerator[Sequence[bytes], None]:
    at = 0
    while at < upload.size_bytes:
        some = await store.read(lambda db, at=at: uploads.read(db, upload, start=at))  # type: ignore[misc] # a default
        if not some:
            raise NotKept("a part of the upload is missing")
        at += sum(len(piece) for piece in some)
        yield some
