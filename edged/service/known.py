"""The clients that are known, in memory: what the store holds, as every request asks for it."""

import asyncio
import hashlib
import os
import pwd
import secrets
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial

import msgspec

from edged.config import Access as Settings
from edged.errors import Busy, DiskFull, EdgedError
from edged.events import Bus
from edged.messages.access import STRANGER, Asker, AuditAct, ClientKind, KnownClient, Pair
from edged.messages.events import AnyEvent, ClientChanged
from edged.service.noted import Noted, program
from edged.store import Store, clients
from edged.store.clock import later, stamp
from edged.store.sessions import new_id

SWEEP_S = 5.0
"""How often it is looked for strangers who waited too long, and for a clock that was changed."""
CLOCK_S = 0.002
"""Times in tables have milliseconds: so much later, one of them is over for sure."""

Watcher = Callable[[KnownClient, KnownClient | None], None]


class Known:
    """Fulfils bridge.access.Grants. Loop thread only.

    Args:
        store: where clients are kept.
        bus: tells of every change that was committed.
        settings: how many may wait, and how long.
        fingerprint: makes six words of an identity and a nonce.
    """

    def __init__(
        self,
        store: Store,
        bus: Bus,
        settings: Settings,
        *,
        fingerprint: Callable[[str, str], str],
    ) -> None:
        self._store = store
        self._settings = settings
        self._fingerprint = fingerprint
        self._clients: dict[str, KnownClient] = {}
        self._ends: dict[str, datetime] = {}
        self._identities: dict[tuple[ClientKind, str], str] = {}
        self._tokens: dict[bytes, str] = {}
        self._nonces: dict[str, str] = {}
        self._watchers: list[Watcher] = []
        self._turn = asyncio.Event()
        self._wake = asyncio.Event()
        self.noted = Noted(store, wake=self._wake.set)
        bus.inform("client.changed", self._hear)

    async def load(self) -> None:
        """Take up what the store holds; before the first request."""
        found, self._tokens = await self._store.read(
            lambda db: (clients.list_clients(db), clients.tokens(db))
        )
        for client in found:
            self._take(client)

    # what is known

    def known(self, kind: ClientKind, identity: str) -> KnownClient | None:
        """The client with that origin or key; None: a stranger."""
        client_id = self._identities.get((kind, identity))
        return None if client_id is None else self.with_id(client_id)

    def with_token(self, token: str) -> KnownClient | None:
        """The local client that this token was told."""
        client_id = self._tokens.get(_hashed(token))
        return None if client_id is None else self.with_id(client_id)

    def with_id(self, client_id: str) -> KnownClient | None:
        """One client as it is at this moment; None: there is no such one."""
        client = self._clients.get(client_id)
        end = self._ends.get(client_id)
        if client is None or end is None or datetime.now(UTC) < end:
            return client
        return msgspec.structs.replace(client, status="expired")

    def watch(self, watcher: Watcher) -> None:
        """Call it at once with every client that changed, and with what it was before."""
        self._watchers.append(watcher)

    async def states(
        self, client_id: str, *, pause_s: float
    ) -> AsyncGenerator[KnownClient | None, None]:
        """The client as it is now, and again after each change of any client and each pause."""
        while True:
            turn = self._turn
            yield self.with_id(client_id)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await turn.wait()

    def _hear(self, event: AnyEvent) -> None:
        if isinstance(event, ClientChanged):
            before = self._clients.get(event.client.client_id)
            self._take(event.client)
            for watcher in self._watchers:
                watcher(event.client, before)
            self._turn.set()
            self._turn = asyncio.Event()
            self._wake.set()

    def _take(self, client: KnownClient) -> None:
        client_id, key = client.client_id, (client.kind, client.identity)
        self._ends.pop(client_id, None)
        if client.status == "approved" and client.expires_at is not None:
            self._ends[client_id] = datetime.fromisoformat(client.expires_at)
        if client.status == "forgotten":
            self._clients.pop(client_id, None)
            self._nonces.pop(client_id, None)
            self._identities.pop(key, None)
        else:
            self._clients[client_id] = client
            if client.kind != "local":
                self._identities[key] = client_id
        if client.status in ("denied", "revoked", "forgotten"):
            self._tokens = {one: of for one, of in self._tokens.items() if of != client_id}

    # asking to be paired

    async def ask(self, asker: Asker, request: Pair) -> KnownClient:
        """Note that somebody asks to be paired; pending, or as it was decided before.

        Raises:
            Busy: too many wait already.
            BadRequest: the name cannot be shown.
        """
        identity = asker.identity or await asyncio.to_thread(_login)
        of_parent = asker.kind == "browser"
        own_id = None if asker.client_id == STRANGER else asker.client_id
        wish = KnownClient(
            client_id=own_id or self._with_nonce(request.nonce) or new_id(),
            kind=asker.kind or "local",
            identity=identity,
            name=request.name,
            status="pending",
            fingerprint=self._fingerprint(identity, request.nonce),
            asked_at=stamp(),
            asked_scopes=request.scopes,
            pid=asker.pid,
            program=await asyncio.to_thread(program, asker.pid, of_parent=of_parent),
        )
        client = await self._store.write(
            partial(clients.ask, wish=wish, most_pending=self._settings.pending)
        )
        if client.kind == "local" and own_id is None:
            self._nonces[client.client_id] = request.nonce
        return client

    def _with_nonce(self, nonce: str) -> str | None:
        """The local program that asked with this nonce, until it was told a token."""
        for client_id, known in self._nonces.items():
            if secrets.compare_digest(known, nonce):
                return client_id
        return None

    async def token(self, client: KnownClient) -> str:
        """The token of an approved local client, to be told once; empty when that was done."""
        client_id = client.client_id
        nonce = self._nonces.pop(client_id, None)
        if nonce is None:
            return ""
        token = secrets.token_urlsafe(32)
        hashed = _hashed(token)
        try:
            await self._store.write(lambda db: clients.set_token(db, client_id, hashed))
        except (EdgedError, asyncio.CancelledError):
            self._nonces[client_id] = nonce  # nobody was told; it may ask again
            raise
        self._tokens[hashed] = client_id
        return token

    # what is noted

    def seen(self, client: KnownClient, *, pid: int) -> None:
        """Note when and as which process it asked last; written some time later."""
        self.noted.see(client.client_id, pid=pid, of_parent=client.kind == "browser")

    def note(self, act: AuditAct, asker: Asker, what: str = "") -> None:
        """Add to the audit; written soon, the same within a minute once with its count."""
        self.noted.note(act, asker.client_id, what)

    # time

    async def run(self) -> None:
        """End what is over and write what was noted, until cancelled."""
        while True:
            self._wake.clear()
            with suppress(DiskFull, Busy):
                await self.expire()
            await self.noted.write_due()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._until_next_end_s()):
                    await self._wake.wait()

    def _until_next_end_s(self) -> float:
        """Until the next grant ends, so that what runs by it ends in time; at most a sweep."""
        first = min(self._ends.values(), default=None)
        if first is None:
            return SWEEP_S
        left_s = (first - datetime.now(UTC)).total_seconds()
        return min(SWEEP_S, max(0.0, left_s) + CLOCK_S)

    async def expire(self) -> None:
        """End grants whose time is over, and forget strangers who waited too long."""
        now, asked_by = datetime.now(UTC), later(None, -self._settings.pending_ms)
        over = any(end <= now for end in self._ends.values())
        pending = (one for one in self._clients.values() if one.status == "pending")
        if over or any(one.asked_at <= asked_by for one in pending):
            expire = partial(clients.expire, pending_ms=self._settings.pending_ms)
            await self._store.write(expire, makes_room=True)


def _hashed(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _login() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container's user without an entry
        return str(os.getuid())
