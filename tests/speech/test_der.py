"""The diarization error rate, on turns whose score is known."""

import random
from itertools import permutations
from pathlib import Path

import pytest

from edged.errors import BadMedia
from edged.speech.der import LabelledTurn, read_rttm, score

REFERENCE = [LabelledTurn(0, 1_000, "a"), LabelledTurn(1_000, 2_000, "b")]


def test_names_do_not_matter() -> None:
    found = [LabelledTurn(1_000, 2_000, "a"), LabelledTurn(0, 1_000, "b")]

    assert score(REFERENCE, found).rate == 0


def test_each_kind_of_error_is_counted() -> None:
    found = [
        LabelledTurn(0, 1_500, "x"),
        LabelledTurn(1_500, 1_800, "y"),
        LabelledTurn(2_000, 2_100, "y"),
    ]

    scored = score(REFERENCE, found)

    assert (scored.missed_ms, scored.invented_ms, scored.confused_ms) == (200, 100, 500)
    assert scored.rate == pytest.approx(0.4)


def test_two_at_once_count_twice() -> None:
    reference = [LabelledTurn(0, 1_000, "a"), LabelledTurn(0, 1_000, "b")]

    scored = score(reference, [LabelledTurn(0, 1_000, "x")])

    assert (scored.spoken_ms, scored.missed_ms) == (2_000, 1_000)


def test_turns_of_one_speaker_that_overlap_count_once() -> None:
    reference = [LabelledTurn(0, 1_000, "a"), LabelledTurn(500, 1_500, "a")]

    assert score(reference, [LabelledTurn(0, 1_500, "x")]).rate == 0
    assert score(reference, []).spoken_ms == 1_500


def test_a_collar_leaves_edges_out() -> None:
    found = [LabelledTurn(0, 1_200, "x"), LabelledTurn(1_200, 2_000, "y")]

    assert score(REFERENCE, found, collar_ms=250).rate == 0
    assert score(REFERENCE, found).rate == pytest.approx(0.1)


def test_nothing_said_and_something_found_is_all_wrong() -> None:
    assert score([], [LabelledTurn(0, 10, "x")]).rate == 1
    assert score([], []).rate == 0


def test_the_best_matching_is_found_among_many() -> None:
    """As by trying every one."""
    chance = random.Random(4)
    for _ in range(40):
        names, others = "abcd"[: chance.randint(1, 4)], "wxyz"[: chance.randint(1, 4)]
        reference = [
            LabelledTurn(at, at + 100, chance.choice(names)) for at in range(0, 3_000, 100)
        ]
        found = [LabelledTurn(at, at + 100, chance.choice(others)) for at in range(0, 3_000, 100)]
        pad = others + "1234"

        scored = score(reference, found)

        best = max(
            sum(
                100
                for one, other in zip(reference, found, strict=True)
                if mapping.get(one.speaker) == other.speaker
            )
            for order in permutations(pad, len(names))
            for mapping in [dict(zip(names, order, strict=True))]
        )
        assert scored.confused_ms == 3_000 - best


def test_rttm_is_read_in_order() -> None:
    text = (
        ";; a comment\n"
        "SPEAKER clip 1 2.000 0.500 <NA> <NA> B <NA> <NA>\n"
        "SPKR-INFO clip 1 <NA> <NA> <NA> unknown A <NA>\n"
        "SPEAKER clip 1 0.250 1.0 <NA> <NA> A\n"
    )

    assert read_rttm(text) == [LabelledTurn(250, 1_250, "A"), LabelledTurn(2_000, 2_500, "B")]


@pytest.mark.parametrize("line", ["SPEAKER clip 1 0.5", "SPEAKER clip 1 x y <NA> <NA> A"])
def test_a_line_that_is_no_rttm_is_named_by_its_number(line: str) -> None:
    with pytest.raises(BadMedia, match="line 2"):
        read_rttm(f"\n{line}\n")


def test_the_reference_of_the_sample_has_two_speakers(assets: Path) -> None:
    turns = read_rttm((assets / "media/diarization/sample.rttm").read_text())

    assert {turn.speaker for turn in turns} == {"speaker90", "speaker91"}
