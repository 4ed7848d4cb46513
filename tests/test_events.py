"""The Bus: bounded subscriptions that count what they miss."""

import asyncio

import pytest

from edged import events
from edged.events import LONGEST_QUEUE, Bus, event_name
from edged.messages.events import (
    AnyEvent,
    JobProgress,
    ModelChanged,
    SegmentPartial,
    SpeakersChanged,
    StoredEvent,
)

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


def _of(owner: str, seq: int, body: AnyEvent = PROGRESS) -> StoredEvent:
    return StoredEvent(event_seq=seq, at="now", body=body, owner=owner)


def _partial(session_id: str) -> SegmentPartial:
    return SegmentPartial(recording_id="r", session_id=session_id, text="so", start_ms=0, end_ms=1)


def test_a_client_hears_of_its_own_results_and_of_what_is_nobodys() -> None:
    async def main() -> None:
        bus = Bus()
        anns, users = bus.subscribe(owner="ann"), bus.subscribe()
        bus.committed([_of("", 1), _of("ann", 2), _of("ben", 3)])
        bus.hint(HINT)

        assert [(await anns.next())[0] for _ in range(2)] == [2, None]  # type: ignore[index] # no overflow here
        assert [(await users.next())[0] for _ in range(4)] == [1, 2, 3, None]  # type: ignore[index] # likewise

    asyncio.run(main())


def test_a_hint_belongs_to_whom_its_session_belongs() -> None:
    async def main() -> None:
        bus = Bus()
        anns, bens, users = (bus.subscribe(owner=one) for one in ("ann", "ben", None))
        changed = SpeakersChanged(session_id="s1")
        bus.committed([_of("ann", 1, changed)])

        bus.hint(_partial("s1"))
        bus.hint(_partial("s2"))

        assert (await anns.next(), await anns.next())[1][2] == _partial("s1")  # type: ignore[index] # no overflow here
        heard = [(await users.next())[2] for _ in range(3)]  # type: ignore[index] # likewise
        assert heard == [changed, _partial("s1"), _partial("s2")]
        assert not anns._queue
        assert not bens._queue

    asyncio.run(main())


def test_results_of_others_fill_no_queue_of_a_client() -> None:
    async def main() -> None:
        bus = Bus()
        anns = bus.subscribe(owner="ann")
        bus.committed(_of("ben", seq) for seq in range(1, LONGEST_QUEUE + 10))
        bus.committed([_of("ann", LONGEST_QUEUE + 10)])

        assert (await anns.next())[0] == LONGEST_QUEUE + 10  # type: ignore[index] # no overflow here

    asyncio.run(main())


def test_only_so_many_owners_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MOST_OWNED", 3)

    async def main() -> None:
        bus = Bus()
        bus.committed(_of("ann", n, SpeakersChanged(session_id=f"s{n}")) for n in range(1, 9))

        assert list(bus._owners) == ["s6", "s7", "s8"]

    asyncio.run(main())
