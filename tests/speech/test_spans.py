from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from edged.speech.spans import Stretch, length_ms, shared, union, without

STRETCHES = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=8)


def _milliseconds(stretches: list[Stretch]) -> set[int]:
    return {at for start, end in stretches for at in range(start, end)}


def test_a_union_joins_what_touches_and_drops_what_is_empty() -> None:
    assert union([(5, 9), (0, 2), (2, 3), (4, 4), (6, 7), (9, 1)]) == [(0, 3), (5, 9)]


@given(STRETCHES)
def test_a_union_is_the_same_time_in_order(stretches: list[Stretch]) -> None:
    joined = union(stretches)

    assert _milliseconds(joined) == _milliseconds(stretches)
    assert all(one[1] < other[0] for one, other in pairwise(joined))
    assert length_ms(joined) == len(_milliseconds(stretches))


@given(STRETCHES, STRETCHES)
def test_shared_and_without_are_the_two_halves_of_the_first(
    one: list[Stretch], other: list[Stretch]
) -> None:
    first, second = union(one), union(other)

    assert _milliseconds(shared(first, second)) == _milliseconds(one) & _milliseconds(other)
    assert _milliseconds(without(first, second)) == _milliseconds(one) - _milliseconds(other)
