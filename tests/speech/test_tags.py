"""Windows with a label become stretches."""

from hypothesis import given
from hypothesis import strategies as st

from edged.messages.records import AudioWindow, Class
from edged.speech.tags import MOST_TAGS, stretches


def window(start_ms: int, end_ms: int, **scores: float) -> AudioWindow:
    classes = tuple(
        Class(label=label, score=score, index=index)
        for index, (label, score) in enumerate(scores.items())
    )
    return AudioWindow(start_ms=start_ms, end_ms=end_ms, classes=classes)


def told(*windows: AudioWindow, labels: tuple[str, ...] = ()) -> list[tuple[str, float, int, int]]:
    found = stretches(windows, min_score=0.3, labels=labels)
    return [(one.label, one.score, one.start_ms, one.end_ms) for one in found]


def test_neighbours_with_a_label_are_one_stretch_with_its_greatest_score() -> None:
    found = told(
        window(0, 1000, Speech=0.5, Music=0.2),
        window(1000, 2000, Speech=0.9, Music=0.4),
        window(2000, 3000, Speech=0.1, Music=0.35),
    )

    assert found == [("Speech", 0.9, 0, 2000), ("Music", 0.4, 1000, 3000)]


def test_a_window_between_that_is_too_weak_makes_two_stretches() -> None:
    found = told(window(0, 10, Dog=0.5), window(10, 20, Dog=0.29), window(20, 30, Dog=0.3))

    assert found == [("Dog", 0.5, 0, 10), ("Dog", 0.3, 20, 30)]


def test_windows_that_overlap_go_on_and_a_gap_between_windows_ends() -> None:
    found = told(window(0, 20, Dog=0.5), window(10, 30, Dog=0.6), window(40, 60, Dog=0.4))

    assert found == [("Dog", 0.6, 0, 30), ("Dog", 0.4, 40, 60)]


def test_only_wanted_labels_are_told_in_any_case() -> None:
    found = told(window(0, 10, Dog=0.5, Cat=0.5), labels=("DOG",))

    assert found == [("Dog", 0.5, 0, 10)]


def test_nothing_heard_is_nothing_told() -> None:
    assert told() == []
    assert told(window(0, 10)) == []


def test_a_reply_is_bounded_and_the_surest_stay() -> None:
    windows = [window(2 * n, 2 * n + 1, Dog=0.3 + n / 1e6) for n in range(MOST_TAGS + 5)]

    found = stretches(windows, min_score=0.3)

    assert len(found) == MOST_TAGS
    assert found[0].start_ms == 10


@given(st.lists(st.floats(0, 1), max_size=30))
def test_each_window_above_the_score_is_in_exactly_one_stretch(scores: list[float]) -> None:
    windows = [window(10 * n, 10 * n + 10, Dog=score) for n, score in enumerate(scores)]

    found = stretches(windows, min_score=0.5)

    covered = [
        n for n in range(len(scores)) for one in found if one.start_ms <= 10 * n < one.end_ms
    ]
    assert covered == [n for n, score in enumerate(scores) if score >= 0.5]
