"""TextGrid, read again the way Praat reads it."""

import re
from itertools import pairwise

from export_samples import line, sessions, told
from hypothesis import given, settings
from hypothesis import strategies as st

from edged.speech.exporting import textgrid
from edged.speech.exporting.textgrid import Interval, filled
from edged.speech.exporting.told import Told

Tier = list[tuple[int, int, str]]


def read(content: str) -> tuple[int, dict[str, Tier]]:
    """The end and the tiers: Praat takes free numbers, quoted texts and <flags>, whatever stands between."""
    free = re.compile(r'"((?:[^"]|"")*)"|(?<![\w\[])(\d+(?:\.\d+)?)(?=\s|$)|<(\w+)>')
    tokens = iter(free.finditer(content))

    def text() -> str:
        return next(tokens)[1].replace('""', '"')

    def number() -> float:
        return float(next(tokens)[2])

    assert (text(), text()) == ("ooTextFile", "TextGrid")
    assert number() == 0
    end_ms = round(number() * 1000)
    assert next(tokens)[3] == "exists"
    tiers: dict[str, Tier] = {}
    for _ in range(int(number())):
        assert text() == "IntervalTier"
        name = text()
        assert (number(), round(number() * 1000)) == (0, end_ms)
        count = int(number())
        tiers[name] = [
            (round(number() * 1000), round(number() * 1000), text()) for _ in range(count)
        ]
    assert next(tokens, None) is None
    return end_ms, tiers


def test_speakers_and_words_have_tiers_whose_gaps_are_filled() -> None:
    session = told(
        line(1000, 2000, 'say "hi"', speaker="Mei"),
        line(1500, 2500, "me too", speaker="Ann"),
        line(3000, 3001, "who"),
        duration_ms=4000,
    )

    end_ms, tiers = read(textgrid.write(session))

    assert end_ms == 4000
    assert tiers == {
        "Mei": [(0, 1000, ""), (1000, 2000, 'say "hi"'), (2000, 4000, "")],
        "Mei - words": [
            (0, 1000, ""), (1000, 1001, "say"), (1001, 1002, '"hi"'), (1002, 4000, "")
        ],
        "Ann": [(0, 1500, ""), (1500, 2500, "me too"), (2500, 4000, "")],
        "Ann - words": [
            (0, 1500, ""), (1500, 1501, "me"), (1501, 1502, "too"), (1502, 4000, "")
        ],
        "speech": [(0, 3000, ""), (3000, 3001, "who"), (3001, 4000, "")],
        "speech - words": [(0, 3000, ""), (3000, 3001, "who"), (3001, 4000, "")],
    }  # fmt: skip


def test_the_file_is_as_praat_writes_it_itself() -> None:
    content = textgrid.write(told(line(0, 90_061_001, "long", speaker="A")))

    assert content.startswith(
        'File type = "ooTextFile"\nObject class = "TextGrid"\n\nxmin = 0\nxmax = 90061.001\n'
        'tiers? <exists>\nsize = 2\nitem []:\n    item [1]:\n        class = "IntervalTier"\n'
        '        name = "A"\n        xmin = 0\n        xmax = 90061.001\n'
        "        intervals: size = 1\n        intervals [1]:\n            xmin = 0.000\n"
        '            xmax = 90061.001\n            text = "long"\n'
    )


def test_a_session_in_which_nobody_spoke_has_an_empty_tier() -> None:
    end_ms, tiers = read(textgrid.write(told()))

    assert (end_ms, tiers["speech"]) == (1, [(0, 1, "")])


def test_what_overlaps_within_a_tier_is_cut_and_no_text_is_lost() -> None:
    given_ = [
        Interval(0, 10, "a"),
        Interval(5, 8, "b"),
        Interval(9, 12, "c"),
        Interval(30, 40, "d"),
    ]

    assert filled(given_, 20) == [
        Interval(0, 10, "a b"), Interval(10, 12, "c d"), Interval(12, 20, "")
    ]  # fmt: skip


_INTERVALS = st.builds(
    lambda start, length, text: Interval(start, start + length, text),
    st.integers(0, 50), st.integers(1, 30), st.sampled_from("abc"),
)  # fmt: skip


@given(intervals=st.lists(_INTERVALS, max_size=10), end_ms=st.integers(1, 60))
def test_intervals_touch_from_the_start_to_the_end(intervals: list[Interval], end_ms: int) -> None:
    found = filled(intervals, end_ms)

    assert found[0].start_ms == 0
    assert found[-1].end_ms == end_ms
    assert all(one.start_ms < one.end_ms for one in found)
    assert all(one.end_ms == other.start_ms for one, other in pairwise(found))
    if all(one.start_ms < end_ms for one in intervals):
        said = " ".join(one.text for one in found if one.text).split()
        assert sorted(said) == sorted(one.text for one in intervals)


@settings(max_examples=40)
@given(sessions())
def test_any_session_gives_a_grid_that_can_be_read(session: Told) -> None:
    end_ms, tiers = read(textgrid.write(session))

    assert end_ms == session.end_ms
    for name, tier in tiers.items():
        said = " ".join(text for _, _, text in tier if text).split()
        lines = [one for one in session.lines if (one.speaker or "speech") == name]
        if lines:
            assert sorted(said) == sorted(word for one in lines for word in one.text.split())
