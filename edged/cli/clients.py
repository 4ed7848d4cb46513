"""`clients`: who may ask what, beside the user; docs/SECURITY.md explains."""

import argparse
from typing import Any

from edged.bridge.link import SyncClient
from edged.cli import render, spans
from edged.cli.asking import ask
from edged.cli.connect import Settings
from edged.cli.families import Family, later
from edged.errors import BadRequest, NotFound
from edged.messages import access, replies
from edged.messages.access import SCOPES, AuditEntry, KnownClient, Scope

STATES = ("pending", "approved", "denied", "revoked", "expired")
ALL = "all"
_keygen = later("edged.cli.keygen", "keygen")


def add(commands: "argparse._SubParsersAction[Any]", shared: argparse.ArgumentParser) -> None:
    """Add this family's commands."""
    family = Family(commands, shared, "clients", "browser extensions and others that may ask")
    listing = family.add("list", list_clients, "who asked to be paired, and who was")
    listing.add_argument("--status", choices=STATES)
    family.add("show", show, "one client").add_argument("id", metavar="ID")
    approved = family.add("approve", approve, "let a client ask")
    approved.add_argument(
        "id", metavar="ID", nargs="?", help="if only one waits, it may be left out"
    )
    approved.add_argument(
        "--scopes", metavar="A,B", help="what it may do, or `all`; otherwise what it asked for"
    )
    approved.add_argument("--ttl", metavar="SPAN", help="for how long: 30d, 12h; 0: without an end")
    for verb, run, text in (
        ("deny", deny, "refuse a client; it may not ask again"),
        ("revoke", revoke, "take back what a client may do, at once"),
        ("forget", forget, "remove a client from the list; what it recorded becomes yours"),
    ):
        family.add(verb, run, text).add_argument("id", metavar="ID")
    audit = family.add("audit", show_audit, "what clients asked and what was decided")
    audit.add_argument("id", metavar="ID", nargs="?", help="of this client alone")
    audit.add_argument("--limit", type=int, default=50)
    made = family.add("keygen", _keygen, "make a key for a client on another machine")
    made.add_argument("--name", required=True, help="how the client is shown")
    made.add_argument("--scopes", required=True, metavar="A,B", help="what it may do, or `all`")
    made.add_argument("--ttl", metavar="SPAN", help="for how long: 30d, 12h; 0: without an end")
    made.add_argument("--endpoint", metavar="tcp://HOST:PORT", help="where it reaches this daemon")
    made.add_argument("--out", metavar="FILE", help="write the key there instead of printing it")


def list_clients(settings: Settings, arguments: argparse.Namespace) -> None:
    """Print clients."""
    with settings.connect() as daemon:
        found = daemon.ask(access.ClientsList(status=arguments.status), access.Clients)
    if settings.json:
        render.as_json(found)
        return
    columns = ["id", "name", "kind", "state", "scopes", "until", "fingerprint"]
    render.table("", columns, [_row(client) for client in found.clients])


def _row(client: KnownClient) -> list[str]:
    waits = client.status == "pending"
    return [
        client.client_id,
        client.name,
        client.kind,
        client.status,
        " ".join(client.asked_scopes if waits else client.scopes),
        _until(client) if client.status == "approved" else "",
        client.fingerprint if waits else "",
    ]


def _until(client: KnownClient) -> str:
    return (client.expires_at or "for ever")[:10]


def show(settings: Settings, arguments: argparse.Namespace) -> None:
    """Print one client."""
    with settings.connect() as daemon:
        found = daemon.ask(access.ClientsShow(client_id=arguments.id), access.OneClient)
    _print(settings, found.client)


def approve(settings: Settings, arguments: argparse.Namespace) -> None:
    """Grant scopes to a client.

    Raises:
        BadRequest: no such scope or span; nobody can be asked which client is meant.
        NotFound: no client waits.
    """
    scopes = None if arguments.scopes is None else scopes_of(arguments.scopes)
    ttl_s = None if arguments.ttl is None else spans.seconds(arguments.ttl)
    with settings.connect() as daemon:
        client_id = arguments.id
        if client_id is None:
            client_id, scopes = _only_one(daemon, scopes, quiet=settings.json)
        request = access.ClientsApprove(client_id=client_id, scopes=scopes, ttl_s=ttl_s)
        found = daemon.ask(request, access.OneClient)
    _print(settings, found.client)


def _only_one(
    daemon: SyncClient, scopes: tuple[Scope, ...] | None, *, quiet: bool
) -> tuple[str, tuple[Scope, ...]]:
    """The one client that waits and what it may do, once a person has compared the words.

    Raises:
        NotFound: none waits.
        BadRequest: several do, or nobody said yes.
    """
    waiting = daemon.ask(access.ClientsList(status="pending"), access.Clients).clients
    if not waiting:
        raise NotFound("no client waits to be approved", fix="let it ask first")
    if len(waiting) > 1:
        raise BadRequest(
            f"{len(waiting)} clients wait to be approved",
            fix="name one: `edged clients list`, `edged clients approve ID`",
        )
    client = waiting[0]
    granted = client.asked_scopes if scopes is None else scopes
    if not quiet:
        print("\n".join(_lines(client)))
    question = f"Does it show the same six words? Let it: {' '.join(granted)}"
    if not ask(question, quiet=quiet):
        raise BadRequest("nothing was approved", fix=f"`edged clients approve {client.client_id}`")
    return client.client_id, granted


def scopes_of(text: str) -> tuple[Scope, ...]:
    """The scopes that a list with commas names; `all` for every one.

    Raises:
        BadRequest: there is no such scope, or none is named.
    """
    if text.strip() == ALL:
        return SCOPES
    wanted = {word.strip() for word in text.split(",")} - {""}
    if not wanted or wanted - set(SCOPES):
        raise BadRequest("no such scope", fix=f"scopes are: {', '.join(SCOPES)}; or `all`")
    return tuple(scope for scope in SCOPES if scope in wanted)


def deny(settings: Settings, arguments: argparse.Namespace) -> None:
    """Refuse a client."""
    with settings.connect() as daemon:
        found = daemon.ask(access.ClientsDeny(client_id=arguments.id), access.OneClient)
    _print(settings, found.client)


def revoke(settings: Settings, arguments: argparse.Namespace) -> None:
    """Take back what a client was granted."""
    with settings.connect() as daemon:
        found = daemon.ask(access.ClientsRevoke(client_id=arguments.id), access.OneClient)
    _print(settings, found.client)


def forget(settings: Settings, arguments: argparse.Namespace) -> None:
    """Remove a client from the list."""
    with settings.connect() as daemon:
        daemon.ask(access.ClientsForget(client_id=arguments.id), replies.Done)
    if settings.json:
        render.as_json({"forgotten": arguments.id})
    else:
        print("forgotten; it may ask to be paired again")


def show_audit(settings: Settings, arguments: argparse.Namespace) -> None:
    """Print the audit, newest first."""
    request = access.ClientsAudit(client_id=arguments.id, limit=arguments.limit)
    with settings.connect() as daemon:
        found = daemon.ask(request, access.Audit)
        names = _names(daemon)
    if settings.json:
        render.as_json(found)
        return
    columns = ["at", "what happened", "who", "name", "what", ">times"]
    render.table("", columns, [_entry(entry, names) for entry in found.entries])


def _names(daemon: SyncClient) -> dict[str, str]:
    found = daemon.ask(access.ClientsList(), access.Clients).clients
    return {client.client_id: client.name for client in found} | {access.STRANGER: "(a stranger)"}


def _entry(entry: AuditEntry, names: dict[str, str]) -> list[str]:
    name = names.get(entry.client_id, "") if entry.client_id else "(you)"
    times = str(entry.count) if entry.count > 1 else ""
    return [entry.at, entry.act, entry.client_id, name, entry.what, times]


def _print(settings: Settings, client: KnownClient) -> None:
    if settings.json:
        render.as_json(client)
    else:
        print("\n".join(_lines(client)))


def _lines(client: KnownClient) -> list[str]:
    """What a person has to know of a client, a line each; what is not known is left out."""
    facts = {
        "": f"{client.client_id}  {client.name}  ({client.kind}, {client.status})",
        "identity": client.identity,
        "fingerprint": client.fingerprint,
        "asked for": " ".join(client.asked_scopes),
        "may do": " ".join(client.scopes),
        "until": _until(client) if client.status == "approved" else "",
        "last seen": client.last_seen_at or "",
        "program": f"{client.program} (pid {client.pid})" if client.program else "",
    }
    return [f"  {label:12} {fact}" if label else fact for label, fact in facts.items() if fact]
