"""Small facts about the store itself."""

from edged.store.clock import stamp
from edged.store.engine import Connection


def get(db: Connection, name: str) -> str | None:
    """A value by name; None when it was never set."""
    value = db.execute("SELECT value FROM meta WHERE name = ?", (name,)).get
    return None if value is None else str(value)


def put(db: Connection, name: str, value: str) -> None:
    """Set a value."""
    db.execute(
        "INSERT INTO meta(name, value) VALUES(?, ?) "
        "ON CONFLICT(name) DO UPDATE SET value = excluded.value",
        (name, value),
    )


def self_test(db: Connection) -> None:
    """Write something, so that the commit proves that the disk takes it."""
    put(db, "self_test", stamp())
