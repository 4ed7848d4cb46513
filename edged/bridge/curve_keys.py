"""Keys for TCP: the daemon's own pair, and the file that a client on another machine is given.

Both are CURVE25519 pairs as ZeroMQ writes them (Z85, 40 characters), in JSON that only its owner
can read. Who has a client's file is that client, until it is revoked.
"""

import os
import secrets
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
import zmq
from msgspec import Meta, Struct

from edged.errors import ConfigError, Conflict, Denied, KeyMissing

Key = Annotated[str, Meta(min_length=40, max_length=40)]

S = TypeVar("S", bound=Struct)


class ServerKeys(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The daemon's pair; clients know it by its public half."""

    public_key: Key
    secret_key: Key


class ClientKeys(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that a client needs to reach a daemon over TCP.

    endpoint: `tcp://ADDRESS:PORT`. server_key: the daemon's public key.
    """

    endpoint: Annotated[str, Meta(pattern=r"^tcp://.+:.+$", max_length=300)]
    server_key: Key
    public_key: Key
    secret_key: Key


def new_pair() -> tuple[str, str]:
    """A new public and secret key."""
    public, secret = zmq.curve_keypair()
    return public.decode(), secret.decode()


def server_keys(path: Path) -> ServerKeys:
    """The daemon's keys; made where there are none yet. Blocks.

    Raises:
        Denied: the file cannot be read or written, or others can read it.
        ConfigError: it is damaged.
    """
    try:
        return _read(path, ServerKeys, "the daemon's key file for TCP")
    except KeyMissing:
        public, secret = new_pair()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = ServerKeys(public_key=public, secret_key=secret)
    try:
        _write_new(path, made)
    except Conflict:  # the command line and the daemon made them at once
        return _read(path, ServerKeys, "the daemon's key file for TCP")
    return made


def read_client(path: Path | str) -> ClientKeys:
    """A client's keys. Blocks.

    Raises:
        ConfigError: there is no such file, or it is none of ours.
        Denied: it cannot be read, or others can read it.
    """
    try:
        return _read(Path(path), ClientKeys, "the client's key file")
    except KeyMissing as error:
        raise ConfigError(
            "the client's key file is missing", fix="make one with `edged clients keygen`"
        ) from error


def write_client(path: Path, keys: ClientKeys) -> None:
    """Write a client's keys where no file is. Blocks.

    Raises:
        Conflict: there is a file. Denied: it cannot be written.
    """
    _write_new(path, keys)


def as_text(keys: ClientKeys) -> str:
    """What the file holds."""
    return (msgspec.json.format(msgspec.json.encode(keys)) + b"\n").decode()


def _read(path: Path, kind: type[S], what: str) -> S:
    from edged.keys.keyfile import read_private  # `edged status` must not wait for it

    content = read_private(path, what)
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ConfigError(f"{what} is damaged", fix="make a new one, or take a copy") from error


def _write_new(path: Path, keys: Struct) -> None:
    """Complete or not at all, and never over another file."""
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(keys)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(fresh, path)
    except FileExistsError as error:
        raise Conflict("there is already a file of that name", fix="choose another one") from error
    except OSError as error:
        raise Denied(f"the key file cannot be written: {error.strerror}") from error
    finally:
        fresh.unlink(missing_ok=True)
