"""A whole session for an export: lines and turns of all its recordings, on the session's clock."""

from collections.abc import Iterator

from edged.speech.exporting.told import Line, Told, Turn, merged
from edged.store import segments, sessions, speakers
from edged.store.engine import Connection

EVERYTHING = 2**53


def told(db: Connection, session_id: str) -> Told:
    """What was said in a session.

    Raises:
        NotFound: no such session.
    """
    session = sessions.get(db, session_id)
    names = {
        one.label: one.attributed_to or one.guest_name or one.label
        for one in speakers.list_speakers(db, session_id)
    }
    recordings = {source.recording_id: source.device or source.kind for source in session.sources}
    return Told(
        session_id=session_id,
        name=session.name,
        group=session.group,
        language=_language(db, session_id),
        started_at=session.started_at,
        duration_ms=session.duration_ms,
        lines=merged(
            line
            for recording, source in recordings.items()
            for line in _lines(db, recording, source, names)
        ),
        turns=tuple(_turns(db, session_id)),
        speakers=names,
        recordings=recordings,
    )


def _lines(db: Connection, recording: str, source: str, names: dict[str, str]) -> Iterator[Line]:
    for segment in segments.list_segments(db, recording, limit=EVERYTHING):
        name = names.get(segment.speaker, segment.speaker)
        yield Line(segment=segment, recording_id=recording, source=source, speaker=name)


def _turns(db: Connection, session_id: str) -> Iterator[Turn]:
    rows = db.execute(
        "SELECT u.start_ms, u.end_ms, p.label, r.recording_id FROM turns u "
        "JOIN speakers p ON p.id = u.speaker JOIN recordings r ON r.id = u.recording "
        "JOIN sessions n ON n.id = r.session WHERE n.session_id = ? "
        "ORDER BY u.start_ms, u.end_ms, p.label",
        (session_id,),
    )
    for start_ms, end_ms, label, recording_id in rows:
        yield Turn(start_ms=start_ms, end_ms=end_ms, speaker=label, recording_id=recording_id)


def _language(db: Connection, session_id: str) -> str:
    """Of its first transcript that has one."""
    found = db.execute(
        "SELECT t.language FROM transcripts t JOIN recordings r ON r.id = t.recording "
        "JOIN sessions n ON n.id = r.session WHERE n.session_id = ? AND t.current "
        "AND t.language != '' ORDER BY r.id LIMIT 1",
        (session_id,),
    ).get
    return str(found or "")
