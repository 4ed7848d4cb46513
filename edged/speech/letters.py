"""How an English word that no dictionary has is probably said: by its letters, in ARPAbet.

Names and new words must not stop an alignment; a pronunciation that is off by a vowel still puts
the word in its place. Two readings: a word of letters that nobody could say in one breath (`XML`) is
spelled; every other is read from left to right, the longest known group of letters first.
"""

import re
from collections.abc import Mapping

NAMES: Mapping[str, str] = {
    "a": "EY", "b": "B IY", "c": "S IY", "d": "D IY", "e": "IY", "f": "EH F", "g": "JH IY",
    "h": "EY CH", "i": "AY", "j": "JH EY", "k": "K EY", "l": "EH L", "m": "EH M", "n": "EH N",
    "o": "OW", "p": "P IY", "q": "K Y UW", "r": "AA R", "s": "EH S", "t": "T IY", "u": "Y UW",
    "v": "V IY", "w": "D AH B AH L Y UW", "x": "EH K S", "y": "W AY", "z": "Z IY",
}  # fmt: skip
"""How each letter is called."""

_RULES: tuple[tuple[str, str], ...] = (
    (r"\bkn", "N"), (r"\bwr", "R"), (r"\bpn", "N"), (r"\bps", "S"), (r"\bgn", "N"),
    (r"\bwh", "W"), (r"\bx", "Z"), (r"\by", "Y"),
    (r"tion\b", "SH AH N"), (r"sion\b", "ZH AH N"), (r"cian\b", "SH AH N"),
    (r"ture\b", "CH ER"), (r"ious\b", "IY AH S"), (r"ous\b", "AH S"), (r"ism\b", "IH Z AH M"),
    (r"igh", "AY"), (r"eigh", "EY"), (r"augh", "AO"), (r"ough", "AO"), (r"tch", "CH"),
    (r"dge", "JH"), (r"sch", "SH"), (r"ch", "CH"), (r"sh", "SH"), (r"th", "TH"), (r"ph", "F"),
    (r"gh\b", ""), (r"gh", "G"), (r"ck", "K"), (r"ng\b", "NG"), (r"ng", "NG G"), (r"nk", "NG K"),
    (r"qu", "K W"), (r"sc(?=[eiy])", "S"), (r"wh", "W"), (r"mb\b", "M"),
    (r"eau", "OW"), (r"ee", "IY"), (r"ea", "IY"), (r"ei", "IY"), (r"ey\b", "IY"), (r"ey", "EY"),
    (r"ie\b", "IY"), (r"ie", "IY"), (r"ai", "EY"), (r"ay", "EY"), (r"au", "AO"), (r"aw", "AO"),
    (r"oo", "UW"), (r"oa", "OW"), (r"oi", "OY"), (r"oy", "OY"), (r"ou", "AW"), (r"ow\b", "OW"),
    (r"ow", "AW"), (r"oe\b", "OW"), (r"ue\b", "UW"), (r"ui", "UW"), (r"ew", "UW"), (r"eu", "UW"),
    (r"ar", "AA R"), (r"er", "ER"), (r"ir", "ER"), (r"ur", "ER"), (r"or", "AO R"),
    (r"es\b(?:(?<=[sxz]es)|(?<=[cs]hes))", "IH Z"), (r"ed\b(?<=[td]ed)", "IH D"), (r"ed\b", "D"),
    (r"a(?=[^aeiouyw]e\b)", "EY"), (r"e(?=[^aeiouyw]e\b)", "IY"), (r"i(?=[^aeiouyw]e\b)", "AY"),
    (r"o(?=[^aeiouyw]e\b)", "OW"), (r"u(?=[^aeiouyw]e\b)", "UW"),
    (r"(?<=\b[^aeiouy])e\b", "IY"), (r"le\b(?<=[^aeiouy]le)", "AH L"), (r"(?<=[a-z])e\b", ""),
    (r"c(?=[eiy])", "S"), (r"g(?=[eiy])", "JH"), (r"(?<=\b[^aeiouy])y\b", "AY"), (r"y\b", "IY"),
    (r"a\b", "AH"), (r"o\b", "OW"), (r"i\b", "IY"), (r"u\b", "UW"),
    (r"a", "AE"), (r"e", "EH"), (r"i", "IH"), (r"o", "AA"), (r"u", "AH"), (r"y", "IH"),
    (r"b", "B"), (r"c", "K"), (r"d", "D"), (r"f", "F"), (r"g", "G"), (r"h", "HH"), (r"j", "JH"),
    (r"k", "K"), (r"l", "L"), (r"m", "M"), (r"n", "N"), (r"p", "P"), (r"q", "K"), (r"r", "R"),
    (r"s", "S"), (r"t", "T"), (r"v", "V"), (r"w", "W"), (r"x", "K S"), (r"z", "Z"),
)  # fmt: skip
"""Letters and what they sound like, tried in this order at each place; \\b is the word's edge."""

_COMPILED = tuple((re.compile(letters), sound.split()) for letters, sound in _RULES)
_VOWELS = frozenset("aeiouy")
_TWICE = re.compile(r"([^aeiou])\1")


def pronounced(word: str) -> tuple[str, ...]:
    """The phones of a word of the letters a to z and apostrophes; empty when there is none.

    Diacritics are to be taken off before; other letters have no sound here.
    """
    plain = re.sub("[^a-z]", "", word.lower())
    if not plain or re.search("[^a-z'\u2019]", word.lower()):
        return ()
    if not _VOWELS & set(plain):
        return tuple(" ".join(NAMES[letter] for letter in plain).split())
    return _read(_TWICE.sub(r"\1", plain)) or tuple(NAMES[plain[0]].split())


def _read(word: str) -> tuple[str, ...]:
    phones: list[str] = []
    at = 0
    while at < len(word):
        found = next((match, sound) for rule, sound in _COMPILED if (match := rule.match(word, at)))
        phones += found[1]
        at = found[0].end()
    return tuple(phones)
