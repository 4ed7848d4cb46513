"""What sessions keep of what they saw: sources, tracks, landmarks, objects, key frames, gaps."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from store_samples import KEY

from edged.errors import NotFound
from edged.messages.events import FrameAdded, LandmarksAdded, SightGapEvent
from edged.messages.seeing import FrameCounts, SightGap
from edged.messages.sessions import SessionsStart
from edged.models.seeing import SealedBlock
from edged.store import (
    Connection,
    Store,
    engine,
    key_frames,
    landmark_blocks,
    ledger,
    object_sightings,
    recordings,
    schema,
    sessions,
    sights,
)

BLOCK = SealedBlock(kind="pose", second=2, start_ms=2_003, end_ms=2_970, frames=15, detected=14)
TABLES = (
    "sights",
    "tracks",
    "landmark_blocks",
    "sight_gaps",
    "object_sightings",
    "key_frames",
    "key_frame_pieces",
)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    path = tmp_path_factory.mktemp("sights") / "edged.db"
    path.touch()
    cipher = engine.choose_cipher()
    engine.write_seal(path, cipher, KEY)
    connection = engine.connect(path, KEY, cipher)
    schema.migrate(connection)
    yield connection
    connection.close()


@pytest.fixture
def db(opened: Connection) -> Iterator[Connection]:
    opened.recorded = []
    opened.execute("BEGIN")
    yield opened
    opened.execute("ROLLBACK")


@pytest.fixture
def session(db: Connection) -> str:
    return sessions.create(db, kind="live", options=SessionsStart()).id


def _sight(db: Connection, session: str, number: int = 0) -> int:
    return sights.add(db, session, number, kind="camera", device="front", target_fps=15.0)


def _track(db: Connection, session: str, number: int = 0) -> int:
    return sights.add_track(db, _sight(db, session, number), kind="pose", model="full")


def test_a_source_is_added_once_and_shown_with_its_tracks(db: Connection, session: str) -> None:
    sight = _sight(db, session)
    again = _sight(db, session)
    sights.add_track(db, sight, kind="pose", model="old")
    sights.add_track(db, sight, kind="pose", model="full")
    sights.add_track(db, sight, kind="hands", model="both")
    sights.count(db, sight, FrameCounts(captured=9, processed=5, still=1, late=2, lost=1))

    (shown,) = sessions.get(db, session).sights

    assert again == sight
    assert (shown.kind, shown.device, shown.target_fps) == ("camera", "front", 15.0)
    assert shown.models == {"pose": "full", "hands": "both"}
    assert shown.counts == FrameCounts(captured=9, processed=5, still=1, late=2, lost=1)
    assert sights.models(db, session) == shown.models


def test_a_source_takes_the_name_of_its_device(db: Connection, session: str) -> None:
    sight = _sight(db, session)

    changed = [sights.name_device(db, sight, name) for name in ("front", "back", "back")]

    assert changed == [False, True, False]
    assert sights.of_session(db, session)[0].device == "back"


def test_frames_have_a_shape_and_until_it_is_known_the_usual_one(
    db: Connection, session: str
) -> None:
    sight = _sight(db, session)
    _sight(db, session, 1)

    sights.measure(db, sight, width=1_280, height=640)

    assert sights.aspects(db, session) == (2.0, 4 / 3)


def test_a_block_is_added_once_told_and_makes_the_session_longer(
    db: Connection, session: str
) -> None:
    track = _track(db, session)

    added = [landmark_blocks.add(db, session, track, BLOCK, b"body") for _ in range(2)]

    told = [event.body for event in db.recorded]
    assert added == [True, False]
    assert told == [
        LandmarksAdded(session_id=session, kind="pose", start_ms=2_003, end_ms=2_970, frames=15)
    ]
    assert sessions.get(db, session).duration_ms == 2_970


def test_a_second_that_a_pause_divides_is_two_blocks(db: Connection, session: str) -> None:
    track = _track(db, session)
    landmark_blocks.add(db, session, track, replace(BLOCK, end_ms=2_300), b"before")
    landmark_blocks.add(db, session, track, replace(BLOCK, start_ms=2_700), b"after")

    found = landmark_blocks.find(db, session)

    assert [(block.start_ms, block.end_ms) for block in found] == [(2_003, 2_300), (2_700, 2_970)]
    assert landmark_blocks.bodies(db, [block.row for block in found]) == (b"before", b"after")


def test_blocks_are_found_by_time_kind_and_source_in_order(db: Connection, session: str) -> None:
    pose = _track(db, session)
    hands = sights.add_track(db, _sight(db, session), kind="hands", model="both")
    other = _track(db, session, 1)
    for second in range(4):
        times = {"second": second, "start_ms": second * 1_000, "end_ms": second * 1_000 + 900}
        for track in (other, pose, hands):
            kind = "hands" if track == hands else "pose"
            landmark_blocks.add(db, session, track, replace(BLOCK, kind=kind, **times), b"x")

    all_of = landmark_blocks.find(db, session)
    late = landmark_blocks.find(db, session, kinds=("hands",), from_ms=1_950, to_ms=3_000)
    touched = landmark_blocks.find(db, session, kinds=("hands",), from_ms=1_900, to_ms=3_000)
    of_other = landmark_blocks.find(db, session, source=1, limit=2)

    assert [(b.start_ms, b.source, b.kind) for b in all_of][:4] == [
        (0, 0, "hands"), (0, 0, "pose"), (0, 1, "pose"), (1_000, 0, "hands"),
    ]  # fmt: skip
    assert len(all_of) == 12
    assert [block.start_ms for block in late] == [2_000]
    assert [block.start_ms for block in touched] == [1_000, 2_000]
    assert [(block.source, block.start_ms) for block in of_other] == [(1, 0), (1, 1_000)]


def test_pages_of_blocks_follow_each_other_without_a_hole(db: Connection, session: str) -> None:
    pose = _track(db, session)
    hands = sights.add_track(db, _sight(db, session), kind="hands", model="both")
    for second in range(3):
        times = {"second": second, "start_ms": second * 1_000, "end_ms": second * 1_000 + 900}
        landmark_blocks.add(db, session, pose, replace(BLOCK, **times), b"x")
        landmark_blocks.add(db, session, hands, replace(BLOCK, kind="hands", **times), b"x")
    whole = landmark_blocks.find(db, session)

    pages: list[landmark_blocks.StoredBlock] = []
    last = None
    while page := landmark_blocks.find(db, session, after=last, limit=1):
        pages += page
        last = page[-1]

    assert len(whole) == 6
    assert tuple(pages) == whole
    assert landmark_blocks.tracks(db, session) == ((0, "hands"), (0, "pose"))


def test_a_gap_is_told_once_and_again_when_it_grew_but_never_the_opening(
    db: Connection, session: str
) -> None:
    sight = _sight(db, session)
    stalled = SightGap(source=0, start_ms=500, end_ms=900, reason="stalled")
    opening = SightGap(source=0, start_ms=0, end_ms=200, reason="opening")
    none = SightGap(source=0, start_ms=300, end_ms=300, reason="stalled")
    longer = replace(stalled, end_ms=1_400)

    for one in (stalled, opening, none, stalled, longer):
        sights.gap(db, session, sight, one)

    assert [event.body for event in db.recorded] == [
        SightGapEvent(session_id=session, gap=stalled),
        SightGapEvent(session_id=session, gap=longer),
    ]
    assert sights.gaps(db, session) == (opening, longer)


def test_the_end_of_a_source_is_the_last_thing_that_is_known_of_it(
    db: Connection, session: str
) -> None:
    sight = _sight(db, session)
    ends = [sights.end_ms(db, sight)]

    landmark_blocks.add(db, session, _track(db, session), BLOCK, b"")
    ends.append(sights.end_ms(db, sight))
    _object(db, session, start_ms=3_000, score=0.5)
    ends.append(sights.end_ms(db, sight))
    sights.gap(db, session, sight, SightGap(source=0, start_ms=1, end_ms=9_000, reason="paused"))
    ends.append(sights.end_ms(db, sight))

    assert ends == [0, 2_970, 3_100, 9_000]


def _object(
    db: Connection, session: str, *, label: str = "cat", start_ms: int, score: float
) -> int:
    track = sights.add_track(db, _sight(db, session), kind="objects", model="coco")
    return object_sightings.add(
        db, session, track, label=label, start_ms=start_ms, end_ms=start_ms + 100, score=score
    )


def test_a_sighting_goes_on_and_never_shrinks(db: Connection, session: str) -> None:
    row = _object(db, session, start_ms=0, score=0.8)

    object_sightings.extend(db, session, row, end_ms=900, frames=7, most=2, score=0.4)
    again = _object(db, session, start_ms=0, score=0.1)

    (found,) = object_sightings.search(db, "CAT")
    assert again == row
    assert (found.start_ms, found.end_ms, found.score, found.label) == (0, 900, 0.8, "cat")
    assert sessions.get(db, session).duration_ms == 900


def test_sightings_are_searched_by_label_session_and_score_the_best_first(
    db: Connection, session: str
) -> None:
    other = sessions.create(db, kind="live", options=SessionsStart()).id
    _object(db, session, start_ms=0, score=0.5)
    _object(db, session, start_ms=5_000, score=0.9)
    _object(db, other, start_ms=0, score=0.7)
    _object(db, other, label="cathedral", start_ms=0, score=0.99)

    found = object_sightings.search(db, "cat")
    narrow = object_sightings.search(db, "cat", session_id=session, min_score=0.6, limit=5)

    assert [one.score for one in found] == [0.9, 0.7, 0.5]
    assert [one.start_ms for one in narrow] == [5_000]
    assert narrow[0].timestamp > found[2].timestamp


def test_objects_of_a_session_come_in_order_of_time(db: Connection, session: str) -> None:
    other = sessions.create(db, kind="live", options=SessionsStart()).id
    _object(db, session, start_ms=5_000, score=0.9)
    _object(db, session, label="cup", start_ms=0, score=0.5)
    _object(db, other, start_ms=0, score=0.7)

    found = object_sightings.of_session(db, session)
    narrow = object_sightings.of_session(db, session, min_score=0.6)
    first = object_sightings.of_session(db, session, limit=1)

    assert [(one.start_ms, one.label) for one in found] == [(0, "cup"), (5_000, "cat")]
    assert [one.label for one in narrow] == ["cat"]
    assert [one.label for one in first] == ["cup"]


def _frame(
    db: Connection, session: str, *, at_ms: int, body: bytes = b"picture", vector: bytes = b""
) -> str:
    track = sights.add_track(db, _sight(db, session), kind="screen", model="")
    return key_frames.add(
        db,
        session,
        track,
        at_ms=at_ms,
        width=64,
        height=48,
        media_type="image/webp",
        body=body,
        vector_model="embedder" if vector else None,
        vector=vector or None,
    )


def test_a_key_frame_is_added_once_told_and_read_back_whole(db: Connection, session: str) -> None:
    body = bytes(range(256)) * 3_000  # three pieces

    first, second = (_frame(db, session, at_ms=4_200, body=body) for _ in range(2))

    facts, kept = key_frames.get(db, first)
    assert first == second
    assert kept == body
    assert (facts.session_id, facts.at_ms, facts.size_bytes) == (session, 4_200, len(body))
    assert [event.body for event in db.recorded] == [
        FrameAdded(session_id=session, frame_id=first, at_ms=4_200)
    ]


def test_a_key_frame_that_is_not_there_is_not_found(db: Connection) -> None:
    with pytest.raises(NotFound):
        key_frames.get(db, "nothing")


def test_vectors_come_in_pages_and_become_hits_unless_deleted(db: Connection, session: str) -> None:
    ids = [_frame(db, session, at_ms=at, vector=bytes((at,)) * 8) for at in range(1, 4)]
    _frame(db, session, at_ms=9)

    first = key_frames.vectors(db, "embedder", limit=2)
    rest = key_frames.vectors(db, "embedder", session_id=session, after=first[-1].row)
    hits = key_frames.sightings(db, [(first[1].row, 0.9), (2**40, 0.8), (rest[0].row, 0.7)])

    assert [one.vector for one in (*first, *rest)] == [bytes((at,)) * 8 for at in range(1, 4)]
    assert [(hit.frame_id, hit.start_ms, hit.score) for hit in hits] == [
        (ids[1], 2, 0.9),
        (ids[2], 3, 0.7),
    ]


def _fill(db: Connection, session: str) -> None:
    landmark_blocks.add(db, session, _track(db, session), BLOCK, b"x" * 5_000)
    _object(db, session, start_ms=0, score=0.5)
    _frame(db, session, at_ms=1, body=b"y" * 600_000, vector=b"1234")
    gap = SightGap(source=0, start_ms=0, end_ms=200, reason="stalled")
    sights.gap(db, session, _sight(db, session), gap)


def _rows(db: Connection) -> dict[str, int]:
    return {
        table: int(db.execute(f"SELECT count(*) FROM {table}").get)  # noqa: S608 constants
        for table in TABLES
    }


def test_deleting_takes_steps_and_leaves_nothing(db: Connection, session: str) -> None:
    _fill(db, session)

    steps = 1
    while not sights.delete(db, session, at_most=1):
        steps += 1

    assert steps > 4
    assert not any(_rows(db).values())
    assert db.execute("SELECT count(*) FROM events WHERE session IS NOT NULL").get == 0


def test_a_session_that_goes_takes_its_sights_and_events_with_it(
    db: Connection, session: str
) -> None:
    _fill(db, session)

    sessions.delete(db, sessions.row_id(db, session))

    assert not any(_rows(db).values())
    assert db.execute("SELECT count(*) FROM events WHERE session IS NOT NULL").get == 0


def test_a_session_stays_when_its_recording_goes_and_it_has_pictures(
    db: Connection, session: str
) -> None:
    recording = recordings.add_source(db, session, source="microphone").recording_id
    _fill(db, session)

    recordings.delete(db, recording)

    assert sessions.get(db, session).sources == ()
    assert len(sessions.get(db, session).sights) == 1


def test_a_session_that_only_sees_counts_as_left_running(db: Connection, session: str) -> None:
    before = sessions.left_running(db)
    _sight(db, session)

    assert before == ()
    assert sessions.left_running(db) == (session,)


def test_a_session_of_sights_has_no_ledger_of_sound(db: Connection, session: str) -> None:
    _fill(db, session)

    assert ledger.of_session(db, session) == ()
    assert not sessions.get(db, session).audio_kept


def test_a_session_that_only_saw_is_deleted_with_all_its_pictures(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "edged.db", KEY)

    async def scenario() -> dict[str, int]:
        session = await store.write(
            lambda db: sessions.create(db, kind="live", options=SessionsStart()).id
        )
        await store.write(lambda db: _fill(db, session))
        await store.delete_session(session)
        with pytest.raises(NotFound):
            await store.read(lambda db: sessions.get(db, session))
        return await store.read(_rows)

    left = asyncio.run(scenario())

    store.close()
    assert not any(left.values())
