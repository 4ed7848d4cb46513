"""`pair` and `clients.*`: who may ask what. docs/SECURITY.md explains."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress

from edged.errors import Conflict, EdgedError, NotPaired
from edged.messages.access import (
    STRANGER,
    Audit,
    Clients,
    ClientsAdd,
    ClientsApprove,
    ClientsAudit,
    ClientsDeny,
    ClientsForget,
    ClientsList,
    ClientsRevoke,
    ClientsSelf,
    ClientsShow,
    KnownClient,
    OneClient,
    Pair,
    Paired,
    Pairing,
    Scope,
)
from edged.messages.replies import AnyReply, Done
from edged.service.house import House
from edged.store import audit, clients
from edged.store.clock import later

HEARTBEAT_S = 10.0
"""How often a client that waits is told so: only by sending is a closed connection noticed."""

DAY_MS = 86_400_000

MOST_ENDED = 1_000
"""Clients that lost something and whose recordings are not ended yet."""

Replies = AsyncGenerator[AnyReply, None]


async def pair(house: House, request: Pair) -> Replies:
    """`pairing` until somebody has decided, then `paired`."""
    if house.asker.is_owner:
        raise Conflict(
            "this program acts for the user", fix="ask what you want; nothing is missing"
        )
    client = await house.known.ask(house.asker, request)
    if _waits(client, client):
        async with aclosing(_decided(house, client)) as states:
            async for reply in states:
                yield reply
    else:
        yield await _paired(house, client)


async def _decided(house: House, asked: KnownClient) -> Replies:
    states = house.known.states(asked.client_id, pause_s=HEARTBEAT_S)
    async with aclosing(states):
        async for client in states:
            if client is None:
                raise NotPaired("nobody decided in time", fix="ask again with `pair`")
            if not _waits(client, asked):
                yield await _paired(house, client)
                return
            yield Pairing(client=client)


def _waits(client: KnownClient, asked: KnownClient) -> bool:
    """Whether nobody has decided since it asked; an approved client may ask for more."""
    if client.status != "approved" or asked.status != "approved":
        return client.status == "pending"
    more = set(asked.asked_scopes) - set(client.scopes)
    return bool(more) and client.decided_at == asked.decided_at


async def _paired(house: House, client: KnownClient) -> Paired:
    if client.kind == "local" and client.status == "approved":
        return Paired(client=client, token=await house.known.token(client))
    return Paired(client=client)


async def show_self(house: House, _: ClientsSelf) -> Replies:
    """Who asks, and what it was granted."""
    if house.asker.is_owner:
        raise Conflict(
            "this program acts for the user", fix="ask what you want; nothing is missing"
        )
    client = house.known.with_id(house.asker.client_id)
    if client is None or house.asker.client_id == STRANGER:
        raise NotPaired("this client is not known here")
    yield OneClient(client=client)


async def list_clients(house: House, request: ClientsList) -> Replies:
    """Clients, newest first."""
    await house.known.noted.write()
    found = await house.store.read(lambda db: clients.list_clients(db, request.status))
    yield Clients(clients=found)


async def show(house: House, request: ClientsShow) -> Replies:
    """One client."""
    await house.known.noted.write()
    yield OneClient(client=await house.store.read(lambda db: clients.get(db, request.client_id)))


async def approve(house: House, request: ClientsApprove) -> Replies:
    """Grant scopes; what is no longer granted ends."""
    expires_at = _end_of(house, request.ttl_s)
    client = await house.store.write(
        lambda db: clients.approve(
            db, request.client_id, scopes=request.scopes, expires_at=expires_at
        )
    )
    yield OneClient(client=client)


async def add(house: House, request: ClientsAdd) -> Replies:
    """Make a CURVE key a client."""
    expires_at = _end_of(house, request.ttl_s)
    client = await house.store.write(
        lambda db: clients.add_key(
            db,
            public_key=request.public_key,
            name=request.name,
            scopes=request.scopes,
            expires_at=expires_at,
        )
    )
    yield OneClient(client=client)


async def deny(house: House, request: ClientsDeny) -> Replies:
    """Refuse a client for good."""
    client = await house.store.write(
        lambda db: clients.deny(db, request.client_id), makes_room=True
    )
    await stop_recordings(house, client)
    yield OneClient(client=client)


async def revoke(house: House, request: ClientsRevoke) -> Replies:
    """Take back what a client was granted; answered when nothing of it goes on."""
    client = await house.store.write(
        lambda db: clients.revoke(db, request.client_id), makes_room=True
    )
    await stop_recordings(house, client)
    yield OneClient(client=client)


async def forget(house: House, request: ClientsForget) -> Replies:
    """Remove a client from the list; what it records ends first."""
    client = await house.store.read(lambda db: clients.get(db, request.client_id))
    await stop_recordings(house, client)
    await house.store.write(lambda db: clients.forget(db, request.client_id), makes_room=True)
    yield Done()


async def show_audit(house: House, request: ClientsAudit) -> Replies:
    """A page of the audit, newest first."""
    await house.known.noted.write()
    found = await house.store.read(
        lambda db: audit.page(
            db, client_id=request.client_id, before=request.before, limit=request.limit
        )
    )
    full = len(found) == request.limit
    yield Audit(entries=found, next=found[-1].number if full else None)


async def stop_recordings(house: House, client: KnownClient) -> None:
    """End what is recorded in the name of a client; a recording that cannot end now, ends later."""
    running = await house.store.read(lambda db: clients.recording(db, client.client_id))
    for session_id in running:
        with suppress(EdgedError):
            await house.sessions.stop(session_id)


async def look_after(house: House) -> None:
    """End the recordings of clients that lost something of their grant, until cancelled."""
    lost: asyncio.Queue[KnownClient] = asyncio.Queue(MOST_ENDED)

    def note(client: KnownClient, before: KnownClient | None) -> None:
        if before is not None and _granted(before) - _granted(client):
            with suppress(asyncio.QueueFull):
                lost.put_nowait(client)

    house.known.watch(note)
    while True:
        await stop_recordings(house, await lost.get())


def _granted(client: KnownClient) -> frozenset[Scope]:
    return frozenset(client.scopes) if client.status == "approved" else frozenset()


def _end_of(house: House, ttl_s: int | None) -> str | None:
    """When a grant ends that is made now."""
    ms = house.config.access.ttl_days * DAY_MS if ttl_s is None else ttl_s * 1000
    return later(None, ms) if ms else None
