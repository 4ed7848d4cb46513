"""What the stages of the work after a session's end found, kept for the next try.

All results belong to one wish, named by its fingerprint: another wish begins anew.
"""

from typing import TypeVar

import msgspec
from msgspec import Struct

from edged.store import sessions
from edged.store.engine import Connection

S = TypeVar("S", bound=Struct)

_WISH = "wish"


def begin(db: Connection, session_id: str, fingerprint: str) -> bool:
    """Take up the work of a wish: True when there are results of it, which then count.

    Results of another wish are deleted.

    Raises:
        NotFound: no such session.
    """
    row = sessions.row_id(db, session_id)
    known = db.execute(
        "SELECT body FROM stage_results WHERE session = ? AND stage = ?", (row, _WISH)
    ).get
    if known == fingerprint.encode():
        return True
    db.execute("DELETE FROM stage_results WHERE session = ?", (row,))
    db.execute(
        "INSERT INTO stage_results(session, stage, body) VALUES(?, ?, ?)",
        (row, _WISH, fingerprint.encode()),
    )
    return False


def put(db: Connection, session_id: str, stage: str, part: str, result: Struct) -> None:
    """Keep a result; one of the same name is replaced.

    Args:
        db: the writing connection.
        session_id: of which session.
        stage: that found it.
        part: of what: a recording's id, or with a range of it.
        result: any struct.

    Raises:
        NotFound: no such session.
    """
    db.execute(
        "INSERT OR REPLACE INTO stage_results(session, stage, part, body) VALUES(?, ?, ?, ?)",
        (sessions.row_id(db, session_id), stage, part, msgspec.msgpack.encode(result)),
    )


def get(db: Connection, session_id: str, stage: str, part: str, kind: type[S]) -> S | None:
    """A result that was kept; None when the stage has not come so far.

    Raises:
        NotFound: no such session.
    """
    body = db.execute(
        "SELECT body FROM stage_results WHERE session = ? AND stage = ? AND part = ?",
        (sessions.row_id(db, session_id), stage, part),
    ).get
    return None if body is None else msgspec.msgpack.decode(body, type=kind)


def clear(db: Connection, session_id: str) -> None:
    """Delete all results: the work is done.

    Raises:
        NotFound: no such session.
    """
    db.execute("DELETE FROM stage_results WHERE session = ?", (sessions.row_id(db, session_id),))
