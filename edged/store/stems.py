"""Stems that are kept: one session, whose recordings are the parts of one piece of sound."""

from collections.abc import Sequence

from msgspec import Struct

from edged.media import AudioFormat
from edged.store import audio, recordings, sessions
from edged.store.clock import stamp
from edged.store.engine import Connection

SOURCE = "stem"
"""The source of such a recording: it has no transcript unless somebody asks for one."""


class KeptStems(Struct, frozen=True, kw_only=True):
    """A session of stems; recordings: their ids by the stems' names."""

    session_id: str
    recordings: dict[str, str]


def begin(
    db: Connection,
    names: Sequence[str],
    *,
    title: str,
    facts: AudioFormat,
    started_by: str = "",
    owner: str = "",
) -> KeptStems:
    """A session with an empty recording for each stem; `audio.add` fills them.

    Args:
        db: the writing connection.
        names: of the stems.
        title: of the session, shown to the user.
        facts: of their raw PCM.
        started_by: the client's name.
        owner: the client_id whose result it is; empty: the user's.
    """
    session = sessions.create(db, kind="file", name=title, started_by=started_by, owner=owner)
    row = sessions.row_id(db, session.id)
    found = {}
    for name in names:
        found[name] = sessions.new_id()
        db.execute(
            "INSERT INTO recordings(recording_id, session, source, name, sample_rate, channels, "
            "sample_format, created_at) VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
            (
                found[name],
                row,
                SOURCE,
                f"{title} ({name})" if title else name,
                facts.sample_rate,
                facts.channels,
                facts.sample_format,
                stamp(),
            ),
        )
        recordings.tell(db, found[name])
    sessions.tell(db, session.id)
    return KeptStems(session_id=session.id, recordings=found)


def finish(db: Connection, kept: KeptStems, *, duration_ms: int) -> None:
    """All audio is there.

    Raises:
        NotFound: the session was deleted meanwhile.
    """
    for recording_id in kept.recordings.values():
        db.execute(
            "UPDATE recordings SET audio_ms = ?, size_bytes = ? WHERE recording_id = ?",
            (duration_ms, audio.size_bytes(db, recording_id), recording_id),
        )
        audio.complete(db, recording_id)
    row = sessions.row_id(db, kept.session_id)
    sessions.lengthen(db, row, duration_ms)
    sessions.follow(db, row, "completed")
