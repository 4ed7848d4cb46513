"""Digits, money and signs become the words that are spoken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edged.errors import BadRequest
from edged.speech.spelling import LARGEST, cardinal, ordinal, spelled


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hello, world!", "Hello world"),
        ("It's 5 o'clock", "It's five o'clock"),
        ("I owe you $3.50.", "I owe you three dollars and fifty cents"),
        ("$1", "one dollar"),
        ("£0.01", "one penny"),
        ("$1,250,000", "one million two hundred fifty thousand dollars"),
        ("$3.5 million deal", "three point five million dollars deal"),
        ("12 €", "twelve euros"),
        ("on the 21st of May", "on the twenty first of May"),
        (
            "in 1984 and 1905 sheep",
            "in nineteen eighty four and one thousand nine hundred five sheep",
        ),
        ("at 10:05", "at ten oh five"),
        ("at 9:00", "at nine o'clock"),
        ("-7 degrees, 3.14", "minus seven degrees three point one four"),
        ("007", "zero zero seven"),
        ("50% off & more", "fifty percent off and more"),
        ("Mr. Smith vs. Dr. Who", "mister Smith versus doctor Who"),
        ("well-known B2B", "well known B two B"),
        ("rock \u2019n\u2019 roll", "rock 'n' roll"),
        ("... -- !", ""),
    ],
)
def test_a_text_becomes_the_words_that_are_said(text: str, words: str) -> None:
    assert " ".join(spelled(text)) == words


def test_another_language_keeps_its_letters_and_has_to_write_its_numbers_out() -> None:
    assert spelled("Grüße, José — naïve!", "de") == ("Grüße", "José", "naïve")

    with pytest.raises(BadRequest, match=r"^word 2 of the text holds a digit$"):
        spelled("ich habe2 Katzen", "de")


def test_the_error_names_the_place_and_not_the_word() -> None:
    with pytest.raises(BadRequest) as caught:
        spelled("geheim 4711", "de")

    assert "4711" not in caught.value.message


def test_ordinals_follow_their_endings() -> None:
    found = [ordinal(n) for n in (1, 2, 3, 5, 8, 9, 12, 20, 33, 100, 1000)]

    assert found == [
        "first", "second", "third", "fifth", "eighth", "ninth", "twelfth", "twentieth",
        "thirty third", "one hundredth", "one thousandth",
    ]  # fmt: skip


@given(st.integers(0, LARGEST - 1))
def test_a_number_in_words_means_that_number(number: int) -> None:
    assert _meaning(cardinal(number).split()) == number


def _meaning(words: list[str]) -> int:
    small = {cardinal(n): n for n in [*range(20), *range(20, 100, 10)]}
    powers = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
    total = part = 0
    for word in words:
        if word in powers:
            total, part = total + part * powers[word], 0
        else:
            part = part * 100 if word == "hundred" else part + small[word]
    return total + part


@given(st.text(max_size=60))
def test_no_text_makes_words_with_digits_or_spaces_in_them(text: str) -> None:
    for word in spelled(text):
        assert word
        assert not any(letter.isspace() or letter in "0123456789" for letter in word)
