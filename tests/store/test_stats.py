from collections.abc import Iterator
from pathlib import Path

import pytest
from conversations import claim, fresh_store, guest, talk

from edged.errors import NotFound
from edged.messages.people import Person, Stats, WordCount
from edged.store import Connection, people, stats


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Connection]:
    with fresh_store(tmp_path) as opened:
        yield opened


def _person(db: Connection, name: str) -> Person:
    found = people.find(db, name)
    assert found is not None
    return found


def test_the_figures_of_a_person_are_summed_over_sessions(db: Connection) -> None:
    for _ in range(2):
        made = talk(db, [(0, "walnuts lah walnuts"), (1, "pears"), (None, "noise")])
        claim(db, made.speakers[0], "Anna")

    found = stats.stats(db, Stats())

    anna = found.speakers[0]
    assert (anna.kind, anna.name) == ("person", "Anna")
    assert (anna.figures.words, anna.figures.turns, anna.figures.sessions) == (6, 2, 2)
    assert (anna.figures.talk_ms, anna.figures.words_per_minute) == (2000, 180)
    assert anna.figures.favourite_word == "walnuts"
    assert anna.figures.target_words == {"lah": 2}
    assert anna.figures.unknown_speech == pytest.approx(2 / 3, abs=1e-4)
    assert [one.kind for one in found.speakers] == ["person", "unclaimed", "unclaimed"]
    assert found.totals == anna.figures


def test_speech_of_guests_is_known_speech_but_nobodys_figures(db: Connection) -> None:
    made = talk(db, [(0, "walnuts"), (1, "pears")])
    guest(db, made.speakers[0])
    claim(db, made.speakers[1], "Anna")

    found = stats.stats(db, Stats())

    assert found.totals.unknown_speech == 0
    assert found.totals.words == 1
    assert [(one.kind, one.name) for one in found.speakers] == [
        ("person", "Anna"),
        ("guest", "SPEAKER_00"),
    ]


def test_filters_narrow_by_session_speaker_person_group_and_time(db: Connection) -> None:
    old = talk(db, [(0, "walnuts")], group="family", at="2025-12-31T23:59:59.999Z")
    new = talk(db, [(0, "pears here"), (1, "figs")], group="work", at="2026-01-01T00:00:00.000Z")
    claim(db, old.speakers[0], "Anna")
    claim(db, new.speakers[0], "Anna")
    claim(db, new.speakers[1], "Ben")
    midnight = "2026-01-01T00:00:00.000Z"

    def words(wish: Stats) -> int:
        return stats.stats(db, wish).totals.words

    assert words(Stats()) == 4
    assert words(Stats(session_id=new.session_id)) == 3
    assert words(Stats(speaker_id=new.speakers[0])) == 2
    assert words(Stats(person_id=_person(db, "Ben").id)) == 1
    assert words(Stats(group="family")) == 1
    assert words(Stats(group="nobody's")) == 0
    assert words(Stats(since=midnight)) == 3
    assert words(Stats(until=midnight)) == 1
    assert words(Stats(since=midnight, group="family")) == 0


def test_unknown_ids_are_not_found(db: Connection) -> None:
    for wish in (Stats(session_id="x"), Stats(speaker_id="x"), Stats(person_id="x")):
        with pytest.raises(NotFound):
            stats.stats(db, wish)


def test_an_empty_store_has_zeros(db: Connection) -> None:
    found = stats.stats(db, Stats())

    assert found.speakers == ()
    assert found.totals.sessions == 0


def test_beyond_so_many_the_rest_is_one_entry(
    db: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stats, "MOST_SINGLE", 3)
    talk(db, [(number, "walnuts") for number in range(5)])

    found = stats.stats(db, Stats()).speakers

    assert [(one.name, one.figures.words) for one in found] == [
        ("SPEAKER_00", 1),
        ("SPEAKER_01", 1),
        ("SPEAKER_02", 1),
        ("others", 2),
    ]
    assert found[3].speaker_id is None


def test_a_favourite_is_right_also_when_the_first_words_do_not_tell(db: Connection) -> None:
    alphabet = [f"{first}{second}" for first in "bcdfg" for second in "aeiou"]
    for turn in range(3):
        made = talk(db, [(0, " ".join([*alphabet, f"own{turn}", "zz"])), (0, "zz")])
        claim(db, made.speakers[0], "Anna")

    (found,) = stats.stats(db, Stats()).speakers

    assert found.figures.favourite_word == "zz"


def test_of_two_favourites_the_first_by_alphabet_is_named(db: Connection) -> None:
    for text in ("pears figs", "figs pears"):
        made = talk(db, [(0, text)])
        claim(db, made.speakers[0], "Anna")

    (found,) = stats.stats(db, Stats()).speakers

    assert found.figures.favourite_word == "figs"


# --- a year ---


def test_a_year_is_wrapped_by_months(db: Connection) -> None:
    for at in ("2026-02-01T10:00:00.000Z", "2026-02-20T10:00:00.000Z", "2026-12-31T23:59:59.999Z"):
        made = talk(db, [(0, "the walnuts lah"), (1, "pears")], at=at)
        claim(db, made.speakers[0], "Anna")
    outside = talk(db, [(0, "plums plums plums plums")], at="2027-01-01T00:00:00.000Z")
    claim(db, outside.speakers[0], "Anna")

    found = stats.wrapped(db, _person(db, "Anna"), 2026)

    assert (found.year, found.person, found.sessions) == (2026, "Anna", 3)
    assert (found.talk_ms, found.words) == (3000, 9)
    assert found.top_words == (WordCount(word="lah", count=3), WordCount(word="walnuts", count=3))
    assert (found.favourite_word, found.target_words) == ("lah", {"lah": 3})
    assert [month.month for month in found.by_month] == list(range(1, 13))
    assert [month.sessions for month in found.by_month] == [0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]


@pytest.mark.parametrize("year", [1970, 2025, 9999])
def test_a_year_without_a_word_has_zeros(db: Connection, year: int) -> None:
    made = talk(db, [(0, "walnuts")], at="2026-02-01T10:00:00.000Z")
    claim(db, made.speakers[0], "Anna")

    found = stats.wrapped(db, _person(db, "Anna"), year)

    assert (found.sessions, found.words, found.top_words) == (0, 0, ())
    assert found.favourite_word is None
    assert len(found.by_month) == 12


def test_the_last_year_that_can_be_asked_for_is_found(db: Connection) -> None:
    made = talk(db, [(0, "walnuts")], at="9999-12-31T10:00:00.000Z")
    claim(db, made.speakers[0], "Anna")

    assert stats.wrapped(db, _person(db, "Anna"), 9999).words == 1
