"""`clients keygen`: a key for a program on another machine, known to the daemon from the start."""

import argparse
import re
import sys
from contextlib import suppress
from pathlib import Path

from edged import config
from edged.bridge import curve_keys
from edged.bridge.curve_keys import ClientKeys
from edged.cli import clients, render, spans
from edged.cli.connect import Settings
from edged.errors import BadRequest, EdgedError
from edged.messages import access
from edged.messages.access import KnownClient

_ENDPOINT = re.compile(r"tcp://(?P<host>\[[0-9a-fA-F:.]+\]|[^\[\]:*\s]+):\d{1,5}")
_EVERYWHERE = ("0.0.0.0", "[::]")  # noqa: S104 recognised, not bound


def keygen(settings: Settings, arguments: argparse.Namespace) -> None:
    """Make a key, make it known, and hand it out.

    Raises:
        BadRequest: no such scope or span, or nobody knows where clients reach the daemon.
        Conflict: the file exists. EdgedError: the daemon did not take the key.
    """
    scopes = clients.scopes_of(arguments.scopes)
    ttl_s = None if arguments.ttl is None else spans.seconds(arguments.ttl)
    listens = config.load(settings.paths).tcp.endpoint
    endpoint = reached_at(arguments.endpoint, listens)
    public, secret = curve_keys.new_pair()
    request = access.ClientsAdd(public_key=public, name=arguments.name, scopes=scopes, ttl_s=ttl_s)
    keys = ClientKeys(
        endpoint=endpoint,
        server_key=curve_keys.server_keys(settings.paths.tcp_key_file).public_key,
        public_key=public,
        secret_key=secret,
    )
    client = _hand_out(settings, request, keys, arguments.out)
    _tell(settings, client, keys, arguments.out)
    if not listens:
        print(
            f"edged: the daemon does not listen on TCP yet; set tcp.endpoint and restart it"
            f" ({settings.paths.config_file})",
            file=sys.stderr,
        )


def reached_at(given: str | None, listens: str) -> str:
    """Where clients reach the daemon: as given, or where it listens.

    Args:
        given: by the caller.
        listens: the setting `tcp.endpoint`.

    Raises:
        BadRequest: neither says it; every address of a machine is no address of it.
    """
    if given is not None:
        if not _ENDPOINT.fullmatch(given):
            raise BadRequest("that is no endpoint", fix="write tcp://HOST:PORT")
        return given
    found = _ENDPOINT.fullmatch(listens)
    if found is None or found["host"] in _EVERYWHERE:
        raise BadRequest(
            "nobody knows where clients reach this daemon",
            fix="give --endpoint tcp://HOST:PORT, or set tcp.endpoint to one address",
        )
    return listens


def _hand_out(
    settings: Settings, request: access.ClientsAdd, keys: ClientKeys, out: str | None
) -> KnownClient:
    """Write the file first, so that no key is known that nobody has; and none that is not known."""
    file = None if out is None else Path(out).absolute()
    if file is not None:
        curve_keys.write_client(file, keys)
    try:
        with settings.connect() as daemon:
            return daemon.ask(request, access.OneClient).client
    except EdgedError:
        if file is not None:
            with suppress(OSError):
                file.unlink()
        raise


def _tell(settings: Settings, client: KnownClient, keys: ClientKeys, out: str | None) -> None:
    if settings.json:
        render.as_json({"client": client, "keys": keys if out is None else None, "file": out})
    elif out is None:
        print(curve_keys.as_text(keys), end="")
    else:
        print(f"{client.client_id}  {client.name}: {' '.join(client.scopes)}")
        print(f"  its key lies in {out}; move it to the other machine, and keep no copy")
