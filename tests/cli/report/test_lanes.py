"""What becomes a lane of the timeline, and how it is drawn."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edged.cli.report import svg
from edged.cli.report.lanes import Lane, Mark, lanes, words_of
from edged.cli.report.story import MOST_VOICES, REST, Line, Story, length, union
from edged.messages.seeing import Derived, Sighting
from edged.messages.sessions import Session

SESSION = Session(
    id="s", status="completed", started_at="2026-11-21T08:00:00.000Z", duration_ms=10_000
)


def test_each_hand_has_a_lane_and_a_gesture_keeps_its_colour() -> None:
    stretches = [("Left", "Victory", 0), ("Right", "Open_Palm", 100), ("Right", "Victory", 900)]
    derived = tuple(
        Derived(track="gestures", start_ms=at, end_ms=at + 50, label=label, hand=hand)  # type: ignore[arg-type]  # literals above
        for hand, label, at in stretches
    )

    left, right = lanes(Story(SESSION, derived=derived))

    assert (left.name, right.name) == ("Left hand", "Right hand")
    assert [mark.label for mark in right.marks] == ["Open palm", "Victory"]
    assert left.marks[0].hue == right.marks[1].hue != right.marks[0].hue


def test_a_curve_has_a_hole_where_nothing_was_measured() -> None:
    derived = tuple(
        Derived(track="activity", start_ms=at, end_ms=at + 1_000, value=1.0, unit="m/s")
        for at in (0, 1_000, 5_000)
    )

    (lane,) = lanes(Story(SESSION, derived=derived))

    assert lane.curve == ((0, 1.0), (1_000, 1.0), (2_000, None), (5_000, 1.0), (6_000, None))
    path = re.search(r' d="([^"]+)"', svg.drawn(lane, 10_000))
    assert path is not None
    assert path[1] == "M0 100H0V8.0H1000V8.0H2000V8.0V100ZM5000 100H5000V8.0H6000V8.0V100Z"


def test_one_figure_is_no_curve() -> None:
    blinks = Derived(track="blinks", start_ms=0, end_ms=9_000, value=12.0, unit="1/min")

    assert lanes(Story(SESSION, derived=(blinks,))) == ()


def test_many_voices_share_the_last_lane() -> None:
    lines = tuple(
        Line(n, n * 100, n * 100 + n + 1, f"voice {n}", "") for n in range(MOST_VOICES + 5)
    )

    shown = lanes(Story(SESSION, lines=lines))

    assert len(shown) == MOST_VOICES + 1
    (rest,) = (lane for lane in shown if lane.name == REST)
    assert len(rest.marks) == 5
    assert all(mark.hue is None for mark in rest.marks)


def test_objects_that_are_seen_longest_have_a_lane() -> None:
    sightings = tuple(
        Sighting(session_id="s", start_ms=0, end_ms=n + 1, score=0.5, label=f"thing {n}")
        for n in range(20)
    )

    shown = lanes(Story(SESSION, sightings=sightings))

    assert [lane.name for lane in shown] == [f"thing {n}" for n in range(19, 7, -1)]


def test_a_label_is_drawn_where_it_fits_and_at_zooms_at_which_it_will() -> None:
    def label_of(length_ms: int) -> list[str]:
        mark = Mark(0, length_ms, "x", label="Thumb up", hue=0)
        lane = Lane("Gestures", "Left hand", "", "hand", marks=(mark,))
        return re.findall(r'class="(z\d+)"', svg.drawn(lane, 100_000))

    assert [label_of(ms) for ms in (20_000, 3_000, 800, 100)] == [["z1"], ["z4"], ["z16"], []]


def test_a_curve_of_hours_keeps_its_peaks_in_few_points() -> None:
    curve = tuple((n, 5.0 if n == 33_333 else 1.0) for n in range(100_000))
    lane = Lane("Body", "Activity", "", "curve", curve=(*curve, (100_000, None)))

    drawn = svg.drawn(lane, 100_000)

    assert drawn.count("V8.0") >= 1
    assert drawn.count("V") < 2 * svg.MOST_POINTS


@pytest.mark.parametrize(
    ("name", "words"), [("Thumb_Up", "Thumb up"), ("ILoveYou", "I love you"), ("", "")]
)
def test_names_are_told_in_words(name: str, words: str) -> None:
    assert words_of(name) == words


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 50)), max_size=30), st.integers(0, 9))
def test_a_union_covers_the_same_time_without_overlaps(
    starts: list[tuple[int, int]], bridge_ms: int
) -> None:
    spans = [(start, start + long) for start, long in starts]

    found = union(spans, bridge_ms=bridge_ms)

    covered = {ms for start, end in spans for ms in range(start, end)}
    assert all(one[1] + bridge_ms < later[0] for one, later in pairwise(found))
    assert all(any(a <= start and end <= b for a, b in found) for start, end in spans)
    assert length(union(spans)) == len(covered)


@given(st.integers(1, 2**45), st.sampled_from(svg.ZOOMS))
def test_there_are_never_too_many_ticks(duration_ms: int, zoom: int) -> None:
    assert duration_ms / svg.step(duration_ms, zoom) <= svg.TICKS * zoom
