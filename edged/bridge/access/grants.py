"""What access asks of the store; daemon.py wires it, so that the bridge knows no SQL."""

from typing import Protocol

from edged.messages.access import Asker, AuditAct, ClientKind, KnownClient, Scope


class Grants(Protocol):
    """The clients that are known. Loop thread only; `known` and `with_token` wait for nothing."""

    def known(self, kind: ClientKind, identity: str) -> KnownClient | None:
        """The client with that origin or key; None: a stranger."""

    def with_token(self, token: str) -> KnownClient | None:
        """The local client that this token was told."""

    async def ask(self, client: KnownClient) -> KnownClient:
        """Note that a stranger asks to be paired; pending, or as it was decided before.

        Raises:
            Busy: too many wait already.
        """

    def seen(self, client: KnownClient, *, pid: int, program: str) -> None:
        """Note when and as which process it asked last; written some time later."""

    def note(self, act: AuditAct, asker: Asker | KnownClient, what: str = "") -> None:
        """Add to the audit; written some time later, the same within a minute once with its count."""


def asker_of(client: KnownClient) -> Asker:
    """In whose name an approved client's requests run."""
    granted: frozenset[Scope] = frozenset(client.scopes)
    return Asker(client_id=client.client_id, kind=client.kind, name=client.name, scopes=granted)
