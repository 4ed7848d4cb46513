"""Speakers: the voices of a session, and who people say they are."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from msgspec import Struct

from edged.errors import Conflict, NotFound, NotKept
from edged.messages.events import SpeakersChanged
from edged.messages.people import ClaimType, Speaker
from edged.messages.records import Span
from edged.speech import turns
from edged.store import events, sessions
from edged.store.engine import Connection

_SELECT = """
SELECT p.id, p.speaker_id, n.session_id, p.label, coalesce(f.segments, 0), coalesce(f.talk_ms, 0),
  p.claim_type, p.claimed_by, p.claimed_at, e.name, p.guest_name, e.person_id,
  coalesce(f.overlap_ms, 0), p.sample_start_ms IS NOT NULL AND p.sample_recording IS NOT NULL
FROM speakers p JOIN sessions n ON n.id = p.session
LEFT JOIN speaker_figures f ON f.speaker = p.id LEFT JOIN people e ON e.id = p.person
"""
_BY_FIRST_WORDS = " ORDER BY coalesce((SELECT min(s.start_ms) FROM segments s WHERE s.speaker = p.id), 1 << 53), p.id"
_SETTLED = ("ready_for_claiming", "completed")


class Found(Struct, frozen=True, kw_only=True):
    """The rows behind a speaker's id. person: whom it is claimed as."""

    row: int
    speaker_id: str
    session: int
    session_id: str
    label: str
    claim_type: ClaimType | None
    claimed_at: str | None
    person: int | None


class Sample(Struct, frozen=True, kw_only=True):
    """Where a speaker is heard alone."""

    recording_id: str
    span: Span


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
    return tuple(add(db, session, label) for label in labels)


def add(db: Connection, session: int, label: str) -> str:
    """One more speaker of a session; its id. The label is free there."""
    speaker_id = sessions.new_id()
    db.execute(
        "INSERT INTO speakers(speaker_id, session, label) VALUES(?, ?, ?)",
        (speaker_id, session, label),
    )
    return speaker_id


def tell(db: Connection, session_id: str) -> None:
    """Record that the speakers of a session changed."""
    events.record(db, SpeakersChanged(session_id=session_id))


def settle(db: Connection, session_id: str) -> None:
    """Tell, and move the session to where its claims put it; one that failed stays so."""
    tell(db, session_id)
    if sessions.status(db, session_id) in _SETTLED:
        sessions.settle(db, session_id)


def list_speakers(db: Connection, session_id: str) -> tuple[Speaker, ...]:
    """The speakers of a session, by their first words.

    Raises:
        NotFound: no such session.
    """
    session = sessions.row_id(db, session_id)
    rows = list(db.execute(_SELECT + "WHERE p.session = ?" + _BY_FIRST_WORDS, (session,)))
    counts = _word_counts(db, session)
    return tuple(_to_speaker(row, counts) for row in rows)


def find(db: Connection, speaker_id: str) -> Found:
    """The rows behind a speaker's id.

    Raises:
        NotFound: no such speaker.
    """
    rows = list(
        db.execute(
            "SELECT p.id, p.speaker_id, p.session, n.session_id, p.label, p.claim_type, p.claimed_at, "
            "p.person FROM speakers p JOIN sessions n ON n.id = p.session WHERE p.speaker_id = ?",
            (speaker_id,),
        )
    )
    if not rows:
        raise NotFound("no such speaker", speaker_id=speaker_id)
    row, _, session, session_id, label, claim_type, claimed_at, person = rows[0]
    return Found(
        row=row,
        speaker_id=speaker_id,
        session=session,
        session_id=session_id,
        label=label,
        claim_type=claim_type,
        claimed_at=claimed_at,
        person=person,
    )


def change(db: Connection, speaker_id: str) -> Found:
    """Likewise, for a change by somebody: the session's work has to be done.

    Raises:
        NotFound: no such speaker.
        Conflict: the session is recorded or worked on, and its speakers are about to be replaced.
    """
    found = find(db, speaker_id)
    check_done(db, found.session_id)
    return found


def check_done(db: Connection, session_id: str) -> None:
    """Refuse to change speakers that the work on the session replaces.

    Raises:
        NotFound: no such session.
        Conflict: the session is recorded or worked on.
    """
    status = sessions.status(db, session_id)
    if status not in {*_SETTLED, "failed"}:
        raise Conflict(
            f"the session is {status}: its speakers are not known yet",
            fix="wait until it is ready_for_claiming",
            session_id=session_id,
        )


def sample(db: Connection, speaker_id: str) -> Sample:
    """Where a speaker is heard alone, for at most 5 s.

    Raises:
        NotFound: no such speaker.
        NotKept: the speaker is never heard alone, or the recording is gone.
    """
    row = find(db, speaker_id).row
    found = list(
        db.execute(
            "SELECT r.recording_id, p.sample_start_ms, p.sample_end_ms FROM speakers p "
            "JOIN recordings r ON r.id = p.sample_recording "
            "WHERE p.id = ? AND p.sample_start_ms IS NOT NULL",
            (row,),
        )
    )
    if not found:
        raise NotKept(
            "no stretch is known in which only this speaker is heard",
            fix="`recordings.audio` with from_ms and to_ms gives any stretch",
            speaker_id=speaker_id,
        )
    recording_id, start_ms, end_ms = found[0]
    return Sample(recording_id=recording_id, span=Span(start_ms=start_ms, end_ms=end_ms))


def free_label(db: Connection, session: int) -> str:
    """SPEAKER_nn with the lowest number that no speaker of the session has, merged ones included."""
    taken = {
        label
        for (label,) in db.execute(
            "SELECT label FROM speakers WHERE session = ?1 "
            "UNION SELECT label FROM merged_speakers WHERE session = ?1",
            (session,),
        )
    }
    numbers = (turns.label(number) for number in range(len(taken) + 1))
    return next(label for label in numbers if label not in taken)


def _word_counts(db: Connection, session: int) -> Mapping[int, dict[str, int]]:
    """Of target words; one that stands in two lexicons was said once."""
    counts: dict[int, dict[str, int]] = defaultdict(dict)
    for speaker, word, count in db.execute(
        "SELECT t.speaker, t.word, max(t.count) FROM speaker_targets t "
        "JOIN speakers p ON p.id = t.speaker WHERE p.session = ? GROUP BY t.speaker, t.word",
        (session,),
    ):
        counts[speaker][word] = count
    return counts


def _to_speaker(row: tuple, counts: Mapping[int, dict[str, int]]) -> Speaker:  # type: ignore[type-arg]  # a row as apsw types it
    number, speaker_id, session_id, label, segments, talk_ms, *claim, overlap_ms, has_sample = row
    claim_type, claimed_by, claimed_at, attributed_to, guest_name, person_id = claim
    return Speaker(
        id=speaker_id,
        session_id=session_id,
        label=label,
        segment_count=segments,
        total_duration_ms=talk_ms,
        word_counts=counts.get(number, {}),
        claim_type=claim_type,
        claimed_by=claimed_by,
        claimed_at=claimed_at,
        attributed_to=attributed_to,
        guest_name=guest_name,
        person_id=person_id,
        overlap_ms=overlap_ms,
        sample=bool(has_sample),
    )
