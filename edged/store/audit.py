"""The audit: what clients did and what was decided about them; rows are added, never changed."""

from edged.messages.access import AuditAct, AuditEntry
from edged.store.clock import stamp
from edged.store.engine import Connection


def add(db: Connection, act: AuditAct, client_id: str, what: str = "", *, count: int = 1) -> None:
    """Add an entry.

    Args:
        db: the writing connection.
        act: what happened.
        client_id: of whom; empty for the owner.
        what: the type of the request, or the scopes; never content.
        count: how often.
    """
    db.execute(
        "INSERT INTO audit(at, act, client_id, what, count) VALUES(?, ?, ?, ?, ?)",
        (stamp(), act, client_id, what, count),
    )


def page(
    db: Connection, *, client_id: str | None = None, before: int | None = None, limit: int = 100
) -> tuple[AuditEntry, ...]:
    """Entries, newest first.

    Args:
        db: a reading connection.
        client_id: only those of one client.
        before: only those with a smaller number.
        limit: at most so many.
    """
    rows = db.execute(
        "SELECT number, at, act, client_id, what, count FROM audit "
        "WHERE number < coalesce(?, 9e18) AND client_id = coalesce(?, client_id) "
        "ORDER BY number DESC LIMIT ?",
        (before, client_id, limit),
    )
    return tuple(
        AuditEntry(number=number, at=at, act=act, client_id=client, what=what, count=count)
        for number, at, act, client, what, count in rows
    )
