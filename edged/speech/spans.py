"""Stretches of time as pairs of milliseconds, [start, end): joined, cut and measured. Pure."""

from collections.abc import Iterable, Sequence

Stretch = tuple[int, int]


def union(stretches: Iterable[Stretch]) -> list[Stretch]:
    """The same time, in order, without overlaps; touching stretches are joined, empty ones go."""
    joined: list[Stretch] = []
    for start, end in sorted(stretches):
        if end <= start:
            continue
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


def shared(one: Sequence[Stretch], other: Sequence[Stretch]) -> list[Stretch]:
    """Where both are; each as `union` gives it."""
    common: list[Stretch] = []
    at = 0
    for start, end in one:
        while at < len(other) and other[at][1] <= start:
            at += 1
        for other_start, other_end in _until(other, at, end):
            common.append((max(start, other_start), min(end, other_end)))
    return common


def _until(stretches: Sequence[Stretch], first: int, end: int) -> Iterable[Stretch]:
    for number in range(first, len(stretches)):
        if stretches[number][0] >= end:
            return
        yield stretches[number]


def without(one: Sequence[Stretch], taken: Sequence[Stretch]) -> list[Stretch]:
    """Where the first is and the second is not; each as `union` gives it."""
    left: list[Stretch] = []
    for start, end in one:
        at = start
        for taken_start, taken_end in shared([(start, end)], taken):
            if taken_start > at:
                left.append((at, taken_start))
            at = taken_end
        if at < end:
            left.append((at, end))
    return left


def length_ms(stretches: Iterable[Stretch]) -> int:
    """How long they are together."""
    return sum(end - start for start, end in stretches)
