import pytest
from hypothesis import given
from hypothesis import strategies as st

from edged.speech.counting import Ranking, contenders, rank, telling, words
from edged.speech.stop_words import stop_words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("  ... -- !?", []),
        ("Don't panic, don\u2019t!", ["don't", "panic", "don't"]),
        ("the boys' 'cause rock'n'roll", ["the", "boys", "cause", "rock'n'roll"]),
        ("well-known 3 times", ["well", "known", "3", "times"]),
        ("Straße STRASSE", ["strasse", "strasse"]),
        ("cafe\u0301 CAFÉ", ["café", "café"]),
        ("İstanbul", ["i\u0307stanbul"]),
        ("ΣΊΣΥΦΟΣ", ["σίσυφοσ"]),
        ("नमस्ते दुनिया", ["नमस्ते", "दुनिया"]),
        ("सत्\u200dकार", ["सत्\u200dकार"]),
        ("สวัสดี ครับ", ["สวัสดี", "ครับ"]),
        ("안녕하세요 여러분", ["안녕하세요", "여러분"]),
        ("我爱ABC你", ["我", "爱", "abc", "你"]),
        ("c'est l\u2019été", ["c'est", "l'été"]),
        ("snake_case a_b", ["snake", "case", "a", "b"]),
        ("\u0301\u200d'", []),
        ("🎉 party🎉time", ["party", "time"]),
    ],
)
def test_words_of_a_text(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@given(st.text())
def test_any_text_has_words_that_are_found_again_in_what_they_make(text: str) -> None:
    found = words(text)

    assert words(" ".join(found)) == found


@given(st.text(alphabet="abc' XYZ9-.\u2019"))
def test_plain_text_has_the_same_words_by_either_way(text: str) -> None:
    assert words(text + " é")[:-1] == words(text)


def test_stop_words_numbers_and_single_letters_tell_nothing() -> None:
    assert telling(words("I think the 7 walnuts x don't"), "en") == ["walnuts"]


def test_stop_words_are_those_of_the_language_and_of_all_without_one() -> None:
    assert telling(["und", "the"], "de-CH") == ["the"]
    assert telling(["und", "the"], "xx") == ["und", "the"]
    assert telling(["und", "the", "walnut"], "") == ["walnut"]


@pytest.mark.parametrize("language", ["en", "de", "fr", "es", "it", "pt", "nl", "zh", "ms"])
def test_a_stop_word_is_one_word_as_words_are_counted(language: str) -> None:
    found = stop_words(language)

    assert len(found) >= 50
    for word in found - {"mm-hmm"}:
        assert words(word) == [word]


def test_a_ranking_is_by_count_then_by_alphabet() -> None:
    ranking = rank({"b": 2, "c": 3, "a": 2}, keep=2)

    assert ranking == Ranking((("c", 3), ("a", 2)), complete=False)
    assert rank({"b": 2}, keep=2).complete


def test_nothing_said_has_no_contenders() -> None:
    assert contenders([]) == []
    assert contenders([rank({})]) == []


def test_a_word_far_ahead_is_the_only_contender() -> None:
    many = [rank({"walnut": 9, "pear": 2, "plum": 1, "fig": 1}, keep=2) for _ in range(100)]

    assert contenders(many) == ["walnut"]


def test_rankings_that_hide_too_much_do_not_tell() -> None:
    assert contenders([rank({"a": 2, "b": 2, "c": 2}, keep=1) for _ in range(3)]) is None


@given(
    st.lists(
        st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 9)), min_size=1, max_size=6
    ),
    st.integers(1, 4),
)
def test_the_favourite_is_always_among_the_contenders(
    counts: list[dict[str, int]], keep: int
) -> None:
    total: dict[str, int] = {}
    for one in counts:
        for word, count in one.items():
            total[word] = total.get(word, 0) + count
    able = contenders([rank(one, keep=keep) for one in counts])

    if total and able is not None:
        best = min(total, key=lambda word: (-total[word], word))
        assert best in able
    if not total:
        assert able == []
