"""People: those who have a name in this store; one of them is its owner, `me`."""

import unicodedata

from edged.errors import BadRequest, Conflict, NotFound
from edged.messages.people import Person
from edged.store import sessions
from edged.store.clock import stamp
from edged.store.engine import Connection

_SELECT = """
SELECT e.person_id, e.name, e.is_me, e.created_at,
  EXISTS (SELECT 1 FROM voices WHERE person = e.id), e.consent_at,
  (SELECT count(DISTINCT session) FROM speakers WHERE person = e.id)
FROM people e
"""
_LONGEST_NAME = 100
_JOINERS = "\u200c\u200d"
"""They shape the letters of some scripts; other invisible characters only hide something."""


def tidy(name: str) -> str:
    """A name as it is kept: composed characters, single spaces, nothing invisible.

    Raises:
        BadRequest: nothing is left of it, or it is longer than 100 characters.
    """
    composed = unicodedata.normalize("NFC", name)
    tidied = " ".join("".join(one for one in composed if _is_kept(one)).split())
    if not tidied.strip(_JOINERS) or len(tidied) > _LONGEST_NAME:
        raise BadRequest("a name has 1 to 100 characters that can be seen")
    return tidied


def _is_kept(character: str) -> bool:
    if character.isspace() or character in _JOINERS:
        return True
    return not unicodedata.category(character).startswith("C")


def list_people(db: Connection) -> tuple[Person, ...]:
    """Everyone, `me` first, then by name."""
    found = [_to_person(row) for row in db.execute(_SELECT)]
    return tuple(sorted(found, key=lambda person: (not person.is_me, person.name.casefold())))


def get(db: Connection, person_id: str) -> Person:
    """One person.

    Raises:
        NotFound: no such person.
    """
    rows = db.execute(_SELECT + "WHERE e.person_id = ?", (person_id,)).fetchall()
    if not rows:
        raise NotFound("no such person", person_id=person_id)
    return _to_person(rows[0])


def find(db: Connection, name_or_id: str | None) -> Person | None:
    """Whoever has that id or, regardless of case, that name; None asks for `me`."""
    everyone = list_people(db)
    if name_or_id is None:
        return next((person for person in everyone if person.is_me), None)
    folded = unicodedata.normalize("NFC", name_or_id).casefold()
    by_id = (person for person in everyone if person.id == name_or_id)
    by_name = (person for person in everyone if person.name.casefold() == folded)
    return next(by_id, None) or next(by_name, None)


def me(db: Connection, *, owner: str) -> Person:
    """The owner of this store; added under this name when first needed.

    Args:
        db: the writing connection.
        owner: what the system calls the user; somebody else who has that name keeps it.
    """
    known = find(db, None)
    if known is not None:
        return known
    name, number = tidy(owner), 1
    while _named(db, name) is not None:
        number += 1
        name = f"{tidy(owner)[: _LONGEST_NAME - 5]} {number}"
    return _insert(db, name, is_me=True)


def add(db: Connection, name: str) -> Person:
    """A new person.

    Raises:
        BadRequest: the name cannot be shown.
        Conflict: somebody has that name, in capitals or not.
    """
    name = tidy(name)
    _check_free(db, name)
    return _insert(db, name, is_me=False)


def ensure(db: Connection, name: str) -> Person:
    """Whoever has that name; added when nobody has.

    Raises:
        BadRequest: the name cannot be shown.
    """
    return _named(db, tidy(name)) or _insert(db, tidy(name), is_me=False)


def rename(db: Connection, person_id: str, name: str) -> Person:
    """Give a person another name.

    Raises:
        NotFound: no such person.
        BadRequest: the name cannot be shown.
        Conflict: somebody else has it.
    """
    name = tidy(name)
    get(db, person_id)
    _check_free(db, name, except_for=person_id)
    db.execute("UPDATE people SET name = ? WHERE person_id = ?", (name, person_id))
    return get(db, person_id)


def row_id(db: Connection, person_id: str) -> int:
    """The row of a person.

    Raises:
        NotFound: no such person.
    """
    row = db.execute("SELECT id FROM people WHERE person_id = ?", (person_id,)).get
    if row is None:
        raise NotFound("no such person", person_id=person_id)
    return int(row)


def _named(db: Connection, name: str) -> Person | None:
    """Names are few and have capitals in all scripts: compared here, not by SQLite."""
    folded = name.casefold()
    return next((one for one in list_people(db) if one.name.casefold() == folded), None)


def _check_free(db: Connection, name: str, *, except_for: str = "") -> None:
    known = _named(db, name)
    if known is not None and known.id != except_for:
        raise Conflict(
            "somebody has that name already",
            fix="take another one, or use that person: `edged people list`",
            person_id=known.id,
        )


def _insert(db: Connection, name: str, *, is_me: bool) -> Person:
    person_id = sessions.new_id()
    db.execute(
        "INSERT INTO people(person_id, name, is_me, created_at) VALUES(?, ?, ?, ?)",
        (person_id, name, is_me, stamp()),
    )
    return get(db, person_id)


def _to_person(row: tuple) -> Person:  # type: ignore[type-arg]  # a row as apsw types it
    person_id, name, is_me, created_at, voice, consent_at, spoke_in = row
    return Person(
        id=person_id,
        name=name,
        is_me=bool(is_me),
        created_at=created_at,
        voice=bool(voice),
        consent_at=consent_at,
        sessions=spoke_in,
    )
