"""Live captions: what comes out of what is pushed, with models that are fakes."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from live_fakes import (
    FakePool,
    FakeStreamingWords,
    FakeWords,
    Told,
    parts,
    plan,
    sound,
)

from edged.errors import EdgedError, Internal, WorkerGone
from edged.events import Bus
from edged.messages.events import SegmentPartial
from edged.pipeline.live.captions import Live
from edged.pipeline.live.scribe import Corrector
from edged.store import Store, recordings, segments, transcripts

PAUSED = sound((False, 320), (True, 960), (False, 128))
"""The same, and a pause in which nobody knows whether it is over."""

SAID = sound((False, 320), (True, 960), (False, 640))
"""One utterance of 960 ms."""


class Shouts:
    """Fulfils Corrector."""

    def correct(self, text: str) -> str:
        return text.replace("la", "LAH")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    opened = Store.open(tmp_path / "edged.db", bytes(32), ballast_bytes=0, readers=1)
    yield opened
    opened.close()


class Rig:
    """A running Live with what it tells."""

    def __init__(self, live: Live, told: Told, bus: Bus) -> None:
        self.live = live
        self.told = told
        self.bus = bus

    def say(self, pcm: bytes, *, start_ms: int = 0) -> None:
        for part in parts(pcm, start_ms=start_ms):
            self.live.push(part)


@asynccontextmanager
async def running(  # noqa: PLR0913 the facts of one rig, all by keyword
    store: Store,
    words: object,
    *,
    recording_id: str | None = None,
    streaming: bool = False,
    lexicons: Corrector | None = None,
    gate: asyncio.Event | None = None,
    backlog_ms: int = 30_000,
) -> AsyncGenerator[Rig, None]:
    """Captions that run; what is still to be recognised at the end of the block is given up."""
    told, bus = Told(), Bus()
    live = Live(
        store,
        FakePool(words, gate=gate),
        bus,
        recording_id=recording_id,
        session_id="s",
        plan=plan(streaming=streaming),
        lexicons=lexicons,
        backlog_ms=backlog_ms,
        tell=told,
    )
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        tasks.create_task(live.run())
        yield Rig(live, told, bus)
        await live.finish(drain_s=0)


def run(work: Callable[[], Coroutine[None, None, None]]) -> None:
    asyncio.run(work())


async def _recording(store: Store) -> str:
    made = await store.write(
        lambda db: recordings.ensure(db, name="talk", sha256="", size_bytes=0, kind="fed")
    )
    return made.recording_id


def test_an_utterance_is_committed_then_told_with_its_times(store: Store) -> None:
    async def work() -> None:
        recording_id = await _recording(store)
        async with running(store, FakeWords(), recording_id=recording_id) as rig:
            rig.say(SAID)
            await rig.told.until(lambda: bool(rig.told.segments))
            found = await store.read(lambda db: segments.list_segments(db, recording_id))

        assert found == tuple(rig.told.segments)
        (segment,) = found
        assert (segment.start_ms, segment.end_ms) == (120, 1376)
        assert (segment.text, len(segment.words)) == (" ".join(["la"] * 10), 10)

    run(work)


def test_what_was_guessed_in_the_pause_is_the_caption_and_nothing_is_heard_twice(
    store: Store,
) -> None:
    async def work() -> None:
        words = FakeWords()
        async with running(store, words) as rig:
            rig.say(PAUSED)
            await rig.told.until(lambda: bool(rig.told.partial))
            rig.say(sound((False, 512)), start_ms=1408)
            await rig.told.until(lambda: bool(rig.told.segments))

        assert len(words.heard_ms) == 1
        assert rig.told.partial[0].text == rig.told.segments[0].text

    run(work)


def test_a_speaker_who_goes_on_after_a_pause_is_heard_as_one(store: Store) -> None:
    async def work() -> None:
        async with running(store, FakeWords()) as rig:
            rig.say(PAUSED)
            await rig.told.until(lambda: bool(rig.told.partial))
            rig.say(sound((True, 640), (False, 640)), start_ms=1408)
            await rig.told.until(lambda: bool(rig.told.segments))

        assert rig.told.partial[0].text.count("la") == 10
        assert [one.text.count("la") for one in rig.told.segments] == [16]

    run(work)


def test_a_long_utterance_has_partial_texts_once_the_pace_is_known(store: Store) -> None:
    async def work() -> None:
        async with running(store, FakeWords()) as rig:
            hints = rig.bus.subscribe(("segment.partial",))
            rig.say(SAID)
            await rig.told.until(lambda: bool(rig.told.segments))
            before = len(rig.told.partial)
            rig.say(sound((True, 3200)), start_ms=1920)
            await rig.told.until(lambda: len(rig.told.partial) > before)
            hints.close()

        assert rig.told.partial[-1].start_ms >= 1376
        assert len(rig.told.segments) == 1

    run(work)


def test_partial_texts_are_hints_on_the_bus_and_carry_no_number(store: Store) -> None:
    async def work() -> None:
        recording_id = await _recording(store)
        async with running(store, FakeWords(), recording_id=recording_id) as rig:
            hints = rig.bus.subscribe(("segment.partial",))
            rig.say(PAUSED)
            event = await hints.next()

        assert not isinstance(event, int)
        assert event[0] is None
        assert isinstance(event[2], SegmentPartial)
        assert event[2].session_id == "s"

    run(work)


def test_lexicons_correct_captions_and_what_was_heard_is_kept_beside(store: Store) -> None:
    async def work() -> None:
        async with running(store, FakeWords(), lexicons=Shouts()) as rig:
            rig.say(PAUSED)
            await rig.told.until(lambda: bool(rig.told.partial))
            rig.say(sound((False, 512)), start_ms=1408)
            await rig.told.until(lambda: bool(rig.told.segments))

        segment = rig.told.segments[0]
        assert segment.text == " ".join(["LAH"] * 10)
        assert segment.raw == " ".join(["la"] * 10)
        assert rig.told.partial[0].text.startswith("LAH")

    run(work)


def test_what_is_beyond_the_backlog_is_skipped_and_stays_pending(store: Store) -> None:
    async def work() -> None:
        gate = asyncio.Event()
        recording_id = await _recording(store)
        words = FakeWords()
        async with running(
            store, words, recording_id=recording_id, gate=gate, backlog_ms=4_000
        ) as rig:
            for number in range(8):
                rig.say(SAID, start_ms=1920 * number)
                await _until_heard(rig.live, 1920 * number + 1800)
            assert rig.live.backlog_ms <= 4_000 + 1_300
            assert rig.live.skipped
            gate.set()
            await rig.told.until(lambda: rig.live.backlog_ms == 0 and bool(rig.told.segments))
            begun = await store.read(lambda db: transcripts.current(db, recording_id))

        assert begun is not None
        assert begun.done_ms < 1920 * 2
        assert rig.told.segments[-1].end_ms == 1920 * 7 + 1376

    run(work)


async def _until_heard(live: Live, position_ms: int) -> None:
    async with asyncio.timeout(5):
        while live.position_ms < position_ms:
            await asyncio.sleep(0)


def test_a_backlog_has_an_eta_as_soon_as_the_pace_is_known(store: Store) -> None:
    async def work() -> None:
        gate = asyncio.Event()
        async with running(store, FakeWords(), gate=gate) as rig:
            rig.say(SAID)
            await _until_heard(rig.live, 1900)
            unknown = rig.live.eta_ms
            gate.set()
            await rig.told.until(lambda: bool(rig.told.segments))
            await rig.live.room(0)

            assert unknown is None
            assert (rig.live.backlog_ms, rig.live.eta_ms) == (0, 0)
            assert rig.live.eta_of(60_000) is not None

    run(work)


def test_lost_time_ends_the_utterance_and_later_times_are_right(store: Store) -> None:
    async def work() -> None:
        async with running(store, FakeWords()) as rig:
            rig.say(sound((False, 320), (True, 960)))
            rig.say(SAID, start_ms=60_000)
            await rig.told.until(lambda: len(rig.told.segments) == 2)

        first, second = rig.told.segments
        assert first.end_ms == 1280
        assert (second.start_ms, second.end_ms) == (60_120, 61_376)

    run(work)


def test_a_worker_that_dies_once_costs_no_caption(store: Store) -> None:
    async def work() -> None:
        words = FakeWords([WorkerGone("killed")])
        async with running(store, words) as rig:
            rig.say(SAID)
            await rig.told.until(lambda: bool(rig.told.segments))

            assert rig.live.problem is None

    run(work)


def test_an_utterance_that_fails_is_put_off_and_three_in_a_row_end_captions(store: Store) -> None:
    async def work() -> None:
        errors: list[EdgedError] = [Internal("on purpose") for _ in range(12)]
        async with running(store, FakeWords(errors)) as rig:
            for number in range(6):
                rig.say(SAID, start_ms=1920 * number)
                await asyncio.sleep(0)
            async with asyncio.timeout(5):
                while rig.live.problem is None:
                    await asyncio.sleep(0)

        assert rig.live.problem is not None
        assert rig.live.problem.code == "internal"
        assert rig.live.skipped
        assert not rig.told.segments

    run(work)


def test_a_recording_that_is_deleted_ends_its_captions(store: Store) -> None:
    async def work() -> None:
        recording_id = await _recording(store)
        async with running(store, FakeWords(), recording_id=recording_id) as rig:
            await _until_heard(rig.live, 0)
            await store.delete_recording(recording_id)
            rig.say(SAID)
            async with asyncio.timeout(5):
                while rig.live.problem is None:
                    await asyncio.sleep(0.001)

        assert rig.live.problem is not None
        assert rig.live.problem.code == "not_found"

    run(work)


def test_finishing_recognises_what_waits_and_can_complete_the_transcript(store: Store) -> None:
    async def work() -> None:
        recording_id = await _recording(store)
        async with running(store, FakeWords(), recording_id=recording_id) as rig:
            rig.say(sound((False, 320), (True, 960)))
            await rig.live.finish(drain_s=5, complete=True)
            found = await store.read(lambda db: recordings.get(db, recording_id))

        assert [one.text.count("la") for one in rig.told.segments] == [10]
        assert (found.status, found.segment_count, found.audio_ms) == ("completed", 1, 1280)

    run(work)


def test_finishing_at_once_gives_up_what_is_recognised(store: Store) -> None:
    async def work() -> None:
        async with running(store, FakeWords(), gate=asyncio.Event()) as rig:
            rig.say(SAID)
            await _until_heard(rig.live, 1900)
            await rig.live.finish(drain_s=0)
            rig.say(SAID, start_ms=1920)

            assert not rig.told.segments
            assert rig.live.position_ms == 1920

    run(work)


def test_captions_that_end_before_they_began_are_complete_too(store: Store) -> None:
    async def work() -> None:
        recording_id = await _recording(store)
        live = Live(
            store,
            FakePool(FakeWords()),
            Bus(),
            recording_id=recording_id,
            session_id=None,
            plan=plan(),
        )
        await live.finish(drain_s=0, complete=True)
        found = await store.read(lambda db: recordings.get(db, recording_id))

        assert (found.status, found.segment_count) == ("completed", 0)

    run(work)


def test_captions_are_taken_up_where_they_stopped(store: Store) -> None:
    async def work() -> None:
        recording_id = await _recording(store)
        for start_ms in (0, 5_000):
            async with running(store, FakeWords(), recording_id=recording_id) as rig:
                rig.say(SAID, start_ms=start_ms)
                await rig.told.until(lambda one=rig: bool(one.told.segments))  # type: ignore[misc]
        found = await store.read(lambda db: segments.list_segments(db, recording_id))

        assert [one.seq for one in found] == [0, 1]

    run(work)


def test_a_streaming_model_tells_what_it_hears_while_it_hears_it(store: Store) -> None:
    async def work() -> None:
        words = FakeStreamingWords()
        async with running(store, words, streaming=True) as rig:
            for part in parts(SAID):
                rig.live.push(part)
                await asyncio.sleep(0.001)
            await rig.told.until(lambda: bool(rig.told.segments))

        counts = [one.text.count("la") for one in rig.told.partial]
        assert len(counts) > 3
        assert counts == sorted(set(counts))
        assert rig.told.segments[0].text.count("la") == 10
        assert rig.told.segments[0].confidence == pytest.approx(0.7)
        assert not words.streams

    run(work)


def test_a_streaming_model_whose_worker_dies_hears_the_utterance_again(store: Store) -> None:
    async def work() -> None:
        words = FakeStreamingWords()
        async with running(store, words, streaming=True) as rig:
            rig.say(sound((False, 320), (True, 640)))
            await rig.told.until(lambda: bool(rig.told.partial))
            words._errors.append(WorkerGone("killed"))
            rig.say(sound((True, 320), (False, 640)), start_ms=960)
            await rig.told.until(lambda: bool(rig.told.segments))

        assert rig.told.segments[0].text.count("la") == 10

    run(work)
