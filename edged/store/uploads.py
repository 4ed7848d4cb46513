"""Uploads: files that come in parts, kept until they are transcribed or outlived their time.

What is dropped is invisible at once; its pieces are deleted in steps, as all that may be large.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from edged.errors import BadRequest, Busy, Conflict, NotFound, TooLarge
from edged.store.clock import later, stamp
from edged.store.engine import Connection

Buffer = bytes | memoryview

MOST_UPLOADS = 256
"""Of one owner at a time: each is a row and a line in the table of digests."""

READ_BYTES = 4 * 2**20
READ_PIECES = 4_096
"""One read gives so many bytes or pieces, whichever comes first."""

_PIECE_WEIGHT = 50
"""A piece counts as so many rows when it is deleted: overwriting it takes 256 KiB of WAL."""

_SELECT = """
SELECT id, upload_id, owner, size_bytes, received, status, sha256, expires_at
FROM uploads WHERE upload_id = ? AND status != 'dropped'
"""


class Upload(Struct, frozen=True):
    """A file on its way.

    owner: a client_id; empty: the user. received: bytes from the start that are committed.
    sha256: as stated, then as found; empty: not known yet.
    """

    row: int
    upload_id: str
    owner: str
    size_bytes: int
    received: int
    status: str
    sha256: str
    expires_at: str

    @property
    def closed(self) -> bool:
        """Whether it is here as a whole, and its hash is known."""
        return self.status == "closed"


def begin(
    db: Connection,
    *,
    owner: str,
    size_bytes: int,
    sha256: str | None,
    most_bytes: int,
    keep_ms: int,
) -> Upload:
    """A new upload.

    Args:
        db: the writing connection.
        owner: a client_id; empty: the user.
        size_bytes: of the whole file.
        sha256: as the client states it.
        most_bytes: that all uploads of the owner may have together.
        keep_ms: how long it lives after its last part.

    Raises:
        TooLarge: it passes `most_bytes`, alone or with the others. Busy: too many.
    """
    count, held = db.execute(
        "SELECT count(*), coalesce(sum(size_bytes), 0) FROM uploads "
        "WHERE owner = ? AND status != 'dropped'",
        (owner,),
    ).get
    if held + size_bytes > most_bytes:
        raise TooLarge(
            f"uploads of {held + size_bytes} bytes in all",
            fix="drop or transcribe the others first, or raise uploads.bytes",
            limit=most_bytes,
        )
    if count >= MOST_UPLOADS:
        raise Busy("too many uploads", limit=MOST_UPLOADS, retry_after_ms=60_000)
    upload_id = secrets.token_hex(8)
    db.execute(
        "INSERT INTO uploads(upload_id, owner, size_bytes, sha256, expires_at) "
        "VALUES(?, ?, ?, ?, ?)",
        (upload_id, owner, size_bytes, sha256, later(None, keep_ms)),
    )
    return get(db, upload_id, owner=owner)


def get(db: Connection, upload_id: str, *, owner: str | None = None) -> Upload:
    """One upload; another owner's is as absent.

    Raises:
        NotFound: no such upload.
    """
    for row, name, of, size, received, status, sha256, expires_at in db.execute(
        _SELECT, (upload_id,)
    ):
        if owner is None or of == owner:
            return Upload(row, name, of, size, received, status, sha256 or "", expires_at)
    raise NotFound("no such upload", fix="begin a new one with `upload.open`")


def resume(
    db: Connection, upload_id: str, *, owner: str, size_bytes: int, sha256: str | None
) -> Upload:
    """An upload that goes on.

    Raises:
        NotFound: no such upload. Conflict: another size or hash was stated when it began.
    """
    upload = get(db, upload_id, owner=owner)
    if upload.size_bytes != size_bytes:
        raise Conflict("the upload was begun with another size", size_bytes=upload.size_bytes)
    if sha256 and upload.sha256 and sha256 != upload.sha256:
        raise Conflict("the upload was begun with another sha256")
    if sha256 and not upload.sha256:
        db.execute("UPDATE uploads SET sha256 = ? WHERE id = ?", (sha256, upload.row))
    return upload


def add(db: Connection, upload: Upload, *, start: int, data: Buffer, keep_ms: int) -> Buffer:
    """Store a part behind what is here; what of it was new (empty: nothing).

    Args:
        db: the writing connection.
        upload: as `get` gave it in this transaction.
        start: where the part begins.
        data: its bytes.
        keep_ms: how long the upload lives after this.

    Raises:
        Conflict: bytes before it are missing; `received` says where to go on.
        BadRequest: it passes the end.
    """
    if start > upload.received:
        raise Conflict("bytes before this part are missing", received=upload.received)
    end = start + len(data)
    if end > upload.size_bytes:
        raise BadRequest("the part passes the end", size_bytes=upload.size_bytes)
    fresh = data[upload.received - start :]
    if not fresh:
        return b""
    db.execute(
        "INSERT INTO upload_pieces(upload, start, data) VALUES(?, ?, ?)",
        (upload.row, upload.received, fresh),
    )
    db.execute(
        "UPDATE uploads SET received = ?, expires_at = ? WHERE id = ?",
        (end, later(None, keep_ms), upload.row),
    )
    return fresh


def close(db: Connection, upload_id: str, *, owner: str, sha256: str) -> None:
    """Note the hash that was found: the file is here as a whole.

    Raises:
        NotFound: no such upload.
    """
    upload = get(db, upload_id, owner=owner)
    db.execute(
        "UPDATE uploads SET status = 'closed', sha256 = ? WHERE id = ?", (sha256, upload.row)
    )


def read(db: Connection, upload: Upload, *, start: int) -> Sequence[bytes]:
    """The next pieces from a byte on, a few megabytes; none after the end.

    Args:
        db: any connection.
        upload: which.
        start: where a piece begins: 0, or where the last read ended.

    Raises:
        NotFound: it was deleted meanwhile.
    """
    get(db, upload.upload_id)
    rows = db.execute(
        "SELECT data FROM upload_pieces WHERE upload = ? AND start >= ? ORDER BY start LIMIT ?",
        (upload.row, start, READ_PIECES),
    )
    found: list[bytes] = []
    size = 0
    for (data,) in rows:
        found.append(data)
        size += len(data)
        if size >= READ_BYTES:
            break
    return found


def hand_over(db: Connection, upload_id: str, *, owner: str, job_id: str, wanted: bool) -> None:
    """Give an upload to a job, which keeps it until it is done; earlier ones of the job go.

    Args:
        db: the writing connection.
        upload_id: which.
        owner: a client_id; empty: the user.
        job_id: the job, in the same transaction.
        wanted: the job needs it; otherwise it is dropped, unless it is the job's already.

    Raises:
        NotFound: no such upload. Conflict: it belongs to another job.
    """
    upload = get(db, upload_id, owner=owner)
    holder = db.execute(_HOLDER, (upload.row,)).get
    if holder == job_id:
        return
    if holder is not None:
        raise Conflict("the upload belongs to another job", job_id=str(holder))
    if not wanted:
        db.execute("UPDATE uploads SET status = 'dropped' WHERE id = ?", (upload.row,))
        return
    spend(db, job_id)
    db.execute(
        "UPDATE uploads SET job = (SELECT id FROM jobs WHERE job_id = ?) WHERE id = ?",
        (job_id, upload.row),
    )


def spend(db: Connection, job_id: str) -> None:
    """Drop what a job no longer needs."""
    db.execute(
        "UPDATE uploads SET status = 'dropped' WHERE job = (SELECT id FROM jobs WHERE job_id = ?)",
        (job_id,),
    )


def drop(db: Connection, upload_id: str, *, owner: str) -> None:
    """Make an upload invisible; `delete` removes what it holds.

    Raises:
        NotFound: no such upload.
        Conflict: a job that waits or runs needs it.
    """
    upload = get(db, upload_id, owner=owner)
    if db.execute(_NEEDED, (upload.row,)).get is not None:
        raise Conflict("a job needs the upload", fix="`edged jobs cancel ID` first")
    db.execute("UPDATE uploads SET status = 'dropped' WHERE id = ?", (upload.row,))


_HOLDER = "SELECT j.job_id FROM uploads u JOIN jobs j ON j.id = u.job WHERE u.id = ?"

_NEEDED = """
SELECT 1 FROM uploads u JOIN jobs j ON j.id = u.job
WHERE u.id = ? AND j.state IN ('queued', 'running')
"""


def outlived(db: Connection, *, now: datetime, keep_ms: int) -> tuple[str, ...]:
    """Uploads to be deleted: dropped ones, and those whose time is over.

    One that a job needs stays, and `keep_ms` longer when the job failed or was cancelled.
    """
    rows = db.execute(
        "SELECT upload_id FROM uploads u WHERE status = 'dropped' OR (expires_at <= :now "
        "AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.id = u.job "
        "AND (j.state IN ('queued', 'running') OR j.updated_at > :since)))",
        {"now": stamp(now), "since": later(now, -keep_ms)},
    )
    return tuple(upload_id for (upload_id,) in rows)


def delete(db: Connection, upload_id: str, *, at_most: int) -> bool:
    """Delete an upload, whoever's it is; True when nothing is left.

    Args:
        db: the writing connection.
        upload_id: which.
        at_most: so many rows at once; call again until True.
    """
    row = db.execute("SELECT id FROM uploads WHERE upload_id = ?", (upload_id,)).get
    if row is None:
        return True
    db.execute("UPDATE uploads SET status = 'dropped' WHERE id = ?", (row,))
    most = max(1, at_most // _PIECE_WEIGHT)
    db.execute(
        "DELETE FROM upload_pieces WHERE id IN "
        "(SELECT id FROM upload_pieces WHERE upload = ? LIMIT ?)",
        (row, most),
    )
    if db.changes() == most:
        return False
    db.execute("DELETE FROM uploads WHERE id = ?", (row,))
    db.execute("PRAGMA incremental_vacuum(256)").fetchall()
    return True
