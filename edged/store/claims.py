"""Claims: who says which speaker is whom. Figures of people follow by themselves."""

from edged.errors import BadRequest, Conflict
from edged.messages.people import Person, SpeakersClaim
from edged.store import people, speaker_edits, speakers, voices
from edged.store.clock import stamp
from edged.store.engine import Connection

_UNCLAIMED = (
    "claim_type = NULL, claimed_by = NULL, claimed_at = NULL, person = NULL, guest_name = NULL"
)


def claim(db: Connection, wish: SpeakersClaim, *, claimed_by: str, owner: str) -> str:
    """Note who a speaker is, and settle the session; its id.

    A claim as the `user` who is the owner of this store is one as `self`.

    Args:
        db: the writing connection.
        wish: as the client asks.
        claimed_by: the client's name; empty when it has none.
        owner: what the system calls the owner, for when `me` is not there yet.

    Raises:
        NotFound: no such speaker or person.
        Conflict: it is claimed already, or the session is not done.
        BadRequest: person and name do not fit the type of the claim.
    """
    found = speakers.change(db, wish.speaker_id)
    if found.claim_type is not None:
        raise Conflict(
            f"the speaker is claimed already, as {found.claim_type}",
            fix="take that back first: `edged speakers unclaim ID`",
            speaker_id=wish.speaker_id,
        )
    person = _person(db, wish, owner)
    claim_type = "self" if person is not None and person.is_me else wish.claim_type
    db.execute(
        "UPDATE speakers SET claim_type = ?, claimed_by = ?, claimed_at = ?, person = ?, "
        "guest_name = ? WHERE id = ?",
        (
            claim_type,
            claimed_by or None,
            stamp(),
            None if person is None else people.row_id(db, person.id),
            people.tidy(wish.name) if wish.claim_type == "guest" and wish.name else None,
            found.row,
        ),
    )
    speakers.settle(db, found.session_id)
    return found.session_id


def unclaim(db: Connection, speaker_id: str) -> str:
    """Take a claim back, with what it gave to a voice profile; the session's id.

    Raises:
        NotFound: no such speaker.
        Conflict: nobody claimed it, or the session is not done.
    """
    found = speakers.change(db, speaker_id)
    if found.claim_type is None:
        raise Conflict("nobody claimed that speaker", speaker_id=speaker_id)
    db.execute(f"UPDATE speakers SET {_UNCLAIMED} WHERE id = ?", (found.row,))  # noqa: S608 constants
    voices.take_back(db, speaker_id)
    speakers.settle(db, found.session_id)
    return found.session_id


def forget(db: Connection, person_id: str) -> None:
    """Delete a person: voice, claims, and the name wherever it labels one of the speakers.

    What was said stays; a name that was spoken is in the transcripts.

    Raises:
        NotFound: no such person.
        Conflict: it is `me`, whose voice alone can be forgotten.
    """
    person = people.get(db, person_id)
    if person.is_me:
        raise Conflict(
            "the owner of this store stays, under whatever name",
            fix="forget the voice alone, rename, or take the claims back",
        )
    row = people.row_id(db, person_id)
    voices.forget(db, person_id)
    spoke_in = db.execute(
        "SELECT DISTINCT n.id, n.session_id FROM sessions n WHERE n.id IN "
        "(SELECT session FROM speakers WHERE person = ?1 "
        "UNION SELECT session FROM merged_speakers WHERE person = ?1)",
        (row,),
    ).fetchall()
    for table in ("speakers", "merged_speakers"):
        db.execute(f"UPDATE {table} SET {_UNCLAIMED} WHERE person = ?", (row,))  # noqa: S608 constants
    db.execute("DELETE FROM people WHERE id = ?", (row,))
    for session, session_id in spoke_in:
        speaker_edits.drop_name(db, int(str(session)), person.name)
        speakers.settle(db, str(session_id))


def _person(db: Connection, wish: SpeakersClaim, owner: str) -> Person | None:
    if wish.claim_type == "user":
        return _user(db, wish)
    if wish.person_id is not None:
        raise BadRequest(f"a claim as {wish.claim_type} takes no person_id")
    if wish.claim_type == "guest":
        return None
    if wish.name is not None:
        raise BadRequest(
            "a claim as self takes no name", fix="`edged people rename` changes the name of `me`"
        )
    return people.me(db, owner=owner)


def _user(db: Connection, wish: SpeakersClaim) -> Person:
    if (wish.person_id is None) == (wish.name is None):
        raise BadRequest("a claim as user takes either a person_id or a name")
    if wish.person_id is not None:
        return people.get(db, wish.person_id)
    return people.ensure(db, wish.name or "")
