"""Who may ask what: clients, what they were granted, and what they did. docs/SECURITY.md explains."""

from typing import Annotated, Literal, get_args

from msgspec import Meta

from edged.messages.wire import Count, Id, Record, Reply, Request, Timestamp

Scope = Literal[
    "vision",
    "speech",
    "language",
    "capture.microphone",
    "capture.camera",
    "capture.screen",
    "results.read",
    "results.read:all",
    "results.delete",
    "models.read",
    "models.manage",
]
SCOPES: tuple[Scope, ...] = get_args(Scope)
"""What can be granted. `results.read:all` goes beyond a client's own results."""

Scopes = Annotated[tuple[Scope, ...], Meta(max_length=11)]

ClientKind = Literal["browser", "key", "local"]
"""browser: an extension, by the origin that its browser states; key: a CURVE key over TCP;
local: a process of the daemon's user that must be paired because of `access.local_clients`."""

ClientStatus = Literal["pending", "approved", "denied", "revoked", "expired", "forgotten"]
"""expired: what was granted ran out. forgotten: only in `client.changed`: it is no longer listed."""

AuditAct = Literal[
    "asked",
    "approved",
    "denied",
    "revoked",
    "expired",
    "forgotten",
    "refused",
    "captured",
    "deleted",
]
"""asked: to be paired; refused: a request that was not granted; captured: began to listen or look;
deleted: results; the others: what was decided about the client."""

Origin = Annotated[str, Meta(max_length=200)]
"""What a browser states of an extension: `chrome-extension://ID/`, or Firefox's add-on id."""


class KnownClient(Record, frozen=True):
    """A client that asked to be paired, or was.

    identity: the origin, the public key (Z85), or for local ones the name of the user.
    fingerprint: six words; the client shows the same ones while it is pending.
    pid, program: of the last process that asked in its name, as the kernel said; advice, no proof.
    """

    client_id: Id
    kind: ClientKind
    identity: str
    name: str
    status: ClientStatus
    fingerprint: str
    asked_at: Timestamp
    asked_scopes: Scopes = ()
    scopes: Scopes = ()
    decided_at: Timestamp | None = None
    expires_at: Timestamp | None = None
    last_seen_at: Timestamp | None = None
    pid: int = -1
    program: str = ""


class AuditEntry(Record, frozen=True):
    """What happened, in order; entries are never changed.

    what: the type of the request, or the scopes; never content. client_id: empty for the owner.
    count: how often the same happened within a minute.
    """

    number: Count
    at: Timestamp
    act: AuditAct
    client_id: str
    what: str = ""
    count: Count = 1


class Asker(Record, frozen=True):
    """In whose name a request runs; never on the wire.

    client_id: empty: the owner, who may do all; `STRANGER`: somebody who has none yet.
    identity: as of KnownClient. pid: of the process that asks in its name; -1: not known.
    """

    client_id: str = ""
    kind: ClientKind | None = None
    name: str = ""
    scopes: frozenset[Scope] = frozenset()
    identity: str = ""
    pid: int = -1

    @property
    def is_owner(self) -> bool:
        """Whether this is the user of the daemon."""
        return not self.client_id

    @property
    def sees(self) -> str | None:
        """Whose results it may see: None: everybody's."""
        return None if self.is_owner or "results.read:all" in self.scopes else self.client_id


OWNER = Asker()
STRANGER = "-"
"""Stands for the client_id of those who have none; no id looks like it, so they own nothing."""


class Pair(Request, frozen=True, tag="pair"):
    """Asks to become a client; the only thing, beside `hello`, that a stranger may ask.

    name: how it wants to be shown. scopes: what it wants to be granted.
    nonce: 32 hexadecimal digits of its own choice, of which the fingerprint is made.
    """

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    scopes: Annotated[tuple[Scope, ...], Meta(min_length=1, max_length=11)]
    nonce: Annotated[str, Meta(pattern=r"^[0-9a-f]{32}$")]


class ClientsSelf(Request, frozen=True, tag="clients.self"):
    """Who the asking client is and what it was granted."""


class ClientsList(Request, frozen=True, tag="clients.list"):
    """Clients, newest first. Only the owner may ask this and what follows."""

    status: ClientStatus | None = None


class ClientsShow(Request, frozen=True, tag="clients.show"):
    """One client."""

    client_id: Id


class ClientsApprove(Request, frozen=True, tag="clients.approve"):
    """Grants scopes, to a pending client or anew to one that has some.

    scopes: None: those that it asked for. ttl_s: None: as `access.ttl_days`; 0: without an end.
    """

    client_id: Id
    scopes: Scopes | None = None
    ttl_s: Count | None = None


class ClientsDeny(Request, frozen=True, tag="clients.deny"):
    """Refuses a client; it may not ask again until `clients.forget`."""

    client_id: Id


class ClientsRevoke(Request, frozen=True, tag="clients.revoke"):
    """Takes back what was granted: running requests and recordings of the client end at once."""

    client_id: Id


class ClientsForget(Request, frozen=True, tag="clients.forget"):
    """Removes a client from the list, so that it may ask again; its results stay the owner's."""

    client_id: Id


class ClientsAdd(Request, frozen=True, tag="clients.add"):
    """Makes a CURVE key a client, approved at once.

    public_key: Z85, 40 characters. scopes, ttl_s: as for `clients.approve`.
    """

    public_key: Annotated[str, Meta(min_length=40, max_length=40)]
    name: Annotated[str, Meta(min_length=1, max_length=100)]
    scopes: Scopes
    ttl_s: Count | None = None


class ClientsAudit(Request, frozen=True, tag="clients.audit"):
    """What clients asked and what was decided, newest first.

    before: only entries with a smaller number.
    """

    client_id: str | None = None
    before: Count | None = None
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100


class Pairing(Reply, frozen=True, tag="pairing"):
    """The client is pending; `paired` follows when somebody has decided."""

    client: KnownClient


class Paired(Reply, frozen=True, tag="paired"):
    """What was decided: `client.status` is `approved` or `denied`.

    token: for local clients: goes into the envelope of their requests; never told again.
    """

    client: KnownClient
    token: str = ""


class OneClient(Reply, frozen=True, tag="client"):
    """A client."""

    client: KnownClient


class Clients(Reply, frozen=True, tag="clients"):
    """Clients."""

    clients: tuple[KnownClient, ...]


class Audit(Reply, frozen=True, tag="audit"):
    """A page of the audit; next: give it as `before`."""

    entries: tuple[AuditEntry, ...]
    next: Count | None = None
