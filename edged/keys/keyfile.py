"""The key file: JSON with slots. Every slot gives the same master secret, each in its own way.

The store's key is made from the master secret and a salt: another salt is another key, so that
changing the key leaves passphrase, keyring and recovery code as they are.
"""

import hashlib
import os
import secrets
import stat
import sys
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from edged.errors import Conflict, Denied, KeyMissing, StoreTooNew

KEY_BYTES = 32
SALT_BYTES = 16
VERSION = 1
MOST_EARLIER = 16

Hex = Annotated[str, Meta(pattern=r"^([0-9a-f]{2})*$", max_length=1024)]
HexKey = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
HexSalt = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}$")]


class Slot(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """One way to the master secret."""


class PlainSlot(Slot, frozen=True, tag="plain"):
    """The secret itself: whoever reads the file has it."""

    master: HexKey


class PassphraseSlot(Slot, frozen=True, tag="passphrase"):
    """The secret under a passphrase: Argon2id, then ChaCha20-Poly1305."""

    salt: Hex
    memory_kib: Annotated[int, Meta(ge=8, le=4 * 2**20)]
    passes: Annotated[int, Meta(ge=1, le=100)]
    lanes: Annotated[int, Meta(ge=1, le=16)]
    nonce: Hex
    sealed: Hex


class RecoverySlot(Slot, frozen=True, tag="recovery"):
    """The secret under a random code of 160 bits: BLAKE2b, then ChaCha20-Poly1305."""

    salt: Hex
    nonce: Hex
    sealed: Hex


class KeyringSlot(Slot, frozen=True, tag="keyring"):
    """The secret lies in the desktop's keyring, in the named backend and no other."""

    backend: Annotated[str, Meta(max_length=200)]
    account: Annotated[str, Meta(max_length=64)]


AnySlot = PlainSlot | PassphraseSlot | RecoverySlot | KeyringSlot


class KeyFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file's content.

    salt: makes the store's present key. pending: of a change that began and may have happened.
    earlier: of keys before, newest first; old backups are under them.
    """

    slots: tuple[AnySlot, ...]
    salt: HexSalt
    pending: HexSalt | None = None
    earlier: tuple[HexSalt, ...] = ()
    v: int = VERSION


def derive(master: bytes, salt: str) -> bytes:
    """The store's key, 32 bytes, for a salt."""
    return hashlib.blake2b(
        bytes.fromhex(salt), key=master, digest_size=KEY_BYTES, person=b"edged-store-key"
    ).digest()


def new_salt() -> str:
    """16 random bytes as hex."""
    return secrets.token_hex(SALT_BYTES)


def read(path: Path) -> KeyFile:
    """Read a key file that only its owner can read.

    Raises:
        KeyMissing: there is none, or it is damaged.
        Denied: others can read it, or it is not ours.
        StoreTooNew: a newer edged wrote it.
    """
    content = read_private(path, "the key file")
    try:
        return msgspec.json.decode(content, type=KeyFile)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        if _version(content) > VERSION:
            raise StoreTooNew("a newer edged wrote the key file") from error
        raise KeyMissing("the key file is damaged", fix="restore it from a copy") from error


def _version(content: bytes) -> int:
    try:
        return msgspec.json.decode(content, type=_OnlyVersion).v
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return 0


class _OnlyVersion(Struct, frozen=True):
    v: int


def read_private(path: Path, what: str) -> bytes:
    """A small secret file's content.

    Raises:
        KeyMissing: there is none.
        Denied: it cannot be read, others can read it too, or it belongs to somebody else.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError as error:
        raise KeyMissing(f"{what} is missing") from error
    except OSError as error:
        raise Denied(f"{what} cannot be read: {error.strerror}") from error
    with os.fdopen(descriptor, "rb") as file:
        _check_private(os.fstat(file.fileno()), what)
        return file.read(2**16)


def _check_private(facts: os.stat_result, what: str) -> None:
    if not stat.S_ISREG(facts.st_mode):
        raise Denied(f"{what} is not a regular file")
    if sys.platform == "win32":
        return
    if facts.st_uid != os.geteuid():
        raise Denied(f"{what} belongs to another user", fix="run edged as its owner, or chown it")
    if facts.st_mode & 0o077:
        raise Denied(f"{what} can be read by others", fix=f"chmod 600 on {what}")


def write_new(path: Path, content: KeyFile) -> None:
    """Write a key file where none is, and wait for the disk.

    Raises:
        Conflict: there is one already; it is never overwritten.
        Denied: it cannot be written.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(path, content, os.O_EXCL)
        _sync_folder(path.parent)
    except FileExistsError as error:
        raise Conflict("there is already a key file") from error
    except OSError as error:
        raise Denied(f"the key file cannot be written: {error.strerror}") from error


def replace(path: Path, content: KeyFile) -> None:
    """Put new content in a key file's place: after a crash it is the old or the new one.

    Raises:
        Denied: it cannot be written; the old one stays.
    """
    fresh = path.with_name(path.name + ".new")
    try:
        _write(fresh, content, os.O_TRUNC)
        os.replace(fresh, path)
        _sync_folder(path.parent)
    except OSError as error:
        raise Denied(f"the key file cannot be written: {error.strerror}") from error


def _write(path: Path, content: KeyFile, flag: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | flag, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(content)) + b"\n")
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
