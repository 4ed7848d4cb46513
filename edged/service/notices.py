"""What the desktop shall tell the user: who asks to be paired, and who listens or looks.

Notices are put here by whoever has something to tell, and shown by service.notifying.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from edged.messages.access import Asker, KnownClient, Scope

MOST_WAITING: Final = 16
"""Notices that wait to be shown; further ones are lost and counted: the audit has them all."""


class Captures(Struct, frozen=True):
    """A client listens or looks from now on."""

    name: str
    scopes: tuple[Scope, ...]


class Asks(Struct, frozen=True):
    """A stranger asks to be paired, or a client for more than it was granted."""

    client: KnownClient


Notice = Captures | Asks


class Notices:
    """Notices on their way. Loop thread only."""

    def __init__(self) -> None:
        self._waiting: asyncio.Queue[Notice] = asyncio.Queue(MOST_WAITING)
        self.lost = 0

    def captures(self, asker: Asker, scopes: Sequence[Scope]) -> None:
        """A client captures from now on. scopes: what it needed for that."""
        self._put(Captures(asker.name, tuple(scopes)))

    def hear(self, client: KnownClient, before: KnownClient | None) -> None:
        """A client changed; there is something to tell when it asks for what it does not have.

        Args:
            client: as it is now.
            before: as it was; None: it is new.
        """
        if wanted(client) and (before is None or question(before) != question(client)):
            self._put(Asks(client))

    async def next(self) -> Notice:
        """The oldest one."""
        return await self._waiting.get()

    def _put(self, notice: Notice) -> None:
        try:
            self._waiting.put_nowait(notice)
        except asyncio.QueueFull:
            self.lost += 1


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
