"""What is made of frames: landmarks by the second, gestures, objects, key frames of screens."""

import asyncio
from functools import partial
from pathlib import Path

import msgspec
import pytest
from fake_eyes import PLACE, FakeEyes, frame

from edged.capture.stills import Still
from edged.errors import EngineMissing, Internal, WorkerGone
from edged.media import Picture
from edged.messages.events import FrameAdded, GestureChanged, LandmarksAdded
from edged.messages.records import DetectedObject
from edged.models.runtime import Detected, Vector
from edged.models.seeing import Group, HandSigns, SealedBlock, Sight
from edged.sessions import landmark_watch
from edged.sessions.gesturing import Gesturing
from edged.sessions.landmark_watch import LandmarkWatch
from edged.sessions.object_watch import ObjectWatch
from edged.sessions.onlooking import Noticed
from edged.sessions.screen_watch import ScreenWatch
from edged.store import (
    events,
    key_frames,
    landmark_blocks,
    object_sightings,
    sessions,
    sights,
)
from edged.store.database import Store
from edged.store.engine import Connection

KEY = bytes(range(32))


def written(path: Path, *noticed: Noticed) -> tuple[Store, str]:
    """A store with a session in which all that was noticed is committed."""
    store = Store.open(path / "edged.db", KEY)

    async def commit() -> str:
        session_id = await store.write(_begin)
        for one in noticed:
            await store.write(partial(_write, noticed=one))
        return session_id

    return store, asyncio.run(commit())


def _write(db: Connection, noticed: Noticed) -> None:
    for write in noticed.writes:
        write(db)


def _begin(db: Connection) -> str:
    session = sessions.create(db, kind="live")
    sight = sights.add(db, session.id, 0, kind="camera", target_fps=15)
    db.execute("UPDATE sessions SET session_id = ?", (PLACE.session_id,))
    for kind, track in PLACE.tracks.items():
        row = sights.add_track(db, sight, kind=kind, model="fake")
        db.execute("UPDATE tracks SET id = ? WHERE id = ?", (track, row))
    return PLACE.session_id


def told(store: Store, kind: type) -> list[object]:
    found = asyncio.run(store.read(lambda db: events.after(db, 0)))
    return [one.body for one in found if isinstance(one.body, kind)]


def landmarks(eyes: FakeEyes, *, gestures: bool = False) -> LandmarkWatch:
    return LandmarkWatch(eyes.open, model="fake", kinds=("hands",), gestures=gestures)


def hands(*shown: tuple[str, str]) -> Sight:
    group = Group(kind="hands", count=len(shown), labels=tuple(hand for hand, _ in shown))
    signs = tuple(HandSigns(gesture=gesture, score=0.9) for _, gesture in shown)
    return Sight(groups=(group,), hands=signs)


def sealed(second: int) -> Sight:
    block = SealedBlock(
        kind="hands",
        second=second,
        start_ms=second * 1000,
        end_ms=second * 1000 + 900,
        frames=10,
        detected=8,
    )
    return Sight(sealed=(block,), blocks=(b"points",))


def test_a_sealed_second_is_committed_once_and_told(tmp_path: Path) -> None:
    eyes = FakeEyes(hands(("Left", "")), sealed(0), rest=sealed(1))

    async def look() -> list[Noticed]:
        watch = landmarks(eyes)
        await watch.begin()
        seen = [await watch.see(frame(), at_ms, PLACE) for at_ms in (0, 1_000)]
        return [*seen, await watch.end(PLACE, discard=False)]

    first, second, rest = asyncio.run(look())
    store, session_id = written(tmp_path, first, second, second, rest)

    assert [one.detected for one in (first, second)] == [True, False]
    assert [one.kept_ms for one in (first, second)] == [0, 1_000]
    found = asyncio.run(store.read(lambda db: landmark_blocks.find(db, session_id)))
    assert [(one.start_ms, one.frames) for one in found] == [(0, 10), (1_000, 10)]
    assert len(told(store, LandmarksAdded)) == 2
    assert (eyes.closed, len(eyes.streams[0])) == (1, 16)
    store.close()


def test_every_beginning_is_a_stream_of_its_own() -> None:
    eyes = FakeEyes(hands())

    async def look() -> None:
        watch = landmarks(eyes)
        for _ in range(2):
            await watch.begin()
            await watch.begin()  # what is open stays open
            await watch.end(PLACE, discard=False)

    asyncio.run(look())

    assert len(set(eyes.streams)) == 2


def test_a_stream_that_begins_anew_in_its_midst_has_forgotten() -> None:
    eyes = FakeEyes(Sight(fresh=True), Sight(), Sight(fresh=True), Sight(), Sight(fresh=True))

    async def look() -> list[bool]:
        watch = landmarks(eyes)
        await watch.begin()
        forgot = [(await watch.see(frame(), at_ms, PLACE)).forgot for at_ms in range(4)]
        await watch.end(PLACE, discard=False)
        await watch.begin()
        return [*forgot, (await watch.see(frame(), 4, PLACE)).forgot]

    assert asyncio.run(look()) == [False, False, True, False, False]


@pytest.mark.parametrize("hangs", [False, True])
def test_an_end_without_its_worker_loses_the_rest_and_nothing_else(
    hangs: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(landmark_watch, "FINISH_S", 0.01)
    eyes = FakeEyes(hands(), rest=WorkerGone("it died"))
    eyes.hangs = hangs

    async def look() -> Noticed:
        watch = landmarks(eyes)
        await watch.begin()
        return await watch.end(PLACE, discard=False)

    assert asyncio.run(look()) == Noticed()
    assert eyes.closed == 1


def test_who_was_never_asked_to_look_does_not() -> None:
    async def look() -> None:
        await landmarks(FakeEyes(hands())).see(frame(), 0, PLACE)

    with pytest.raises(Internal):
        asyncio.run(look())


def test_a_gesture_is_told_when_it_lasted_and_when_it_is_over() -> None:
    gesturing = Gesturing()

    changes = []
    for at_ms, shown in (
        (0, {"Left": "Victory"}),
        (100, {"Left": "Open_Palm"}),  # the Victory was a flicker
        (200, {"Left": "Open_Palm", "Right": "Thumb_Up"}),
        (400, {"Left": "Open_Palm"}),
        (500, {}),
        (700, {}),
        (800, {}),
        (1_000, {}),
    ):
        changes += [(one.at_ms, one.hand, one.gesture) for one in gesturing.feed(at_ms, shown)]

    assert changes == [(100, "Left", "Open_Palm"), (500, "Left", "")]
    assert gesturing.end(1_100) == []


def test_gestures_are_events_where_they_were_asked_for(tmp_path: Path) -> None:
    shown = hands(("Left", ""), ("Right", "Thumb_Up"), ("Right", "Victory"))
    surest = msgspec.structs.replace(
        shown,
        hands=(
            HandSigns(),
            HandSigns(gesture="Thumb_Up", score=0.9),
            HandSigns(gesture="Victory", score=0.4),
        ),
    )

    async def look(*, gestures: bool) -> list[Noticed]:
        watch = landmarks(FakeEyes(surest), gestures=gestures)
        await watch.begin()
        seen = [await watch.see(frame(), at_ms, PLACE) for at_ms in (0, 200, 400)]
        return [*seen, await watch.end(PLACE, discard=False)]

    silent = asyncio.run(look(gestures=False))
    store, session_id = written(tmp_path, *asyncio.run(look(gestures=True)))

    assert [one.writes for one in silent] == [()] * 4
    facts = {"session_id": session_id, "hand": "Right"}
    assert told(store, GestureChanged) == [
        GestureChanged(at_ms=0, gesture="Thumb_Up", before="", **facts),
        GestureChanged(at_ms=400, gesture="", before="Thumb_Up", **facts),
    ]
    store.close()


def detected(**labels: float) -> Detected:
    objects = tuple(
        DetectedObject(label=label, score=score, index=0, left=0, top=0, width=1, height=1)
        for label, score in labels.items()
    )
    return Detected(objects=objects, width=4, height=4)


def test_an_object_is_one_stretch_until_it_was_gone_for_a_second(tmp_path: Path) -> None:
    views = {
        0: detected(cat=0.6),
        100: detected(cat=0.99),  # too soon after the last look
        500: detected(cat=0.8, dog=0.7),
        1_300: detected(cat=0.7),
        1_900: detected(),
        4_000: detected(dog=0.5),
    }
    eyes = FakeEyes(*(view for at_ms, view in views.items() if at_ms != 100))

    async def look() -> list[Noticed]:
        watch = ObjectWatch(eyes.open, model="fake")
        await watch.begin()
        seen = [await watch.see(frame(), at_ms, PLACE) for at_ms in views]
        return [*seen, await watch.end(PLACE, discard=False)]

    noticed = asyncio.run(look())
    store, _ = written(tmp_path, *noticed)

    assert eyes.looked == [0, 500, 1_300, 1_900, 4_000]
    assert [one.detected for one in noticed[:-1]] == [True, True, True, True, False, True]
    cats = asyncio.run(store.read(lambda db: object_sightings.search(db, "cat")))
    dogs = asyncio.run(store.read(lambda db: object_sightings.search(db, "dog")))
    assert [(one.start_ms, one.end_ms, one.score) for one in cats] == [(0, 1_300, 0.8)]
    assert [(one.start_ms, one.end_ms) for one in dogs] == [(500, 500), (4_000, 4_000)]
    store.close()


def test_after_a_look_that_failed_the_next_frame_is_looked_at() -> None:
    eyes = FakeEyes(WorkerGone("it died"), detected(cat=0.9))

    async def look() -> Noticed:
        watch = ObjectWatch(eyes.open, model="fake")
        await watch.begin()
        with pytest.raises(WorkerGone):
            await watch.see(frame(), 0, PLACE)
        return await watch.see(frame(), 67, PLACE)

    assert asyncio.run(look()).detected
    assert eyes.looked == [0, 67]


class FakeStills:
    def __init__(self) -> None:
        self.made = 0

    async def encode(self, picture: Picture) -> Still:
        assert picture.raw is not None
        self.made += 1
        return Still(data=b"WEBP", media_type="image/webp", width=4, height=4)


def screen(stills: FakeStills, eyes: FakeEyes | None) -> ScreenWatch:
    if eyes is None:
        return ScreenWatch(stills, change=0.02)
    return ScreenWatch(stills, change=0.02, open_eyes=eyes.open, model="embedder")


def test_a_screen_is_kept_when_small_changes_add_up_and_at_most_once_a_second(
    tmp_path: Path,
) -> None:
    stills = FakeStills()
    moves = [(0, 1.0), (300, 0.5), (900, 0.0), (1_100, 0.0), (1_500, 0.015), (2_900, 0.015)]

    async def look() -> list[Noticed]:
        watch = screen(stills, FakeEyes(Vector(data=bytes(16))))
        await watch.begin()
        seen = [await watch.see(frame(moved=moved), at_ms, PLACE) for at_ms, moved in moves]
        return [*seen, await watch.end(PLACE, discard=False)]

    noticed = asyncio.run(look())
    store, session_id = written(tmp_path, *noticed)

    kept = [one.at_ms for one in told(store, FrameAdded) if isinstance(one, FrameAdded)]
    assert kept == [0, 1_100, 2_900]
    vectors = asyncio.run(
        store.read(lambda db: key_frames.vectors(db, "embedder", session_id=session_id))
    )
    assert len(vectors) == 3
    store.close()


@pytest.mark.parametrize("broken", [None, FakeEyes(WorkerGone("it died"))])
def test_a_key_frame_is_kept_without_what_would_compare_it(
    tmp_path: Path, broken: FakeEyes | None
) -> None:
    async def look() -> Noticed:
        watch = screen(FakeStills(), broken)
        await watch.begin()
        return await watch.see(frame(), 0, PLACE)

    store, _ = written(tmp_path, asyncio.run(look()))

    assert len(told(store, FrameAdded)) == 1
    assert asyncio.run(store.read(lambda db: key_frames.vectors(db, "embedder"))) == ()
    store.close()


def test_a_model_that_cannot_be_loaded_does_not_keep_a_screen_from_being_kept() -> None:
    eyes = FakeEyes(Vector(data=b""))
    eyes.refusal = EngineMissing("no engine")

    async def look() -> Noticed:
        watch = screen(FakeStills(), eyes)
        await watch.begin()
        return await watch.see(frame(), 0, PLACE)

    assert len(asyncio.run(look()).writes) == 1
