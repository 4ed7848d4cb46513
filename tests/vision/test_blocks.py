"""The codec of kept landmarks: what comes out is what went in, and nothing hostile gets through."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edged.errors import BadRequest, StoreCorrupt
from edged.messages.seeing import LandmarkKind
from edged.vision import blocks
from edged.vision.blocks import VALUES, Block, decode, encode

TOLERANCE = 1e-4  # issue 5
UNHURRIED = settings(  # a busy machine is slow, not wrong
    deadline=None, max_examples=80, suppress_health_check=[HealthCheck.too_slow]
)
KINDS: tuple[LandmarkKind, ...] = ("face", "hands", "pose")


def _block(shape: tuple[int, int, int, int], *, seed: int = 0, scale: float = 1.0) -> Block:
    random = np.random.default_rng(seed)
    points = random.normal(0.5, 0.2, shape) * scale
    return Block(np.arange(shape[0], dtype=np.int64) * 33 + 1_000, points.astype(np.float32))


def _error(block: Block, decoded: Block) -> float:
    assert np.array_equal(np.isnan(block.points), np.isnan(decoded.points))
    away = np.abs(block.points.astype(np.float64) - decoded.points)
    return float(np.max(away, where=~np.isnan(away), initial=0.0))


@st.composite
def _blocks(draw: st.DrawFn) -> tuple[LandmarkKind, Block]:
    kind = draw(st.sampled_from(KINDS))
    frames, slots = draw(st.integers(0, 12)), draw(st.integers(0, 4))
    shape = frames, slots, draw(st.integers(1, 40)), len(VALUES[kind])
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    scale = draw(st.sampled_from([0.01, 1.0, 30.0, 1e4, 1e9, 1e30]))
    points = (random.normal(0, 1, shape) * scale + draw(st.floats(-100, 100))).astype(np.float32)
    points[random.random(shape[:2]) < draw(st.floats(0, 1))] = np.nan
    points[random.random(shape) < draw(st.sampled_from([0.0, 0.0, 0.2]))] = np.nan
    steps = np.array(draw(st.lists(st.integers(0, 2**20), min_size=frames, max_size=frames)))
    times = np.cumsum(steps, dtype=np.int64) + draw(st.integers(-(2**53), 2**53))
    return kind, Block(times, points)


@given(_blocks())
@UNHURRIED
def test_a_block_comes_back_within_the_tolerance(given_block: tuple[LandmarkKind, Block]) -> None:
    kind, block = given_block

    decoded = decode(encode(kind, block))

    assert np.array_equal(decoded.times_ms, block.times_ms)
    assert decoded.points.dtype == np.float32
    assert _error(block, decoded) <= TOLERANCE


@given(_blocks())
@UNHURRIED
def test_what_was_decoded_is_encoded_without_further_loss(
    given_block: tuple[LandmarkKind, Block],
) -> None:
    kind, block = given_block
    decoded = decode(encode(kind, block))

    again = decode(encode(kind, decoded))

    assert np.array_equal(again.points, decoded.points, equal_nan=True)


@pytest.mark.parametrize("kind", KINDS)
def test_one_frame_comes_back(kind: LandmarkKind) -> None:
    block = _block((1, 1, 33, len(VALUES[kind])))

    assert _error(block, decode(encode(kind, block))) <= TOLERANCE


def test_a_block_without_frames_comes_back_with_its_shape() -> None:
    block = _block((0, 2, 21, 3))

    decoded = decode(encode("hands", block))

    assert decoded.points.shape == (0, 2, 21, 3)
    assert decoded.times_ms.shape == (0,)


def test_a_hand_that_is_never_seen_costs_next_to_nothing() -> None:
    one = _block((30, 1, 21, 3))
    both = np.full((30, 2, 21, 3), np.nan, np.float32)
    both[:, 0] = one.points[:, 0]

    alone, beside = encode("hands", one), encode("hands", Block(one.times_ms, both))

    assert len(beside) < len(alone) + 20


def test_infinities_come_back_as_they_are() -> None:
    block = _block((3, 1, 21, 3))
    block.points[1, 0, 4] = np.inf, -np.inf, 0.25

    decoded = decode(encode("hands", block))

    assert np.array_equal(decoded.points, block.points)


def test_points_that_hardly_move_take_less_than_a_third_of_their_bytes() -> None:
    random = np.random.default_rng(7)
    walk = np.cumsum(random.normal(0, 5e-4, (30, 1, 478, 3)), axis=0) + random.random((478, 3))
    block = Block(np.arange(30, dtype=np.int64) * 33, walk.astype(np.float32))

    assert len(encode("face", block)) < block.points.nbytes / 3


def test_a_slot_may_be_seen_in_part() -> None:
    block = _block((4, 2, 33, 7))
    block.points[2, 0, 5, 3] = np.nan

    assert _error(block, decode(encode("pose", block))) <= TOLERANCE


@pytest.mark.parametrize(
    "block",
    [
        Block(np.array([5, 4], np.int64), np.zeros((2, 1, 21, 3), np.float32)),
        Block(np.array([0, 2**32], np.int64), np.zeros((2, 1, 21, 3), np.float32)),
        Block(np.array([0], np.int64), np.zeros((2, 1, 21, 3), np.float32)),
        Block(np.array([0], np.int64), np.zeros((1, 1, 21, 4), np.float32)),
        Block(np.array([0], np.int64), np.zeros((1, 1, 0, 3), np.float32)),
        Block(np.array([0], np.int64), np.zeros((21, 3), np.float32)),
    ],
    ids=["falling", "far apart", "other length", "values", "no points", "axes"],
)
def test_what_is_no_block_is_refused(block: Block) -> None:
    with pytest.raises(BadRequest):
        encode("hands", block)


def test_more_values_than_fit_are_refused_before_anything_is_copied() -> None:
    points = np.broadcast_to(np.float32(0), (2**10, 2**10, 21, 3))

    with pytest.raises(BadRequest):
        encode("hands", Block(np.zeros(2**10, np.int64), points))


@given(st.binary(max_size=300))
@UNHURRIED
def test_bytes_from_anywhere_are_a_clear_error(data: bytes) -> None:
    with pytest.raises(StoreCorrupt):
        decode(data)


@given(st.data())
@UNHURRIED
def test_a_changed_byte_is_noticed_or_changes_nothing(data: st.DataObject) -> None:
    block = _block((4, 1, 21, 3))
    good = encode("hands", block)
    at = data.draw(st.integers(0, len(good) - 1))
    bad = bytearray(good)
    bad[at] ^= data.draw(st.integers(1, 255))

    try:
        decoded = decode(bytes(bad))
    except StoreCorrupt:
        return

    assert np.array_equal(decoded.points, decode(good).points)


@given(st.integers(0, 400))
@UNHURRIED
def test_a_block_that_is_cut_off_is_a_clear_error(kept: int) -> None:
    good = encode("hands", _block((4, 1, 21, 3)))

    with pytest.raises(StoreCorrupt):
        decode(good[: min(kept, len(good) - 1)])


def test_bytes_behind_a_block_are_a_clear_error() -> None:
    good = encode("hands", _block((4, 1, 21, 3)))

    with pytest.raises(StoreCorrupt):
        decode(good + b"x")


@given(
    st.tuples(
        st.integers(0, 255),
        st.integers(0, 255),
        st.integers(0, 255),
        st.integers(0, 2**32 - 1),
        st.integers(0, 2**16 - 1),
        st.integers(0, 2**16 - 1),
    )
)
@UNHURRIED
def test_a_head_that_promises_too_much_is_refused(numbers: tuple[int, ...]) -> None:
    head = blocks._HEAD.pack(*numbers, 0)
    forged = b"LB\x01" + blocks._squeezed(head)

    with pytest.raises(StoreCorrupt):
        decode(forged)


def test_a_later_version_is_refused() -> None:
    good = encode("hands", _block((4, 1, 21, 3)))

    with pytest.raises(StoreCorrupt, match="version"):
        decode(good[:2] + b"\x02" + good[3:])


def test_a_memoryview_is_decoded_alike() -> None:
    good = encode("pose", _block((4, 1, 33, 7)))

    assert np.array_equal(decode(memoryview(good)).points, decode(good).points)
