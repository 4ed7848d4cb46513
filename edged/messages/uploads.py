"""Files of any size, sent in parts that are acknowledged when they are committed."""

from typing import Annotated

from msgspec import Meta

from edged.messages.wire import Count, Id, Reply, Request, Timestamp

Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]

UPLOAD_PART_BYTES = 256 * 1024
"""Largest part of an upload that clients send: with base64 and JSON around it, a third of 1 MiB."""


class UploadOpen(Request, frozen=True, tag="upload.open"):
    """Begins a file, or finds out how much of it is here already.

    size_bytes: of the whole file. sha256: checked by `upload.close`, where given.
    upload_id: go on with this one: what is committed need not be sent again.
    """

    size_bytes: Annotated[int, Meta(ge=1, le=2**53)]
    sha256: Sha256 | None = None
    upload_id: Id | None = None


class UploadPart(Request, frozen=True, tag="upload.part"):
    """A part, as the only binary frame; answered when it is committed.

    offset: where it begins. A part that is here already is acknowledged again; one beyond what is
    here is `conflict`, whose details say `received`.
    """

    upload_id: Id
    offset: Count


class UploadClose(Request, frozen=True, tag="upload.close"):
    """Ends a file that is here as a whole; it can then be named by `transcribe` and `jobs.submit`."""

    upload_id: Id


class UploadDrop(Request, frozen=True, tag="upload.drop"):
    """Deletes an upload."""

    upload_id: Id


class UploadOpened(Reply, frozen=True, tag="upload_opened"):
    """Where to go on.

    received: bytes that are committed. window: parts that may be on their way unacknowledged.
    expires_at: it is deleted then unless it was used or goes on.
    """

    upload_id: Id
    received: Count
    size_bytes: Count
    part_bytes: Count
    window: Count
    expires_at: Timestamp


class UploadTaken(Reply, frozen=True, tag="upload_taken"):
    """All bytes before `received` are committed."""

    upload_id: Id
    received: Count


class Uploaded(Reply, frozen=True, tag="uploaded"):
    """The file is here as a whole; sha256 of what was committed."""

    upload_id: Id
    size_bytes: Count
    sha256: Sha256
