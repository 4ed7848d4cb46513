"""Sessions that see, on a real store: what is kept, paused, lost, ended and found again."""

import asyncio
from pathlib import Path

import apsw
import pytest
from session_rig import Rig, play

from edged.capture.sight import SightOptions
from edged.config import Seeing as Settings
from edged.errors import (
    BadMedia,
    BadRequest,
    Conflict,
    DeviceMissing,
    ModelMissing,
    NotFound,
    WorkerGone,
)
from edged.messages.events import LandmarksAdded, SightGapEvent, SightRate
from edged.messages.seeing import SessionsFrame, SightGap
from edged.messages.sessions import SessionsStart, SourceWish
from edged.sessions.seeing import sight_options
from edged.store import events, landmark_blocks, sessions, sights
from edged.store.engine import Connection

CAMERA = SourceWish(kind="camera")
FRAMES = SourceWish(kind="frames")
VIDEO = SourceWish(kind="video", device="/a/film.mp4")
BODY = SessionsStart(pose=True)


async def seen(rig: Rig, frames: int) -> None:
    """Wait until so many frames were looked at."""
    async with asyncio.timeout(5):
        while len(rig.onlooker.seen) < frames:
            await asyncio.sleep(0)


async def gaps(rig: Rig, session_id: str) -> list[tuple[int, int, str]]:
    found: tuple[SightGap, ...] = await rig.store.read(lambda db: sights.gaps(db, session_id))
    return [(one.start_ms, one.end_ms, one.reason) for one in found]


async def blocks(rig: Rig, session_id: str) -> list[tuple[int, int]]:
    found = await rig.store.read(lambda db: landmark_blocks.find(db, session_id))
    return [(one.start_ms, one.end_ms) for one in found]


async def told(rig: Rig, kind: type) -> list[object]:
    found = await rig.store.read(lambda db: events.after(db, 0, 10_000))
    return [one.body for one in found if isinstance(one.body, kind)]


def test_a_session_of_a_camera_keeps_landmarks_by_the_second_and_is_completed_at_its_end(
    tmp_path: Path,
) -> None:
    async def scenario(rig: Rig) -> None:
        session = await rig.start(BODY)
        camera = rig.sights.sources[0]
        for _ in range(30):
            camera.give(100)
        await seen(rig, 30)

        stopped = await rig.sessions.stop(session.id)

        assert (session.status, stopped.status) == ("recording", "completed")
        assert stopped.job_id is None
        assert stopped.ended_at is not None
        assert stopped.duration_ms == 3_000
        (sight,) = stopped.sights
        assert (sight.kind, sight.device, sight.lost) == ("camera", "Fake camera", "")
        assert sight.models == {"pose": "fake-pose"}
        assert (sight.counts.captured, sight.counts.processed, sight.counts.detected) == (30,) * 3
        assert await blocks(rig, session.id) == [
            (100, 900),
            (1_000, 1_900),
            (2_000, 2_900),
            (3_000, 3_000),
        ]
        assert len(await told(rig, LandmarksAdded)) == 4
        assert await gaps(rig, session.id) == []

    play(tmp_path, scenario)


def test_sound_and_pictures_are_on_one_clock_which_begins_with_the_first_sound(
    tmp_path: Path,
) -> None:
    async def scenario(rig: Rig) -> None:
        session = await rig.start(SessionsStart(sources=(SourceWish(), CAMERA), pose=True))
        microphone, camera = rig.microphones.captures[0], rig.sights.sources[0]
        microphone.hear(500)
        camera.give(0)
        microphone.hear(500)
        camera.give(0)
        await seen(rig, 2)

        stopped = await rig.sessions.stop(session.id)

        assert rig.onlooker.seen == [500, 1_000]
        assert await rig.ledger(session.id) == [(0, 1_000, "captured", "")]
        assert stopped.status == "processing"
        assert [one.kind for one in stopped.sources] == ["microphone"]

    play(tmp_path, scenario)


def test_from_the_reply_to_a_pause_on_nothing_is_seen(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        session = await rig.start(BODY)
        camera = rig.sights.sources[0]
        camera.give(400)
        await seen(rig, 1)
        assert [one.devices for one in rig.sessions.listening()] == [("Fake camera",)]

        await rig.sessions.pause(session.id)

        assert (camera.stopped, rig.sights.closed, rig.onlooker.ended) == (True, 1, 1)
        assert await blocks(rig, session.id) == [(400, 400)]
        assert rig.sessions.listening() == ()
        commits = rig.store.commits
        camera.give(5_000)  # the device goes on; nobody may look
        for _ in range(20):
            await asyncio.sleep(0)
        assert (rig.store.commits, len(rig.onlooker.seen)) == (commits, 1)

        await rig.sessions.resume(session.id)
        rig.sights.sources[1].give(100)
        await seen(rig, 2)
        stopped = await rig.sessions.stop(session.id)

        assert rig.onlooker.begun == 2
        assert rig.onlooker.seen == [400, 5_500]
        assert await gaps(rig, session.id) == [(400, 5_500, "paused")]
        assert stopped.sights[0].counts.captured == 2

    play(tmp_path, scenario)


def test_a_pause_lets_the_frame_that_is_looked_at_be_kept(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        session = await rig.start(BODY)
        rig.onlooker.may_look.clear()
        rig.sights.sources[0].give(300)
        await rig.onlooker.looking.wait()

        pausing = asyncio.get_running_loop().create_task(rig.sessions.pause(session.id))
        for _ in range(20):
            await asyncio.sleep(0)
        assert not pausing.done()
        rig.onlooker.may_look.set()
        await pausing

        assert await blocks(rig, session.id) == [(300, 300)]

    play(tmp_path, scenario)


@pytest.mark.parametrize("reason", ["stalled", "device_lost", "locked"])
def test_a_source_that_gives_nothing_is_a_gap_that_is_told_at_once_and_at_its_end(
    tmp_path: Path, reason: str
) -> None:
    async def scenario(rig: Rig) -> None:
        session = await rig.start(BODY)
        camera = rig.sights.sources[0]
        camera.give(400)
        await seen(rig, 1)
        camera.lose(reason)
        rig.clock.ns += 2_000_000_000
        await rig.until(lambda db: sights.gaps(db, session.id))
        lost = await rig.sessions.get(session.id)
        camera.give(3_000)
        await seen(rig, 2)
        back = await rig.sessions.get(session.id)
        await rig.sessions.stop(session.id)

        assert (lost.sights[0].lost, back.sights[0].lost) == (reason, "")
        assert await gaps(rig, session.id) == [(400, 5_400, reason)]
        assert await told(rig, SightGapEvent) == [
            SightGapEvent(
                session_id=session.id,
                gap=SightGap(source=0, start_ms=400, end_ms=end_ms, reason=reason),
            )
            for end_ms in (2_400, 5_400)
        ]

    play(tmp_path, scenario)


def test_a_source_that_breaks_is_opened_again_and_counts_go_on(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        session = await rig.start(BODY)
        rig.sights.sources[0].give(400)
        await seen(rig, 1)
        rig.sights.sources[0].fail(WorkerGone("the camera's worker died"))
        async with asyncio.timeout(5):
            while len(rig.sights.sources) < 2:
                await asyncio.sleep(0)
        rig.sights.sources[1].give(500)
        await seen(rig, 2)
        stopped = await rig.sessions.stop(session.id)

        assert stopped.sights[0].counts.captured == 3
        assert [reason for _, _, reason in await gaps(rig, session.id)] == ["device_lost"]

    play(tmp_path, scenario)


def test_what_a_worker_that_died_between_two_frames_had_not_sealed_is_a_gap(
    tmp_path: Path,
) -> None:
    async def scenario(rig: Rig) -> None:
        session = await rig.start(BODY)
        camera = rig.sights.sources[0]
        for _ in range(12):
            camera.give(100)
        await seen(rig, 12)
        rig.onlooker.forgot = True
        camera.give(100)
        camera.give(100)
        await seen(rig, 14)
        stopped = await rig.sessions.stop(session.id)

        assert await gaps(rig, session.id) == [(900, 1_300, "worker_gone")]
        counts = stopped.sights[0].counts
        assert (counts.processed, counts.lost) == (14, 0)

    play(tmp_path, scenario)


def test_a_worker_that_ends_costs_what_it_had_not_sealed_and_the_session_goes_on(
    tmp_path: Path,
) -> None:
    async def scenario(rig: Rig) -> None:
        session = await rig.start(BODY)
        camera = rig.sights.sources[0]
        for _ in range(12):
            camera.give(100)
        await seen(rig, 12)
        rig.onlooker.failures = [WorkerGone("the worker died")]
        camera.give(100)
        camera.give(100)
        camera.give(100)
        await seen(rig, 14)
        stopped = await rig.sessions.stop(session.id)

        assert await gaps(rig, session.id) == [(900, 1_400, "worker_gone")]
        assert stopped.sights[0].counts.lost == 1
        assert stopped.status == "completed"

    play(tmp_path, scenario)


def test_a_frame_that_cannot_be_read_is_lost_and_no_gap(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        session = await rig.start(BODY)
        rig.onlooker.failures = [BadMedia("no picture")]
        rig.sights.sources[0].give(100)
        rig.sights.sources[0].give(100)
        await seen(rig, 1)
        stopped = await rig.sessions.stop(session.id)

        counts = stopped.sights[0].counts
        assert (counts.captured, counts.processed, counts.lost) == (2, 1, 1)
        assert await gaps(rig, session.id) == []

    play(tmp_path, scenario)


def test_on_a_full_disk_the_camera_is_closed_and_goes_on_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = True
    there = landmark_blocks.add

    def add(*args: object, **facts: object) -> bool:
        if full:
            raise apsw.FullError("no room")
        return there(*args, **facts)  # type: ignore[arg-type]

    monkeypatch.setattr(landmark_blocks, "add", add)

    async def scenario(rig: Rig) -> None:
        nonlocal full
        session = await rig.start(BODY)
        for _ in range(12):
            rig.sights.sources[0].give(100)
        await rig.until(lambda db: sessions.get(db, session.id).status == "paused")
        paused = await rig.sessions.get(session.id)
        rig.clock.ns += 10_000_000_000

        full = False
        async with asyncio.timeout(5):
            while not rig.sessions.listening():  # the store knows it a moment sooner
                await asyncio.sleep(0.002)
        rig.sights.sources[1].give(100)
        await seen(rig, len(rig.onlooker.seen) + 1)
        await rig.sessions.stop(session.id)

        assert (paused.paused_reason, paused.sights[0].lost) == ("disk_full", "")
        assert rig.sights.sources[0].stopped
        ((start_ms, _),) = (await blocks(rig, session.id))[:1]
        assert start_ms == 100
        assert [reason for _, _, reason in await gaps(rig, session.id)] == ["disk_full"]

    play(tmp_path, scenario)


def test_a_defect_ends_its_session_only_and_what_was_kept_stays(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        session = await rig.start(BODY)
        for _ in range(12):
            rig.sights.sources[0].give(100)
        await rig.until(lambda db: landmark_blocks.find(db, session.id))
        rig.onlooker.defect = ZeroDivisionError()
        rig.sights.sources[0].give(100)
        await rig.until(lambda db: sessions.status(db, session.id) == "failed")

        failed = await rig.sessions.get(session.id)
        assert failed.error is not None
        assert failed.error.code == "internal"
        assert (await blocks(rig, session.id))[0] == (100, 900)

    play(tmp_path, scenario)


def test_a_video_has_its_own_clock_and_ends_the_session_by_itself(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        session = await rig.start(SessionsStart(sources=(VIDEO,), pose=True))
        video = rig.sights.sources[0]
        for _ in range(5):
            video.give(500)
        video.end()
        await rig.until(lambda db: sessions.status(db, session.id) == "completed")

        ended = await rig.sessions.get(session.id)
        while rig.sessions.watching():  # a moment after the store knows it
            await asyncio.sleep(0.002)
        assert rig.onlooker.seen == [0, 500, 1_000, 1_500, 2_000, 2_500]
        assert ended.duration_ms == 2_500
        assert video.options.device == "/a/film.mp4"
        assert (await rig.sessions.stop(session.id)).status == "completed"

    play(tmp_path, scenario)


def test_a_video_that_is_paused_waits_where_it_is(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        session = await rig.start(SessionsStart(sources=(VIDEO,), pose=True))
        await seen(rig, 1)

        await rig.sessions.pause(session.id)
        rig.sights.sources[0].give(500)
        for _ in range(20):
            await asyncio.sleep(0)
        paused = list(rig.onlooker.seen)
        await rig.sessions.resume(session.id)
        await seen(rig, 2)
        rig.sights.sources[0].end()
        await rig.until(lambda db: sessions.status(db, session.id) == "completed")

        assert (paused, rig.onlooker.seen) == ([0], [0, 500])
        assert len(rig.sights.sources) == 1
        assert await gaps(rig, session.id) == []

    play(tmp_path, scenario)


def test_a_video_whose_frames_fail_one_after_the_other_fails_the_session(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        rig.onlooker.failures = [WorkerGone("the worker died")] * 9
        session = await rig.start(SessionsStart(sources=(VIDEO,), pose=True))
        for _ in range(9):
            rig.sights.sources[0].give(100)
        await rig.until(lambda db: sessions.status(db, session.id) == "failed")

        failed = await rig.sessions.get(session.id)
        assert failed.error is not None
        assert failed.error.code == "worker_gone"

    play(tmp_path, scenario)


def frame(session_id: str, **more: int) -> SessionsFrame:
    return SessionsFrame(session_id=session_id, **more)  # type: ignore[arg-type]  # a test's numbers


def test_frames_of_a_client_are_looked_at_and_of_those_that_wait_the_newest(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        session = await rig.start(SessionsStart(sources=(FRAMES,), pose=True))
        rig.onlooker.may_look.clear()
        taken = await rig.sessions.frame(frame(session.id, captured_at_ms=0), (b"JPEG",))
        await rig.onlooker.looking.wait()
        for number in (1, 2, 3):
            request = frame(session.id, frame_id=number, captured_at_ms=100 * number)
            taken = await rig.sessions.frame(request, (b"JPEG",))
        rig.onlooker.may_look.set()
        await seen(rig, 2)
        with pytest.raises(BadRequest, match="not newer"):
            await rig.sessions.frame(frame(session.id, frame_id=3, captured_at_ms=500), (b"a",))
        with pytest.raises(BadRequest, match="1 sources of frames, not 2"):
            await rig.sessions.frame(frame(session.id, source=1), (b"a",))
        with pytest.raises(BadRequest, match="no frame came"):
            await rig.sessions.frame(frame(session.id), ())
        assert rig.sessions.listening() == ()
        stopped = await rig.sessions.stop(session.id)

        assert (taken.frame_id, taken.dropped) == (3, 2)
        assert rig.onlooker.seen == [0, 300]
        assert (stopped.status, stopped.duration_ms) == ("completed", 300)
        assert (stopped.sights[0].counts.captured, stopped.sights[0].counts.late) == (4, 2)
        with pytest.raises(Conflict, match="completed and takes no frame"):
            await rig.sessions.frame(frame(session.id), (b"a",))
        with pytest.raises(NotFound):
            await rig.sessions.frame(frame("nobody"), (b"a",))

    play(tmp_path, scenario)


def test_a_client_that_sends_more_frames_than_were_asked_for_has_some_left_out(
    tmp_path: Path,
) -> None:
    async def scenario(rig: Rig) -> None:
        session = await rig.start(SessionsStart(sources=(FRAMES,), pose=True, target_fps=10))
        for number in range(31):
            at_ms = 20 * number
            await rig.sessions.frame(frame(session.id, captured_at_ms=at_ms), (b"a",))
            while rig.sessions.watching()[0].counts.captured <= number:
                await asyncio.sleep(0)
        stopped = await rig.sessions.stop(session.id)

        assert rig.onlooker.seen == [0, 80, 180, 280, 380, 480, 580]
        counts = stopped.sights[0].counts
        assert (counts.captured, counts.processed, counts.late) == (31, 7, 24)

    play(tmp_path, scenario)


def test_a_frame_that_was_acknowledged_is_looked_at_although_the_session_stops_at_once(
    tmp_path: Path,
) -> None:
    async def scenario(rig: Rig) -> None:
        session = await rig.start(SessionsStart(sources=(FRAMES,), pose=True))
        for at_ms in (0, 500):
            await rig.sessions.frame(frame(session.id, captured_at_ms=at_ms), (b"a",))
            if not at_ms:
                await seen(rig, 1)
        stopped = await rig.sessions.stop(session.id)

        assert rig.onlooker.seen == [0, 500]
        assert stopped.sights[0].counts.processed == 2

    play(tmp_path, scenario)


def test_a_paused_session_takes_no_frames_of_a_client(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        session = await rig.start(SessionsStart(sources=(FRAMES,), pose=True))
        await rig.sessions.pause(session.id)

        with pytest.raises(Conflict, match="paused and takes no frame"):
            await rig.sessions.frame(frame(session.id), (b"a",))
        await rig.sessions.resume(session.id)
        await rig.sessions.frame(frame(session.id, captured_at_ms=700), (b"a",))
        await seen(rig, 1)

        assert rig.onlooker.seen == [700]

    play(tmp_path, scenario)


def test_a_session_that_saw_nothing_failed_and_says_why(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        session = await rig.start(SessionsStart(sources=(FRAMES,), pose=True))
        stopped = await rig.sessions.stop(session.id)

        assert stopped.status == "failed"
        assert stopped.error is not None
        assert stopped.error.code == "no_frames"

    play(tmp_path, scenario)


def test_a_camera_that_cannot_be_opened_leaves_no_session_and_frees_the_microphone(
    tmp_path: Path,
) -> None:
    async def scenario(rig: Rig) -> None:
        rig.sights.refusals = [DeviceMissing("no camera")]
        with pytest.raises(DeviceMissing):
            await rig.start(SessionsStart(sources=(SourceWish(), CAMERA), pose=True))

        assert await rig.store.read(sessions.list_sessions) == ()
        assert rig.microphones.closed == 1
        assert (rig.onlooker.begun, rig.onlooker.ended) == (1, 1)

    play(tmp_path, scenario)


def test_a_model_that_is_missing_keeps_every_device_closed(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        rig.onlooker.refusal = ModelMissing("no pose-landmarker-lite")
        with pytest.raises(ModelMissing):
            await rig.start(SessionsStart(sources=(SourceWish(), CAMERA), pose=True))

        assert (rig.sights.sources, rig.microphones.captures) == ([], [])

    play(tmp_path, scenario)


def test_a_device_that_does_not_come_back_after_a_pause_leaves_the_session_paused(
    tmp_path: Path,
) -> None:
    async def scenario(rig: Rig) -> None:
        session = await rig.start(BODY)
        await rig.sessions.pause(session.id)
        rig.sights.refusals = [DeviceMissing("unplugged")]
        with pytest.raises(DeviceMissing):
            await rig.sessions.resume(session.id)
        assert (await rig.sessions.get(session.id)).status == "paused"

        resumed = await rig.sessions.resume(session.id)
        rig.sights.sources[-1].give(50)
        await seen(rig, 1)

        assert resumed.status == "recording"

    play(tmp_path, scenario)


def test_a_deleted_session_leaves_nothing_of_what_was_seen(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        session = await rig.start(BODY)
        for _ in range(12):
            rig.sights.sources[0].give(100)
        await rig.until(lambda db: landmark_blocks.find(db, session.id))

        await rig.sessions.delete(session.id)

        assert rig.onlooker.discarded
        assert rig.sights.closed == 1

        def rows(db: Connection) -> list[int]:
            tables = ("sights", "tracks", "landmark_blocks", "sight_gaps")
            return [int(db.execute(f"SELECT count(*) FROM {one}").get) for one in tables]  # noqa: S608 names

        assert await rig.store.read(rows) == [0, 0, 0, 0]

    play(tmp_path, scenario)


def test_a_killed_daemon_leaves_a_session_with_all_its_seconds_and_a_gap(tmp_path: Path) -> None:
    async def killed(rig: Rig) -> None:
        await rig.start(BODY)
        for _ in range(12):
            rig.sights.sources[0].give(100)
        await rig.until(lambda db: db.execute("SELECT count(*) FROM landmark_blocks").get)
        long_ago = "UPDATE sessions SET started_at = '2026-01-01T00:00:00.000Z'"
        await rig.store.write(lambda db: db.execute(long_ago))
        rig.sessions._running.clear()  # nobody is left to end it

    async def found(rig: Rig) -> None:
        await rig.until(lambda db: not sessions.left_running(db))
        (session,) = await rig.store.read(sessions.list_sessions)

        assert session.status == "completed"
        assert await blocks(rig, session.id) == [(100, 900)]
        assert await gaps(rig, session.id) == [(900, 1_900, "killed")]
        assert session.duration_ms == 1_900

    play(tmp_path, killed)
    play(tmp_path, found)


def test_how_many_frames_come_is_told_once_a_second(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        session = await rig.start(BODY)
        subscription = rig.bus.subscribe(("sight.rate",))
        for number in range(1, 26):
            rig.sights.sources[0].give(100, late=1)
            await seen(rig, number)
        hints = [await subscription.next() for _ in range(3)]
        shown = (await rig.sessions.get(session.id)).sights[0].counts

        rates = [one[2] for one in hints if not isinstance(one, int)]
        assert all(isinstance(one, SightRate) and one.source == 0 for one in rates)
        assert shown.captured_fps == pytest.approx(20, abs=2)
        assert shown.processed_fps == pytest.approx(10, abs=1)

    play(tmp_path, scenario)


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        (SessionsStart(sources=(CAMERA,)), "nothing to look for"),
        (SessionsStart(sources=(CAMERA, CAMERA), pose=True), "asked for twice"),
        (SessionsStart(sources=(SourceWish(), VIDEO), pose=True), "watched alone"),
        (SessionsStart(sources=(CAMERA,), screen=True), "key frames are of screens"),
        (SessionsStart(pose=True, derived=("gestures",)), "those of hands"),
        (SessionsStart(pose=True, derived=("blinks",)), "those of faces"),
        (
            SessionsStart(sources=(SourceWish(kind="client"),) * 3, pose=True, screen=True),
            "5 sources",
        ),
    ],
)
def test_sources_that_do_not_go_together_are_refused(
    tmp_path: Path, request_: SessionsStart, why: str
) -> None:
    async def scenario(rig: Rig) -> None:
        with pytest.raises(BadRequest, match=why):
            await rig.start(request_)

    play(tmp_path, scenario)


def test_what_is_to_be_seen_decides_which_sources_are_added() -> None:
    def kinds(**options: object) -> list[str]:
        return [one.kind for one in SessionsStart(**options).wished]  # type: ignore[arg-type]  # a test's own words

    assert kinds() == ["microphone"]
    assert kinds(pose=True) == ["camera"]
    assert kinds(screen=True) == ["screen"]
    assert kinds(screen=True, hands=True) == ["screen", "camera"]
    assert kinds(sources=(SourceWish(),), hands=True) == ["microphone", "camera"]
    assert kinds(sources=(FRAMES,), hands=True) == ["frames"]


def test_what_is_asked_for_reaches_the_device_and_what_is_configured_stays_hidden(
    tmp_path: Path,
) -> None:
    hidden = Settings(deny="Password, Bank ,")
    wish = SourceWish(kind="screen", device="1", region=(0, 0, 64, 64), deny=("Diary",))

    options = sight_options(hidden, wish, fps=5)

    assert options == SightOptions(
        device="1", fps=5, region=(0, 0, 64, 64), deny=("Password", "Bank", "Diary")
    )

    async def scenario(rig: Rig) -> None:
        await rig.start(SessionsStart(sources=(wish,), screen=True))
        await rig.start(SessionsStart(sources=(CAMERA,), pose=True, target_fps=24))

        assert [one.options.fps for one in rig.sights.sources] == [5.0, 24.0]

    play(tmp_path, scenario)
