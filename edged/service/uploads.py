"""`upload.*`: files of any size, in parts that are committed before they are acknowledged.

Parts that wait for the disk together share one commit, so a client with several parts on their way
pays for few.
"""

import asyncio
import hashlib
from collections.abc import AsyncGenerator
from contextlib import suppress
from datetime import UTC, datetime

from edged.errors import BadRequest, Conflict, EdgedError, NotKept
from edged.messages.replies import AnyReply, Done
from edged.messages.uploads import (
    UPLOAD_PART_BYTES,
    UploadClose,
    UploadDrop,
    Uploaded,
    UploadOpen,
    UploadOpened,
    UploadPart,
    UploadTaken,
)
from edged.service.house import House
from edged.store import Connection, uploads
from edged.store.uploads import Upload

Parts = tuple[bytes | memoryview, ...]

WINDOW = 8
"""Parts that a client may have on their way: 2 MB, which the disk takes in one commit."""

EXPIRY_S = 60.0


async def open_upload(house: House, request: UploadOpen) -> AsyncGenerator[AnyReply, None]:
    """Begin an upload, or say how much of one is here."""
    settings, owner = house.config.uploads, house.asker.client_id

    def find_or_begin(db: Connection) -> Upload:
        if request.upload_id is not None:
            return uploads.resume(
                db,
                request.upload_id,
                owner=owner,
                size_bytes=request.size_bytes,
                sha256=request.sha256,
            )
        return uploads.begin(
            db,
            owner=owner,
            size_bytes=request.size_bytes,
            sha256=request.sha256,
            most_bytes=settings.bytes,
            keep_ms=settings.keep_ms,
        )

    upload = await house.store.write(find_or_begin)
    yield UploadOpened(
        upload_id=upload.upload_id,
        received=upload.received,
        size_bytes=upload.size_bytes,
        part_bytes=UPLOAD_PART_BYTES,
        window=WINDOW,
        expires_at=upload.expires_at,
    )


async def take(house: House, request: UploadPart, parts: Parts) -> AsyncGenerator[AnyReply, None]:
    """Commit one part, then acknowledge all that is here."""
    data = _only(parts)
    keep_ms, owner = house.config.uploads.keep_ms, house.asker.client_id

    def add(db: Connection) -> int:
        upload = uploads.get(db, request.upload_id, owner=owner)
        fresh = uploads.add(db, upload, start=request.offset, data=data, keep_ms=keep_ms)
        if fresh:
            house.digests.add(upload.upload_id, upload.received, fresh)
        return upload.received + len(fresh)

    received = await house.store.write(add)
    yield UploadTaken(upload_id=request.upload_id, received=received)


async def close(house: House, request: UploadClose) -> AsyncGenerator[AnyReply, None]:
    """The hash of the whole file; asked again, the same answer."""
    owner = house.asker.client_id
    upload = await house.store.read(lambda db: uploads.get(db, request.upload_id, owner=owner))
    if not upload.closed:
        upload = await _finish(house, upload)
    yield Uploaded(upload_id=upload.upload_id, size_bytes=upload.size_bytes, sha256=upload.sha256)


async def drop(house: House, request: UploadDrop) -> AsyncGenerator[AnyReply, None]:
    """Delete an upload."""
    await spend(house, request.upload_id)
    await forget(house, request.upload_id)
    yield Done()


async def spend(house: House, upload_id: str) -> None:
    """Make an upload of the asker invisible at once; `forget` deletes it.

    Raises:
        NotFound: no such upload. Conflict: a job needs it.
    """
    owner = house.asker.client_id
    await house.store.write(
        lambda db: uploads.drop(db, upload_id, owner=owner), makes_room=house.store.disk_full
    )


async def spent(house: House, upload_id: str) -> bool:
    """Drop an upload that was transcribed; False: it is gone, a job needs it, or it must wait."""
    try:
        await spend(house, upload_id)
    except EdgedError:
        return False
    return True


async def forget(house: House, upload_id: str) -> None:
    """Delete an upload with all that it holds."""
    house.digests.forget(upload_id)
    await house.store.delete_upload(upload_id)


async def expire_uploads(house: House) -> None:
    """Delete uploads that were used, or whose time is over, now and every minute."""
    while True:
        with suppress(EdgedError):  # the disk is full: another time
            await expire_once(house)
        await asyncio.sleep(EXPIRY_S)


async def expire_once(house: House) -> None:
    """Delete what was used and what outlived its time.

    Raises:
        DiskFull: not even one small step has room.
    """
    now, keep_ms = datetime.now(UTC), house.config.uploads.keep_ms
    for upload_id in await house.store.read(
        lambda db: uploads.outlived(db, now=now, keep_ms=keep_ms)
    ):
        await forget(house, upload_id)


def _only(parts: Parts) -> bytes | memoryview:
    """The one frame that a part comes in.

    Raises:
        BadRequest: none or several, an empty one, or one that is too large.
    """
    if len(parts) != 1:
        raise BadRequest("a part is one binary frame", frames=len(parts))
    if not 0 < len(parts[0]) <= UPLOAD_PART_BYTES:
        raise BadRequest(f"a part of {len(parts[0])} bytes", limit=UPLOAD_PART_BYTES)
    return parts[0]


async def _finish(house: House, upload: Upload) -> Upload:
    """Compare hashes; a file that is not what was stated is deleted.

    Raises:
        Conflict: it is not here as a whole. BadRequest: another hash than stated.
    """
    if upload.received < upload.size_bytes:
        raise Conflict("the upload is not here as a whole", received=upload.received)
    found = house.digests.find(upload.upload_id, upload.size_bytes)
    sha256 = found or await _hash(house, upload)
    if upload.sha256 and upload.sha256 != sha256:
        await forget(house, upload.upload_id)
        raise BadRequest(
            "the bytes have another sha256 than stated", fix="send the file again", found=sha256
        )
    await house.store.write(
        lambda db: uploads.close(db, upload.upload_id, owner=upload.owner, sha256=sha256)
    )
    house.digests.forget(upload.upload_id)
    return await house.store.read(lambda db: uploads.get(db, upload.upload_id, owner=upload.owner))


async def _hash(house: House, upload: Upload) -> str:
    """Hash what the store holds, on a reading thread, a few megabytes at a time."""
    digest = hashlib.sha256()

    def some(db: Connection, at: int) -> int:
        pieces = uploads.read(db, upload, start=at)
        for piece in pieces:
            digest.update(piece)
        return sum(len(piece) for piece in pieces)

    at = 0
    while at < upload.size_bytes:
        size = await house.store.read(lambda db, at=at: some(db, at))  # type: ignore[misc] # a default
        if not size:
            raise NotKept("a part of the upload is missing")
        at += size
    return digest.hexdigest()
