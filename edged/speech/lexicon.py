"""Corrects what a recogniser mishears, and counts the words that somebody wants counted. Pure.

A text is words and what stands between them. A phrase of a lexicon matches whole words only: an
apostrophe between letters belongs to its word (can't is not can), each Han character is a word of
its own, and any white space in a phrase stands for any other.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from msgspec import Struct

from edged.errors import NotFound

Step = tuple[str, str]
Steps = tuple[Step, ...]
Target = tuple[str, str, str]
"""A word to be counted: name of its lexicon, its category, the word as the lexicon spells it."""

_ASCII = re.compile(r"[A-Za-z0-9]+(?:'[A-Za-z0-9]+)*")
_APOSTROPHES = str.maketrans(dict.fromkeys("\u2018\u2019\u02bc\uff07\u02b9\u2032", "'"))
_JOINERS = frozenset("'\u200c\u200d")
_FIX = "`edged lexicon list` shows all"


class Lexicon(Struct, frozen=True, kw_only=True):
    """Corrections (misheard phrase -> what was said) and words to be counted, by category.

    language: code; empty: of any.
    """

    name: str
    description: str = ""
    language: str = ""
    corrections: Mapping[str, str] = {}
    categories: Mapping[str, tuple[str, ...]] = {}


class _Token(NamedTuple):
    """One word of a text: where, how it compares, and what stands before it."""

    start: int
    end: int
    key: str
    gap: str


class _Found(NamedTuple):
    """A phrase in a text, by its characters and by the number of its words."""

    start: int
    end: int
    words: int
    phrase: int


class Active:
    """Lexicons that work together, in the order in which they were named.

    Args:
        corrections: misheard phrase and word, in any order; of two same phrases the first counts.
        targets: the words to be counted, likewise.
        names: what was asked for, as `choose` takes it.

    Raises:
        ValueError: a phrase does not begin and end with a letter or digit.
    """

    def __init__(
        self,
        *,
        corrections: Iterable[tuple[str, str]] = (),
        targets: Iterable[Target] = (),
        names: tuple[str, ...] = (),
    ) -> None:
        self.names = names
        self._corrections = tuple(corrections)
        self._targets = tuple(targets)
        self._misheard = _Phrases(phrase for phrase, _ in self._corrections)
        self._wanted = _Phrases(word for _, _, word in self._targets)

    def __bool__(self) -> bool:
        """Whether anything is corrected or counted at all."""
        return bool(self._corrections or self._targets)

    def correct(self, text: str) -> str:
        """The text with every misheard phrase replaced.

        One pass from the left, at each place the longest phrase; what was put in is not looked at
        again. Everything else stays as it is, byte for byte.
        """
        if not self._corrections:
            return text
        pieces: list[str] = []
        end = 0
        for found in self._misheard.find(text):
            pieces += text[end : found.start], self._corrections[found.phrase][1]
            end = found.end
        return "".join(pieces) + text[end:]

    def count(self, text: str) -> dict[Target, int]:
        """How often each target word is in a corrected text, in order of its first place.

        At each place the longest word counts. One that two lexicons list counts for both.
        """
        counts: dict[Target, int] = {}
        for found in self._wanted.find(text) if self._targets else ():
            for other in self._wanted.same(found.phrase):
                target = self._targets[other]
                counts[target] = counts.get(target, 0) + 1
        return counts

    def said(self, text: str) -> dict[str, int]:
        """As `count`, by the word alone: how often it was said, however many lexicons list it."""
        said: dict[str, int] = {}
        for (_, _, word), times in self.count(text).items():
            said[word] = max(times, said.get(word, 0))
        return said


def choose(names: Iterable[str], lexicons: Mapping[str, Lexicon]) -> Active:
    """The lexicons that are named: `singlish`; `-singlish.vulgar` does not count one category.

    A correction whose word is in a category that is left out still corrects. A `-` counts wherever
    it stands among the names.

    Raises:
        NotFound: no lexicon, or no category of a named one, has that name.
    """
    asked = tuple(names)
    chosen = [_find(name, lexicons) for name in dict.fromkeys(asked) if not name.startswith("-")]
    left_out = {_category(name, lexicons) for name in asked if name.startswith("-")}
    return Active(
        corrections=[pair for lexicon in chosen for pair in lexicon.corrections.items()],
        targets=[
            (lexicon.name, category, word)
            for lexicon in chosen
            for category, words in lexicon.categories.items()
            if (lexicon.name, category) not in left_out
            for word in words
        ],
        names=asked,
    )


def _find(name: str, lexicons: Mapping[str, Lexicon]) -> Lexicon:
    if name not in lexicons:
        raise NotFound(f"no lexicon is named {name}", fix=_FIX)
    return lexicons[name]


def _category(name: str, lexicons: Mapping[str, Lexicon]) -> tuple[str, str]:
    """What `-singlish.vulgar` leaves out."""
    lexicon, dot, category = name[1:].partition(".")
    if not dot or category not in _find(lexicon, lexicons).categories:
        raise NotFound(f"no category is named {name[1:]}", fix=_FIX)
    return lexicon, category


def steps(phrase: str) -> Steps:
    """A phrase as it is compared: two that give the same match the same texts.

    What stands before each word, and the word; empty for what cannot be looked for, because it
    does not begin and end with a letter or digit.
    """
    phrase = phrase.strip()
    tokens = _tokens(phrase)
    if not tokens or tokens[0].start or tokens[-1].end != len(phrase):
        return ()
    return tuple((token.gap if place else "", token.key) for place, token in enumerate(tokens))


class _Phrases:
    """Phrases as a tree of their words. Looking for all of them costs as much as for the longest.

    Args:
        phrases: each is known by its place in the row.
    """

    def __init__(self, phrases: Iterable[str]) -> None:
        self._root: dict[Step, _Node] = {}
        self._same: dict[int, list[int]] = {}
        for number, phrase in enumerate(phrases):
            self._add(number, phrase)

    def same(self, phrase: int) -> list[int]:
        """The phrases that are this one, itself the first."""
        return self._same[phrase]

    def find(self, text: str) -> Iterator[_Found]:
        """Every phrase, from left to right, the longest at each place; none overlaps another."""
        tokens = _tokens(text)
        place = 0
        while place < len(tokens):
            found = self._longest(tokens, place)
            if found is None:
                place += 1
                continue
            yield found
            place += found.words

    def _add(self, number: int, phrase: str) -> None:
        way = steps(phrase)
        if not way:
            raise ValueError("a phrase begins and ends with a letter or digit")
        branches = self._root
        node = None
        for step in way:
            node = branches.setdefault(step, _Node())
            branches = node.branches
        if node is not None:
            node.phrase = number if node.phrase is None else node.phrase
            self._same.setdefault(node.phrase, []).append(number)

    def _longest(self, tokens: list[_Token], place: int) -> _Found | None:
        found = None
        node = self._root.get(("", tokens[place].key))
        end = place
        while node is not None:
            if node.phrase is not None:
                words = end + 1 - place
                found = _Found(tokens[place].start, tokens[end].end, words, node.phrase)
            end += 1
            node = (
                node.branches.get((tokens[end].gap, tokens[end].key)) if end < len(tokens) else None
            )
        return found


class _Node:
    """A word of phrases and the words that may follow, each with what stands between."""

    __slots__ = ("branches", "phrase")

    def __init__(self) -> None:
        self.branches: dict[Step, _Node] = {}
        self.phrase: int | None = None


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    end = 0
    for start, stop in _spans(text):
        tokens.append(_Token(start, stop, _fold(text[start:stop]), _gap(text[end:start])))
        end = stop
    return tokens


def _fold(word: str) -> str:
    """How a word compares: small, composed, with one kind of apostrophe."""
    return unicodedata.normalize("NFC", word.translate(_APOSTROPHES).casefold())


def _gap(between: str) -> str:
    """Any white space is one space; anything else is itself."""
    return " " if between.isspace() else between


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Where the words are: letters, their marks, digits, and joiners between them."""
    if text.isascii():
        return (match.span() for match in _ASCII.finditer(text))
    return _scan(text.translate(_APOSTROPHES))


def _scan(text: str) -> Iterator[tuple[int, int]]:
    start = -1
    for place, character in enumerate(text):
        if _is_han(character):
            if start >= 0:
                yield start, place
            start = -1
            yield place, place + 1
        elif _is_inside(text, place, begun=start >= 0):
            start = place if start < 0 else start
        elif start >= 0:
            yield start, place
            start = -1
    if start >= 0:
        yield start, len(text)


def _is_inside(text: str, place: int, *, begun: bool) -> bool:
    """Whether a character belongs to a word; `begun`: the one before it does."""
    character = text[place]
    if character in _JOINERS:
        following = text[place + 1 : place + 2]
        return begun and bool(following) and _is_letter(following) and not _is_han(following)
    return _is_letter(character) or (begun and unicodedata.category(character)[0] == "M")


def _is_letter(character: str) -> bool:
    return unicodedata.category(character)[0] in {"L", "N"}


def _is_han(character: str) -> bool:
    return "\u3400" <= character <= "\u9fff" or "\U00020000" <= character <= "\U0003ffff"


NONE = Active()
"""Corrects and counts nothing."""
