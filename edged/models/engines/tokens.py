"""Pieces of words with the times at which they begin, put together to words; pure."""

import math
from collections.abc import Sequence

from msgspec import Struct

from edged.models.runtime import SpokenWord

PIECE_S = 0.24
"""Seconds that a word's last piece is taken to last when nothing follows it sooner."""

_WORD_STARTS = (" ", "\u2581")
"""How sentencepiece marks a word's first piece; sherpa-onnx shows the mark as a space."""


class Piece(Struct, frozen=True):
    """text: with the mark of a word's start. start_s: from the window's start.

    log_probability: natural logarithm; 0 when the engine states none.
    """

    text: str
    start_s: float
    log_probability: float = 0.0


def pieces_of(
    texts: Sequence[str], starts: Sequence[float], log_probabilities: Sequence[float]
) -> list[Piece]:
    """The pieces of one result; none when the engine gives no times."""
    if len(starts) != len(texts):
        return []
    known = len(log_probabilities) == len(texts)
    logs = log_probabilities if known else [0.0] * len(texts)
    return [Piece(*facts) for facts in zip(texts, starts, logs, strict=True)]


def words_of(pieces: Sequence[Piece], length_s: float) -> tuple[SpokenWord, ...]:
    """The words, in order; a word ends where the next begins, or a piece's length after its last.

    Args:
        pieces: in order of time.
        length_s: of the window; no word passes it.
    """
    groups = _groups(pieces)
    ends = [*(group[0].start_s for group in groups), length_s][1:]
    return tuple(_word(group, end, length_s) for group, end in zip(groups, ends, strict=True))


def confidence_of(pieces: Sequence[Piece]) -> float:
    """The geometric mean of the pieces' probabilities; 1 when there are none."""
    if not pieces:
        return 1.0
    mean = sum(piece.log_probability for piece in pieces) / len(pieces)
    return min(1.0, math.exp(min(mean, 0.0)))


def _groups(pieces: Sequence[Piece]) -> list[list[Piece]]:
    groups: list[list[Piece]] = []
    for piece in pieces:
        if not groups or piece.text.startswith(_WORD_STARTS):
            groups.append([])
        groups[-1].append(piece)
    return [group for group in groups if _text(group)]


def _text(group: Sequence[Piece]) -> str:
    return "".join(piece.text for piece in group).replace("\u2581", " ").strip()


def _word(group: Sequence[Piece], next_start_s: float, length_s: float) -> SpokenWord:
    end = min(next_start_s, group[-1].start_s + PIECE_S, length_s)
    start = min(group[0].start_s, length_s)
    return SpokenWord(
        text=_text(group), start_s=start, end_s=max(start, end), confidence=confidence_of(group)
    )
