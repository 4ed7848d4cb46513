"""Whose a thing is: the client_id that its session, job or upload was made for; empty: the user's."""

from typing import Final

from edged.store.engine import Connection

_OF_SESSION = (
    "SELECT n.owner FROM {table} x {joins} JOIN sessions n ON n.id = {session} WHERE x.{column} = ?"
)

_OWNERS: Final[dict[str, str]] = {
    "session": "SELECT owner FROM sessions WHERE session_id = ?",
    "recording": _OF_SESSION.format(
        table="recordings", joins="", session="x.session", column="recording_id"
    ),
    "speaker": _OF_SESSION.format(
        table="speakers", joins="", session="x.session", column="speaker_id"
    ),
    "key frame": _OF_SESSION.format(
        table="key_frames",
        joins="JOIN tracks t ON t.id = x.track JOIN sights s ON s.id = t.sight",
        session="s.session",
        column="frame_id",
    ),
    "job": "SELECT owner FROM jobs WHERE job_id = ?",
}

KINDS: Final = frozenset(_OWNERS)
"""Of things that belong to somebody."""


def owner(db: Connection, kind: str, thing: str) -> str | None:
    """The client_id whose thing it is; empty: the user's; None: there is no such thing.

    Args:
        db: any connection.
        kind: one of KINDS.
        thing: its id on the wire.
    """
    found = db.execute(_OWNERS[kind], (thing,)).get
    return None if found is None else str(found)


def hears(db: Connection, client_id: str, person_id: str) -> bool:
    """Whether somebody in a client's own sessions is said to be this person."""
    found = db.execute(
        "SELECT 1 FROM people p JOIN speakers k ON k.person = p.id "
        "JOIN sessions n ON n.id = k.session WHERE p.person_id = ? AND n.owner = ? LIMIT 1",
        (person_id, client_id),
    ).get
    return found is not None
