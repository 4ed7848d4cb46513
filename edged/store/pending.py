"""What was captured and is not recognised yet: a search cannot find it, so it says so."""

from edged.messages.records import Pending
from edged.store.engine import Connection
from edged.store.narrowing import Filters

MOST = 100

_UNHEARD = (
    "SELECT session_id, recording_id, done_ms, captured_ms FROM ("
    "SELECT n.id AS number, n.session_id, r.recording_id, coalesce(t.done_ms, 0) AS done_ms, "
    "max(r.audio_ms, coalesce((SELECT max(c.start_ms + c.duration_ms) FROM chunks c "
    "WHERE c.recording = r.id), 0)) AS captured_ms, n.group_name "
    "FROM sessions n JOIN recordings r ON r.session = n.id "
    "LEFT JOIN transcripts t ON t.recording = r.id AND t.current "
    "WHERE n.status IN ('recording', 'paused', 'processing')"
    "AND (:recording_id IS NULL OR r.recording_id = :recording_id) "
    "AND (:session_id IS NULL OR n.session_id = :session_id) "
    "AND (:group IS NULL OR n.group_name = :group) "
    "AND (:owner IS NULL OR n.owner = :owner)) "
    "WHERE captured_ms > done_ms ORDER BY number DESC, recording_id LIMIT :most"
)


def pending(db: Connection, filters: Filters | None = None) -> tuple[Pending, ...]:
    """Stretches of sessions at work that no transcript covers, newest session first; at most 100.

    Only recording, session, group and owner narrow it: who speaks, how and in which language nobody knows
    yet. What lies in a chunk that is still open is not captured.
    """
    asked = filters or Filters()
    bindings = {
        "recording_id": asked.recording_id,
        "session_id": asked.session_id,
        "group": asked.group,
        "owner": asked.owner,
        "most": MOST,
    }
    return tuple(
        Pending(session_id=session, recording_id=recording, start_ms=done, end_ms=captured)
        for session, recording, done, captured in db.execute(_UNHEARD, bindings)
    )
