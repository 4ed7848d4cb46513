"""The work after a session's end, on real workers with models whose answers are known."""

import asyncio
import json
import tracemalloc
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from typing import Any, TypeVar

import pytest
from listening_rig import Rig, add_places, add_session, only_fakes, run, sound

from edged.config import Paths
from edged.errors import Conflict, NotFound
from edged.media import SPEECH
from edged.messages.records import Problem, Segment
from edged.messages.replies import Accepted, Transcribed, Transcript
from edged.messages.sessions import SessionsReprocess, SessionsStart
from edged.pipeline import sources
from edged.pipeline.afterwards.wish import Errand
from edged.store import ledger, outcomes, sessions, transcripts
from edged.store.database import Store
from edged.store.engine import Connection

__all__ = ["only_fakes"]

T = TypeVar("T")

TWO_VOICES = sound(
    [(0, 1000), (1, 4000), (0, 1000), (2, 3000), (0, 1000), (1, 2000), (2, 2000), (0, 500)]
)
OPTIONS = SessionsStart(lexicons=("singlish",))
EVERYTHING = {"vad": "", "transcribe": "", "diarize": "", "speech_emotion": ""}


async def _picture(rig: Rig, session: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(await rig.picture(session))
    return found


async def _said(rig: Rig, session: str) -> list[tuple[str | None, int, str]]:
    """Speaker, rough start in seconds and first word of every segment."""
    rows = (await _picture(rig, session))["segments"]
    return [(row[7], round(row[2] / 1000), row[4].split()[0]) for row in rows]


def test_a_session_gets_speakers_words_counts_and_samples(paths: Paths) -> None:
    async def scenario(rig: Rig) -> None:
        session = await rig.store.write(lambda db: add_session(db, [TWO_VOICES], OPTIONS))

        status = await rig.finish(session)

        assert status == "ready_for_claiming"
        found = await _picture(rig, session)
        assert await _said(rig, session) == [
            ("SPEAKER_00", 1, "lor"),
            ("SPEAKER_01", 6, "shiok"),
            ("SPEAKER_00", 10, "lor"),
            ("SPEAKER_01", 12, "shiok"),
        ]
        assert found["segments"][0][5].startswith("low low")
        assert [row[:3] for row in found["speakers"]] == [
            ["SPEAKER_00", 1000, 5000],
            ["SPEAKER_01", 6000, 9000],
        ]
        assert found["targets"] == [
            ["SPEAKER_00", "singlish", "particles", "lor", 24],
            ["SPEAKER_01", "singlish", "colloquial", "shiok", 20],
        ]
        assert not found["left"]

    run(paths, scenario)


def test_what_is_lost_or_cannot_be_decoded_leaves_later_times_right(paths: Paths) -> None:
    async def scenario(rig: Rig) -> None:
        pcm = sound([(1, 2000), (3, 2000), (3, 2000), (0, 1000), (2, 3000)])
        session = await rig.store.write(
            lambda db: add_session(
                db, [pcm], OPTIONS, missing=frozenset({1}), broken=frozenset({2})
            )
        )

        await rig.finish(session)

        assert await _said(rig, session) == [("SPEAKER_00", 0, "lor"), ("SPEAKER_01", 7, "shiok")]
        entries = await rig.store.read(lambda db: ledger.of_session(db, session))
        gaps = [(one.start_ms, one.end_ms) for one in entries if one.reason == "bad_chunk"]
        assert gaps == [(4000, 6000)]

    run(paths, scenario)


def test_both_sources_are_heard_and_speakers_counted_by_their_first_words(paths: Paths) -> None:
    async def scenario(rig: Rig) -> None:
        first = sound([(0, 5000), (1, 3000), (0, 500)])
        second = sound([(0, 1000), (2, 3000), (0, 500)])
        session = await rig.store.write(lambda db: add_session(db, [first, second], OPTIONS))

        await rig.finish(session)

        assert await _said(rig, session) == [("SPEAKER_01", 5, "lor"), ("SPEAKER_00", 1, "shiok")]

    run(paths, scenario)


@pytest.mark.parametrize(
    ("voices", "options"),
    [
        pytest.param([(0, 4000)], OPTIONS, id="no speech"),
        pytest.param([(1, 3000)], SessionsStart(diarize=False), id="no diarization"),
    ],
)
def test_without_a_speaker_the_session_is_completed_at_once(
    paths: Paths, voices: Sequence[tuple[int, int]], options: SessionsStart
) -> None:
    async def scenario(rig: Rig) -> None:
        session = await rig.store.write(lambda db: add_session(db, [sound(voices)], options))

        status = await rig.finish(session)

        assert status == "completed"
        assert not (await _picture(rig, session))["speakers"]

    run(paths, scenario)


def test_stages_without_a_model_are_skipped_and_say_so(paths: Paths) -> None:
    async def scenario(rig: Rig) -> None:
        session = await rig.store.write(lambda db: add_session(db, [TWO_VOICES], OPTIONS))

        status = await rig.finish(session)

        assert status == "completed"
        found = await rig.store.read(lambda db: sessions.get(db, session))
        assert [one.code for one in found.skipped] == ["model_missing", "model_missing"]
        assert [one.message.split()[0] for one in found.skipped] == ["diarize", "speech_emotion"]
        assert len((await _picture(rig, session))["segments"]) == 3

    run(paths, scenario, vad="", transcribe="")


def test_segments_say_how_they_sound_where_a_model_can_tell(paths: Paths) -> None:
    async def scenario(rig: Rig) -> None:
        session = await rig.store.write(lambda db: add_session(db, [TWO_VOICES], OPTIONS))

        await rig.finish(session)

        rows = (await _picture(rig, session))["segments"]
        assert [(row[7], row[9], row[10]) for row in rows] == [
            ("SPEAKER_00", "neutral", 0.875),
            ("SPEAKER_01", "happy", 0.875),
            ("SPEAKER_00", "neutral", 0.875),
            ("SPEAKER_01", "happy", 0.875),
        ]

    run(paths, scenario, **EVERYTHING)


def test_three_hundred_speakers_are_told_apart(paths: Paths) -> None:
    async def scenario(rig: Rig) -> None:
        pcm = sound([(voice, 500) for voice in range(1, 301)])
        session = await rig.store.write(lambda db: add_session(db, [pcm], OPTIONS))

        await rig.finish(session)

        speakers = (await _picture(rig, session))["speakers"]
        assert len(speakers) == 300
        assert speakers[-1][0] == "SPEAKER_99"
        assert {row[3] for row in speakers} <= {1, 2}

    run(paths, scenario)


class Killed(BaseException):
    """As kill -9 would: nothing is tidied up."""


class Dying(Store):
    """A store whose process dies at a commit border: before the n-th commit, or right after it."""

    left: int
    committed: bool
    dead: bool = False

    async def write(  # type: ignore[explicit-override]  # typing has it from Python 3.12 on
        self, transaction: Callable[[Connection], T], *, makes_room: bool = False
    ) -> T:
        self.dead = self.dead or (not self.left and not self.committed)
        if self.dead:
            raise Killed
        done = await super().write(transaction, makes_room=makes_room)
        if not self.left:
            self.dead = True
        self.left -= 1
        if self.dead:
            raise Killed
        return done


def _dying(store: Store, border: int, *, committed: bool) -> Dying:
    dying = Dying.__new__(Dying)
    dying.__dict__.update(store.__dict__)
    dying.left, dying.committed = border, committed
    return dying


async def _killed_at(rig: Rig, session: str, border: int, *, committed: bool) -> bool:
    """Whether a run of a session's work was killed at a border; its job stays as it was then."""
    dying = _dying(rig.store, border, committed=committed)
    await rig.work.submit_session(session)
    rig.rebuild(dying)
    loop = asyncio.get_running_loop()
    tasks = {loop.create_task(rig.runner.run()), loop.create_task(_over(rig.store, session))}
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED, timeout=15)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    for task in tasks:
        if not task.cancelled():
            task.exception()
    rig.rebuild(rig.store)
    return dying.dead


async def _over(store: Store, session: str) -> None:
    while await store.read(lambda db: sessions.status(db, session)) == "processing":
        await asyncio.sleep(0.01)


async def _restart(rig: Rig, session: str) -> None:
    """What a start of the daemon does, and the work until its end."""
    await rig.store.write(transcripts.interrupt)
    await rig.over(session)


def _killed_and_taken_up(paths: Paths, borders: Sequence[tuple[int, bool]] | None) -> None:
    async def scenario(rig: Rig) -> None:
        async def fresh() -> str:
            return await rig.store.write(lambda db: add_session(db, [TWO_VOICES] * 2, OPTIONS))

        expected = await fresh()
        await rig.finish(expected)
        picture = await rig.picture(expected)
        for border, committed in borders or product(range(200), (False, True)):
            session = await fresh()
            killed = await _killed_at(rig, session, border, committed=committed)
            if not killed:
                assert borders is None
                assert border > 12
                return
            await _restart(rig, session)
            assert await rig.picture(session) == picture, (border, committed)

    run(paths, scenario, **EVERYTHING)


def test_a_kill_at_a_commit_border_changes_nothing(paths: Paths) -> None:
    _killed_and_taken_up(paths, borders=[(3, False), (7, True), (12, False), (16, True)])


@pytest.mark.long
@pytest.mark.timeout(280)
def test_a_kill_at_any_commit_border_changes_nothing(paths: Paths) -> None:
    _killed_and_taken_up(paths, borders=None)


def test_a_failed_session_keeps_its_results_and_goes_on_where_it_stopped(
    paths: Paths, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    broken.touch()

    async def scenario(rig: Rig) -> None:
        session = await rig.store.write(lambda db: add_session(db, [TWO_VOICES], OPTIONS))
        status = await rig.finish(session)
        failed = await rig.store.read(lambda db: sessions.get(db, session))
        kept = (await _picture(rig, session))["left"]

        broken.unlink()
        await rig.work.retry(session)
        again = await rig.over(session)

        assert (status, again) == ("failed", "ready_for_claiming")
        assert failed.error is not None
        assert failed.error.code == "bad_media"
        assert "join" in {stage for stage, _ in kept}
        assert len(await _said(rig, session)) == 4
        with pytest.raises(Conflict):
            await rig.work.retry(session)

    run(paths, scenario, vad="", transcribe="", diarize=f'broken_while = "{broken}"')


def test_a_session_is_worked_on_again_in_another_way(paths: Paths) -> None:
    async def scenario(rig: Rig) -> None:
        session = await rig.store.write(lambda db: add_session(db, [TWO_VOICES], OPTIONS))
        await rig.finish(session)
        asked = SessionsReprocess(session_id=session, diarize=False)

        await rig.work.reprocess(asked, ())
        status = await rig.over(session)

        assert status == "completed"
        assert await _said(rig, session) == [
            (None, 1, "low"),
            (None, 6, "shook"),
            (None, 10, "low"),
        ]
        assert not (await _picture(rig, session))["targets"]

    run(paths, scenario)


def test_a_cancelled_work_fails_the_session_and_a_deleted_one_leaves_nothing(paths: Paths) -> None:
    async def scenario(rig: Rig) -> None:
        long = sound([(1, 60_000)])
        session = await rig.store.write(lambda db: add_session(db, [long], OPTIONS))
        job = await rig.work.submit_session(session)
        running = asyncio.get_running_loop().create_task(rig.runner.run())
        async with asyncio.timeout(10):
            while not (await _picture(rig, session))["left"]:
                await asyncio.sleep(0.005)

        await rig.runner.cancel(job.job_id)
        cancelled = await rig.store.read(lambda db: sessions.get(db, session))
        await rig.store.write(lambda db: sessions.delete(db, sessions.row_id(db, session)))

        assert cancelled.error is not None
        assert cancelled.error.code == "cancelled"
        with pytest.raises(NotFound):
            await rig.store.read(lambda db: sessions.get(db, session))
        running.cancel()
        await asyncio.wait({running})
        left = await rig.store.read(lambda db: list(db.execute("SELECT 1 FROM stage_results")))
        assert not left

    run(paths, scenario)


def test_a_session_fails_with_the_last_try_of_its_job(paths: Paths) -> None:
    problem = Problem(code="worker_gone", message="it died")

    async def scenario(rig: Rig) -> None:
        session = await rig.store.write(lambda db: add_session(db, [TWO_VOICES], OPTIONS))
        job = await rig.work.submit_session(session)
        states = []
        for _ in range(3):
            await rig.store.write(
                lambda db: db.execute("UPDATE jobs SET state = 'running', attempts = attempts + 1")
            )
            await rig.store.write(lambda db: outcomes.fail(db, job.job_id, problem, retry=True))
            states.append(await rig.store.read(lambda db: sessions.status(db, session)))

        assert states == ["processing", "processing", "failed"]

    run(paths, scenario)


def test_a_file_is_answered_with_what_is_heard_and_then_with_speakers(paths: Paths) -> None:
    async def ask(rig: Rig) -> list[object]:
        plan = rig.pipeline.plan()
        wish, skipped = rig.afterwards.choose(plan, lexicons=("singlish",))
        source = await sources.from_bytes([TWO_VOICES], audio=SPEECH, name="talk")
        try:
            errand = Errand(priority="interactive")
            replies = rig.afterwards.transcribe(source, wish, errand=errand, skipped=skipped)
            return [reply async for reply in replies]
        finally:
            source.close()

    async def scenario(rig: Rig) -> None:
        first, second = await ask(rig), await ask(rig)

        heard = [reply.segments for reply in first if isinstance(reply, Transcript)]
        assert [one.text.split()[0] for part in heard[:-1] for one in part] == [
            "low",
            "shook",
            "low",
        ]
        assert [(one.speaker, one.text.split()[0]) for one in heard[-1]] == [
            ("SPEAKER_00", "lor"),
            ("SPEAKER_01", "shiok"),
            ("SPEAKER_00", "lor"),
            ("SPEAKER_01", "shiok"),
        ]
        end = first[-1]
        assert isinstance(end, Transcribed)
        assert end.segment_count == 4
        assert isinstance(second[0], Accepted)
        assert second[0].reused
        assert next(one for one in second if isinstance(one, Transcript)).segments == heard[-1]

    run(paths, scenario)


def test_words_that_were_recognised_before_are_not_recognised_again(paths: Paths) -> None:
    async def ask(rig: Rig, *, diarize: bool) -> list[Segment]:
        plan = rig.pipeline.plan()
        source = await sources.from_bytes([TWO_VOICES], audio=SPEECH, name="talk")
        try:
            replies = rig.pipeline.transcribe(source, plan, priority="interactive")
            if diarize:
                wish, _ = rig.afterwards.choose(plan)
                errand = Errand(priority="interactive")
                replies = rig.afterwards.transcribe(source, wish, errand=errand)
            found = [reply async for reply in replies]
        finally:
            source.close()
        return [one for reply in found if isinstance(reply, Transcript) for one in reply.segments]

    async def scenario(rig: Rig) -> None:
        plain = await ask(rig, diarize=False)
        calls = {one.id: one.calls for one in rig.pool.loaded()}["fake-transcribe"]

        told = await ask(rig, diarize=True)

        assert [one.text.split()[0] for one in plain] == ["low", "shook", "low"]
        assert [one.speaker for one in told] == ["SPEAKER_00", "SPEAKER_01"] * 2
        assert {one.id: one.calls for one in rig.pool.loaded()}["fake-transcribe"] == calls

    run(paths, scenario)


@pytest.mark.long
@pytest.mark.timeout(280)
def test_ten_hours_with_long_gaps_keep_their_times_in_bounded_memory(paths: Paths) -> None:
    async def scenario(rig: Rig) -> None:
        half_an_hour = 30 * 60 * 1000
        pcm = sound([(0, 500), (1, 1000), (0, 500)])
        places = [number * half_an_hour for number in range(20)]
        session = await rig.store.write(lambda db: add_places(db, pcm, places, OPTIONS))
        tracemalloc.start()

        await rig.finish(session, within_s=200)

        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        rows = (await _picture(rig, session))["segments"]
        assert [round(row[2] / half_an_hour) for row in rows] == list(range(20))
        assert all(0 < row[2] - place < 600 for row, place in zip(rows, places, strict=True))
        assert most < 30 * 2**20

    run(paths, scenario, vad="", transcribe="")
