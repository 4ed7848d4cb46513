import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edged.errors import NotFound
from edged.speech.lexicon import NONE, Active, Lexicon, choose, steps

TOWN = Lexicon(
    name="town",
    corrections={"while up": "walao", "la": "lah", "low": "lor"},
    categories={"rude": ("walao",), "particles": ("lah", "lor")},
)
LEXICONS = {"town": TOWN, "other": Lexicon(name="other", categories={"mine": ("lah", "bo jio")})}


def _correcting(**corrections: str) -> Active:
    pairs = [(phrase.replace("_", " "), word) for phrase, word in corrections.items()]
    return Active(corrections=pairs)


def test_misheard_phrases_become_what_was_said_and_are_counted() -> None:
    active = choose(["town"], LEXICONS)

    corrected = active.correct("while up why you do that la")

    assert corrected == "walao why you do that lah"
    assert active.said(corrected) == {"walao": 1, "lah": 1}


@pytest.mark.parametrize(
    ("text", "corrected"),
    [
        ("La la LA", "lah lah lah"),
        ("lab blah la.", "lab blah lah."),
        ("While  \n up!", "walao!"),
        ("while, up", "while, up"),
        ("it is la's and la\u2019s", "it is la's and la\u2019s"),
        ("'la' “la”", "'lah' “lah”"),
        ("la-la", "lah-lah"),
        ("él\u0430 la", "él\u0430 lah"),
        ("la_la", "lah_lah"),
        ("2la la2", "2la la2"),
        ("\uff4c\uff41", "\uff4c\uff41"),
        ("", ""),
        (" \t la\n", " \t lah\n"),
        ("e\u0301la la\u0301", "e\u0301la la\u0301"),
    ],
)
def test_only_whole_words_are_corrected_whatever_their_case(text: str, corrected: str) -> None:
    assert choose(["town"], LEXICONS).correct(text) == corrected


def test_the_longest_phrase_wins_at_each_place() -> None:
    active = _correcting(new="fresh", new_york="NYC", new_york_city="The City", york_city="Y")

    assert active.correct("new york city") == "The City"
    assert active.correct("new york new york state") == "NYC NYC state"
    assert active.correct("a new york") == "a NYC"


def test_of_overlapping_phrases_the_one_that_begins_first_wins() -> None:
    active = _correcting(a_b="X", b_c="Y")

    assert active.correct("a b c") == "X c"


def test_a_phrase_that_only_began_is_looked_at_again_from_its_second_word() -> None:
    active = _correcting(a_b_c="X", b_d="Y")

    assert active.correct("a b d") == "a Y"


def test_what_was_put_in_is_not_corrected_again() -> None:
    chained = _correcting(a="b", b="c", c="a")
    growing = _correcting(la="la la")

    assert chained.correct("a b c") == "b c a"
    assert growing.correct("la la") == "la la la la"


def test_a_phrase_with_an_apostrophe_matches_every_kind_of_it() -> None:
    active = _correcting(**{"don't": "do not"})

    assert active.correct("Don\u2019t, don't, don\u02bct, dont") == "do not, do not, do not, dont"


@pytest.mark.parametrize(
    ("phrase", "text", "corrected"),
    [
        ("straße", "STRASSE Straße", "X X"),
        ("café", "CAFE\u0301 cafe", "X cafe"),
        ("你好", "说你好吗", "说X吗"),
        ("你好", "你 好", "你 好"),
        ("मैं हूँ", "मैं हूँ ना", "X ना"),
        ("मै", "मैं", "मैं"),
        ("สวัสดี", "สวัสดี ครับ", "X ครับ"),
        ("co-op", "the Co-op co op", "the X co op"),
        ("lunch hour", "lunch\u00a0hour", "X"),
    ],
)
def test_other_scripts_are_compared_as_people_read_them(
    phrase: str, text: str, corrected: str
) -> None:
    assert Active(corrections=[(phrase, "X")]).correct(text) == corrected


def test_target_words_count_whole_words_by_lexicon_and_category() -> None:
    active = choose(["town", "other"], LEXICONS)

    counts = active.count("LAH lah, blah bo  jio lor lah's")

    assert counts == {
        ("town", "particles", "lah"): 2,
        ("other", "mine", "lah"): 2,
        ("other", "mine", "bo jio"): 1,
        ("town", "particles", "lor"): 1,
    }
    assert active.said("LAH lah, blah bo  jio") == {"lah": 2, "bo jio": 1}


def test_a_category_that_is_left_out_is_not_counted_and_still_corrected() -> None:
    for names in (["town", "-town.rude"], ["-town.rude", "town"]):
        active = choose(names, LEXICONS)

        assert active.correct("while up") == "walao"
        assert active.said("walao lah") == {"lah": 1}


def test_of_the_same_phrase_in_two_lexicons_the_first_named_one_corrects() -> None:
    lexicons = {
        "a": Lexicon(name="a", corrections={"la": "one"}),
        "b": Lexicon(name="b", corrections={"LA": "two"}),
    }

    assert choose(["a", "b"], lexicons).correct("la") == "one"
    assert choose(["b", "a"], lexicons).correct("la") == "two"


@pytest.mark.parametrize("name", ["", "twon", "-town", "-town.polite", "-twon.rude", "town.rude"])
def test_a_name_that_nobody_has_is_not_found(name: str) -> None:
    with pytest.raises(NotFound, match="is named"):
        choose([name], LEXICONS)


def test_an_empty_lexicon_changes_and_counts_nothing() -> None:
    active = choose(["empty"], {"empty": Lexicon(name="empty")})

    assert (active.correct("la"), active.count("la"), bool(active)) == ("la", {}, False)
    assert (NONE.correct("la"), NONE.said("la"), bool(NONE)) == ("la", {}, False)
    assert choose(["town"], LEXICONS)


@pytest.mark.parametrize("phrase", ["", " ", "++", "c++", "'la", "la'", "-a", "a!"])
def test_what_does_not_begin_and_end_with_a_letter_is_no_phrase(phrase: str) -> None:
    assert steps(phrase) == ()
    with pytest.raises(ValueError, match="begins and ends"):
        Active(corrections=[(phrase, "x")])


@given(st.text())
def test_a_text_without_misheard_phrases_stays_as_it_is(text: str) -> None:
    assert Active(corrections=[("qqq zzz", "x")], targets=[("a", "b", "qqq")]).correct(text) == text


_WORDS = st.lists(st.sampled_from(["a", "b", "la", "up", "é", "x'y"]), max_size=12)


@given(words=_WORDS, phrases=st.dictionaries(_WORDS.filter(bool).map(" ".join), st.just("<>")))
def test_one_pass_does_what_looking_at_each_place_for_the_longest_does(
    words: list[str], phrases: dict[str, str]
) -> None:
    expected: list[str] = []
    place = 0
    while place < len(words):
        fitting = [p.split() for p in phrases if words[place : place + len(p.split())] == p.split()]
        longest = max(fitting, key=len, default=[])
        expected.append("<>" if longest else words[place])
        place += len(longest) or 1

    assert Active(corrections=phrases.items()).correct(" ".join(words)) == " ".join(expected)


def test_long_texts_and_many_phrases_take_no_more_than_their_length() -> None:
    phrases = [(f"{'a ' * length}b", "x") for length in range(1, 100)]
    phrases += [(f"word{number} up", "x") for number in range(5_000)]
    active = Active(corrections=phrases)
    started = time.monotonic()

    corrected = active.correct("a word7 up " * 20_000)

    assert corrected == "a x " * 20_000
    assert time.monotonic() - started < 3
