"""Frames that are looked at in their order, two under way at once."""

import asyncio
from collections.abc import Coroutine
from contextlib import aclosing
from typing import Any

import pytest
from seeing_fakes import FakeEyes, FakeSource, frame

from edged.capture.sight import SightLost
from edged.errors import BadMedia, DeviceMissing, EdgedError, Quarantined, WorkerGone
from edged.pipeline.seeing.streaming import UNDER_WAY, Looked, Missed, Onlooking

HEARTBEAT_S = 0.005


def run(work: Coroutine[Any, Any, None]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(5):
            await work

    asyncio.run(bounded())


async def _all(onlooking: Onlooking) -> list[Looked | Missed | None]:
    return [one async for one in onlooking.seen()]


def _numbers(found: list[Looked | Missed | None]) -> list[int]:
    return [one.frame.number for one in found if isinstance(one, Looked)]


async def _until_asked(eyes: FakeEyes, looks: int) -> None:
    while len(eyes.asked) < looks:
        await asyncio.sleep(0)


def test_all_frames_of_a_source_are_seen_in_order_and_two_are_under_way() -> None:
    async def work() -> None:
        eyes = FakeEyes(waits=True)
        source = FakeSource(frame(number) for number in range(20))

        reading = asyncio.get_running_loop().create_task(_all(Onlooking(eyes, source.frames())))
        await _until_asked(eyes, UNDER_WAY)
        eyes.let(20)
        found = await reading

        assert _numbers(found) == list(range(20))
        assert eyes.asked == [40 * number for number in range(20)]
        assert eyes.most == UNDER_WAY
        assert source.closed

    run(work())


def test_of_offered_frames_that_wait_the_newest_is_looked_at() -> None:
    async def work() -> None:
        eyes = FakeEyes(waits=True)
        onlooking = Onlooking(eyes)
        for number in range(6):
            onlooking.offer(frame(number))
        onlooking.finish()
        eyes.let(6)

        found = await _all(onlooking)

        assert _numbers(found) == [0, 1, 5]
        assert onlooking.replaced == 3

    run(work())


def test_a_frame_that_is_offered_when_there_is_room_is_looked_at_without_a_reader() -> None:
    async def work() -> None:
        eyes = FakeEyes(waits=True)
        onlooking = Onlooking(eyes)

        onlooking.offer(frame(0))
        onlooking.offer(frame(1))

        await _until_asked(eyes, 2)
        assert onlooking.replaced == 0
        onlooking.finish()
        eyes.let(2)
        assert _numbers(await _all(onlooking)) == [0, 1]

    run(work())


def test_a_reader_that_is_slow_makes_new_frames_wait() -> None:
    async def work() -> None:
        eyes = FakeEyes()
        onlooking = Onlooking(eyes)
        for number in range(5):
            onlooking.offer(frame(number))
            await asyncio.sleep(0)

        assert len(eyes.asked) == UNDER_WAY
        assert onlooking.replaced == 2

    run(work())


def test_a_worker_that_ends_takes_one_frame_with_it_and_the_next_ones_are_seen() -> None:
    async def work() -> None:
        eyes = FakeEyes({2: WorkerGone("killed", started=True)})
        source = FakeSource(frame(number) for number in range(6))

        found = await _all(Onlooking(eyes, source.frames()))

        assert _numbers(found) == [0, 1, 3, 4, 5]
        assert found[2] == Missed(first=2, last=2, at_ns=80_000_000, reason="worker_gone")

    run(work())


def test_after_a_lost_frame_none_overtakes_the_one_that_is_sent_again() -> None:
    async def work() -> None:
        eyes = FakeEyes({0: WorkerGone("killed", started=True)}, waits=True)
        onlooking = Onlooking(eyes)
        onlooking.offer(frame(0))
        onlooking.offer(frame(1))
        onlooking.offer(frame(2))
        async with aclosing(onlooking.seen()) as every:
            eyes.let()
            first = await anext(every)
            reading = asyncio.get_running_loop().create_task(anext(every))
            for _ in range(10):
                await asyncio.sleep(0)

            assert isinstance(first, Missed)
            assert len(eyes.asked) == 2
            eyes.let()
            assert _numbers([await reading]) == [1]
            await _until_asked(eyes, 3)

    run(work())


def test_a_frame_that_cannot_be_read_is_missed_and_the_stream_goes_on() -> None:
    async def work() -> None:
        eyes = FakeEyes({0: BadMedia("no picture")})
        source = FakeSource([frame(0), frame(1)])

        found = await _all(Onlooking(eyes, source.frames()))

        assert isinstance(found[0], Missed)
        assert (found[0].reason, _numbers(found)) == ("bad_media", [1])

    run(work())


def test_a_source_that_gives_nothing_is_told_with_the_frame_that_is_missing() -> None:
    async def work() -> None:
        lost = SightLost(since_ns=7, reason="stalled")
        source = FakeSource([frame(0), lost, frame(5)])

        found = await _all(Onlooking(FakeEyes(), source.frames()))

        assert found[1] == Missed(first=1, last=1, at_ns=7, reason="stalled")
        assert _numbers(found) == [0, 5]

    run(work())


@pytest.mark.parametrize("error", [DeviceMissing("no camera"), BadMedia("no video")])
def test_what_a_source_raises_ends_the_stream_after_what_was_seen(error: EdgedError) -> None:
    async def work() -> None:
        found: list[Looked | Missed | None] = []
        with pytest.raises(type(error)):
            found.extend(
                [one async for one in Onlooking(FakeEyes(), FakeSource([], error).frames()).seen()]
            )
        source = FakeSource([frame(0)], error)
        with pytest.raises(type(error)):
            async for one in Onlooking(FakeEyes(), source.frames()).seen():
                found.append(one)

        assert _numbers(found) == [0]

    run(work())


def test_a_model_that_cannot_look_any_more_ends_the_stream() -> None:
    async def work() -> None:
        eyes = FakeEyes({1: Quarantined("it failed too often")})
        source = FakeSource(frame(number) for number in range(9))

        with pytest.raises(Quarantined):
            await _all(Onlooking(eyes, source.frames()))

        assert source.closed
        assert eyes.under_way == 0

    run(work())


def test_leaving_early_ends_all_that_is_under_way() -> None:
    async def work() -> None:
        eyes = FakeEyes(waits=True)
        source = FakeSource(frame(number) for number in range(9))
        onlooking = Onlooking(eyes, source.frames())

        async with aclosing(onlooking.seen()) as every:
            reading = asyncio.get_running_loop().create_task(anext(every))
            await _until_asked(eyes, 2)
            reading.cancel()
            await asyncio.wait([reading])

        assert source.closed
        assert eyes.under_way == 0
        onlooking.offer(frame(10))
        assert len(eyes.asked) == 2

    run(work())


def test_silence_is_told_by_a_heartbeat() -> None:
    async def work() -> None:
        onlooking = Onlooking(FakeEyes())

        async with aclosing(onlooking.seen(heartbeat_s=HEARTBEAT_S)) as every:
            assert await anext(every) is None
            onlooking.offer(frame(0))
            assert _numbers([await anext(every)]) == [0]
            onlooking.finish()
            assert [one async for one in every] == []

    run(work())


def test_times_on_the_streams_clock_begin_with_its_first_frame_and_always_grow() -> None:
    async def work() -> None:
        eyes = FakeEyes()
        times = [5_000, 5_000, 5_040]
        source = FakeSource(frame(number, at_ms=at_ms) for number, at_ms in enumerate(times))

        await _all(Onlooking(eyes, source.frames()))

        assert eyes.asked == [0, 1, 40]

    run(work())
