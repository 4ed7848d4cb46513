"""Speakers: the voices of a session, and who people say they are."""

from collections.abc import Sequence

from edged.messages.events import SpeakersChanged
from edged.store import events, sessions
from edged.store.engine import Connection


def create(db: Connection, session: int, labels: Sequence[str]) -> tuple[str, ...]:
    """Give a session these speakers and no others; their ids, in the same order.

    Those of an earlier time go, with their turns, voices, claims and everything to be undone; their
    segments stay, as nobody's. Not told: `tell` is for the end of the same transaction.

    Args:
        db: the writing connection.
        session: the session's row (`sessions.row_id`).
        labels: in order of first words, each once (`speech.turns.label`).
    """
    for table in ("speaker_edits", "merged_speakers", "speakers"):
        db.execute(f"DELETE FROM {table} WHERE session = ?", (session,))  # noqa: S608 constants
    ids = tuple(sessions.new_id() for _ in labels)
    db.executemany(
        "INSERT INTO speakers(speaker_id, session, label) VALUES(?, ?, ?)",
        [(speaker_id, session, label) for speaker_id, label in zip(ids, labels, strict=True)],
    )
    return ids


def tell(db: Connection, session_id: str) -> None:
    """Record that the speakers of a session changed."""
    events.record(db, SpeakersChanged(session_id=session_id))
