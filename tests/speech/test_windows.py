"""Packing of utterances into windows."""

from hypothesis import given
from hypothesis import strategies as st

from edged.messages.records import Span
from edged.speech.windows import Packer, SpeechWindow


def pack(spans: list[Span], window_ms: int, *, packs: bool = True) -> list[SpeechWindow]:
    packer = Packer(window_ms, packs=packs)
    return packer.add(spans) + packer.finish()


def span(start_ms: int, end_ms: int) -> Span:
    return Span(start_ms=start_ms, end_ms=end_ms)


def test_without_packing_every_utterance_is_a_window() -> None:
    spans = [span(0, 1_000), span(1_500, 2_000)]

    assert pack(spans, 28_000, packs=False) == [SpeechWindow((s,)) for s in spans]


def test_neighbours_share_a_window_up_to_its_length() -> None:
    spans = [span(0, 4_000), span(5_000, 9_000), span(9_500, 10_001)]

    windows = pack(spans, 10_000)

    assert windows == [SpeechWindow((spans[0], spans[1])), SpeechWindow((spans[2],))]
    assert (windows[0].start_ms, windows[0].end_ms) == (0, 9_000)


def test_a_long_silence_begins_a_new_window() -> None:
    spans = [span(0, 1_000), span(3_001, 4_000), span(6_000, 7_000)]

    assert [len(window.spans) for window in pack(spans, 28_000)] == [1, 2]


def test_an_utterance_longer_than_the_window_stands_alone() -> None:
    spans = [span(0, 500), span(600, 40_000), span(40_100, 41_000)]

    assert [len(window.spans) for window in pack(spans, 28_000)] == [1, 1, 1]


def test_audio_is_needed_from_the_open_window_on() -> None:
    packer = Packer(10_000, packs=True)
    assert packer.needed_from_ms is None

    packer.add([span(320, 1_000), span(1_200, 2_000)])

    assert packer.needed_from_ms == 320
    assert len(packer.finish()) == 1
    assert packer.needed_from_ms is None
    assert packer.finish() == []


@given(
    gaps_and_lengths=st.lists(
        st.tuples(st.integers(0, 3_000), st.integers(1, 10_000)), max_size=50
    ),
    window_ms=st.integers(10_000, 30_000),
    packs=st.booleans(),
)
def test_no_utterance_is_lost_moved_or_given_twice(
    gaps_and_lengths: list[tuple[int, int]], window_ms: int, *, packs: bool
) -> None:
    spans: list[Span] = []
    at = 0
    for gap, length in gaps_and_lengths:
        spans.append(span(at + gap, at + gap + length))
        at += gap + length

    windows = pack(spans, window_ms, packs=packs)

    assert [s for window in windows for s in window.spans] == spans
    assert all(window.end_ms - window.start_ms <= window_ms for window in windows)
