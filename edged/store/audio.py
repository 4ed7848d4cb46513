"""Kept audio: the bytes as they came in, in parts."""

from edged.errors import NotKept
from edged.store import recordings
from edged.store.engine import Connection

PIECE_BYTES = 256 * 2**10
"""One row: deleting it overwrites it, which must fit into the ballast's room on a full disk."""


def add(db: Connection, recording_id: str, *, number: int, data: bytes | memoryview) -> None:
    """Store one part; a number that is there already is left as it is.

    Args:
        db: the writing connection.
        recording_id: of which recording.
        number: parts count from 0.
        data: as many bytes as the caller likes; all parts but the last have the same length.

    Raises:
        NotFound: no such recording.
    """
    row = recordings.row_id(db, recording_id)
    pieces = (bytes(data[at : at + PIECE_BYTES]) for at in range(0, len(data), PIECE_BYTES))
    db.executemany(
        "INSERT INTO audio_chunks(recording, number, piece, data) VALUES(?, ?, ?, ?) "
        "ON CONFLICT(recording, number, piece) DO NOTHING",
        [(row, number, piece, content) for piece, content in enumerate(pieces)],
    )


def complete(db: Connection, recording_id: str) -> None:
    """All parts are there: from now on the recording counts as kept.

    Raises:
        NotFound: no such recording.
    """
    db.execute(
        "UPDATE recordings SET audio_kept = 1 WHERE recording_id = ? AND NOT audio_kept",
        (recording_id,),
    )
    if db.changes():
        recordings.tell(db, recording_id)


def read(db: Connection, recording_id: str, *, number: int) -> bytes:
    """One part; empty after the last one.

    Raises:
        NotFound: no such recording.
        NotKept: its audio is not in the store.
    """
    if not recordings.get(db, recording_id).audio_kept:
        raise NotKept("the recording's audio is not in the store", recording_id=recording_id)
    rows = db.execute(
        "SELECT data FROM audio_chunks WHERE recording = ? AND number = ? ORDER BY piece",
        (recordings.row_id(db, recording_id), number),
    )
    return b"".join(data for (data,) in rows)


def size_bytes(db: Connection, recording_id: str) -> int:
    """How many bytes of a recording are stored, whether all are there or not.

    Raises:
        NotFound: no such recording.
    """
    row = recordings.row_id(db, recording_id)
    total = db.execute(
        "SELECT coalesce(sum(length(data)), 0) FROM audio_chunks WHERE recording = ?", (row,)
    ).get
    return int(total)
