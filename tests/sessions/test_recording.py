"""Sessions on a real store: what is committed, paused, lost, ended and found again."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest
from fake_microphones import FakeCapture
from session_rig import Rig, play

from edged.capture.source import CapturedPart
from edged.config import Sessions as Settings
from edged.errors import (
    BadRequest,
    Conflict,
    DeviceMissing,
    DiskFull,
    NotFound,
    WorkerGone,
)
from edged.messages.sessions import SessionsStart, SourceWish
from edged.store import chunks, events, jobs, sessions
from edged.store.engine import Connection


def numbers(session_id: str, least: int) -> Callable[[Connection], bool]:
    def there(db: Connection) -> bool:
        recordings = sessions.recordings_of(db, session_id)
        return all(len(chunks.list_chunks(db, one)) >= least for one in recordings)

    return there


def test_chunks_are_committed_while_recording_and_the_rest_at_the_end(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        session = await rig.start(SessionsStart(name="talk", group="team"))
        capture = rig.microphones.captures[0]
        capture.hear(70_000)
        await capture.settled()
        await rig.until(numbers(session.id, 2))
        before = await rig.ledger(session.id)

        stopped = await rig.sessions.stop(session.id)

        assert before == [(0, 60_000, "captured", "")]
        assert await rig.ledger(session.id) == [(0, 70_000, "captured", "")]
        assert (stopped.status, stopped.duration_ms) == ("processing", 70_000)
        assert (stopped.name, stopped.group, stopped.started_by) == ("talk", "team", "a test")
        assert stopped.ended_at is not None
        assert stopped.sources[0].device == "Fake device"
        job = await rig.store.read(lambda db: jobs.get(db, stopped.job_id or ""))
        assert (job.state, rig.woken) == ("queued", 1)

    play(tmp_path, scenario)


def test_silence_and_device_loss_are_in_the_ledger_to_the_millisecond(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        session = await rig.start()
        capture = rig.microphones.captures[0]
        capture.hear(30_000)
        capture.hear(30_000, silent=True)
        capture.hear(5_000)
        capture.lose(2_500)
        capture.hear(1_000)

        await rig.sessions.stop(session.id)

        assert await rig.ledger(session.id) == [
            (0, 30_000, "captured", ""),
            (30_000, 60_000, "silence", ""),
            (60_000, 65_000, "captured", ""),
            (65_000, 67_500, "gap", "device_lost"),
            (67_500, 68_500, "captured", ""),
        ]

    play(tmp_path, scenario)


def test_a_pause_commits_what_came_before_and_nothing_until_it_is_over(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        session = await rig.start()
        first = rig.microphones.captures[0]
        first.hear(12_000)

        paused = await rig.sessions.pause(session.id)

        assert (paused.status, paused.paused_reason) == ("paused", "asked")
        assert rig.microphones.closed == 1
        commits, told = rig.store.commits, await rig.store.read(events.newest)
        first.hear(40_000)  # the device goes on; nobody may listen
        for _ in range(20):
            await asyncio.sleep(0)
        assert rig.store.commits == commits
        assert await rig.store.read(events.newest) == told
        with pytest.raises(Conflict, match="paused and cannot become paused"):
            await rig.sessions.pause(session.id)
        assert rig.sessions.listening() == ()

        resumed = await rig.sessions.resume(session.id)
        rig.microphones.captures[1].hear(8_000)
        await rig.sessions.stop(session.id)

        assert (resumed.status, resumed.paused_reason) == ("recording", "")
        assert await rig.ledger(session.id) == [
            (0, 12_000, "captured", ""),
            (12_000, 52_000, "gap", "paused"),
            (52_000, 60_000, "captured", ""),
        ]
        recording = session.sources[0].recording_id
        found = await rig.store.read(lambda db: chunks.list_chunks(db, recording))
        assert [chunk.number for chunk in found] == [0, 1]

    play(tmp_path, scenario)


def test_two_sources_have_one_clock_and_a_ledger_each(tmp_path: Path) -> None:
    wish = (SourceWish(), SourceWish(kind="loopback"))

    async def scenario(rig: Rig) -> None:
        session = await rig.start(SessionsStart(sources=wish))
        one, other = rig.microphones.captures
        one.hear(31_000)
        other.lose(1_000, "overrun")

        assert one.options.origin_ns is None
        assert other.options.origin_ns == one.origin_ns
        await rig.sessions.stop(session.id)

        entries = await rig.ledger(session.id)
        assert (0, 31_000, "captured", "") in entries
        assert (0, 1_000, "gap", "overrun") in entries
        assert [source.kind for source in session.sources] == ["microphone", "loopback"]

    play(tmp_path, scenario)


def test_a_device_that_cannot_be_opened_leaves_no_session_and_frees_the_others(
    tmp_path: Path,
) -> None:
    wish = (SourceWish(), SourceWish(kind="loopback"))

    async def scenario(rig: Rig) -> None:
        rig.microphones.refusals = [None, DeviceMissing("no such device")]

        with pytest.raises(DeviceMissing, match="no such device"):
            await rig.start(SessionsStart(sources=wish))

        assert await rig.store.read(sessions.list_sessions) == ()
        assert rig.microphones.closed == len(rig.microphones.captures) == 1
        with pytest.raises(BadRequest, match="twice"):
            await rig.start(SessionsStart(sources=(SourceWish(), SourceWish())))

    play(tmp_path, scenario)


def test_a_capture_that_breaks_is_opened_again_and_the_time_between_is_a_gap(
    tmp_path: Path,
) -> None:
    async def scenario(rig: Rig) -> None:
        session = await rig.start()
        capture = rig.microphones.captures[0]
        capture.hear(30_000)
        rig.clock.ns += 4_000_000_000
        capture.fail(WorkerGone("the capture worker died"))
        async with asyncio.timeout(5):
            while len(rig.microphones.captures) < 2:
                await asyncio.sleep(0.001)
        rig.microphones.captures[1].hear(6_000)

        await rig.sessions.stop(session.id)

        assert await rig.ledger(session.id) == [
            (0, 30_000, "captured", ""),
            (30_000, 34_000, "gap", "device_lost"),
            (34_000, 40_000, "captured", ""),
        ]

    play(tmp_path, scenario)


def test_a_session_that_is_stopped_twice_has_one_job(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        session = await rig.start()
        rig.microphones.captures[0].hear(1_000)

        first, second = await asyncio.gather(
            rig.sessions.stop(session.id), rig.sessions.stop(session.id)
        )
        third = await rig.sessions.stop(session.id)

        assert first.status == second.status == third.status == "processing"
        assert first.job_id == third.job_id
        assert (await rig.store.read(jobs.counts))["queued"] == 1
        with pytest.raises(Conflict):
            await rig.sessions.resume(session.id)

    play(tmp_path, scenario)


def test_a_session_without_any_audio_fails_with_no_audio(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        session = await rig.start()

        stopped = await rig.sessions.stop(session.id)

        assert stopped.status == "failed"
        assert stopped.error is not None
        assert stopped.error.code == "no_audio"
        assert stopped.job_id is None

    play(tmp_path, scenario)


def test_on_a_full_disk_the_session_pauses_keeps_its_chunk_and_goes_on_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = True

    def add(*args: object, **facts: object) -> bool:
        if full:
            raise apsw.FullError("no room")
        return there(*args, **facts)  # type: ignore[arg-type]

    there = chunks.add
    monkeypatch.setattr(chunks, "add", add)

    async def scenario(rig: Rig) -> None:
        nonlocal full
        session = await rig.start()
        rig.microphones.captures[0].hear(33_000)
        await rig.until(lambda db: sessions.get(db, session.id).status == "paused")
        paused = await rig.sessions.get(session.id)
        rig.clock.ns += 10_000_000_000

        full = False
        await rig.until(lambda db: sessions.get(db, session.id).status == "recording")
        rig.microphones.captures[1].hear(2_000)
        await rig.sessions.stop(session.id)

        assert (paused.status, paused.paused_reason) == ("paused", "disk_full")
        assert await rig.ledger(session.id) == [
            (0, 33_000, "captured", ""),
            (33_000, 43_000, "gap", "disk_full"),
            (43_000, 45_000, "captured", ""),
        ]

    play(tmp_path, scenario)


def test_a_session_stopped_on_a_full_disk_ends_by_itself_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = True

    def add(*args: object, **facts: object) -> bool:
        if full:
            raise apsw.FullError("no room")
        return there(*args, **facts)  # type: ignore[arg-type]

    there = chunks.add
    monkeypatch.setattr(chunks, "add", add)

    async def scenario(rig: Rig) -> None:
        nonlocal full
        session = await rig.start()
        rig.microphones.captures[0].hear(5_000)

        with pytest.raises(DiskFull, match="cannot be written"):
            await rig.sessions.stop(session.id)
        full = False
        await rig.until(lambda db: sessions.get(db, session.id).status == "processing")

        assert await rig.ledger(session.id) == [(0, 5_000, "captured", "")]

    play(tmp_path, scenario)


def test_a_killed_daemon_s_session_ends_at_the_next_start_with_its_loss_in_the_ledger(
    tmp_path: Path,
) -> None:
    found: list[str] = []

    async def killed(rig: Rig) -> None:
        session = await rig.start()
        found.append(session.id)
        rig.microphones.captures[0].hear(40_000)
        await rig.until(numbers(session.id, 1))
        await rig.store.write(
            lambda db: db.execute("UPDATE sessions SET started_at = '2026-01-01T00:00:00.000Z'")
        )
        rig.sessions._running.clear()

    async def next_start(rig: Rig) -> None:
        await rig.until(lambda db: sessions.get(db, found[0]).status == "processing")

        assert await rig.ledger(found[0]) == [
            (0, 30_000, "captured", ""),
            (30_000, 60_000, "gap", "killed"),
        ]
        assert (await rig.store.read(jobs.counts))["queued"] == 1
        async with asyncio.timeout(5):
            while not rig.woken:  # told after the commit
                await asyncio.sleep(0)

    play(tmp_path, killed)
    play(tmp_path, next_start)


def test_a_session_that_was_paused_when_the_daemon_was_killed_has_lost_nothing(
    tmp_path: Path,
) -> None:
    found: list[str] = []

    async def killed(rig: Rig) -> None:
        session = await rig.start()
        found.append(session.id)
        rig.microphones.captures[0].hear(5_000)
        await rig.sessions.pause(session.id)
        rig.sessions._running.clear()

    async def next_start(rig: Rig) -> None:
        await rig.until(lambda db: sessions.get(db, found[0]).status == "processing")

        assert await rig.ledger(found[0]) == [(0, 5_000, "captured", "")]

    play(tmp_path, killed)
    play(tmp_path, next_start)


def test_a_gap_that_goes_on_is_noted_so_that_a_kill_does_not_hide_it(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        session = await rig.start()
        capture = rig.microphones.captures[0]
        capture.hear(10_000)
        capture.go_away()
        await capture.settled()
        await rig.until(numbers(session.id, 1))
        shown = await rig.sessions.get(session.id)
        rig.clock.ns += 60_000_000_000

        for recorder in rig.sessions._running.values():
            await recorder.note_gaps()

        assert shown.sources[0].lost == "device_lost"
        assert await rig.ledger(session.id) == [
            (0, 10_000, "captured", ""),
            (10_000, 70_000, "gap", "device_lost"),
        ]

    play(tmp_path, scenario)


def test_a_defect_ends_its_session_only_and_says_internal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario(rig: Rig) -> None:
        session = await rig.start()
        other = await rig.start(SessionsStart(sources=(SourceWish(kind="loopback"),)))
        first: FakeCapture = rig.microphones.captures[0]
        first.hear(31_000)
        await rig.until(numbers(session.id, 1))
        with monkeypatch.context() as patched:
            patched.setattr("edged.sessions.recorder._decibels", _broken)
            first.hear(1_000)
            await rig.until(lambda db: sessions.get(db, session.id).status == "failed")

        ended = await rig.stored(session.id)

        assert ended.error is not None
        assert ended.error.code == "internal"
        assert (await rig.sessions.get(other.id)).status == "recording"

    play(tmp_path, scenario)


def _broken(_: float) -> float:
    raise ZeroDivisionError


def test_a_recording_that_is_deleted_under_its_session_ends_it(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        session = await rig.start()
        capture = rig.microphones.captures[0]

        await rig.store.delete_recording(session.sources[0].recording_id)
        capture.hear(31_000)
        async with asyncio.timeout(5):
            while rig.sessions.listening():
                await asyncio.sleep(0.001)

        assert rig.microphones.closed == 1
        with pytest.raises(NotFound):
            await rig.sessions.get(session.id)

    play(tmp_path, scenario)


def test_a_device_that_does_not_come_back_after_a_pause_leaves_the_session_paused(
    tmp_path: Path,
) -> None:
    async def scenario(rig: Rig) -> None:
        session = await rig.start()
        rig.microphones.captures[0].hear(5_000)
        await rig.sessions.pause(session.id)
        rig.microphones.refusals = [DeviceMissing("unplugged")]

        with pytest.raises(DeviceMissing, match="unplugged"):
            await rig.sessions.resume(session.id)
        still = await rig.sessions.get(session.id)
        rig.clock.ns += 3_000_000_000
        again = await rig.sessions.resume(session.id)
        rig.microphones.captures[1].hear(1_000)
        await rig.sessions.stop(session.id)

        assert (still.status, again.status) == ("paused", "recording")
        assert await rig.ledger(session.id) == [
            (0, 5_000, "captured", ""),
            (5_000, 8_000, "gap", "paused"),
            (8_000, 9_000, "captured", ""),
        ]

    play(tmp_path, scenario)


def test_a_session_that_is_paused_ends_where_it_was_paused(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        session = await rig.start()
        rig.microphones.captures[0].hear(5_000)
        await rig.sessions.pause(session.id)
        rig.clock.ns += 60_000_000_000

        ended = await rig.sessions.stop(session.id)

        assert (ended.status, ended.duration_ms) == ("processing", 5_000)
        assert await rig.ledger(session.id) == [(0, 5_000, "captured", "")]

    play(tmp_path, scenario)


def test_captions_get_every_part_and_never_hold_capture_up(tmp_path: Path) -> None:
    """Captions that recognise nothing at all: everything is committed, and the backlog is shown."""

    async def scenario(rig: Rig) -> None:
        stuck = Stuck()
        rig.captions = stuck
        session = await rig.start()
        for _ in range(30):
            rig.microphones.captures[0].hear(10_000)
        await rig.microphones.captures[0].settled()
        await rig.until(numbers(session.id, 10))
        shown = await rig.sessions.get(session.id)

        await rig.sessions.stop(session.id)

        assert (shown.backlog_ms, shown.eta_ms) == (300_000, 600_000)
        assert stuck.finished
        assert await rig.ledger(session.id) == [(0, 300_000, "captured", "")]

    play(tmp_path, scenario)


class Stuck:
    """Captions that never recognise anything."""

    def __init__(self) -> None:
        self.backlog_ms = 0
        self.finished = False
        self._end = asyncio.Event()

    @property
    def eta_ms(self) -> int | None:
        return self.backlog_ms * 2

    def push(self, part: CapturedPart) -> None:
        self.backlog_ms += part.audio.duration_ms

    async def run(self) -> None:
        await self._end.wait()

    async def finish(self, *, drain_s: float) -> None:
        self.finished = drain_s < 5
        self._end.set()


def test_a_session_is_deleted_while_it_records_and_while_it_is_worked_on(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        recorded = await rig.start()
        rig.microphones.captures[0].hear(40_000)
        processed = await rig.start(SessionsStart(sources=(SourceWish(kind="loopback"),)))
        rig.microphones.captures[1].hear(40_000)
        job = (await rig.sessions.stop(processed.id)).job_id

        await rig.sessions.delete(recorded.id)
        await rig.sessions.delete(processed.id)

        assert rig.microphones.captures[0].discarded
        assert rig.cancelled == [job]
        assert await rig.store.read(sessions.list_sessions) == ()
        tables = ("recordings", "chunks", "audio_chunks", "ledger", "jobs")
        for table in tables:
            count = f"SELECT count(*) FROM {table}"  # noqa: S608 constants
            assert await rig.store.read(lambda db, sql=count: db.execute(sql).get) == 0  # type: ignore[misc]
        with pytest.raises(NotFound):
            await rig.sessions.delete(recorded.id)

    play(tmp_path, scenario)


def test_old_sessions_and_unwanted_audio_are_swept_away(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        old = await rig.start(SessionsStart(retention_ms=1))
        rig.microphones.captures[0].hear(1_000)
        await rig.sessions.stop(old.id)
        forgetful = await rig.start(SessionsStart(keep_audio=False))
        rig.microphones.captures[1].hear(1_000)
        await rig.sessions.stop(forgetful.id)
        await asyncio.sleep(0.002)
        await rig.sessions.sweep()
        recording = forgetful.sources[0].recording_id
        kept = await rig.store.read(lambda db: chunks.data(db, recording, number=0))

        await rig.store.write(lambda db: sessions.settle(db, forgetful.id))
        await rig.sessions.sweep()

        assert kept
        assert await rig.store.read(lambda db: chunks.data(db, recording, number=0)) == b""
        left = await rig.store.read(sessions.list_sessions)
        assert [(one.id, one.audio_kept) for one in left] == [(forgetful.id, False)]

    play(tmp_path, scenario)


def test_who_records_what_is_visible_and_how_loud_it_is(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        hints = rig.bus.subscribe(("session.",))
        session = await rig.start()
        rig.microphones.captures[0].hear(2_000)
        await rig.microphones.captures[0].settled()

        (listening,) = rig.sessions.listening()
        told = [await hints.next() for _ in range(4)]

        assert (listening.session_id, listening.started_by) == (session.id, "a test")
        assert listening.devices == ("Fake device",)
        assert listening.duration_ms == 2_000
        names = [type(event[2]).__name__ for event in told if not isinstance(event, int)]
        assert names[0] == "SessionChanged"
        assert "SessionLevel" in names

    play(tmp_path, scenario)


def test_settings_give_lexicons_and_retention_to_sessions_that_say_nothing(tmp_path: Path) -> None:
    settings = Settings(retention_days=1, lexicons="singlish -singlish.vulgar")

    async def scenario(rig: Rig) -> None:
        session = await rig.start()
        bare = await rig.start(SessionsStart(lexicons=(), sources=(SourceWish(kind="loopback"),)))
        rig.microphones.captures[0].hear(1_000)
        await rig.sessions.stop(session.id)

        assert session.lexicons == ("singlish", "-singlish.vulgar")
        assert bare.lexicons == ()
        expiry = await rig.store.read(
            lambda db: (
                db.execute(
                    "SELECT julianday(expires_at) - julianday(ended_at) FROM sessions WHERE session_id = ?",
                    (session.id,),
                ).get
            )
        )
        assert round(float(expiry), 3) == 1.0

    play(tmp_path, scenario, settings)


def test_a_client_s_session_needs_no_device_and_goes_on_after_a_restart(tmp_path: Path) -> None:
    found: list[str] = []

    async def before(rig: Rig) -> None:
        session = await rig.start(SessionsStart(sources=(SourceWish(kind="client"),)))
        found.append(session.id)

        assert (await rig.sessions.pause(session.id)).status == "paused"
        assert (await rig.sessions.resume(session.id)).status == "recording"
        assert rig.microphones.captures == []

    async def after(rig: Rig) -> None:
        assert (await rig.sessions.get(found[0])).status == "recording"
        ended = await rig.sessions.stop(found[0])
        assert (ended.status, ended.error and ended.error.code) == ("failed", "no_audio")

    play(tmp_path, before)
    play(tmp_path, after)


def test_the_end_of_the_daemon_ends_its_sessions_in_order(tmp_path: Path) -> None:
    found: list[str] = []

    async def recorded(rig: Rig) -> None:
        session = await rig.start()
        found.append(session.id)
        rig.microphones.captures[0].hear(7_000)

    async def after(rig: Rig) -> None:
        assert (await rig.stored(found[0])).status == "processing"
        assert await rig.ledger(found[0]) == [(0, 7_000, "captured", "")]

    play(tmp_path, recorded)
    play(tmp_path, after)
