"""The Bus: publishing never waits; each subscription is bounded and counts what it dropped."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from edged.messages.events import (
    AnyEvent,
    JobChanged,
    RecordingChanged,
    SessionChanged,
    StoredEvent,
)
from edged.messages.wire import Timestamp

LONGEST_QUEUE = 1_000
"""Events that wait for one subscriber; then the newest are dropped and counted."""

MOST_OWNED = 10_000
"""Ids of clients' results whose owner is remembered, for hints about them; the oldest go."""

_NAMES = ("session_id", "recording_id", "job_id")

Published = tuple[int | None, Timestamp, AnyEvent]
"""The event's number (None for a hint), when it happened, and what."""


class Subscription:
    """One subscriber's queue. Use it as an async iterator; close it when done."""

    def __init__(self, bus: "Bus", names: tuple[str, ...], owner: str | None) -> None:
        self._bus = bus
        self._names = names
        self._owner = owner
        self._queue: deque[Published | int] = deque()
        self._wake = asyncio.Event()

    def wants(self, name: str) -> bool:
        """Whether an event's name or prefix was asked for; no names mean all."""
        return not self._names or any(
            name == asked or (asked.endswith(".") and name.startswith(asked))
            for asked in self._names
        )

    def sees(self, owner: str | None) -> bool:
        """Whether it may hear of a result of this client; None: of nobody's result."""
        return self._owner is None or owner is None or owner == self._owner

    def offer(self, event: Published) -> None:
        """Queue an event, or count it as dropped where it would have been."""
        if len(self._queue) >= LONGEST_QUEUE:
            last = self._queue[-1]
            if isinstance(last, int):
                self._queue[-1] = last + 1
            else:
                self._queue.append(1)
        else:
            self._queue.append(event)
        self._wake.set()

    async def next(self) -> Published | int:
        """The next event; or how many are missing at this place."""
        while not self._queue:
            self._wake.clear()
            await self._wake.wait()
        return self._queue.popleft()

    def close(self) -> None:
        """Stop receiving."""
        self._bus.forget(self)


class Bus:
    """Hands events to subscriptions. Loop thread only."""

    def __init__(self) -> None:
        self._subscriptions: list[Subscription] = []
        self._hearers: list[tuple[str, Callable[[AnyEvent], None]]] = []
        self._owners: OrderedDict[str, str] = OrderedDict()
        self.published = 0

    def subscribe(self, names: Iterable[str] = (), *, owner: str | None = None) -> Subscription:
        """A subscription to events.

        Args:
            names: of events, or prefixes ending in a dot; none mean all.
            owner: a client_id that hears only of its own results, and of what is nobody's.
        """
        subscription = Subscription(self, tuple(names), owner)
        self._subscriptions.append(subscription)
        return subscription

    def inform(self, name: str, hear: Callable[[AnyEvent], None]) -> None:
        """Call `hear` at once with each event of that name, before whoever wrote it goes on."""
        self._hearers.append((name, hear))

    def forget(self, subscription: Subscription) -> None:
        """Take a subscription off the list."""
        if subscription in self._subscriptions:
            self._subscriptions.remove(subscription)

    def committed(self, events: Iterable[StoredEvent]) -> None:
        """Publish events whose rows are committed."""
        for event in events:
            if event.owner:
                self._learn(event)
            self._publish((event.event_seq, event.at, event.body), event.owner)

    def hint(self, body: AnyEvent) -> None:
        """Publish what may be lost: it carries no number."""
        if self._subscriptions:
            self._publish((None, now(), body), self._whose(body))

    def _learn(self, event: StoredEvent) -> None:
        """Note whose things are: hints about them do not say so."""
        for name in about(event.body):
            self._owners[name] = event.owner
            self._owners.move_to_end(name)
        while len(self._owners) > MOST_OWNED:
            self._owners.popitem(last=False)

    def _whose(self, hint: AnyEvent) -> str | None:
        names = about(hint)
        if not names:
            return None
        return next((self._owners[name] for name in names if name in self._owners), "")

    def _publish(self, event: Published, owner: str | None) -> None:
        self.published += 1
        name = event_name(event[2])
        for heard, hear in self._hearers:
            if heard == name:
                hear(event[2])
        for subscription in self._subscriptions:
            if subscription.wants(name) and subscription.sees(owner):
                subscription.offer(event)


def about(body: AnyEvent) -> tuple[str, ...]:
    """The ids of the session, recordings and job that an event is about."""
    match body:
        case SessionChanged(session=session):
            return (session.id, *(one.recording_id for one in session.sources))
        case RecordingChanged(recording=recording):
            return (recording.recording_id, recording.session_id)
        case JobChanged(job=job):
            return (job.job_id,)
        case _:
            found = (getattr(body, name, None) for name in _NAMES)
            return tuple(name for name in found if name is not None)


def event_name(body: AnyEvent) -> str:
    """The name an event has on the wire."""
    return str(type(body).__struct_config__.tag)


def now() -> Timestamp:
    """The present as the wire writes it: UTC with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
