"""A book of grants in memory, and clients to write into it."""

import os

from edged.bridge.server import Caller
from edged.messages import requests
from edged.messages.access import Asker, AuditAct, ClientKind, ClientStatus, KnownClient, Scope

UID = os.geteuid()
ORIGIN = f"chrome-extension://{'abcdefghijklmnop' * 2}/"
LINK = "aa"
ASKS = Caller(LINK, UID, 7, origin=ORIGIN)
LIST = requests.JobsList()


class Book:
    """Grants in memory, as bridge.access.grants has it."""

    def __init__(self, *known: KnownClient) -> None:
        self.clients = {(client.kind, client.identity): client for client in known}
        self.tokens: dict[str, KnownClient] = {}
        self.notes: list[tuple[AuditAct, str, str]] = []
        self.pids: list[int] = []

    def known(self, kind: ClientKind, identity: str) -> KnownClient | None:
        return self.clients.get((kind, identity))

    def with_token(self, token: str) -> KnownClient | None:
        return self.tokens.get(token)

    def seen(self, client: KnownClient, *, pid: int) -> None:
        assert client.status == "approved"
        self.pids.append(pid)

    def note(self, act: AuditAct, asker: Asker, what: str = "") -> None:
        self.notes.append((act, asker.client_id, what))


def client(
    *granted: Scope,
    kind: ClientKind = "browser",
    identity: str = ORIGIN,
    status: ClientStatus = "approved",
) -> KnownClient:
    return KnownClient(
        client_id="c1",
        kind=kind,
        identity=identity,
        name="panel",
        status=status,
        fingerprint="",
        asked_at="",
        scopes=granted,
    )
