"""The Segmenter: what counts as an utterance, and what holds for any input."""

import struct
import time
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edged.errors import BadRequest
from edged.messages.records import Span
from edged.speech.segmenter import Segmenter, SegmenterOptions

WINDOW_MS = 32
OPTIONS = SegmenterOptions(min_speech_ms=96, min_silence_ms=128, padding_ms=32, max_ms=960)


def feed_all(
    probabilities: list[float], rms: list[float] | None = None, options: SegmenterOptions = OPTIONS
) -> list[Span]:
    segmenter = Segmenter(options)
    spans: list[Span] = []
    for index, probability in enumerate(probabilities):
        spans += segmenter.feed(probability, rms[index] if rms else 0.1)
    return spans + segmenter.finish()


def windows(span: Span) -> tuple[int, int]:
    return span.start_ms // WINDOW_MS, span.end_ms // WINDOW_MS


def test_silence_holds_no_utterance() -> None:
    assert feed_all([0.0] * 1000) == []


def test_an_utterance_is_padded_on_both_sides() -> None:
    spans = feed_all([0.0] * 10 + [0.9] * 10 + [0.0] * 10)

    assert [windows(span) for span in spans] == [(9, 21)]


def test_a_probability_between_release_and_threshold_keeps_the_state() -> None:
    assert feed_all([0.4] * 20) == []
    spans = feed_all([0.0] * 5 + [0.9] * 3 + [0.4] * 10 + [0.9] * 3 + [0.0] * 5)

    assert [windows(span) for span in spans] == [(4, 22)]


def test_a_pause_shorter_than_min_silence_does_not_end_the_utterance() -> None:
    speech = [0.9] * 5

    assert len(feed_all([*speech, 0.0, 0.0, 0.0, *speech])) == 1
    assert len(feed_all([*speech, 0.0, 0.0, 0.0, 0.0, *speech])) == 2


def test_a_click_shorter_than_min_speech_is_left_out() -> None:
    assert feed_all([0.0] * 5 + [0.9] * 2 + [0.0] * 10) == []
    assert len(feed_all([0.0] * 5 + [0.9] * 3 + [0.0] * 10)) == 1


def test_a_long_utterance_is_cut_after_the_quietest_window_of_its_last_third() -> None:
    rms = [0.5] * 60
    rms[5], rms[24] = 0.0, 0.01

    spans = feed_all([0.9] * 40 + [0.0] * 20, rms)

    assert [windows(span) for span in spans] == [(0, 25), (25, 41)]


def test_speech_of_even_loudness_is_cut_at_the_full_length() -> None:
    spans = feed_all([0.9] * 90)

    assert [windows(span) for span in spans] == [(0, 30), (30, 60), (60, 90)]


def test_the_short_rest_of_a_cut_utterance_is_kept() -> None:
    spans = feed_all([0.9] * 31 + [0.0] * 20)

    assert [windows(span) for span in spans] == [(0, 30), (30, 32)]


def test_silence_right_after_a_cut_is_no_utterance() -> None:
    spans = feed_all([0.9] * 30 + [0.0] * 20)

    assert [windows(span) for span in spans] == [(0, 30)]


def test_finish_returns_the_open_utterance_and_only_once() -> None:
    segmenter = Segmenter(OPTIONS)
    for _ in range(10):
        assert segmenter.feed(0.9, 0.1) == []

    assert segmenter.finish() == [Span(start_ms=0, end_ms=320)]
    assert segmenter.finish() == []


def test_a_resumed_stream_counts_from_where_it_starts() -> None:
    segmenter = Segmenter(OPTIONS, start_ms=3_200)
    segmenter.feed_many(array("f", [0.9] * 10).tobytes(), array("f", [0.1] * 10).tobytes())

    assert segmenter.finish() == [Span(start_ms=3_200, end_ms=3_520)]


def test_audio_is_needed_from_the_open_utterance_or_the_padding_on() -> None:
    segmenter = Segmenter(OPTIONS)
    for _ in range(10):
        segmenter.feed(0.0, 0.1)
    assert segmenter.needed_from_ms == 9 * WINDOW_MS
    assert segmenter.position_ms == 10 * WINDOW_MS

    for _ in range(5):
        segmenter.feed(0.9, 0.1)

    assert segmenter.needed_from_ms == 9 * WINDOW_MS


@pytest.mark.parametrize(
    "options",
    [
        SegmenterOptions(release=0.6),
        SegmenterOptions(threshold=1.5),
        SegmenterOptions(max_ms=63),
        SegmenterOptions(padding_ms=-1),
    ],
)
def test_contradicting_options_are_refused(options: SegmenterOptions) -> None:
    with pytest.raises(BadRequest):
        Segmenter(options)


def test_a_start_inside_a_window_is_refused() -> None:
    with pytest.raises(BadRequest, match="multiple of 32"):
        Segmenter(start_ms=33)


@pytest.mark.parametrize(("probabilities", "rms"), [(b"1234", b""), (b"123", b"123")])
def test_values_that_do_not_pair_up_are_refused(probabilities: bytes, rms: bytes) -> None:
    with pytest.raises(BadRequest):
        Segmenter().feed_many(probabilities, rms)


def test_values_that_are_no_numbers_break_nothing() -> None:
    nan = float("nan")

    assert feed_all([nan] * 50, [nan] * 50) == []
    assert len(feed_all([0.9] * 60, [nan] * 60)) == 2


def test_a_day_of_windows_takes_seconds() -> None:
    """24 hours are 2.7 million windows; the bound is generous, the figure is in the report."""
    day = 24 * 3_600_000 // WINDOW_MS
    pattern = array("f", ([0.9] * 100 + [0.1] * 50) * 100)
    rms = array("f", [0.1] * len(pattern)).tobytes()
    segmenter = Segmenter()
    started = time.monotonic()

    for _ in range(day // len(pattern)):
        segmenter.feed_many(pattern.tobytes(), rms)

    assert time.monotonic() - started < 15


probabilities_and_rms = st.lists(
    st.tuples(
        st.one_of(st.sampled_from([0.0, 0.34, 0.4, 0.5, 1.0]), st.floats(0, 1, width=32)),
        st.floats(0, 1, width=32),
    ),
    max_size=300,
)
any_options = st.builds(
    SegmenterOptions,
    min_speech_ms=st.integers(0, 400),
    min_silence_ms=st.integers(0, 400),
    padding_ms=st.integers(0, 400),
    max_ms=st.integers(64, 2_000),
)


@given(probabilities_and_rms, any_options)
def test_utterances_are_ordered_apart_within_bounds_and_short_enough(
    values: list[tuple[float, float]], options: SegmenterOptions
) -> None:
    spans = feed_all([p for p, _ in values], [r for _, r in values], options)

    edge = 0
    for span in spans:
        assert edge <= span.start_ms < span.end_ms <= len(values) * WINDOW_MS
        assert span.end_ms - span.start_ms <= options.max_ms
        edge = span.end_ms


@given(probabilities_and_rms, any_options)
def test_every_loud_enough_stretch_is_inside_an_utterance(
    values: list[tuple[float, float]], options: SegmenterOptions
) -> None:
    """Speech of min_speech_ms without a pause is never lost, wherever the cuts fall."""
    spans = feed_all([p for p, _ in values], [r for _, r in values], options)
    covered = {w for span in spans for w in range(*windows(span))}
    needed = max(1, -(-options.min_speech_ms // WINDOW_MS))

    run: list[int] = []
    for index, (probability, _) in enumerate([*values, (0.0, 0.0)]):
        if probability >= options.threshold:
            run.append(index)
            continue
        if len(run) >= needed:
            assert covered.issuperset(run)
        run = []


@given(probabilities_and_rms, any_options, st.integers(1, 50))
def test_the_division_into_calls_does_not_matter(
    values: list[tuple[float, float]], options: SegmenterOptions, size: int
) -> None:
    one_by_one = feed_all([p for p, _ in values], [r for _, r in values], options)
    segmenter = Segmenter(options)
    spans: list[Span] = []
    for first in range(0, len(values), size):
        chunk = values[first : first + size]
        spans += segmenter.feed_many(
            struct.pack(f"<{len(chunk)}f", *(p for p, _ in chunk)),
            struct.pack(f"<{len(chunk)}f", *(r for _, r in chunk)),
        )
        oldest = segmenter.needed_from_ms
        assert oldest <= segmenter.position_ms
        assert all(span.end_ms <= oldest for span in spans)

    assert spans + segmenter.finish() == one_by_one


@given(probabilities_and_rms, any_options)
def test_no_utterance_begins_before_the_audio_that_is_still_kept(
    values: list[tuple[float, float]], options: SegmenterOptions
) -> None:
    segmenter = Segmenter(options)
    for probability, rms in values:
        oldest = segmenter.needed_from_ms
        for span in segmenter.feed(probability, rms):
            assert span.start_ms >= oldest
