"""Kept landmarks read again: pages, files and what follows from them, in this process."""

import io
import json
from collections.abc import Sequence

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from landmark_samples import FRAME_MS, made_up, seconds

from edged.capture.kept.orders import (
    MOST_PART_VALUES,
    MOST_READINGS,
    MOST_VALUES,
    BlocksPart,
    DerivedPage,
    KeptPage,
    NextPass,
    RankWish,
    ReadingId,
    ReadWish,
)
from edged.capture.unpacking import Unpacker
from edged.errors import BadRequest, Busy, NotFound, StoreCorrupt
from edged.messages.seeing import Derived, Kept, LandmarkKind
from edged.vision.blocks import VALUES, Block, encode

Fed = tuple[int, LandmarkKind, int, bytes]
"""Source, kind, first frame in ms, body."""


def _blocks(*kinds: LandmarkKind, count: int = 3, source: int = 0) -> list[Fed]:
    found = [
        (source, kind, sealed.start_ms, body)
        for kind in kinds
        for sealed, body in seconds(kind, count)
    ]
    return sorted(found, key=lambda one: (one[2], one[0], one[1]))


def _feed(unpacker: Unpacker, reading: ReadingId, fed: Sequence[Fed], *, at_once: int = 2) -> bytes:
    """Feeds blocks as the daemon does until a page is full; what a file got of them."""
    found = b""
    for start in range(0, max(len(fed), 1), at_once):
        some = fed[start : start + at_once]
        last = start + at_once >= len(fed)
        part = BlocksPart(
            reading=reading.reading,
            sources=tuple(one[0] for one in some),
            kinds=tuple(one[1] for one in some),
            starts=tuple(one[2] for one in some),
            bodies=tuple(one[3] for one in some),
            until_ms=None if last else some[-1][2],
        )
        if unpacker.feed(part).full:
            break
        found += _taken(unpacker, reading)
    return found


def kept_in(page: KeptPage) -> tuple[Kept, ...]:
    return msgspec.msgpack.decode(page.frames, type=tuple[Kept, ...])


def derived_in(page: DerivedPage) -> tuple[Derived, ...]:
    return msgspec.msgpack.decode(page.derived, type=tuple[Derived, ...])


def _page(wish: ReadWish, fed: Sequence[Fed], *, at_once: int = 2) -> KeptPage:
    unpacker = Unpacker()
    reading = unpacker.open(wish)
    _feed(unpacker, reading, fed, at_once=at_once)
    return unpacker.page(reading)


def _taken(unpacker: Unpacker, reading: ReadingId) -> bytes:
    found = b""
    while data := unpacker.take(reading).data:
        found += data
    return found


def _file(wish: ReadWish, fed: Sequence[Fed], *, at_once: int = 2) -> bytes:
    unpacker = Unpacker()
    reading = unpacker.open(wish)
    found = _feed(unpacker, reading, fed, at_once=at_once)
    unpacker.finish(reading)
    found += _taken(unpacker, reading)
    unpacker.close(reading)
    return found


def test_a_page_holds_every_thing_of_every_frame_in_order_of_time() -> None:
    page = _page(ReadWish(into="values"), _blocks("hands", "pose", count=1))

    assert page.next_ms is None
    assert [(one.at_ms, one.kind, one.slot) for one in kept_in(page)][:5] == [
        (0, "hands", 0), (0, "hands", 1), (0, "pose", 0), (100, "hands", 0), (100, "pose", 0),
    ]  # fmt: skip
    body = kept_in(page)[2]
    assert len(body.landmarks) == 33
    assert (len(body.landmarks[0]), len(body.world_landmarks[0])) == (4, 3)
    assert body.landmarks[5][0] == pytest.approx(5 / 8_192, abs=1e-6)
    assert kept_in(page)[0].world_landmarks == ()


def test_a_page_begins_and_ends_where_it_was_asked_to() -> None:
    page = _page(ReadWish(into="values", from_ms=900, to_ms=1_200), _blocks("pose"))

    assert [one.at_ms for one in kept_in(page)] == [900, 1_000, 1_100]


@given(st.integers(1, 12), st.integers(1, 7), st.sampled_from([None, 1.0, 3.0, 4.0, 9.9, 50.0]))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_pages_put_together_are_the_whole(limit: int, at_once: int, fps: float | None) -> None:
    fed = _blocks("hands", "pose") + _blocks("pose", count=2, source=1)
    fed.sort(key=lambda one: (one[2], one[0], one[1]))
    whole = _page(ReadWish(into="values", fps=fps, limit=5_000), fed, at_once=100)

    found: list[Kept] = []
    at_ms = 0
    while True:
        wish = ReadWish(into="values", fps=fps, limit=limit, from_ms=at_ms)
        page = _page(wish, fed, at_once=at_once)
        found += kept_in(page)
        if page.next_ms is None:
            break
        at_ms = page.next_ms

    assert tuple(found) == kept_in(whole)


def test_fewer_frames_a_second_are_the_first_of_equal_parts_and_the_same_for_all_kinds() -> None:
    page = _page(ReadWish(into="values", fps=4.0), _blocks("hands", "pose", count=2))

    times = {kind: [one.at_ms for one in kept_in(page) if one.kind == kind] for kind in VALUES}
    assert times["pose"] == [0, 300, 500, 800, 1_000, 1_300, 1_500, 1_800]
    assert sorted(set(times["hands"])) == times["pose"]


def test_times_are_shifted_in_frames_arrays_and_the_next_page() -> None:
    values = _page(ReadWish(into="values", shift_ms=5_000, limit=2), _blocks("pose"))
    parts = _page(ReadWish(into="parts", shift_ms=5_000, limit=2), _blocks("pose"))

    assert [one.at_ms for one in kept_in(values)] == [5_000, 5_100]
    assert np.frombuffer(parts.data[0], "<i8").tolist() == [5_000, 5_100]
    assert values.next_ms == parts.next_ms == 5_200


def test_arrays_say_what_they_are_and_hold_what_was_kept() -> None:
    fed = _blocks("hands", "pose", count=2) + _blocks("pose", count=1, source=1)

    page = _page(ReadWish(into="parts"), sorted(fed, key=lambda one: (one[2], one[0], one[1])))

    told = [(one.of, one.source, one.dtype, one.shape) for one in page.parts]
    assert told == [
        ("hands_at", 0, "int64", (20,)), ("hands", 0, "float32", (20, 2, 21, 3)),
        ("pose_at", 0, "int64", (20,)), ("pose", 0, "float32", (20, 1, 33, 7)),
        ("pose_at", 1, "int64", (10,)), ("pose", 1, "float32", (10, 1, 33, 7)),
    ]  # fmt: skip
    assert [one.size_bytes for one in page.parts] == [len(data) for data in page.data]
    hands = np.frombuffer(page.data[1], "<f4").reshape(20, 2, 21, 3)
    expected = made_up("hands", np.arange(0, 2_000, FRAME_MS, dtype=np.int64))
    assert np.array_equal(hands, expected.points, equal_nan=True)


def test_blocks_with_more_places_and_more_points_share_an_array() -> None:
    few = np.zeros((2, 1, 468, 3), np.float32)
    many = np.ones((2, 2, 478, 3), np.float32)
    times = np.array([0, 50], np.int64)
    fed: list[Fed] = [
        (0, "face", 0, encode("face", Block(times, few))),
        (0, "face", 1_000, encode("face", Block(times + 1_000, many))),
    ]

    page = _page(ReadWish(into="parts"), fed)

    points = np.frombuffer(page.data[1], "<f4").reshape(page.parts[1].shape)
    assert points.shape == (4, 2, 478, 3)
    assert np.isnan(points[:2, 1]).all()
    assert np.isnan(points[:2, :, 468:]).all()
    assert (points[2:] == 1).all()


@pytest.mark.parametrize(("into", "most"), [("values", MOST_VALUES), ("parts", MOST_PART_VALUES)])
def test_a_page_ends_when_its_numbers_are_enough(into: str, most: int) -> None:
    wish = ReadWish(into="parts" if into == "parts" else "values", limit=5_000)
    times = np.arange(1_000, dtype=np.int64)
    body = encode("face", Block(times, np.zeros((1_000, 1, 468, 3), np.float32)))

    page = _page(wish, [(0, "face", 0, body)])

    assert page.next_ms == most // (468 * 3) + 1


def test_smoothing_calms_what_trembles_and_leaves_the_rest_of_the_page_alike() -> None:
    random = np.random.default_rng(3)
    times = np.arange(0, 6_000, 33, dtype=np.int64)
    points = np.full((len(times), 1, 33, 7), 0.5, np.float32)
    points += random.normal(0, 0.01, points.shape).astype(np.float32)
    fed: list[Fed] = [(0, "pose", 0, encode("pose", Block(times, points)))]

    raw, calm = (
        np.frombuffer(_page(ReadWish(into="parts", smooth=smooth), fed).data[1], "<f4")
        for smooth in (False, True)
    )

    assert calm.shape == raw.shape
    assert np.abs(calm - 0.5).mean() < 0.7 * np.abs(raw - 0.5).mean()


def test_a_page_in_the_middle_is_smoothed_as_the_whole_is() -> None:
    random = np.random.default_rng(4)
    fed: list[Fed] = []
    for second in range(6):
        times = second * 1_000 + np.arange(0, 1_000, 40, dtype=np.int64)
        points = random.normal(0.5, 0.01, (len(times), 1, 33, 7)).astype(np.float32)
        fed.append((0, "pose", second * 1_000, encode("pose", Block(times, points))))

    whole = _page(ReadWish(into="parts", smooth=True), fed)
    late = _page(ReadWish(into="parts", smooth=True, from_ms=5_000), fed[3:])

    last = np.frombuffer(whole.data[1], "<f4").reshape(-1, 33, 7)[-25:]
    alone = np.frombuffer(late.data[1], "<f4").reshape(-1, 33, 7)
    assert np.allclose(last, alone, atol=1e-3)


def test_a_session_without_landmarks_gives_an_empty_page() -> None:
    assert _page(ReadWish(into="values"), []) == KeptPage(next_ms=None)
    assert _page(ReadWish(into="parts"), []) == KeptPage(next_ms=None)


def test_csv_has_a_line_for_each_point_that_was_seen() -> None:
    lines = _file(ReadWish(into="csv"), _blocks("hands", "pose", count=1)).decode().splitlines()

    table = [line.split(",") for line in lines]
    assert lines[0].startswith("at_ms,source,kind,slot,point,name,x,y,z,visibility,world_x")
    assert {len(row) for row in table} == {13}
    assert len(table) == 1 + 10 * 21 + 5 * 21 + 10 * 33
    hand, body = table[5], next(row for row in table if row[2] == "pose" and row[4] == "11")
    assert hand[:6] == ["0", "0", "hands", "0", "4", "thumb_tip"]
    assert hand[9:] == ["", "", "", ""]
    assert body[5] == "left_shoulder"
    assert float(body[6]) == pytest.approx(11 / 8_192, abs=1e-7)


def test_csv_leaves_empty_what_of_a_thing_was_not_seen() -> None:
    block = made_up("hands", np.array([0], np.int64))
    block.points[0, 0, 2, 2] = np.nan

    lines = _file(ReadWish(into="csv"), [(0, "hands", 0, encode("hands", block))]).decode()

    row = lines.splitlines()[3].split(",")
    assert row[4:6] == ["2", "thumb_mcp"]
    assert row[8] == ""


def test_csv_without_landmarks_is_its_head() -> None:
    assert _file(ReadWish(into="csv"), []).decode().count("\n") == 1


def test_json_holds_what_a_page_holds() -> None:
    fed = _blocks("hands", "pose", count=2)

    told = json.loads(_file(ReadWish(into="json", session_id="abc", models={"pose": "m"}), fed))

    page = _page(ReadWish(into="values"), fed)
    assert (told["session_id"], told["models"]) == ("abc", {"pose": "m"})
    assert told["values"]["pose"] == list(VALUES["pose"])
    assert len(told["frames"]) == len(kept_in(page))
    assert told["frames"][3]["landmarks"] == [list(point) for point in kept_in(page)[3].landmarks]


def test_json_without_landmarks_is_whole() -> None:
    assert json.loads(_file(ReadWish(into="json"), []))["frames"] == []


def _npz(
    fed: Sequence[Fed], wish: ReadWish | None = None, *, written: Sequence[Fed] | None = None
) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.generic]]]:
    """Arrays of a file whose tracks are counted in one list of blocks and written from another."""
    unpacker = Unpacker()
    reading = unpacker.open(wish or ReadWish(into="npz"))
    content = b""
    for source, kind in sorted({one[:2] for one in fed}):
        for counting, blocks in ((True, fed), (False, fed if written is None else written)):
            step = NextPass(reading=reading.reading, source=source, kind=kind, counting=counting)
            unpacker.next_pass(step)
            track = [one for one in blocks if one[:2] == (source, kind)]
            content += _feed(unpacker, reading, track)
    unpacker.finish(reading)
    content += _taken(unpacker, reading)
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return dict(arrays)


def test_npz_is_read_by_numpy() -> None:
    found = _npz(_blocks("hands", "pose", count=2) + _blocks("pose", count=1, source=1))

    expected = made_up("hands", np.arange(0, 2_000, FRAME_MS, dtype=np.int64))
    assert sorted(found) == [
        "hands", "hands_at", "hands_values", "pose", "pose_1", "pose_at", "pose_at_1",
        "pose_values", "pose_values_1",
    ]  # fmt: skip
    assert np.array_equal(found["hands"], expected.points, equal_nan=True)
    assert found["hands_at"].tolist() == expected.times_ms.tolist()
    assert found["pose_values"].tolist() == list(VALUES["pose"])
    assert found["pose_1"].shape == (10, 1, 33, 7)


def test_npz_takes_what_was_counted_although_the_session_goes_on_or_shrinks() -> None:
    fed = _blocks("pose", count=3)

    longer = _npz(fed[:2], written=fed)
    shorter = _npz(fed, written=fed[:1] + fed[2:])

    assert longer["pose"].shape == (20, 1, 33, 7)
    assert not np.isnan(longer["pose"]).any()
    assert (
        np.isnan(shorter["pose"]).all(axis=(1, 2, 3)).tolist()
        == [False] * 10 + [True] * 10 + [False] * 10
    )


def test_npz_without_landmarks_is_whole() -> None:
    assert _npz([]) == {}


def test_the_same_landmarks_give_the_same_file() -> None:
    fed = _blocks("pose", count=1)

    assert np.array_equal(_npz(fed)["pose"], _npz(fed)["pose"])
    assert _file(ReadWish(into="csv"), fed) == _file(ReadWish(into="csv"), fed)


def test_a_damaged_block_is_a_clear_error_and_ends_nothing_else() -> None:
    unpacker = Unpacker()
    reading, other = unpacker.open(ReadWish(into="csv")), unpacker.open(ReadWish(into="values"))

    with pytest.raises(StoreCorrupt, match="second of pose from 7000 ms on"):
        _feed(unpacker, reading, [(0, "pose", 7_000, b"damaged")])

    _feed(unpacker, other, _blocks("pose", count=1))
    assert len(kept_in(unpacker.page(other))) == 10


def test_readings_are_bounded_and_closing_one_makes_room() -> None:
    unpacker = Unpacker()
    readings = [unpacker.open(ReadWish(into="csv")) for _ in range(MOST_READINGS)]

    with pytest.raises(Busy):
        unpacker.open(ReadWish(into="csv"))
    unpacker.close(readings[0])
    unpacker.close(readings[0])

    assert unpacker.open(ReadWish(into="csv")).reading > readings[-1].reading


def test_a_reading_gives_only_what_it_was_opened_for() -> None:
    unpacker = Unpacker()

    for call in (unpacker.finish, unpacker.derived):
        with pytest.raises(BadRequest):
            call(unpacker.open(ReadWish(into="values")))
    with pytest.raises(BadRequest):
        unpacker.page(unpacker.open(ReadWish(into="csv")))
    csv = unpacker.open(ReadWish(into="csv")).reading
    with pytest.raises(BadRequest):
        unpacker.next_pass(NextPass(reading=csv, source=0, kind="pose", counting=True))
    with pytest.raises(NotFound):
        unpacker.take(ReadingId(reading=999))


def _derived(wish: ReadWish, fed: Sequence[Fed]) -> DerivedPage:
    unpacker = Unpacker()
    reading = unpacker.open(wish)
    _feed(unpacker, reading, fed)
    return unpacker.derived(reading)


def _standing(seconds_: range) -> list[Fed]:
    """A body that stands upright, arms down: world points in metres, y down."""
    world = np.zeros((33, 3), np.float32)
    heights = {0: -0.7, 11: -0.5, 12: -0.5, 13: -0.25, 14: -0.25, 15: 0.0, 16: 0.0}
    heights |= {25: 0.45, 26: 0.45, 27: 0.9, 28: 0.9, 29: 0.92, 30: 0.92, 31: 0.93, 32: 0.93}
    for point in range(33):
        world[point] = (0.15 if point % 2 else -0.15, heights.get(point, 0.0), 0.0)
    world[7:11, 1] = -0.65
    row = np.concatenate([world + 0.5, np.ones((33, 1)), world], axis=1).astype(np.float32)
    found: list[Fed] = []
    for second in seconds_:
        times = second * 1_000 + np.arange(0, 1_000, 200, dtype=np.int64)
        points = np.broadcast_to(row, (5, 1, 33, 7)).copy()
        found.append((0, "pose", second * 1_000, encode("pose", Block(times, points))))
    return found


def test_a_posture_that_goes_on_for_minutes_is_one_stretch() -> None:
    found = _derived(ReadWish(into="tracks", tracks=("posture",)), _standing(range(595, 606)))

    (one,) = derived_in(found)
    assert (one.track, one.label, one.start_ms, one.end_ms) == (
        "posture", "standing", 595_000, 605_800,
    )  # fmt: skip
    assert list(found.definitions) == ["posture"]


def test_activity_of_a_body_at_rest_is_nothing_and_has_a_unit() -> None:
    found = _derived(ReadWish(into="tracks", tracks=("activity",)), _standing(range(3)))

    assert [one.start_ms for one in derived_in(found)] == [0, 1_000, 2_000]
    assert all(one.value == pytest.approx(0, abs=1e-3) and one.unit for one in derived_in(found))


def test_only_the_tracks_that_were_asked_for_are_derived() -> None:
    fed = sorted(_standing(range(2)) + _blocks("hands", count=2), key=lambda one: one[2])

    found = _derived(ReadWish(into="tracks", tracks=("gestures",)), fed)

    assert {one.track for one in derived_in(found)} <= {"gestures"}
    assert list(found.definitions) == ["gestures"]


def test_faces_of_six_points_blink_not() -> None:
    block = Block(np.arange(0, 1_000, 100, dtype=np.int64), np.zeros((10, 1, 6, 3), np.float32))
    fed: list[Fed] = [(0, "face", 0, encode("face", block))]

    assert _derived(
        ReadWish(into="tracks", tracks=("blinks",)), fed
    ).derived == msgspec.msgpack.encode(())


def test_vectors_are_ranked_by_their_cosine() -> None:
    random = np.random.default_rng(1)
    vectors = random.normal(size=(5, 16)).astype("<f4")
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    wish = RankWish(
        query=vectors[2].tobytes(),
        vectors=(*(one.tobytes() for one in vectors), b"1234"),
    )

    scores = Unpacker().rank(wish).scores

    assert scores[2] == pytest.approx(1.0, abs=1e-5)
    assert scores[:5] == pytest.approx((vectors @ vectors[2]).tolist(), abs=1e-5)
    assert scores[5] == -1.0
