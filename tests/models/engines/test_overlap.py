"""Windows that are faded into each other add up to what went in."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edged.models.engines.overlap import OverlapAdd, Sound, Stems

WINDOW, OVERLAP = 16, 4


def _halves(sound: Sound) -> Stems:
    return np.stack((sound * np.float32(0.75), sound * np.float32(0.25)))


@given(st.lists(st.integers(0, 45), max_size=6), st.booleans())
def test_a_model_that_only_scales_only_scales_whatever_the_pieces(
    sizes: list[int], whole: bool
) -> None:
    sound = np.random.default_rng(7).standard_normal((2, sum(sizes))).astype(np.float32)
    way = OverlapAdd(window=WINDOW, overlap=OVERLAP, run=_halves, whole=whole)

    found: list[Stems] = []
    at = 0
    for size in sizes:
        found += way.feed(sound[:, at : at + size])
        at += size
    found += way.finish()

    if not sum(sizes):
        assert found == []
        return
    stems = np.concatenate(found, axis=2)
    assert stems.shape == (2, 2, sum(sizes))
    np.testing.assert_allclose(stems, _halves(sound), rtol=1e-5, atol=1e-6)


def test_what_is_given_out_does_not_wait_for_the_end() -> None:
    way = OverlapAdd(window=WINDOW, overlap=OVERLAP, run=_halves, whole=True)

    finished = way.feed(np.ones((2, 40), np.float32))

    assert sum(stems.shape[2] for stems in finished) == 36


@pytest.mark.parametrize("whole", [True, False])
def test_a_model_sees_whole_windows_only_where_it_asks_for_them(whole: bool) -> None:
    seen: list[int] = []

    def watch(sound: Sound) -> Stems:
        seen.append(sound.shape[1])
        return sound[np.newaxis]

    way = OverlapAdd(window=WINDOW, overlap=OVERLAP, run=watch, whole=whole)
    way.feed(np.ones((2, 20), np.float32))
    way.finish()

    assert seen == [16, 16 if whole else 8]
