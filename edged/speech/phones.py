"""Phones of American English by their names in ARPAbet, and the same in IPA.

Source: the CMU pronouncing dictionary's list of phones; International Phonetic Association, Handbook
(1999), "American English". Stress is not told, so AH is always the strong vowel's sign.
"""

# ruff: noqa: RUF001 - the signs of IPA look like letters

from collections.abc import Mapping

ARPABET_TO_IPA: Mapping[str, str] = {
    "AA": "ɑ", "AE": "æ", "AH": "ʌ", "AO": "ɔ", "AW": "aʊ", "AY": "aɪ",
    "B": "b", "CH": "tʃ", "D": "d", "DH": "ð", "EH": "ɛ", "ER": "ɝ", "EY": "eɪ",
    "F": "f", "G": "ɡ", "HH": "h", "IH": "ɪ", "IY": "i", "JH": "dʒ",
    "K": "k", "L": "l", "M": "m", "N": "n", "NG": "ŋ", "OW": "oʊ", "OY": "ɔɪ",
    "P": "p", "R": "ɹ", "S": "s", "SH": "ʃ", "T": "t", "TH": "θ", "UH": "ʊ", "UW": "u",
    "V": "v", "W": "w", "Y": "j", "Z": "z", "ZH": "ʒ",
}  # fmt: skip


def ipa_of(phone: str) -> str:
    """A phone of ARPAbet in IPA, with or without a digit for stress; empty for what is none."""
    return ARPABET_TO_IPA.get(phone.rstrip("012").upper(), "")
