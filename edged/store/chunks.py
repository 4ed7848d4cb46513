"""Chunks of recordings that are captured or fed: committed whole, one transaction each.

The bytes lie in audio_chunks under the chunk's number; here is what they are.
"""

import hashlib

import msgspec
from msgspec import Struct

from edged.errors import Conflict, NotFound
from edged.media import AudioFormat
from edged.messages.sessions import Codec
from edged.store import audio, ledger, recordings, sessions
from edged.store.clock import stamp
from edged.store.engine import Connection

ChunkCodec = Codec | str
"""`file` stands for whatever media a client sent, `pcm` for raw samples."""

_COLUMNS = "number, start_ms, duration_ms, codec, sample_rate, channels, sample_format, size_bytes"


class Chunk(Struct, frozen=True, kw_only=True):
    """What a stored chunk is.

    start_ms: on the session's clock; None while chunks before it are missing.
    codec: opus, flac, aac, `file` (any media file) or `pcm`, whose facts `audio` holds.
    """

    number: int
    start_ms: int | None
    duration_ms: int
    codec: str
    size_bytes: int
    audio: AudioFormat | None = None


def add(  # noqa: PLR0913 the facts of one chunk, all by keyword
    db: Connection,
    recording_id: str,
    *,
    number: int,
    start_ms: int | None,
    duration_ms: int,
    codec: str,
    data: bytes | memoryview,
    silent: bool = False,
    audio_format: AudioFormat | None = None,
) -> bool:
    """Add one chunk with its bytes and its ledger entry; whether it is new.

    The same number with the same bytes again changes nothing.

    Args:
        db: the writing connection.
        recording_id: of which recording.
        number: from 0.
        start_ms: on the session's clock; None when that is not known yet (see `place`).
        duration_ms: of its sound.
        codec: as in Chunk.
        data: a whole file of its codec, or raw PCM.
        silent: the ledger calls it silence.
        audio_format: of raw PCM.

    Raises:
        NotFound: no such recording.
        Conflict: that number was added with other bytes.
    """
    row = recordings.row_id(db, recording_id)
    digest = hashlib.sha256(data).hexdigest()
    if _known(db, row, number, digest):
        return False
    facts = (
        (audio_format.sample_rate, audio_format.channels, audio_format.sample_format)
        if audio_format
        else (None, None, None)
    )
    db.execute(
        f"INSERT INTO chunks(recording, {_COLUMNS}, sha256, created_at, silent) "
        "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (row, number, start_ms, duration_ms, codec, *facts, len(data), digest, stamp(), silent),
    )
    audio.add(db, recording_id, number=number, data=data)
    db.execute(
        "UPDATE recordings SET audio_kept = 1, size_bytes = size_bytes + ? WHERE id = ?",
        (len(data), row),
    )
    if start_ms is not None:
        _stands(db, recording_id, start_ms, start_ms + duration_ms, silent=silent)
    return True


def place(db: Connection, recording_id: str, *, number: int, start_ms: int) -> int:
    """Give a chunk that came before its forerunners its place and its ledger entry; return its end.

    Raises:
        NotFound: no such recording, or no such chunk.
    """
    row = recordings.row_id(db, recording_id)
    found = db.execute(
        "UPDATE chunks SET start_ms = ? WHERE recording = ? AND number = ? "
        "RETURNING duration_ms, silent",
        (start_ms, row, number),
    ).fetchall()
    if not found:
        raise NotFound("no such chunk", recording_id=recording_id, number=number)
    duration_ms, silent = found[0]
    end_ms = start_ms + int(str(duration_ms))
    _stands(db, recording_id, start_ms, end_ms, silent=bool(silent))
    return end_ms


def placed(db: Connection, recording_id: str) -> tuple[int, int]:
    """How many chunks from the first on have their place, and where the last of them ends, in ms.

    Raises:
        NotFound: no such recording.
    """
    found = db.execute(
        "SELECT count(*), coalesce(max(start_ms + duration_ms), 0) FROM chunks "
        "WHERE recording = ? AND start_ms IS NOT NULL",
        (recordings.row_id(db, recording_id),),
    ).fetchall()
    count, end_ms = found[0]
    return int(str(count)), int(str(end_ms))


def unplaced(db: Connection, recording_id: str) -> tuple[int, ...]:
    """Numbers of the chunks that came before their forerunners, in order.

    Raises:
        NotFound: no such recording.
    """
    rows = db.execute(
        "SELECT number FROM chunks WHERE recording = ? AND start_ms IS NULL ORDER BY number",
        (recordings.row_id(db, recording_id),),
    )
    return tuple(int(number) for (number,) in rows)


def placed_after(db: Connection, recording_id: str, number: int) -> Chunk | None:
    """The next chunk that has its place; None when there is none yet.

    Raises:
        NotFound: no such recording.
    """
    row = db.execute(
        f"SELECT {_COLUMNS} FROM chunks WHERE recording = ? AND number > ? "  # noqa: S608 constants
        "AND start_ms IS NOT NULL ORDER BY number LIMIT 1",
        (recordings.row_id(db, recording_id), number),
    ).fetchone()
    return None if row is None else _to_chunk(row)


def list_chunks(
    db: Connection, recording_id: str, *, after: int = -1, limit: int = -1
) -> tuple[Chunk, ...]:
    """Chunks of a recording, by number: those behind a number, at most so many; -1: all.

    Raises:
        NotFound: no such recording.
    """
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM chunks WHERE recording = ? AND number > ? "  # noqa: S608 constants
        "ORDER BY number LIMIT ?",
        (recordings.row_id(db, recording_id), after, limit),
    )
    return tuple(_to_chunk(row) for row in rows)


def data(db: Connection, recording_id: str, *, number: int) -> bytes:
    """The bytes of a chunk; empty when there is no such chunk or its audio was deleted.

    Raises:
        NotFound: no such recording.
    """
    rows = db.execute(
        "SELECT data FROM audio_chunks WHERE recording = ? AND number = ? ORDER BY piece",
        (recordings.row_id(db, recording_id), number),
    )
    return b"".join(piece for (piece,) in rows)


def next_number(db: Connection, recording_id: str) -> int:
    """One more than the highest number there is; 0 before the first chunk.

    Raises:
        NotFound: no such recording.
    """
    row = recordings.row_id(db, recording_id)
    highest = db.execute("SELECT max(number) FROM chunks WHERE recording = ?", (row,)).get
    return 0 if highest is None else int(str(highest)) + 1


def missing(db: Connection, recording_id: str, *, below: int, limit: int = 100) -> tuple[int, ...]:
    """Numbers below one that have not come, at most so many.

    Raises:
        NotFound: no such recording.
    """
    row = recordings.row_id(db, recording_id)
    known = {
        number
        for (number,) in db.execute(
            "SELECT number FROM chunks WHERE recording = ? AND number < ?", (row, below)
        )
    }
    absent = (number for number in range(below) if number not in known)
    return tuple(number for number, _ in zip(absent, range(limit), strict=False))


def delete_audio(db: Connection, session_id: str, *, at_most: int = 4) -> bool:
    """Delete the audio of a session, so many pieces (256 KiB) at once; True when nothing is left.

    Chunks stay listed, without bytes.

    Raises:
        NotFound: no such session.
    """
    row = sessions.row_id(db, session_id)
    db.execute(
        "DELETE FROM audio_chunks WHERE rowid IN (SELECT a.rowid FROM audio_chunks a "
        "JOIN recordings r ON r.id = a.recording WHERE r.session = ? LIMIT ?)",
        (row, at_most),
    )
    if db.changes():
        db.execute("PRAGMA incremental_vacuum(256)").fetchall()
        return False
    db.execute("UPDATE recordings SET audio_kept = 0 WHERE session = ?", (row,))
    return True


def unwanted_audio(db: Connection, *, limit: int = 20) -> tuple[str, ...]:
    """Sessions whose work is done and whose audio was not to be kept, but is there."""
    rows = db.execute(
        "SELECT session_id FROM sessions n WHERE kind = 'live' AND NOT keep_audio "
        "AND status IN ('ready_for_claiming', 'completed') AND EXISTS "
        "(SELECT 1 FROM recordings WHERE session = n.id AND audio_kept) LIMIT ?",
        (limit,),
    )
    return tuple(session_id for (session_id,) in rows)


def _known(db: Connection, row: int, number: int, digest: str) -> bool:
    known = db.execute(
        "SELECT sha256 FROM chunks WHERE recording = ? AND number = ?", (row, number)
    ).get
    if known is not None and known != digest:
        raise Conflict(
            f"chunk {number} is there with other bytes",
            fix="send it as it was, or under the next free number",
            chunk_number=number,
        )
    return known is not None


def _stands(db: Connection, recording_id: str, start_ms: int, end_ms: int, *, silent: bool) -> None:
    """The ledger knows of it, and recording and session are at least so long."""
    state: ledger.Heard = "silence" if silent else "captured"
    ledger.hear(db, recording_id, start_ms, end_ms, state=state)
    row = recordings.row_id(db, recording_id)
    db.execute("UPDATE recordings SET audio_ms = max(audio_ms, ?) WHERE id = ?", (end_ms, row))
    session = db.execute("SELECT session FROM recordings WHERE id = ?", (row,)).get
    sessions.lengthen(db, int(session), end_ms)


def _to_chunk(row: tuple[object, ...]) -> Chunk:
    number, start_ms, duration_ms, codec, rate, channels, sample_format, size_bytes = row
    facts: dict[str, object] = {
        "number": number,
        "start_ms": start_ms,
        "duration_ms": duration_ms,
        "codec": codec,
        "size_bytes": size_bytes,
    }
    if rate is not None:
        facts["audio"] = {
            "sample_rate": rate,
            "channels": channels,
            "sample_format": sample_format,
        }
    return msgspec.convert(facts, Chunk)
