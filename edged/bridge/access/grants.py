"""What access asks of the store; daemon.py wires it, so that the bridge knows no SQL."""

from typing import Protocol

from edged.messages.access import Asker, AuditAct, ClientKind, KnownClient, Scope


class Grants(Protocol):
    """The clients that are known. Loop thread only; nothing here waits."""

    def known(self, kind: ClientKind, identity: str) -> KnownClient | None:
        """The client with that origin or key; None: a stranger."""

    def with_token(self, token: str) -> KnownClient | None:
        """The local client that this token was told."""

    def seen(self, client: KnownClient, *, pid: int) -> None:
        """Note when and as which process it asked last; written some time later."""

    def note(self, act: AuditAct, asker: Asker, what: str = "") -> None:
        """Add to the audit; written soon, the same within a minute once with its count."""


def asker_of(client: KnownClient, *, pid: int = -1) -> Asker:
    """In whose name the requests of a client run."""
    granted: frozenset[Scope] = frozenset(client.scopes)
    return Asker(
        client_id=client.client_id,
        kind=client.kind,
        name=client.name,
        scopes=granted if client.status == "approved" else frozenset(),
        identity=client.identity,
        pid=pid,
    )
