"""Words are given to the speakers whose turns cover them."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edged.messages.records import Segment, Span, Word
from edged.models.listening import SpeakerTurn
from edged.speech.turns import Spoken, alone, assign, label, samples


def turn(start_ms: int, end_ms: int, speaker: int) -> SpeakerTurn:
    return SpeakerTurn(start_ms=start_ms, end_ms=end_ms, speaker=speaker)


def segment(text: str, *, start_ms: int = 0, step_ms: int = 500, seq: int = 0) -> Segment:
    """Each word takes a step, without pauses."""
    words = tuple(
        Word(
            text=word,
            start_ms=start_ms + place * step_ms,
            end_ms=start_ms + (place + 1) * step_ms,
            confidence=0.5 + place / 100,
        )
        for place, word in enumerate(text.split())
    )
    return Segment(
        seq=seq,
        start_ms=start_ms,
        end_ms=words[-1].end_ms,
        text=text,
        confidence=0.7,
        words=words,
    )


def said(spoken: list[Spoken]) -> list[tuple[int | None, str]]:
    return [(one.speaker, one.segment.text) for one in spoken]


def test_a_segment_of_one_speaker_stays_as_it_is() -> None:
    whole = segment("Hello there, Ben!")

    (found,) = assign([whole], [turn(0, 1_500, 3)])

    assert found == Spoken(segment=whole, speaker=3)


def test_a_segment_of_two_is_divided_between_words_and_keeps_its_punctuation() -> None:
    found = assign(
        [segment("Hello there, Ben! How are you?")], [turn(0, 1_600, 0), turn(1_600, 3_000, 1)]
    )

    assert said(found) == [(0, "Hello there, Ben!"), (1, "How are you?")]
    assert [one.segment.seq for one in found] == [0, 1]
    assert [(one.segment.start_ms, one.segment.end_ms) for one in found] == [
        (0, 1_500),
        (1_500, 3_000),
    ]
    assert found[1].segment.confidence == pytest.approx(0.54)


def test_texts_without_spaces_are_cut_as_well() -> None:
    whole = segment("你好 谢谢")
    joined = Segment(
        seq=0, start_ms=0, end_ms=1_000, text="你好谢谢", confidence=0.5, words=whole.words
    )

    found = assign([joined], [turn(0, 500, 0), turn(500, 1_000, 1)])

    assert said(found) == [(0, "你好"), (1, "谢谢")]


def test_words_that_are_not_in_the_text_are_joined() -> None:
    whole = segment("twenty two pounds please")
    written = Segment(
        seq=0, start_ms=0, end_ms=2_000, text="£22 please", confidence=0.5, words=whole.words
    )

    found = assign([written], [turn(0, 1_000, 0), turn(1_000, 2_000, 1)])

    assert said(found) == [(0, "twenty two"), (1, "pounds please")]


def test_a_word_beside_a_turn_goes_to_it_and_one_far_away_to_its_neighbours() -> None:
    near = assign([segment("yes")], [turn(900, 2_000, 4)])
    inside = assign([segment("one two three four five six")], [turn(0, 500, 1)])
    far = assign([segment("yes")], [turn(1_100, 2_000, 4)])

    assert [one.speaker for one in near] == [4]
    assert said(inside) == [(1, "one two three four five six")]
    assert [one.speaker for one in far] == [None]


def test_in_an_overlap_the_speaker_of_the_word_before_goes_on() -> None:
    turns = [turn(0, 2_000, 1), turn(1_000, 3_000, 0)]

    found = assign([segment("a b c d e f")], turns)

    assert said(found) == [(1, "a b c d"), (0, "e f")]
    assert [one.overlap for one in found] == [True, False]


def test_edges_that_are_not_exact_are_no_overlap() -> None:
    found = assign([segment("a b c d")], [turn(0, 1_050, 0), turn(950, 2_000, 1)])

    assert [one.overlap for one in found] == [False, False]


def test_a_segment_without_words_goes_as_a_whole() -> None:
    whole = Segment(seq=0, start_ms=0, end_ms=3_000, text="hm well", confidence=0.5)

    (found,) = assign([whole], [turn(0, 1_000, 0), turn(1_000, 3_000, 1)])

    assert (found.speaker, found.segment.text) == (1, "hm well")


def test_without_turns_nobody_speaks_and_without_segments_nothing_is_said() -> None:
    assert [one.speaker for one in assign([segment("hello you")], [])] == [None]
    assert assign([], [turn(0, 1_000, 0)]) == []


def test_a_sample_is_the_start_of_the_longest_stretch_alone() -> None:
    turns = [turn(0, 4_000, 0), turn(3_000, 9_500, 1), turn(9_000, 9_800, 0), turn(9_100, 9_300, 2)]

    assert samples(turns) == {
        0: Span(start_ms=0, end_ms=3_000),
        1: Span(start_ms=4_000, end_ms=9_000),
    }
    assert [stretch.speaker for stretch in alone(turns)] == [0, 1, 0]


def test_turns_of_one_speaker_that_touch_or_overlap_are_one_stretch() -> None:
    (found,) = alone([turn(0, 1_000, 0), turn(500, 2_000, 0), turn(2_000, 3_000, 0)])

    assert (found.start_ms, found.end_ms) == (0, 3_000)


def test_unnamed_speakers_are_numbered() -> None:
    assert [label(0), label(12), label(123)] == ["SPEAKER_00", "SPEAKER_12", "SPEAKER_123"]


@given(
    words=st.lists(st.text("abc", min_size=1, max_size=3), min_size=1, max_size=12),
    edges=st.lists(
        st.tuples(st.integers(0, 6_000), st.integers(0, 2_000), st.integers(0, 3)), max_size=8
    ),
)
def test_no_word_is_lost_or_doubled_and_seq_has_no_gaps(
    words: list[str], edges: list[tuple[int, int, int]]
) -> None:
    whole = segment(" ".join(words), seq=9)
    turns = sorted(
        (turn(at, at + length, who) for at, length, who in edges), key=lambda one: one.start_ms
    )

    found = assign([whole], turns)

    assert [word for one in found for word in one.segment.words] == list(whole.words)
    assert " ".join(one.segment.text for one in found) == whole.text
    assert [one.segment.seq for one in found] == list(range(len(found)))
    assert all(a.speaker != b.speaker for a, b in pairwise(found))
