"""Texts as numbers by a vocabulary of whole words, as TensorFlow's text classifiers take them."""

import re

from edged.errors import CorruptModel
from edged.models.presets.labels import file_lines
from edged.models.presets.metadata import Notes, member_lines
from edged.models.presets.parameters import flag_of, word_of
from edged.models.runtime import ModelSpec

DELIMITER = r"[^\w\']+"
"""What lies between words. Source: the metadata of TensorFlow's NL classifiers."""

_PAD, _START, _UNKNOWN = "<PAD>", "<START>", "<UNKNOWN>"


class WordList:
    """Numbers the words of a text.

    The vocabulary has a word and its number in each line, or only the word, numbered from 0. Words
    that it lacks are <UNKNOWN>; <START> comes first and <PAD> fills up, if it has them.
    Source: TensorFlow Lite Support, regex_tokenizer.cc.

    Args:
        spec: parameters `delimiter`, `vocabulary` (one of its files, or a member of its .tflite)
            and `lower`. notes: what the file itself says.

    Raises:
        CorruptModel: there is no vocabulary, or no regular expression.
    """

    def __init__(self, spec: ModelSpec, notes: Notes) -> None:
        pattern = word_of(spec, "delimiter", notes.input().delimiter or DELIMITER)
        try:
            self._delimiter = re.compile(pattern, re.ASCII)
        except (re.error, RecursionError, OverflowError) as error:
            raise CorruptModel(
                f"the delimiter of {spec.id} is no pattern", model=spec.id
            ) from error
        self._lower = flag_of(spec, "lower", default=True)
        self._numbers = _vocabulary(spec, notes)
        self._unknown = self._numbers.get(_UNKNOWN, 0)

    def numbers(self, text: str, length: int) -> list[int]:
        """Exactly `length` numbers; what the text has beyond that is left out."""
        words = self._delimiter.split(text.lower() if self._lower else text)
        found = [self._numbers.get(word, self._unknown) for word in words if word]
        if _START in self._numbers:
            found.insert(0, self._numbers[_START])
        return (found + [self._numbers.get(_PAD, 0)] * length)[:length]


def _vocabulary(spec: ModelSpec, notes: Notes) -> dict[str, int]:
    name = word_of(spec, "vocabulary", notes.input().vocabulary)
    if not name:
        raise CorruptModel(
            f"{spec.id} has no vocabulary", fix="name it in parameters.vocabulary", model=spec.id
        )
    lines = file_lines(spec, name) if name in spec.files else member_lines(spec, name)
    found: dict[str, int] = {}
    for index, line in enumerate(lines):
        word, _, number = line.rpartition(" ")
        if word and number.isdecimal():
            found[word] = int(number)
        else:
            found[line] = index
    return found
