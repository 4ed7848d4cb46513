"""Text in sentences, for voices that are given one at a time."""

import re
from collections.abc import Iterator

LONGEST = 400
"""Characters that a voice is given at once at most."""

_WIDE_ENDS = "\u3002\uff01\uff1f"
_COMMAS = ",;:\u3001\uff0c"
"""Of Chinese and Japanese: full stop, exclamation and question mark; and both their commas."""

_END = re.compile(rf"(?<=[.!?\u2026])[\"'\u201d\u2019)\]]*\s+|(?<=[{_WIDE_ENDS}])|\n\s*\n")
_PAUSE = re.compile(rf"(?<=[{_COMMAS}])\s*|\s+")


def sentences(text: str) -> Iterator[str]:
    """The sentences of a text, without what is only space; one that is too long in pieces.

    A piece ends at a comma where there is one, else between words, else anywhere.
    """
    for sentence in _END.split(text):
        rest = sentence.strip()
        while len(rest) > LONGEST:
            at = _border(rest)
            yield rest[:at].strip()
            rest = rest[at:].strip()
        if rest:
            yield rest


def _border(text: str) -> int:
    """Where to cut within the first LONGEST characters: behind the last pause in their second half."""
    half = LONGEST // 2
    ends = [match.end() for match in _PAUSE.finditer(text, half, LONGEST)]
    commas = [at for at in ends if text[:at].rstrip()[-1:] in _COMMAS]
    return (commas or ends or [LONGEST])[-1]
