"""Access: in whose name a request runs, whether it may, and how it ends when that is taken back."""

import asyncio
import hmac
import os
import re
import time
import weakref
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Final

from edged.bridge.access.grants import Grants, asker_of
from edged.bridge.access.limits import Limits
from edged.bridge.access.scopes import ANY_OF, CLIENTS, STRANGERS, Need, captures
from edged.bridge.server import Caller, Outgoing, Stream
from edged.config import Access as Settings
from edged.errors import Busy, Denied, EdgedError, NotPaired, OriginDenied
from edged.messages.access import (
    OWNER,
    SCOPES,
    STRANGER,
    Asker,
    ClientKind,
    KnownClient,
    Pair,
    Scope,
)
from edged.messages.requests import AnyRequest

MOST_REMEMBERED: Final = 1_000
"""Clients and strangers whose requests are counted at once."""

STRANGERS_SHARE: Final = 0.1
"""What one stranger may ask, of what a client may; all strangers together as much as a client."""

STRANGERS_RUNNING: Final = 4
"""Requests of one stranger that run at once: it has nothing to do but wait for `paired`."""

PAIRINGS_PER_MINUTE: Final = 60
"""How often one may ask to be paired, half of it at once: each time something is committed and told."""

WIDER: Final[Need] = frozenset(("results.read:all", "models.read", "models.manage"))
"""Scopes that decide what a request shows, beside whether it may be asked."""

NOBODY: Final = Asker(client_id=STRANGER)
"""Who is not even identified."""

_EXTENSION: Final = re.compile(
    r"chrome-extension://[a-p]{32}/"
    r"|\{[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\}"
    r"|[A-Za-z0-9._-]*@[A-Za-z0-9._-]+"
)
"""What browsers call extensions. Source: Chromium's extension ids are 32 letters from a to p;
Firefox's add-on ids are a GUID in braces or look like an address of mail."""


class _Running:
    """A request that runs in the name of a client."""

    def __init__(self, asker: Asker, request: AnyRequest) -> None:
        self.asker = asker
        self.request = request
        self.task: asyncio.Task[object] | None = None
        self.over: EdgedError | None = None

    def end(self, error: EdgedError) -> None:
        """Let its last reply be this error; at once, or when it begins."""
        if self.over is None:
            self.over = error
            if self.task is not None:
                self.task.cancel()


class Access:
    """Decides about every request. Loop thread only.

    Args:
        grants: the clients that are known.
        settings: what strangers and clients may, and how much.
        owner_token: given by the user's own programs where `local_clients` is `pair`.
        clock: gives time.monotonic() seconds.
    """

    def __init__(
        self,
        grants: Grants,
        settings: Settings,
        *,
        owner_token: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._grants = grants
        self._settings = settings
        self._owner_token = owner_token.encode()
        self._uid = os.geteuid()
        self._limits = _limits(settings, 1.0, MOST_REMEMBERED, clock)
        self._stranger_limits = _limits(settings, STRANGERS_SHARE, MOST_REMEMBERED, clock)
        self._all_strangers = _limits(settings, 1.0, 1, clock)
        self._pairings = Limits(
            requests_per_minute=PAIRINGS_PER_MINUTE,
            bytes_per_minute=settings.bytes_per_minute,
            most=MOST_REMEMBERED,
            burst=0.5,
            clock=clock,
        )
        self._running: dict[str, weakref.WeakSet[_Running]] = {}

    def admit(self, caller: Caller, request: AnyRequest) -> Asker:
        """In whose name the request runs.

        Raises:
            NotPaired: nobody approved this client, or no longer.
            OriginDenied: the origin is no extension's.
            Denied: the client holds no scope for it; `missing` in the details names one.
            Busy: too much at once or in a short time; `retry_after_ms` in the details.
        """
        if self._is_owner(caller):
            return OWNER
        asker = NOBODY
        try:
            kind, identity, client = self._identify(caller)
            asker = _asker(kind, identity, client, caller.pid)
            self._count(asker, caller, request)
            _check(asker, client, request)
        except (NotPaired, OriginDenied, Denied):
            self._grants.note("refused", asker, _tag(request))
            raise
        if client is not None and client.status == "approved":
            self._grants.seen(client, pid=caller.pid)
        return asker

    def guard(self, asker: Asker, request: AnyRequest, stream: Stream) -> Stream:
        """The same replies; they end with `not_paired` or `denied` when the grant does.

        Args:
            asker: as `admit` gave it.
            request: what is answered.
            stream: its replies.
        """
        if asker.is_owner:
            return stream
        running = _Running(asker, request)
        self._running.setdefault(_key(asker), weakref.WeakSet()).add(running)
        return self._guarded(running, stream)

    def changed(self, client: KnownClient, _before: KnownClient | None = None) -> None:
        """End what runs in the name of a client and is no longer granted to it."""
        asker = asker_of(client)
        for running in tuple(self._running.get(client.client_id, ())):
            try:
                _check(asker, client, running.request)
                _check_view(running.asker, asker)
            except EdgedError as error:
                running.end(error)

    # who asks

    def _is_owner(self, caller: Caller) -> bool:
        """A process of our user, which acts for the user; never one that brings an origin or a key."""
        if caller.origin or caller.key or caller.uid != self._uid:
            return False
        if self._settings.local_clients == "user":
            return True
        token = self._owner_token
        return bool(token) and hmac.compare_digest(caller.token.encode(), token)

    def _identify(self, caller: Caller) -> tuple[ClientKind, str, KnownClient | None]:
        if caller.key:
            if caller.origin:
                raise OriginDenied("an origin is only believed of a host on this machine")
            return "key", caller.key, self._grants.known("key", caller.key)
        if caller.uid != self._uid:
            raise NotPaired("another user of this machine is no client")
        if caller.origin:
            _check_origin(caller.origin)
            return "browser", caller.origin, self._grants.known("browser", caller.origin)
        client = self._grants.with_token(caller.token) if caller.token else None
        return "local", "", client

    # how much

    def _count(self, asker: Asker, caller: Caller, request: AnyRequest) -> None:
        who = (asker.kind, asker.identity or caller.link)
        if asker.scopes:
            self._limits.take(asker.client_id, caller.size_bytes)
            most = self._settings.running
        else:
            # In this order: a stranger that floods uses up no other stranger's share.
            self._stranger_limits.take(who, caller.size_bytes)
            self._all_strangers.take("", caller.size_bytes)
            most = STRANGERS_RUNNING
        if isinstance(request, Pair):
            self._pairings.take(who, 0)
        if len(self._running.get(_key(asker), ())) >= most:
            raise Busy("too many running requests", limit=most, retry_after_ms=1_000)

    # what runs

    async def _guarded(self, running: _Running, stream: Stream) -> AsyncGenerator[Outgoing, None]:
        running.task = task = asyncio.current_task()
        try:
            if running.over is not None:
                raise running.over
            async with aclosing(stream):
                async for outgoing in stream:
                    yield outgoing
        except (asyncio.CancelledError, GeneratorExit):
            # The second one where the server waited for a slow client meanwhile.
            if running.over is None or task is None:
                raise
            task.uncancel()
            raise running.over from None
        finally:
            self._drop(running)

    def _drop(self, running: _Running) -> None:
        key = _key(running.asker)
        left = self._running.get(key)
        if left is not None:
            left.discard(running)
            if not left:
                del self._running[key]


def _limits(settings: Settings, share: float, most: int, clock: Callable[[], float]) -> Limits:
    return Limits(
        requests_per_minute=settings.requests_per_minute * share,
        bytes_per_minute=settings.bytes_per_minute * share,
        most=most,
        clock=clock,
    )


def _asker(kind: ClientKind, identity: str, client: KnownClient | None, pid: int) -> Asker:
    if client is not None:
        return asker_of(client, pid=pid)
    return Asker(client_id=STRANGER, kind=kind, identity=identity, pid=pid)


def _key(asker: Asker) -> str:
    """What requests that run are counted by: strangers have no id."""
    return asker.client_id if asker.client_id != STRANGER else f"{asker.kind} {asker.identity}"


def _check_origin(origin: str) -> None:
    if not _EXTENSION.fullmatch(origin):
        raise OriginDenied("the origin is not that of an extension")


def _check(asker: Asker, client: KnownClient | None, request: AnyRequest) -> None:
    """Whether this asker may ask this now.

    Raises:
        NotPaired, Denied: no.
    """
    kind = type(request)
    if kind in STRANGERS:
        return
    if client is None:
        raise NotPaired("this client is not known here")
    if client.status != "approved":
        raise NotPaired(f"this client is {client.status}", status=client.status)
    if kind in CLIENTS:
        return
    enough = ANY_OF.get(kind)
    if enough is None:
        raise Denied("only the user may ask that", fix="ask it with the `edged` command")
    missing = _in_order(captures(request) - asker.scopes)
    if not missing and not enough & asker.scopes:
        missing = _in_order(enough)[:1]  # the most modest one of several that would do
    if missing:
        names = " ".join(missing)
        raise Denied(
            f"the client was not granted {names}",
            fix=f"`edged clients approve {asker.client_id} --scopes ...` with {names} among them",
            missing=names,
        )


def _check_view(before: Asker, now: Asker) -> None:
    """Whether all that a running request shows may still be shown: it goes on as it began.

    Raises:
        Denied: some of it may not.
    """
    missing = _in_order((before.scopes - now.scopes) & WIDER)
    if missing:
        raise Denied("the client sees less from now on", fix="ask again", missing=" ".join(missing))


def _in_order(scopes: Need) -> tuple[Scope, ...]:
    return tuple(scope for scope in SCOPES if scope in scopes)


def _tag(request: AnyRequest) -> str:
    return str(type(request).__struct_config__.tag)
