import asyncio
import struct
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from conversations import claim, fresh_store, talk

from edged.errors import BadRequest, Conflict, Denied, NotFound
from edged.messages.people import Person
from edged.store import (
    Connection,
    Store,
    claims,
    people,
    sessions,
    speaker_edits,
    speakers,
    voices,
)

SAID = [(0, "walnuts are fine"), (1, "pears are better"), (0, "walnuts")]
MARK = (0.6, 0.8)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Connection]:
    with fresh_store(tmp_path) as opened:
        yield opened


def _vector(*values: float) -> bytes:
    return struct.pack(f"<{len(values)}f", *values)


def _person(db: Connection, name: str) -> Person:
    found = people.find(db, name)
    assert found is not None
    return found


def _enrolled(db: Connection, name: str, *values: float, model: str = "titan") -> Person:
    """A person with a voice profile of one session."""
    made = talk(db, [(0, "walnuts")])
    voices.keep(db, made.speakers[0], model=model, vector=_vector(*values), days=7)
    claim(db, made.speakers[0], name)
    return voices.enroll(db, _person(db, name).id, made.speakers[0], consent=True)


def _rows(db: Connection) -> bytes:
    """Every value of every table, as bytes."""
    tables = db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    values = [
        value
        for (table,) in tables
        for row in db.execute(f'SELECT * FROM "{table}"')  # noqa: S608 names of the schema
        for value in row
    ]
    return b"\n".join(
        value if isinstance(value, bytes) else str(value).encode() for value in values
    )


# --- names ---


def test_me_is_made_once_and_comes_first(db: Connection) -> None:
    people.add(db, "Anna")
    people.me(db, owner="Zoe")
    people.me(db, owner="Somebody else")

    assert [(one.name, one.is_me) for one in people.list_people(db)] == [
        ("Zoe", True),
        ("Anna", False),
    ]


def test_somebody_with_the_owners_name_keeps_it(db: Connection) -> None:
    people.add(db, "zoe")

    assert people.me(db, owner="Zoe").name == "Zoe 2"


def test_a_name_is_taken_once_in_any_capitals_and_composition(db: Connection) -> None:
    people.add(db, " Zoe\u0301  Löwe ")

    with pytest.raises(Conflict):
        people.add(db, "ZOÉ LÖWE")
    assert [one.name for one in people.list_people(db)] == ["Zoé Löwe"]


def test_a_person_may_change_capitals_but_not_take_anothers_name(db: Connection) -> None:
    anna = people.add(db, "anna")
    people.add(db, "Ben")

    assert people.rename(db, anna.id, "Anna").name == "Anna"
    with pytest.raises(Conflict):
        people.rename(db, anna.id, "ben")
    with pytest.raises(NotFound):
        people.rename(db, "nobody", "Cleo")


@pytest.mark.parametrize("name", ["", "  ", "\n\t", "\u202e\u200b", "\u200d", "x" * 101, "\ud800"])
def test_a_name_that_cannot_be_shown_is_refused(db: Connection, name: str) -> None:
    with pytest.raises(BadRequest):
        people.add(db, name)


def test_invisible_characters_that_turn_text_around_are_left_out(db: Connection) -> None:
    assert people.add(db, "An\u202ena\x00").name == "Anna"


# --- voices ---


def test_a_voice_is_kept_only_with_consent(db: Connection) -> None:
    made = talk(db, SAID)
    voices.keep(db, made.speakers[0], model="titan", vector=_vector(1, 0), days=7)
    claim(db, made.speakers[0], "Anna")

    with pytest.raises(Denied):
        voices.enroll(db, _person(db, "Anna").id, made.speakers[0], consent=False)
    assert not _person(db, "Anna").voice


def test_a_voice_is_enrolled_only_of_a_speaker_claimed_as_that_person(db: Connection) -> None:
    made = talk(db, SAID)
    anna = people.add(db, "Anna")
    voices.keep(db, made.speakers[0], model="titan", vector=_vector(1, 0), days=7)

    with pytest.raises(Conflict, match="not claimed as that person"):
        voices.enroll(db, anna.id, made.speakers[0], consent=True)
    with pytest.raises(NotFound):
        voices.enroll(db, "nobody", made.speakers[0], consent=True)


def test_without_a_speaker_model_there_is_no_voice_to_enroll(db: Connection) -> None:
    made = talk(db, SAID)
    claim(db, made.speakers[0], "Anna")

    with pytest.raises(Conflict, match="no voice"):
        voices.enroll(db, _person(db, "Anna").id, made.speakers[0], consent=True)


def test_an_enrolled_person_is_matched_with_the_number(db: Connection) -> None:
    anna = _enrolled(db, "Anna", 1, 0)
    _enrolled(db, "Ben", 0, 1)
    made = talk(db, SAID)
    voices.keep(db, made.speakers[0], model="titan", vector=_vector(0.8, 0.6), days=7)

    found = voices.matches(db, made.speakers[0])

    assert anna.voice
    assert anna.consent_at is not None
    assert [(one.name, one.similarity, one.matched) for one in found.matches] == [
        ("Anna", 0.8, True),
        ("Ben", 0.6, False),
    ]
    assert (found.model, found.threshold, found.reason) == ("titan", 0.6, "")


def test_why_nobody_matches_is_said_with_the_number(db: Connection) -> None:
    _enrolled(db, "Anna", 1, 0)
    made = talk(db, SAID)
    voices.keep(db, made.speakers[0], model="titan", vector=_vector(0.5, 0.866), days=7)

    found = voices.matches(db, made.speakers[0])

    assert not found.matches[0].matched
    assert found.reason == "the nearest voice has a similarity of 0.50, 0.60 is needed"


def test_why_nothing_can_be_compared_is_said(db: Connection) -> None:
    made = talk(db, SAID)
    no_voice = voices.matches(db, made.speakers[0]).reason
    voices.keep(db, made.speakers[0], model="titan", vector=_vector(1, 0), days=7)
    nobody = voices.matches(db, made.speakers[0]).reason
    _enrolled(db, "Anna", 1, 0, 0, model="other")
    mixed = voices.matches(db, made.speakers[0])

    assert "no voice of this speaker" in no_voice
    assert nobody == "nobody's voice is enrolled"
    assert "made by titan, every enrolled one by other" in mixed.reason
    assert mixed.matches == ()


def test_a_profile_is_the_average_of_what_was_enrolled(db: Connection) -> None:
    _enrolled(db, "Anna", 1, 0)
    _enrolled(db, "Anna", 0, 1)
    made = talk(db, SAID)
    voices.keep(db, made.speakers[0], model="titan", vector=_vector(1, 1), days=7)

    (found,) = voices.matches(db, made.speakers[0]).matches

    assert found.similarity == 1


def test_enrolling_the_same_speaker_again_changes_nothing(db: Connection) -> None:
    made = talk(db, SAID)
    voices.keep(db, made.speakers[0], model="titan", vector=_vector(1, 0), days=7)
    claim(db, made.speakers[0], "Anna")

    for _ in range(2):
        voices.enroll(db, _person(db, "Anna").id, made.speakers[0], consent=True)

    assert db.execute("SELECT count(*) FROM voices WHERE person IS NOT NULL").get == 1


def test_taking_the_claim_back_takes_the_voice_out_of_the_profile(db: Connection) -> None:
    made = talk(db, SAID)
    voices.keep(db, made.speakers[0], model="titan", vector=_vector(1, 0), days=7)
    claim(db, made.speakers[0], "Anna")
    voices.enroll(db, _person(db, "Anna").id, made.speakers[0], consent=True)

    claims.unclaim(db, made.speakers[0])

    anna = _person(db, "Anna")
    assert (anna.voice, anna.consent_at) == (False, None)


def test_a_profile_holds_a_bounded_number_of_voices(
    db: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(voices, "MOST_KEPT", 2)
    for values in ((1, 0), (0, 1), (0, 1)):
        _enrolled(db, "Anna", *values)

    kept = db.execute("SELECT vector FROM voices WHERE person IS NOT NULL").fetchall()
    assert kept == [(_vector(0, 1),)] * 2


def test_unnamed_voices_expire_and_enrolled_ones_stay(db: Connection) -> None:
    _enrolled(db, "Anna", 1, 0)
    made = talk(db, SAID)
    voices.keep(db, made.speakers[1], model="titan", vector=_vector(1, 0), days=7)
    now = datetime.now(UTC)

    early = voices.expire(db, now + timedelta(days=6.9))
    late = voices.expire(db, now + timedelta(days=7.1))

    assert (early, late) == (0, 2)
    assert _person(db, "Anna").voice
    assert "no voice" in voices.matches(db, made.speakers[1]).reason


def test_a_merged_speakers_voice_goes_along_and_comes_back(db: Connection) -> None:
    made = talk(db, SAID)
    voices.keep(db, made.speakers[1], model="titan", vector=_vector(1, 0), days=7)
    speaker_edits.merge(db, made.speakers[0], made.speakers[1])
    merged = voices.matches(db, made.speakers[0]).model

    speaker_edits.undo(db, made.session_id)

    assert merged == "titan"
    assert voices.matches(db, made.speakers[0]).model == ""
    assert voices.matches(db, made.speakers[1]).model == "titan"


# --- forgetting ---


def test_forgetting_leaves_neither_name_nor_voice_in_any_row(db: Connection) -> None:
    name, vector = "Wilhelmina Brackwater", _vector(*MARK)
    made = talk(db, SAID)
    for speaker in made.speakers:
        voices.keep(db, speaker, model="titan", vector=vector, days=7)
        claim(db, speaker, name)
    speaker_edits.rename(db, made.speakers[0], name.upper())
    speaker_edits.rename(db, made.speakers[0], "host")
    speaker_edits.rename(db, made.speakers[0], name)
    person = _person(db, name)
    voices.enroll(db, person.id, made.speakers[0], consent=True)
    speaker_edits.merge(db, made.speakers[0], made.speakers[1])
    assert vector in _rows(db)
    assert name.encode() in _rows(db)

    claims.forget(db, person.id)

    left = _rows(db)
    assert vector not in left
    assert name.casefold().encode() not in left.lower()
    assert person.id.encode() not in left
    assert sessions.status(db, made.session_id) == "ready_for_claiming"
    assert speakers.list_speakers(db, made.session_id)[0].claim_type is None


def test_what_was_edited_can_be_undone_after_forgetting(db: Connection) -> None:
    made = talk(db, SAID)
    claim(db, made.speakers[0], "Anna")
    speaker_edits.rename(db, made.speakers[0], "Anna")
    speaker_edits.merge(db, made.speakers[1], made.speakers[0])
    claims.forget(db, _person(db, "Anna").id)

    speaker_edits.undo(db, made.session_id)
    speaker_edits.undo(db, made.session_id)

    found = speakers.list_speakers(db, made.session_id)
    assert [(one.label, one.claim_type) for one in found] == [
        ("SPEAKER_00", None),
        ("SPEAKER_01", None),
    ]


def test_a_voice_alone_can_be_forgotten(db: Connection) -> None:
    anna = _enrolled(db, "Anna", *MARK)

    voices.forget(db, anna.id)

    assert _vector(*MARK) not in _rows(db)
    assert (_person(db, "Anna").voice, _person(db, "Anna").consent_at) == (False, None)


def test_nothing_of_what_was_deleted_is_left_beside_the_file(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "edged.db", bytes(32))
    wal = tmp_path / "edged.db-wal"

    async def forget() -> tuple[int, int]:
        anna = await store.write(lambda db: _enrolled(db, "Anna", *MARK))
        before = wal.stat().st_size
        await store.write(lambda db: claims.forget(db, anna.id), makes_room=True)
        await store.scrub()
        return before, wal.stat().st_size

    try:
        before, after = asyncio.run(forget())
    finally:
        store.close()

    assert before > 0
    assert after == 0


def test_me_stays(db: Connection) -> None:
    owner = people.me(db, owner="Zoe")

    with pytest.raises(Conflict):
        claims.forget(db, owner.id)


def test_nobody_cannot_be_forgotten(db: Connection) -> None:
    with pytest.raises(NotFound):
        claims.forget(db, "nobody")
    with pytest.raises(NotFound):
        voices.forget(db, "nobody")
