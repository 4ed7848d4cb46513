"""What the desktop shall tell the user: who asks to be paired, and who listens or looks.

Notices are put here by whoever has something to tell, and shown by service.notifying. A client that
asks over and over, or starts and stops, gives no flood of them.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct

from edged.messages.access import Asker, KnownClient, Scope

MOST_WAITING: Final = 16
"""Notices that wait to be shown; further ones are lost and counted: the audit has them all."""

PAUSE_S: Final = 10.0
"""Between two notices of the same: about as long as a desktop shows one."""

MOST_REMEMBERED: Final = 256
"""Of what was told when; the oldest go."""


class Captures(Struct, frozen=True):
    """A client listens or looks from now on."""

    name: str
    scopes: tuple[Scope, ...]


class Asks(Struct, frozen=True):
    """A stranger asks to be paired, or a client for more than it was granted."""

    client: KnownClient


Notice = Captures | Asks
Key = tuple[str, ...]


class Notices:
    """Notices on their way. Loop thread only.

    Args:
        clock: gives time.monotonic() seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._waiting: OrderedDict[Key, Notice] = OrderedDict()
        self._some = asyncio.Event()
        self._told: OrderedDict[Key, float] = OrderedDict()
        self.lost = 0

    def captures(self, asker: Asker, scopes: Sequence[Scope]) -> None:
        """A client captures from now on; told again only after a while.

        Args:
            asker: the client.
            scopes: what it needed for that.
        """
        key = (asker.client_id, *scopes)
        if self.pause_s(key) == 0:
            self.told(key)
            self._put(key, Captures(asker.name, tuple(scopes)))

    def hear(self, client: KnownClient, before: KnownClient | None) -> None:
        """A client changed; there is something to tell when it asks for what it does not have.

        Args:
            client: as it is now.
            before: as it was; None: it is new.
        """
        just_decided = before is None or before.decided_at != client.decided_at
        if client.status == "approved" and just_decided:
            return  # what was not granted was left out on purpose
        if wanted(client) and (before is None or question(before) != question(client)):
            self._put(key_of(client), Asks(client))

    async def next(self) -> Notice:
        """The oldest one; of several that ask the same way, the newest."""
        while not self._waiting:
            self._some.clear()
            await self._some.wait()
        return self._waiting.popitem(last=False)[1]

    def pause_s(self, key: Key) -> float:
        """How long to wait until this may be told again."""
        return max(0.0, self._told.get(key, -PAUSE_S) + PAUSE_S - self._clock())

    def told(self, key: Key) -> None:
        """Note that it is told now."""
        self._told[key] = self._clock()
        self._told.move_to_end(key)
        if len(self._told) > MOST_REMEMBERED:
            self._told.popitem(last=False)

    def _put(self, key: Key, notice: Notice) -> None:
        if key not in self._waiting and len(self._waiting) >= MOST_WAITING:
            self.lost += 1
            return
        self._waiting[key] = notice
        self._some.set()


def key_of(client: KnownClient) -> Key:
    """What a client's questions are told apart by: all local programs have the user's identity."""
    return client.kind, client.client_id if client.kind == "local" else client.identity


def wanted(client: KnownClient) -> tuple[Scope, ...]:
    """The scopes that a client asks for and the user has not decided about."""
    if client.status == "pending":
        return client.asked_scopes
    if client.status == "approved":
        return tuple(scope for scope in client.asked_scopes if scope not in client.scopes)
    return ()


def question(client: KnownClient) -> tuple[object, ...]:
    """What the user is asked: another question is a notice of its own, with its own answer."""
    return client.status, client.fingerprint, client.name, wanted(client)
