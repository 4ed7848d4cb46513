"""Words of a text, as statistics count them, and which word is said most. Pure."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from edged.speech.stop_words import stop_words

KEPT = 16
"""Words that a ranking holds: enough for the favourite of hundreds of rankings to be plain."""

LOW_CONFIDENCE = 0.5
"""A word recognised with less is shown as doubtful."""

_ASCII = re.compile(r"[a-z0-9]+(?:'[a-z0-9]+)*")
_APOSTROPHES = str.maketrans(dict.fromkeys("\u2018\u2019\u02bc\uff07\u02b9\u2032", "'"))
_JOINERS = "\u200c\u200d"
_IN_WORDS = frozenset("LMN")


class Ranking(Struct, frozen=True, array_like=True):
    """The words said most, by count, then by alphabet. complete: no other word was said."""

    top: tuple[tuple[str, int], ...]
    complete: bool


def words(text: str) -> list[str]:
    """The words of a text, casefolded, in order.

    Letters, their marks and digits make words; an apostrophe between letters belongs to its word,
    a hyphen does not. Of Han each character counts. Other scripts without spaces (Thai, Khmer) count
    by what stands between spaces.
    """
    plain = text.translate(_APOSTROPHES).casefold()
    if plain.isascii():
        return _ASCII.findall(plain)
    return list(_scan(unicodedata.normalize("NFC", plain)))


def _scan(text: str) -> Iterator[str]:
    word = ""
    for place, character in enumerate(text):
        if _is_han(character):
            if word:
                yield word
            word = ""
            yield character
        elif _belongs(character, word, text[place + 1 : place + 2]):
            word += character
        elif word:
            yield word
            word = ""
    if word:
        yield word


def _belongs(character: str, word: str, following: str) -> bool:
    kind = unicodedata.category(character)[0]
    if kind in _IN_WORDS:
        return bool(word) or kind != "M"
    inside = bool(word) and bool(following) and unicodedata.category(following)[0] in _IN_WORDS
    return inside and (character == "'" or character in _JOINERS) and not _is_han(following)


def _is_han(character: str) -> bool:
    return "\u3400" <= character <= "\u9fff" or "\U00020000" <= character <= "\U0003ffff"


def telling(said: Iterable[str], language: str) -> list[str]:
    """The words that say something of a speaker: no stop words, numbers or single letters.

    Args:
        said: as `words` gives them.
        language: code; without one the stop words of all languages are left out.
    """
    ignored = stop_words(language)
    return [word for word in said if word not in ignored and not _is_mere(word)]


def _is_mere(word: str) -> bool:
    return word.isnumeric() or (len(word) == 1 and not _is_han(word))


def rank(counts: Mapping[str, int], *, keep: int = KEPT) -> Ranking:
    """The words said most."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return Ranking(tuple(ordered[:keep]), len(ordered) <= keep)


def contenders(rankings: Iterable[Ranking]) -> list[str] | None:
    """Every word that can be the most frequent one of all rankings together, the likeliest first.

    None: the rankings do not tell, any word could be. The sum of a word lies between what is listed
    of it and that plus the last count of each ranking that does not list it.

    Source: the upper bound of Fagin's threshold algorithm, "Optimal aggregation algorithms for
    middleware" (2001).
    """
    listed: dict[str, int] = defaultdict(int)
    floors: dict[str, int] = defaultdict(int)
    hidden = 0
    for ranking in rankings:
        for word, count in ranking.top:
            listed[word] += count
        if not ranking.complete:
            floor = ranking.top[-1][1]
            hidden += floor
            for word, _ in ranking.top:
                floors[word] += floor
    if not listed:
        return []
    best = max(listed.values())
    if hidden >= best:
        return None
    able = [word for word, sure in listed.items() if sure + hidden - floors[word] >= best]
    return sorted(able, key=lambda word: (-listed[word], word))
