"""Sessions: one per intake, a file, a fed stream or live capture; recordings hang on them."""

import secrets
from typing import Literal

from msgspec import Struct

from edged.errors import NotFound
from edged.messages.records import Problem
from edged.messages.sessions import SessionStatus
from edged.messages.wire import Id, Timestamp
from edged.store.clock import stamp
from edged.store.engine import Connection
from edged.store.rows import problem_columns, to_problem

SessionKind = Literal["file", "fed", "live"]

_COLUMNS = (
    "session_id, kind, group_name, started_by, status, started_at, ended_at, "
    "error_code, error_message, error_fix"
)


class Session(Struct, frozen=True, kw_only=True):
    """One intake. group_name: sessions that belong together; started_by: the client's name."""

    session_id: Id
    kind: SessionKind
    group_name: str
    started_by: str
    status: SessionStatus
    started_at: Timestamp
    ended_at: Timestamp | None = None
    error: Problem | None = None


def new_id() -> str:
    """A fresh random id: 16 hex digits."""
    return secrets.token_hex(8)


def create(
    db: Connection, *, kind: SessionKind, started_by: str = "", group_name: str = ""
) -> Session:
    """Begin a session."""
    session_id = new_id()
    db.execute(
        "INSERT INTO sessions(session_id, kind, group_name, started_by, started_at) "
        "VALUES(?, ?, ?, ?, ?)",
        (session_id, kind, group_name, started_by, stamp()),
    )
    return get(db, session_id)


def end(db: Connection, session_id: str, error: Problem | None = None) -> Session:
    """End a session; with an error it failed.

    Raises:
        NotFound: no such session.
    """
    db.execute(
        "UPDATE sessions SET status = ?, ended_at = ?, error_code = ?, error_message = ?, "
        "error_fix = ? WHERE session_id = ?",
        ("failed" if error else "completed", stamp(), *problem_columns(error), session_id),
    )
    return get(db, session_id)


def get(db: Connection, session_id: str) -> Session:
    """One session.

    Raises:
        NotFound: no such session.
    """
    for row in db.execute(
        f"SELECT {_COLUMNS} FROM sessions WHERE session_id = ?",  # noqa: S608 constants
        (session_id,),
    ):
        return _to_session(row)
    raise NotFound("no such session", session_id=session_id)


def newest(db: Connection, *, limit: int = 50) -> tuple[Session, ...]:
    """Sessions, newest first."""
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM sessions ORDER BY id DESC LIMIT ?",  # noqa: S608 constants
        (limit,),
    )
    return tuple(_to_session(row) for row in rows)


def _to_session(row: tuple) -> Session:  # type: ignore[type-arg]  # a row as apsw types it
    session_id, kind, group_name, started_by, status, started_at, ended_at, *error = row
    return Session(
        session_id=session_id,
        kind=kind,
        group_name=group_name,
        started_by=started_by,
        status=status,
        started_at=started_at,
        ended_at=ended_at,
        error=to_problem(*error),
    )
