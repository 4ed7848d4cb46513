"""The Bus: bounded subscriptions that count what they miss."""

import asyncio

from edged.events import LONGEST_QUEUE, Bus, event_name
from edged.messages.events import JobProgress, ModelChanged, StoredEvent

HINT = ModelChanged(model="m", state="ready")
PROGRESS = JobProgress(job_id="j", stage="s", progress=0.5)


def test_names_and_prefixes_choose_what_is_heard() -> None:
    bus = Bus()
    one, family, everything = (bus.subscribe(names) for names in (("job.progress",), ("job.",), ()))

    assert one.wants("job.progress")
    assert not one.wants("job.changed")
    assert family.wants("job.changed")
    assert not family.wants("model.changed")
    assert everything.wants("model.changed")


def test_facts_carry_their_number_and_hints_none() -> None:
    async def main() -> None:
        bus = Bus()
        subscription = bus.subscribe()
        bus.committed([StoredEvent(event_seq=7, at="now", body=PROGRESS)])
        bus.hint(HINT)

        assert await subscription.next() == (7, "now", PROGRESS)
        seq, _, body = await subscription.next()  # type: ignore[misc] # no overflow here

        assert (seq, body) == (None, HINT)

    asyncio.run(main())


def test_a_slow_subscriber_hears_how_many_it_missed() -> None:
    async def main() -> None:
        bus = Bus()
        subscription = bus.subscribe()
        for _ in range(LONGEST_QUEUE + 5):
            bus.hint(HINT)

        for _ in range(LONGEST_QUEUE):
            assert not isinstance(await subscription.next(), int)
        assert await subscription.next() == 5

    asyncio.run(main())


def test_what_is_missing_is_told_at_its_place() -> None:
    async def main() -> None:
        bus = Bus()
        subscription = bus.subscribe()
        published = iter(range(1, 10_000))

        def publish(count: int) -> None:
            for _ in range(count):
                event = StoredEvent(event_seq=next(published), at="now", body=PROGRESS)
                bus.committed([event])

        publish(LONGEST_QUEUE + 3)
        for _ in range(2):
            await subscription.next()
        publish(2)  # there is room again, behind the gap
        expected = 3
        async with asyncio.timeout(5):
            while expected <= LONGEST_QUEUE + 5:
                found = await subscription.next()
                if isinstance(found, int):
                    expected += found
                else:
                    assert found[0] == expected
                    expected += 1

    asyncio.run(main())


def test_publishing_wakes_a_waiting_subscriber() -> None:
    async def main() -> None:
        bus = Bus()
        subscription = bus.subscribe()
        async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
            waiting = tasks.create_task(subscription.next())
            await asyncio.sleep(0)
            bus.hint(HINT)
        found = waiting.result()
        assert not isinstance(found, int)
        assert found[2] == HINT

    asyncio.run(main())


def test_a_closed_subscription_hears_nothing() -> None:
    bus = Bus()
    subscription = bus.subscribe()
    subscription.close()
    subscription.close()

    bus.hint(HINT)

    assert bus.published == 0


def test_an_event_is_named_as_on_the_wire() -> None:
    assert event_name(HINT) == "model.changed"
