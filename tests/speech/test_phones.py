"""Phones in IPA, and words by their letters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edged.speech.letters import NAMES, pronounced
from edged.speech.phones import ARPABET_TO_IPA, ipa_of


def test_every_phone_has_a_sign_of_its_own() -> None:
    assert len(ARPABET_TO_IPA) == 39
    assert len(set(ARPABET_TO_IPA.values())) == 39


def test_stress_and_case_do_not_matter_and_silence_has_no_sign() -> None:
    assert [ipa_of(one) for one in ("AH0", "ah", "HH", "SIL", "")] == ["ʌ", "ʌ", "h", "", ""]


@pytest.mark.parametrize(
    ("word", "phones"),
    [
        ("zorbing", "Z AO R B IH NG"),
        ("kip", "K IH P"),
        ("blenny", "B L EH N IY"),
        ("phlox", "F L AA K S"),
        ("quate", "K W EY T"),
        ("knork", "N AO R K"),
        ("XML", "EH K S EH M EH L"),
        ("vation", "V AE SH AH N"),
        ("gable", "G AE B AH L"),
        ("d'arc", "D AA R K"),
    ],
)
def test_a_word_is_read_by_its_letters(word: str, phones: str) -> None:
    assert " ".join(pronounced(word)) == phones


@pytest.mark.parametrize("word", ["", "привет", "naïve", "a1", "'"])
def test_what_has_no_english_letters_has_no_pronunciation(word: str) -> None:
    assert pronounced(word) == ()


@given(
    st.text("abcdefghijklmnopqrstuvwxyz'", min_size=1, max_size=15).filter(lambda t: t.strip("'"))
)
def test_every_word_of_letters_gets_phones_that_exist(word: str) -> None:
    phones = pronounced(word)

    assert phones
    assert set(phones) <= set(ARPABET_TO_IPA)


def test_every_letter_has_a_name() -> None:
    assert len(NAMES) == 26
