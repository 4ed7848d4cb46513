"""Pieces of audio put on a clock: nothing is lost, doubled or moved, however they are cut."""

from array import array
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from edged.capture.parts import PART_SAMPLES, WINDOW_SAMPLES, DecodedPart
from edged.pipeline.placing import Placing

SOME = 20_000


def _piece(samples: int, value: int = 1, loudness: float = 0.5) -> tuple[bytes, bytes]:
    windows = -(-samples // WINDOW_SAMPLES)
    return array("h", [value]).tobytes() * samples, array("f", [loudness] * windows).tobytes()


def _values(parts: list[DecodedPart]) -> list[int]:
    return array("h", b"".join(part.pcm for part in parts)).tolist()


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.integers(0, SOME), st.integers(0, SOME)), max_size=8))
def test_every_sample_lies_where_its_piece_was_put(pieces: list[tuple[int, int]]) -> None:
    expected: list[int] = []
    placing = Placing()
    parts: list[DecodedPart] = []
    for number, (at, size) in enumerate(pieces, 1):
        expected += [0] * (at - len(expected))
        expected += [number] * max(0, at + size - len(expected))
        parts += placing.put(*_piece(size, number), at=at)

    parts.append(placing.finish())

    assert _values(parts) == expected


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 3 * PART_SAMPLES))
def test_parts_follow_each_other_in_whole_windows_and_only_the_last_is_final(until: int) -> None:
    placing = Placing()

    parts = [*placing.silence(until), placing.finish()]

    assert [part.final for part in parts] == [False] * (len(parts) - 1) + [True]
    assert sum(part.audio.samples for part in parts) == until
    for before, part in pairwise(parts):
        assert before.audio.samples == PART_SAMPLES
        assert part.start == before.start + PART_SAMPLES
    for part in parts:
        assert len(part.rms) // 4 == -(-part.audio.samples // WINDOW_SAMPLES)


def test_what_lies_behind_the_limit_is_left_out() -> None:
    placing = Placing()

    parts = [*placing.put(*_piece(100), at=0, before=60), placing.finish()]

    assert _values(parts) == [1] * 60


def test_loudness_goes_to_the_nearest_window() -> None:
    placing = Placing()
    at = 2 * WINDOW_SAMPLES + 100

    parts = [*placing.put(*_piece(2 * WINDOW_SAMPLES, loudness=0.25), at=at), placing.finish()]

    assert array("f", parts[0].rms).tolist() == [0.0, 0.0, 0.25, 0.25, 0.0]


def test_pieces_that_begin_at_windows_keep_their_loudness_exactly() -> None:
    placing = Placing()
    loudness = array("f", [0.1, 0.2, 0.3])

    parts = [
        *placing.put(bytes(2 * 3 * WINDOW_SAMPLES), loudness.tobytes(), at=0),
        placing.finish(),
    ]

    assert parts[0].rms == loudness.tobytes()
