"""A text as the words that are spoken: digits, amounts of money and signs become words. Pure.

Numbers are written out in English only; elsewhere a text with digits has to be written out by whoever
sends it, for nobody else knows how they were said.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping

from edged.errors import BadRequest

LARGEST = 10**15
"""A number from here on is said digit by digit."""

_ONES = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = ["-", "-", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_POWERS = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (1000, "thousand"))
_ORDINALS: Mapping[str, str] = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth",
    "nine": "ninth", "twelve": "twelfth",
}  # fmt: skip
_MONEY: Mapping[str, tuple[str, str, str, str]] = {
    "$": ("dollar", "dollars", "cent", "cents"),
    "€": ("euro", "euros", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "¥": ("yen", "yen", "sen", "sen"),
    "₹": ("rupee", "rupees", "paisa", "paise"),
}
"""One, several; of the hundredth part too."""
_SIGNS: Mapping[str, str] = {"&": "and", "%": "percent", "+": "plus", "=": "equals", "@": "at"}
_SHORT: Mapping[str, str] = {
    "mr.": "mister", "mrs.": "missus", "ms.": "miss", "dr.": "doctor", "st.": "saint",
    "vs.": "versus", "etc.": "et cetera",
}  # fmt: skip
_SCALES = "hundred|thousand|million|billion|trillion"

_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_MONEY_AMOUNT = re.compile(
    rf"([{''.join(_MONEY)}])\s?({_NUMBER})(?:\s+({_SCALES})\b)?", re.IGNORECASE
)
_MONEY_BEHIND = re.compile(rf"({_NUMBER})\s?([{''.join(_MONEY)}])")
_CLOCK = re.compile(r"\b(\d{1,2}):(\d{2})\b")
_ORDINAL = re.compile(r"\b(\d[\d,]*)(?:st|nd|rd|th)\b", re.IGNORECASE)
_YEAR = re.compile(r"(?<=\bin )(1[1-9]|20)(\d\d)\b(?![,.]?\d)", re.IGNORECASE)
_PLAIN = re.compile(rf"(?<![\w.])-?(?:{_NUMBER})|\d+")
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*'?|'[^\W\d_]+'?")


def spelled(text: str, language: str = "en") -> tuple[str, ...]:
    """The words of a text in order, without punctuation, digits and signs; letters stay as they are.

    Args:
        text: any; composed first, so that a letter with a mark on it is one character.
        language: digits are written out for `en`, with or without a region.

    Raises:
        BadRequest: digits in another language; the message says which word by its number, from 1.
    """
    text = unicodedata.normalize("NFC", text).replace("\u2019", "'")
    if language.partition("-")[0] == "en":
        text = _written_out(text)
    else:
        _check_digits(text)
    return tuple(match[0] for match in _WORD.finditer(text))


def _check_digits(text: str) -> None:
    for position, word in enumerate(text.split(), start=1):
        if any(letter.isdigit() for letter in word):
            raise BadRequest(
                f"word {position} of the text holds a digit", fix="write numbers out in words"
            )


def _written_out(text: str) -> str:
    for short, whole in _SHORT.items():
        text = re.sub(rf"\b{re.escape(short)}", f"{whole} ", text, flags=re.IGNORECASE)
    text = _MONEY_AMOUNT.sub(lambda found: _money(found[1], found[2], found[3] or ""), text)
    text = _MONEY_BEHIND.sub(lambda found: _money(found[2], found[1], ""), text)
    text = _CLOCK.sub(lambda found: _clock(int(found[1]), int(found[2])), text)
    text = _ORDINAL.sub(lambda found: f" {ordinal(int(found[1].replace(',', '')))} ", text)
    text = _YEAR.sub(lambda found: f" {_year(int(found[1]), int(found[2]))} ", text)
    text = _PLAIN.sub(lambda found: f" {_number(found[0])} ", text)
    for sign, word in _SIGNS.items():
        text = text.replace(sign, f" {word} ")
    return text


def cardinal(number: int) -> str:
    """A whole number in words: 1200 is `one thousand two hundred`; a large one digit by digit."""
    if number < 0:
        return f"minus {cardinal(-number)}"
    if number >= LARGEST:
        return " ".join(_ONES[int(digit)] for digit in str(number))
    return " ".join(_parts(number)) or _ONES[0]


def _parts(number: int) -> Iterator[str]:
    for size, name in _POWERS:
        if number >= size:
            yield cardinal(number // size)
            yield name
            number %= size
    if number >= 100:  # noqa: PLR2004 - a hundred
        yield _ONES[number // 100]
        yield "hundred"
        number %= 100
    if number >= len(_ONES):
        yield _TENS[number // 10]
        number %= 10
    if number:
        yield _ONES[number]


def ordinal(number: int) -> str:
    """A whole number as a place in a row: 21 is `twenty first`."""
    *front, last = cardinal(number).split()
    if last in _ORDINALS:
        last = _ORDINALS[last]
    else:
        last = f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th"
    return " ".join([*front, last])


def _number(text: str) -> str:
    """Digits with an optional sign, commas and a fraction, which is said digit by digit."""
    whole, _, fraction = text.replace(",", "").partition(".")
    if whole.lstrip("-").startswith("0") and len(whole.lstrip("-")) > 1:
        said = " ".join(_ONES[int(digit)] for digit in whole.lstrip("-"))
    else:
        said = cardinal(int(whole))
    if not fraction:
        return said
    return f"{said} point {' '.join(_ONES[int(digit)] for digit in fraction)}"


def _money(sign: str, amount: str, scale: str) -> str:
    one, several, hundredth, hundredths = _MONEY[sign]
    whole, _, fraction = amount.replace(",", "").partition(".")
    if scale:
        return f" {_number(amount)} {scale} {several} "
    if len(fraction) != len("00"):
        return f" {_number(amount)} {one if amount == '1' else several} "
    said = [] if int(whole) == 0 and int(fraction) else [cardinal(int(whole))]
    if said:
        said.append(one if int(whole) == 1 else several)
    if int(fraction):
        said += [*(["and"] if said else []), cardinal(int(fraction))]
        said.append(hundredth if int(fraction) == 1 else hundredths)
    return f" {' '.join(said)} "


def _clock(hours: int, minutes: int) -> str:
    if not minutes:
        return f" {cardinal(hours)} o'clock "
    zero = "oh " if minutes < 10 else ""  # noqa: PLR2004 - one digit
    return f" {cardinal(hours)} {zero}{cardinal(minutes)} "


def _year(century: int, year: int) -> str:
    """1984 is `nineteen eighty four`, 1905 `nineteen oh five`, 2007 `two thousand seven`."""
    if century == 20 and year < 10:  # noqa: PLR2004 - the years that are counted in thousands
        return cardinal(2000 + year)
    if not year:
        return f"{cardinal(century)} hundred"
    return f"{cardinal(century)} {'oh ' if year < 10 else ''}{cardinal(year)}"  # noqa: PLR2004
