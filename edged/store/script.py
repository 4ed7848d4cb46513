"""Which text the word index cannot serve: scripts without spaces, emoji, letters it is too old for.

SQLite's unicode61 tokenizer takes a run of letters for a word (so a whole Chinese sentence is one)
and drops symbols; such rows are also indexed by trigrams.
"""

import re

_SCRIPTED = re.compile(
    "["
    "\u0e00-\u0fff"  # Thai, Lao, Tibetan: no spaces
    "\u1000-\u109f\u1780-\u17ff"  # Burmese, Khmer
    "\u1100-\u11ff\uac00-\ud7ff"  # Hangul: words carry endings
    "\u2190-\u2bff"  # arrows, signs, dingbats
    "\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef"  # radicals, kana, Han, full width
    "\U00010000-\U0010ffff"  # emoji, rare Han, scripts younger than Unicode 6.1
    "]"
)


def needs_trigrams(text: str) -> bool:
    """Whether a text holds what only substring search can find."""
    return not text.isascii() and _SCRIPTED.search(text) is not None
