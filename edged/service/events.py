"""`subscribe`: committed facts in order, hints as they come."""

from collections.abc import AsyncGenerator

from edged.events import Published, Subscription, event_name
from edged.messages import requests
from edged.messages.access import Asker
from edged.messages.events import AnyEvent, ClientChanged, ModelChanged, RecordingChanged
from edged.messages.replies import AnyReply, EventReply, Overflow, Subscribed
from edged.service.house import House
from edged.service.ownership import without_files
from edged.store import events as stored

PAGE = 500

_OF_MODELS = frozenset(("models.read", "models.manage"))


async def subscribe(house: House, request: requests.Subscribe) -> AsyncGenerator[AnyReply, None]:
    """Where it stands, stored events after a number, then live ones; each fact once, in order.

    A client hears of its own results only; see `is_told`.
    """
    subscription = house.bus.subscribe(request.events, owner=house.asker.sees)
    try:
        yield Subscribed(event_seq=await house.store.read(stored.newest))
        told = request.after_event_seq
        if told is not None:
            async for event in _stored(house, subscription, after=told):
                told = event.event_seq
                yield event
        async for reply in _live(subscription, house.asker, told=told or 0):
            yield reply
    finally:
        subscription.close()


async def _stored(
    house: House, subscription: Subscription, *, after: int
) -> AsyncGenerator[EventReply, None]:
    """Committed events after a number, page by page."""
    asker = house.asker
    while page := await house.store.read(
        lambda db, seq=after: stored.after(db, seq, limit=PAGE, owner=asker.sees)  # type: ignore[misc] # mypy: a lambda's default
    ):
        after = page[-1].event_seq
        for event in page:
            wanted = subscription.wants(event_name(event.body))
            if wanted and is_told(asker, event.body):
                yield _reply(asker, (event.event_seq, event.at, event.body))


def is_told(asker: Asker, body: AnyEvent) -> bool:
    """Whether somebody may hear of an event at all, whose result ever it is about."""
    match body:
        case _ if asker.is_owner:
            return True
        case ClientChanged(client=client):
            return client.client_id == asker.client_id
        case ModelChanged():
            return bool(_OF_MODELS & asker.scopes)
        case _:
            return True


async def _live(
    subscription: Subscription, asker: Asker, *, told: int
) -> AsyncGenerator[AnyReply, None]:
    while True:
        event = await subscription.next()
        if isinstance(event, int):
            yield Overflow(dropped=event)
        elif (event[0] is None or event[0] > told) and is_told(asker, event[2]):
            yield _reply(asker, event)


def _reply(asker: Asker, event: Published) -> EventReply:
    seq, at, body = event
    if isinstance(body, RecordingChanged):
        body = RecordingChanged(recording=without_files(asker, body.recording))
    return EventReply(event_seq=seq, at=at, body=body)
