"""Model times become recording times, whatever the model says."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from edged.messages.records import Span
from edged.models.runtime import SpokenWord, Utterance
from edged.speech.words import HeardUtterance, to_segments

WINDOW = Span(start_ms=60_000, end_ms=70_000)


def word(text: str, start_s: float, end_s: float, confidence: float = 0.5) -> SpokenWord:
    return SpokenWord(text=text, start_s=start_s, end_s=end_s, confidence=confidence)


def utterance(text: str, start_s: float, end_s: float, *words: SpokenWord) -> Utterance:
    return Utterance(text=text, start_s=start_s, end_s=end_s, confidence=0.9, words=words)


def test_times_count_from_the_recording_and_numbers_from_the_first() -> None:
    heard = utterance(" ask not ", 1.0, 2.0, word(" ask", 1.0, 1.4), word("not ", 1.4, 2.0))

    (segment,) = to_segments([heard], WINDOW, first_seq=7)

    assert (segment.seq, segment.text, segment.confidence) == (7, "ask not", 0.9)
    assert (segment.start_ms, segment.end_ms) == (61_000, 62_000)
    assert [(w.text, w.start_ms, w.end_ms) for w in segment.words] == [
        ("ask", 61_000, 61_400),
        ("not", 61_400, 62_000),
    ]


def test_an_empty_text_takes_no_number() -> None:
    heard = [utterance("  ", 0, 1), utterance("yes", 1, 2, word(" ", 1, 1.5))]

    (segment,) = to_segments(heard, WINDOW, first_seq=0)

    assert (segment.seq, segment.text, segment.words) == (0, "yes", ())


def test_a_time_past_the_window_is_pulled_back_to_its_edge() -> None:
    heard = utterance("late", 9.0, 31.0, word("late", -3.0, 30.0))

    (segment,) = to_segments([heard], WINDOW, first_seq=0)

    assert (segment.start_ms, segment.end_ms) == (69_000, 70_000)
    assert (segment.words[0].start_ms, segment.words[0].end_ms) == (69_000, 70_000)


def test_an_overlapping_word_gives_way_to_the_next_one() -> None:
    heard = utterance("a b", 0, 2, word("a", 0.0, 1.8), word("b", 1.0, 2.0))

    (segment,) = to_segments([heard], WINDOW, first_seq=0)

    assert [(w.start_ms, w.end_ms) for w in segment.words] == [(60_000, 61_000), (61_000, 62_000)]


class Odd(Struct, frozen=True):
    """What a broken engine could give."""

    text: str
    start_s: float
    end_s: float
    confidence: float
    words: tuple["Odd", ...] = ()


any_time = st.one_of(st.floats(-5, 40), st.floats())
any_word = st.builds(Odd, text=st.text(max_size=5), start_s=any_time, end_s=any_time,
                     confidence=st.floats())  # fmt: skip
any_utterance = st.builds(
    Odd,
    text=st.text(max_size=5),
    start_s=any_time,
    end_s=any_time,
    confidence=st.floats(),
    words=st.lists(any_word, max_size=5).map(tuple),
)


@given(st.lists(any_utterance, max_size=5))
def test_whatever_the_engine_says_the_times_are_ordered_and_within_the_window(
    heard: list[HeardUtterance],
) -> None:
    segments = to_segments(heard, WINDOW, first_seq=0)

    assert [segment.seq for segment in segments] == list(range(len(segments)))
    edge = WINDOW.start_ms
    for segment in segments:
        assert edge <= segment.start_ms <= segment.end_ms <= WINDOW.end_ms
        edge = segment.end_ms
        inner = segment.start_ms
        for spoken in segment.words:
            assert inner <= spoken.start_ms <= spoken.end_ms <= segment.end_ms
            assert 0.0 <= spoken.confidence <= 1.0
            inner = spoken.end_ms
