"""Chunks of a recording in the order of the session's clock, to be read again."""

from msgspec import Struct

from edged.media import AudioFormat
from edged.store.engine import Connection


class PlacedChunk(Struct, frozen=True, kw_only=True):
    """One chunk. start_ms: on the session's clock; None: right behind the one before.

    audio: the format of raw PCM; None for a media file.
    """

    number: int
    start_ms: int | None
    duration_ms: int
    codec: str
    audio: AudioFormat | None = None


def after(
    db: Connection, recording_id: str, number: int = -1, *, limit: int = 500
) -> tuple[PlacedChunk, ...]:
    """Chunks with larger numbers, in order."""
    rows = db.execute(
        "SELECT c.number, c.start_ms, c.duration_ms, c.codec, c.sample_rate, c.channels, "
        "c.sample_format FROM chunks c JOIN recordings r ON r.id = c.recording "
        "WHERE r.recording_id = ? AND c.number > ? ORDER BY c.number LIMIT ?",
        (recording_id, number, limit),
    )
    return tuple(_to_chunk(*row) for row in rows)


def exist(db: Connection, recording_id: str) -> bool:
    """Whether a recording is made of chunks."""
    return bool(after(db, recording_id, limit=1))


def end_ms(db: Connection, recording_id: str) -> int:
    """Where the last chunk ends, as far as chunks say where they begin."""
    return int(
        db.execute(
            "SELECT coalesce(max(coalesce(c.start_ms, 0) + c.duration_ms), 0) FROM chunks c "
            "JOIN recordings r ON r.id = c.recording WHERE r.recording_id = ?",
            (recording_id,),
        ).get
    )


def content(db: Connection, recording_id: str, number: int) -> bytes:
    """A chunk's bytes; none when they are gone."""
    rows = db.execute(
        "SELECT a.data FROM audio_chunks a JOIN recordings r ON r.id = a.recording "
        "WHERE r.recording_id = ? AND a.number = ? ORDER BY a.piece",
        (recording_id, number),
    )
    return b"".join(data for (data,) in rows)


def _to_chunk(  # noqa: PLR0913, PLR0917 the columns of a row
    number: int,
    start_ms: int | None,
    duration_ms: int,
    codec: str,
    sample_rate: int | None,
    channels: int | None,
    sample_format: str | None,
) -> PlacedChunk:
    audio = None
    if sample_rate and channels and sample_format in {"s16le", "f32le"}:
        audio = AudioFormat(
            sample_rate=sample_rate,
            channels=channels,
            sample_format="s16le" if sample_format == "s16le" else "f32le",
        )
    return PlacedChunk(
        number=number, start_ms=start_ms, duration_ms=duration_ms, codec=codec, audio=audio
    )
