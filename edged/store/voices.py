"""Voices as vectors: of a speaker for some days, of a person with consent until it is withdrawn."""

from collections import defaultdict
from datetime import UTC, datetime

from edged.errors import Conflict, Denied
from edged.messages.people import Match, Matches, Person
from edged.speech import voices as vectors
from edged.store import people, speakers
from edged.store.clock import later, stamp
from edged.store.engine import Connection

MOST_KEPT = 64
"""Voices of one person by one model: more change the average little. The oldest go."""

_DAY_MS = 86_400_000


def keep(db: Connection, speaker_id: str, *, model: str, vector: bytes, days: float) -> None:
    """Keep a speaker's voice for so many days, instead of an earlier one of the same model.

    Args:
        db: the writing connection.
        speaker_id: whose; one that is gone has no voice.
        model: what made the vector.
        vector: float32 little-endian; brought to length 1.
        days: until it expires, named or not; `enroll` keeps it longer.

    Raises:
        BadRequest: the vector is none.
    """
    straight = vectors.average([vector])
    db.execute(
        "DELETE FROM voices WHERE model = ? "
        "AND speaker = (SELECT id FROM speakers WHERE speaker_id = ?)",
        (model, speaker_id),
    )
    db.execute(
        "INSERT INTO voices(speaker, model, vector, created_at, expires_at) "
        "SELECT id, ?, ?, ?, ? FROM speakers WHERE speaker_id = ?",
        (model, straight, stamp(), later(None, days * _DAY_MS), speaker_id),
    )


def expire(db: Connection, now: datetime | None = None) -> int:
    """Delete the voices whose time is over; how many. For housekeeping.

    Args:
        db: the writing connection.
        now: UTC; the present when absent.
    """
    db.execute("DELETE FROM voices WHERE expires_at <= ?", (stamp(now or datetime.now(UTC)),))
    return db.changes()


def enroll(db: Connection, person_id: str, speaker_id: str, *, consent: bool) -> Person:
    """Add a speaker's voice to a person's profile; the same speaker again changes nothing.

    Args:
        db: the writing connection.
        person_id: who the speaker was claimed as.
        speaker_id: whose voice.
        consent: the person agrees.

    Raises:
        NotFound: no such person or speaker.
        Denied: without consent.
        Conflict: the speaker is not claimed as that person, or has no voice here.
    """
    if not consent:
        raise Denied(
            "a voice is kept only when the person agrees", fix="ask the person; then give consent"
        )
    person = people.row_id(db, person_id)
    speaker, claimed_as = _speaker(db, speaker_id)
    if claimed_as != person:
        raise Conflict(
            "the speaker is not claimed as that person", fix="claim it first", speaker_id=speaker_id
        )
    known = _of_speaker(db, speaker)
    if not known:
        raise Conflict(
            "no voice of that speaker is here",
            fix="voices come with a speaker model and expire; `edged sessions reprocess` makes them",
            speaker_id=speaker_id,
        )
    for model, vector in known.items():
        _add_to_profile(db, person, speaker_id, model, vector)
    db.execute(
        "UPDATE people SET consent_at = coalesce(consent_at, ?) WHERE id = ?", (stamp(), person)
    )
    return people.get(db, person_id)


def take_back(db: Connection, speaker_id: str) -> None:
    """Take a speaker's voice out of every profile: it was not that person after all."""
    owners = db.execute("SELECT person FROM voices WHERE source = ?", (speaker_id,)).fetchall()
    db.execute("DELETE FROM voices WHERE source = ?", (speaker_id,))
    for (person,) in owners:
        db.execute(
            "UPDATE people SET consent_at = NULL "
            "WHERE id = ? AND NOT EXISTS (SELECT 1 FROM voices WHERE person = people.id)",
            (person,),
        )


def forget(db: Connection, person_id: str) -> None:
    """Delete a person's profile, and the voices of the speakers claimed as that person.

    Raises:
        NotFound: no such person.
    """
    person = people.row_id(db, person_id)
    db.execute("DELETE FROM voices WHERE person = ?", (person,))
    db.execute(
        "DELETE FROM voices WHERE speaker IN (SELECT id FROM speakers WHERE person = ?)", (person,)
    )
    db.execute("UPDATE people SET consent_at = NULL WHERE id = ?", (person,))


def matches(db: Connection, speaker_id: str) -> Matches:
    """How near a speaker's voice is to each person's, the nearest first, and why it does not match.

    Raises:
        NotFound: no such speaker.
    """
    speaker, _ = _speaker(db, speaker_id)
    known = _of_speaker(db, speaker)
    profiles = _profiles(db)
    model = next((name for name in known if name in profiles), next(iter(known), ""))
    found = _compare(db, known.get(model, b""), profiles.get(model, {}))
    return Matches(
        speaker_id=speaker_id,
        threshold=vectors.MATCHED_AT,
        matches=found,
        model=model,
        reason=_reason(known, profiles, model, found),
    )


def _speaker(db: Connection, speaker_id: str) -> tuple[int, int | None]:
    """The rows of a speaker and of the person it is claimed as."""
    found = speakers.find(db, speaker_id)
    return found.row, found.person


def _of_speaker(db: Connection, speaker: int) -> dict[str, bytes]:
    """A speaker's voice by model, the newest model first; after a merge it has several."""
    by_model: dict[str, list[bytes]] = {}
    for model, vector in db.execute(
        "SELECT model, vector FROM voices WHERE speaker = ? AND expires_at > ? ORDER BY id DESC",
        (speaker, stamp()),
    ):
        by_model.setdefault(model, []).append(vector)
    return {model: vectors.average(several) for model, several in by_model.items()}


def _add_to_profile(db: Connection, person: int, source: str, model: str, vector: bytes) -> None:
    db.execute(
        "INSERT INTO voices(person, source, model, vector, created_at) VALUES(?, ?, ?, ?, ?) "
        "ON CONFLICT DO UPDATE SET vector = excluded.vector",
        (person, source, model, vector, stamp()),
    )
    db.execute(
        "DELETE FROM voices WHERE person = ? AND model = ? AND id NOT IN (SELECT id FROM voices "
        "WHERE person = ? AND model = ? ORDER BY id DESC LIMIT ?)",
        (person, model, person, model, MOST_KEPT),
    )


def _profiles(db: Connection) -> dict[str, dict[int, bytes]]:
    """By model and person: the average of what was enrolled."""
    several: dict[str, dict[int, list[bytes]]] = defaultdict(lambda: defaultdict(list))
    for person, model, vector in db.execute(
        "SELECT person, model, vector FROM voices WHERE person IS NOT NULL ORDER BY id"
    ):
        several[model][person].append(vector)
    return {
        model: {person: vectors.average(found) for person, found in profiles.items()}
        for model, profiles in several.items()
    }


def _compare(db: Connection, voice: bytes, profiles: dict[int, bytes]) -> tuple[Match, ...]:
    if not voice:
        return ()
    near = [(vectors.similarity(voice, profile), person) for person, profile in profiles.items()]
    near.sort(key=lambda pair: (-pair[0], pair[1]))
    return tuple(
        _match(db, person, similarity, first=place == 0)
        for place, (similarity, person) in enumerate(near)
    )


def _match(db: Connection, person: int, similarity: float, *, first: bool) -> Match:
    person_id, name = db.execute(
        "SELECT person_id, name FROM people WHERE id = ?", (person,)
    ).fetchone() or ("", "")
    return Match(
        person_id=str(person_id),
        name=str(name),
        similarity=round(similarity, 4),
        matched=first and similarity >= vectors.MATCHED_AT,
    )


def _reason(
    known: dict[str, bytes],
    profiles: dict[str, dict[int, bytes]],
    model: str,
    found: tuple[Match, ...],
) -> str:
    """Why nobody matches; empty when somebody does."""
    if not known:
        return "no voice of this speaker is here: no speaker model made one, or it has expired"
    if not profiles:
        return "nobody's voice is enrolled"
    if not found:
        others = ", ".join(sorted(profiles))
        return f"this voice was made by {model}, every enrolled one by {others}: not comparable"
    nearest = found[0]
    if nearest.matched:
        return ""
    return (
        f"the nearest voice has a similarity of {nearest.similarity:.2f}, "
        f"{vectors.MATCHED_AT:.2f} is needed"
    )
