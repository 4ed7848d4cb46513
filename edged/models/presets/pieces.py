"""Texts as the pieces of words that BERT-like graphs take, by the tokenizers package."""

import os

from tokenizers import BertWordPieceTokenizer, Encoding, Tokenizer

from edged.errors import CorruptModel, ModelMissing
from edged.models.presets.parameters import flag_of, whole_of, word_of
from edged.models.runtime import ModelSpec

MAX_TOKENS = 512
"""Source: BERT's positions."""

LARGEST_FILE = 64 * 2**20
"""Bytes of a tokenizer.json; one with 250,000 pieces has 17 MB."""


class Pieces:
    """Cuts texts; a text that is too long loses its end.

    Args:
        spec: parameter `tokenizer` is one of its files: tokenizer.json, or a vocab.txt with a
            piece a line (`lower`: as uncased BERT). length: that the graph takes; -1: any.

    Raises:
        ModelMissing, CorruptModel: the file is not there, or is no tokenizer.
    """

    def __init__(self, spec: ModelSpec, length: int) -> None:
        name = word_of(spec, "tokenizer", _usual_name(spec))
        most = (
            length if length > 0 else whole_of(spec, "max_tokens", MAX_TOKENS, least=2, most=8192)
        )
        self._tokenizer = _opened(spec, name)
        self._tokenizer.enable_truncation(most)
        if length > 0:
            self._tokenizer.enable_padding(length=length)
        else:
            self._tokenizer.no_padding()

    def cut(self, text: str) -> Encoding:
        """Its pieces: `ids`, `attention_mask` and `type_ids`, one for each."""
        return self._tokenizer.encode(text)


def _usual_name(spec: ModelSpec) -> str:
    return "tokenizer.json" if "tokenizer.json" in spec.files else "vocab.txt"


def _opened(spec: ModelSpec, name: str) -> Tokenizer:
    path = spec.files.get(name)
    if path is None or not os.path.isfile(path):
        raise ModelMissing(f"the tokenizer of {spec.id} is not there", model=spec.id)
    if os.path.getsize(path) > LARGEST_FILE:
        raise CorruptModel(f"the tokenizer of {spec.id} is too large", model=spec.id)
    try:
        if not name.endswith(".txt"):
            return Tokenizer.from_file(path)
        lower = flag_of(spec, "lower", default=True)
        found: Tokenizer = BertWordPieceTokenizer(path, lowercase=lower)._tokenizer  # noqa: SLF001 - the wrapper has other methods
    except Exception as error:
        raise CorruptModel(f"the tokenizer of {spec.id} cannot be read", model=spec.id) from error
    return found
