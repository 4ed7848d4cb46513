import math

import pytest

from edged.models.engines.tokens import Piece, confidence_of, pieces_of, words_of


def test_pieces_become_words_at_their_marks() -> None:
    pieces = [Piece(" EAR", 0.1), Piece("LY", 0.3), Piece("\u2581night", 0.5), Piece(" ", 0.7)]

    words = words_of(pieces, 2.0)

    assert [word.text for word in words] == ["EARLY", "night"]
    assert [(word.start_s, word.end_s) for word in words] == [(0.1, 0.5), (0.5, 0.74)]


def test_no_word_passes_the_window_and_none_ends_before_it_begins() -> None:
    words = words_of([Piece(" a", 0.9), Piece(" b", 1.2)], 1.0)

    assert [(word.start_s, word.end_s) for word in words] == [(0.9, 1.0), (1.0, 1.0)]


def test_a_word_without_a_mark_at_the_very_beginning_counts() -> None:
    assert [word.text for word in words_of([Piece("ni", 0), Piece(" hao", 0.2)], 1)] == [
        "ni",
        "hao",
    ]


def test_confidence_is_the_geometric_mean_and_one_when_nothing_is_stated() -> None:
    assert confidence_of([Piece("a", 0, math.log(0.5)), Piece("b", 0, 0)]) == pytest.approx(
        math.sqrt(0.5)
    )
    assert confidence_of([]) == 1.0
    assert confidence_of([Piece("a", 0, 0.001)]) == 1.0


def test_without_times_there_are_no_pieces_and_without_probabilities_they_are_certain() -> None:
    assert pieces_of(["a"], [], []) == []
    assert pieces_of(["a"], [0.5], []) == [Piece("a", 0.5)]
    assert words_of([], 1.0) == ()
