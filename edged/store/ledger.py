"""The gap ledger: what of a recording's time was captured, silent, or missing and why.

Entries of one recording never overlap; neighbours that say the same are one entry. A gap that is
told of late is cut out of what counted as captured; sound fills only what nothing is known of.
"""

from typing import Literal

import msgspec

from edged.messages.events import SessionGap
from edged.messages.sessions import LedgerEntry
from edged.store import events, recordings, sessions
from edged.store.engine import Connection

Heard = Literal["captured", "silence"]

ROUNDING_MS = 20
"""A shorter hole between two chunks is rounding, not loss: it counts with the one before it."""


def hear(db: Connection, recording_id: str, start_ms: int, end_ms: int, *, state: Heard) -> None:
    """A stretch was captured; what is known of its time already stays as it is.

    Raises:
        NotFound: no such recording.
    """
    row = recordings.row_id(db, recording_id)
    for start, end in _free(db, row, start_ms, end_ms):
        _insert(db, row, start, end, state, "")


def miss(db: Connection, recording_id: str, start_ms: int, end_ms: int, *, reason: str) -> None:
    """A stretch is missing, whatever was thought of it before; told as `session.gap`.

    Raises:
        NotFound: no such recording.
    """
    row = recordings.row_id(db, recording_id)
    if end_ms <= start_ms:
        return
    _cut(db, row, start_ms, end_ms)
    _insert(db, row, start_ms, end_ms, "gap", reason)
    _tell(db, recording_id, row, start_ms)


def fill(db: Connection, recording_id: str, until_ms: int, *, reason: str) -> int:
    """Call all time up to a moment of which nothing is known a gap; how much that was, in ms.

    Time before the first entry is `opening`, whatever the reason, and is not told: nobody expected
    to be heard yet.

    Raises:
        NotFound: no such recording.
    """
    row = recordings.row_id(db, recording_id)
    first = db.execute("SELECT min(start_ms) FROM ledger WHERE recording = ?", (row,)).get
    filled = 0
    for start, end in _free(db, row, 0, until_ms):
        if _is_rounding(db, row, start, end):
            continue
        opening = start == 0 and first is not None
        _insert(db, row, start, end, "gap", "opening" if opening else reason)
        if not opening:
            _tell(db, recording_id, row, start)
        filled += end - start
    return filled


def end_ms(db: Connection, recording_id: str) -> int:
    """Up to where something is known.

    Raises:
        NotFound: no such recording.
    """
    row = recordings.row_id(db, recording_id)
    return int(
        db.execute("SELECT coalesce(max(end_ms), 0) FROM ledger WHERE recording = ?", (row,)).get
    )


def entries(db: Connection, recording_id: str) -> tuple[LedgerEntry, ...]:
    """The entries of one recording, in order of time.

    Raises:
        NotFound: no such recording.
    """
    rows = db.execute(
        "SELECT start_ms, end_ms, state, reason FROM ledger WHERE recording = ? ORDER BY start_ms",
        (recordings.row_id(db, recording_id),),
    )
    return tuple(_to_entry(recording_id, row) for row in rows)


def of_session(db: Connection, session_id: str) -> tuple[LedgerEntry, ...]:
    """The entries of all of a session's recordings, in order of time.

    Raises:
        NotFound: no such session.
    """
    found = [
        entry
        for recording_id in sessions.recordings_of(db, session_id)
        for entry in entries(db, recording_id)
    ]
    return tuple(sorted(found, key=lambda entry: entry.start_ms))


def _is_rounding(db: Connection, row: int, start_ms: int, end_ms: int) -> bool:
    """Whether a hole is a few milliseconds behind sound; the sound then reaches over it."""
    if end_ms - start_ms > ROUNDING_MS:
        return False
    db.execute(
        "UPDATE ledger SET end_ms = ? WHERE recording = ? AND end_ms = ? AND state != 'gap'",
        (end_ms, row, start_ms),
    )
    return bool(db.changes())


def _overlapping(db: Connection, row: int, start_ms: int, end_ms: int) -> list[tuple[int, int]]:
    return [
        (start, end)
        for start, end in db.execute(
            "SELECT start_ms, end_ms FROM ledger WHERE recording = ? AND start_ms < ? AND end_ms > ? "
            "ORDER BY start_ms",
            (row, end_ms, start_ms),
        )
    ]


def _free(db: Connection, row: int, start_ms: int, end_ms: int) -> list[tuple[int, int]]:
    """The stretches of a stretch of which nothing is known."""
    found, at = [], start_ms
    for start, end in _overlapping(db, row, start_ms, end_ms):
        if start > at:
            found.append((at, start))
        at = max(at, end)
    if at < end_ms:
        found.append((at, end_ms))
    return found


def _cut(db: Connection, row: int, start_ms: int, end_ms: int) -> None:
    """Take a stretch out of what is known; what stands on either side of it stays."""
    for start, end in _overlapping(db, row, start_ms, end_ms):
        state, reason = db.execute(
            "DELETE FROM ledger WHERE recording = ? AND start_ms = ? RETURNING state, reason",
            (row, start),
        ).fetchall()[0]
        for left, right in ((start, start_ms), (end_ms, end)):
            if left < right:
                _put(db, row, left, right, str(state), str(reason))


def _insert(db: Connection, row: int, start_ms: int, end_ms: int, state: str, reason: str) -> None:
    """Add an entry where nothing is, joined with neighbours that say the same."""
    before = db.execute(
        "DELETE FROM ledger WHERE recording = ? AND end_ms = ? AND state = ? AND reason = ? "
        "RETURNING start_ms",
        (row, start_ms, state, reason),
    ).get
    behind = db.execute(
        "DELETE FROM ledger WHERE recording = ? AND start_ms = ? AND state = ? AND reason = ? "
        "RETURNING end_ms",
        (row, end_ms, state, reason),
    ).get
    start = start_ms if before is None else int(before)
    _put(db, row, start, end_ms if behind is None else int(behind), state, reason)


def _put(db: Connection, row: int, start_ms: int, end_ms: int, state: str, reason: str) -> None:
    db.execute(
        "INSERT INTO ledger(recording, start_ms, end_ms, state, reason) VALUES(?, ?, ?, ?, ?)",
        (row, start_ms, end_ms, state, reason),
    )


def _tell(db: Connection, recording_id: str, row: int, at_ms: int) -> None:
    """Tell of the gap that covers a moment."""
    found = db.execute(
        "SELECT start_ms, end_ms, state, reason FROM ledger "
        "WHERE recording = ? AND start_ms <= ? AND end_ms > ?",
        (row, at_ms, at_ms),
    ).fetchall()[0]
    session_id = db.execute(
        "SELECT n.session_id FROM sessions n JOIN recordings r ON r.session = n.id WHERE r.id = ?",
        (row,),
    ).get
    events.record(db, SessionGap(session_id=str(session_id), entry=_to_entry(recording_id, found)))


def _to_entry(recording_id: str, row: tuple[object, ...]) -> LedgerEntry:
    start_ms, end_ms, state, reason = row
    facts = {
        "recording_id": recording_id,
        "start_ms": start_ms,
        "end_ms": end_ms,
        "state": state,
        "reason": reason,
    }
    return msgspec.convert(facts, LedgerEntry)
