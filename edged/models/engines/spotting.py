"""What spotters of keywords share: streams that live between calls, and a text as a BPE model's pieces."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Generic, TypeVar

from edged.errors import BadRequest

S = TypeVar("S")

MAX_STREAMS = 32
"""Streams kept; the one unused for longest is dropped first."""

_WORD_START = "\u2581"


class Streams(Generic[S]):
    """States by the name of their stream.

    Args:
        begin: makes a new state.
    """

    def __init__(self, begin: Callable[[tuple[str, ...], float | None], S]) -> None:
        self._begin = begin
        self._states: OrderedDict[str, S] = OrderedDict()

    def take(self, stream: str, keywords: tuple[str, ...], threshold: float | None) -> S:
        """The stream's state, or a new one for the keywords; it is out until `keep`."""
        return self._states.pop(stream, None) or self._begin(keywords, threshold)

    def keep(self, stream: str, state: S) -> None:
        """Keep a state for the stream's next part."""
        self._states[stream] = state
        if len(self._states) > MAX_STREAMS:
            self._states.popitem(last=False)


def pieces(phrase: str, tokens: Mapping[str, int], position: int) -> list[str]:
    """A phrase as the pieces of a BPE model: neighbours are joined, the model's earliest pair first.

    Source: how sentencepiece encodes; a BPE model's pieces are numbered in the order of their joining.

    Args:
        phrase: words with spaces between.
        tokens: pieces and their numbers.
        position: of the keyword in the request, for the error.

    Raises:
        BadRequest: a letter that the model does not know.
    """
    upper = any(letter.isupper() for token in tokens if token[:1] != "<" for letter in token)
    words = (phrase.upper() if upper else phrase.lower()).split()
    found = [piece for word in words for piece in _joined(_WORD_START + word, tokens)]
    if not found or any(one not in tokens for one in found):
        raise BadRequest(
            f"keyword {position} cannot be spelled by the model", fix="write it in its letters"
        )
    return found


def _joined(word: str, tokens: Mapping[str, int]) -> list[str]:
    if word in tokens:
        return [word]
    found = list(word)
    while joins := [
        (tokens[one + two], at)
        for at, (one, two) in enumerate(pairwise(found))
        if one + two in tokens
    ]:
        _, at = min(joins)
        found[at : at + 2] = [found[at] + found[at + 1]]
    return found
