"""`subscribe`: committed facts in order, hints as they come."""

from collections.abc import AsyncGenerator

from edged.events import Published, Subscription
from edged.messages import requests
from edged.messages.replies import AnyReply, EventReply, Overflow, Subscribed
from edged.service.house import House
from edged.store import events as stored

PAGE = 500


async def subscribe(house: House, request: requests.Subscribe) -> AsyncGenerator[AnyReply, None]:
    """Where it stands, stored events after a number, then live ones; each fact once, in order."""
    subscription = house.bus.subscribe(request.events)
    try:
        yield Subscribed(event_seq=await house.store.read(stored.newest))
        told = request.after_event_seq
        if told is not None:
            async for event in _stored(house, subscription, after=told):
                told = event.event_seq
                yield event
        async for reply in _live(subscription, told=told or 0):
            yield reply
    finally:
        subscription.close()


async def _stored(
    house: House, subscription: Subscription, *, after: int
) -> AsyncGenerator[EventReply, None]:
    """Committed events after a number, page by page."""
    while page := await house.store.read(lambda db, seq=after: stored.after(db, seq, limit=PAGE)):  # type: ignore[misc] # mypy: a lambda's default
        after = page[-1].event_seq
        for event in page:
            if subscription.wants(str(type(event.body).__struct_config__.tag)):
                yield EventReply(event_seq=event.event_seq, at=event.at, body=event.body)


async def _live(subscription: Subscription, *, told: int) -> AsyncGenerator[AnyReply, None]:
    while True:
        event = await subscription.next()
        if isinstance(event, int):
            yield Overflow(dropped=event)
        elif event[0] is None or event[0] > told:
            yield _reply(event)


def _reply(event: Published) -> EventReply:
    seq, at, body = event
    return EventReply(event_seq=seq, at=at, body=body)
