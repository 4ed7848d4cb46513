"""Times in tables: UTC, ISO 8601 with milliseconds; as text they sort as in time."""

from datetime import UTC, datetime, timedelta

from edged.messages.wire import Timestamp


def stamp(moment: datetime | None = None) -> Timestamp:
    """A moment as tables and the wire write it; the present when absent."""
    moment = (moment or datetime.now(UTC)).astimezone(UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def later(moment: datetime | None, milliseconds: float) -> Timestamp:
    """So many milliseconds after a moment; after the present when absent."""
    return stamp((moment or datetime.now(UTC)) + timedelta(milliseconds=milliseconds))
