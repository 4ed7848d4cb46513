"""Where the store's key comes from: a system credential, else the key file and its slots."""

import asyncio
import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

import msgspec

from edged.config import Keys
from edged.errors import Conflict, KeyMissing, Unsupported, WrongKey
from edged.keys import child, keyfile
from edged.keys.keyfile import (
    KEY_BYTES,
    KeyFile,
    KeyringSlot,
    PassphraseSlot,
    PlainSlot,
    derive,
    new_salt,
)

CREDENTIAL = "edged.dbkey"

Passphrase = Callable[[], str]
"""Asked only when a wrapped key has to be opened."""


class Rekeyable(Protocol):
    """What a change of the key needs of a store."""

    async def rotate_key(self, new_key: bytes) -> None:
        """Encrypt the store with another key, all or nothing."""
        ...


def load(
    key_file: Path,
    *,
    database: Path,
    settings: Keys,
    opens: Callable[[Path, bytes], bool],
    passphrase: Passphrase | None = None,
    environ: Mapping[str, str] = os.environ,
) -> bytes:
    """The store's key, 32 bytes. Blocks. Makes a key file when there is neither key nor store.

    A change of the key that was interrupted is settled here.

    Args:
        key_file: the key file.
        database: the store; when it exists no key is ever made.
        settings: the passphrase file.
        opens: whether a key opens the store (edged.store.opens).
        passphrase: asks for it; else the passphrase file is read.
        environ: holds CREDENTIALS_DIRECTORY under systemd.

    Raises:
        KeyMissing: a store without a key, or a wrapped key without a passphrase.
        WrongKey: the passphrase is wrong, or no key of the file opens the store.
        Denied: the file can be read by others, or not by us.
    """
    if (credential := _credential(environ)) is not None:
        return credential
    if not key_file.exists():
        if database.exists() and database.stat().st_size:
            raise KeyMissing("there is a store but no key file")
        create(key_file)
    content = keyfile.read(key_file)
    master = open_master(content, passphrase or passphrase_from(settings))
    if content.pending is not None:
        content = _settle(key_file, content, lambda key: opens(database, key), master)
    return derive(master, content.salt)


def candidates(
    key_file: Path,
    *,
    settings: Keys,
    passphrase: Passphrase | None = None,
    environ: Mapping[str, str] = os.environ,
) -> tuple[bytes, ...]:
    """Every key that the store or a backup of it may be under, the present one first. Blocks.

    Raises:
        KeyMissing, WrongKey, Denied: as `load`.
    """
    credential = _credential(environ)
    if not key_file.exists() and credential is not None:
        return (credential,)
    content = keyfile.read(key_file)
    master = open_master(content, passphrase or passphrase_from(settings))
    salts = (content.salt, *((content.pending,) if content.pending else ()), *content.earlier)
    found = tuple(derive(master, salt) for salt in salts)
    return (credential, *found) if credential else found


def create(key_file: Path) -> None:
    """Make a key file with a fresh secret in clear.

    Raises:
        Conflict: there is one already.
        Denied: it cannot be written.
    """
    slot = PlainSlot(master=secrets.token_hex(KEY_BYTES))
    keyfile.write_new(key_file, KeyFile(slots=(slot,), salt=new_salt()))


async def rotate(
    key_file: Path,
    store: Rekeyable,
    *,
    settings: Keys,
    passphrase: Passphrase | None = None,
    environ: Mapping[str, str] = os.environ,
) -> None:
    """Give the store another key. Passphrase, keyring and recovery code stay as they are.

    The key file holds both keys until the store is under the new one, so that a crash at any
    moment leaves a store that opens.

    Raises:
        Unsupported: the key is a system credential, which we cannot write.
        Conflict: an earlier change was interrupted; `load` settles it at the next start.
        EdgedError: the store could not be encrypted anew; which key it is under is settled by
            `load` at the next start, and both are kept until then.
    """
    if _credential(environ) is not None:
        raise Unsupported(
            "the key is a system credential", fix="see docs/KEYS.md, changing a credential"
        )
    content = await asyncio.to_thread(keyfile.read, key_file)
    if content.pending is not None:
        raise Conflict("an earlier change of the key was interrupted", fix="restart the daemon")
    unlock = passphrase or passphrase_from(settings)
    master = await asyncio.to_thread(open_master, content, unlock)
    changing = msgspec.structs.replace(content, pending=new_salt())
    await asyncio.to_thread(keyfile.replace, key_file, changing)
    await store.rotate_key(derive(master, str(changing.pending)))
    await asyncio.to_thread(keyfile.replace, key_file, _promote(changing))


def expect(
    key_file: Path, key: bytes, *, settings: Keys, passphrase: Passphrase | None = None
) -> None:
    """Before a backup is restored that is under an earlier key: let `load` try that one too.

    The next `load` settles which of the two the store is under.

    Args:
        key_file: the key file.
        key: one of `candidates`; one that the file does not make (a credential) changes nothing.
        settings: the passphrase file.
        passphrase: asks for it; else the passphrase file is read.

    Raises:
        KeyMissing, WrongKey, Denied: as `load`.
    """
    if not key_file.exists():
        return
    content = keyfile.read(key_file)
    master = open_master(content, passphrase or passphrase_from(settings))
    for salt in content.earlier:
        if derive(master, salt) == key:
            earlier = (*((content.pending,) if content.pending else ()), *content.earlier)
            expecting = msgspec.structs.replace(content, pending=salt, earlier=earlier)
            keyfile.replace(key_file, expecting)
            return


def open_master(content: KeyFile, passphrase: Passphrase | None) -> bytes:
    """The master secret, by the first slot that opens without a recovery code. Blocks.

    Raises:
        KeyMissing: only a passphrase opens it and none is given.
        WrongKey: the passphrase is wrong.
    """
    for slot in sorted(content.slots, key=lambda slot: _ORDER.get(type(slot), len(_ORDER))):
        if isinstance(slot, PlainSlot):
            return bytes.fromhex(slot.master)
        if isinstance(slot, KeyringSlot):
            answer = child.ask("keyring_get", backend=slot.backend, account=slot.account)
            return bytes.fromhex(str(answer["master"]))
        if isinstance(slot, PassphraseSlot):
            return _open_passphrase(slot, passphrase)
    raise KeyMissing("the key file has only a recovery slot", fix="use `edged key recovery --use`")


_ORDER: dict[type, int] = {PlainSlot: 0, KeyringSlot: 1, PassphraseSlot: 2}


def _open_passphrase(slot: PassphraseSlot, passphrase: Passphrase | None) -> bytes:
    if passphrase is None:
        raise KeyMissing(
            "the key is wrapped and no passphrase was given",
            fix="set keys.passphrase_file to a file that only you can read",
        )
    facts = {name: getattr(slot, name) for name in slot.__struct_fields__}
    answer = child.ask("open_passphrase", passphrase=passphrase(), **facts)
    return bytes.fromhex(str(answer["master"]))


def passphrase_from(settings: Keys) -> Passphrase | None:
    """Reads the configured passphrase file; None when none is configured."""
    if not settings.passphrase_file:
        return None
    path = Path(settings.passphrase_file).expanduser()

    def read() -> str:
        content = keyfile.read_private(path, "the passphrase file")
        return content.decode(errors="surrogateescape").rstrip("\r\n")

    return read


def _credential(environ: Mapping[str, str]) -> bytes | None:
    """The key that systemd hands to the service; 32 bytes, or 64 hex digits.

    Source: systemd.exec(5) LoadCredentialEncrypted=.

    Raises:
        KeyMissing: it is there but is no key.
    """
    folder = environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        return None
    try:
        content = (Path(folder) / CREDENTIAL).read_bytes()
    except FileNotFoundError:
        return None
    if len(content) == KEY_BYTES:
        return content
    try:
        key = bytes.fromhex(content.decode())
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise KeyMissing(f"the credential {CREDENTIAL} is neither 32 bytes nor 64 hex digits")
    return key


def _settle(
    key_file: Path, content: KeyFile, opens: Callable[[bytes], bool], master: bytes
) -> KeyFile:
    """End an interrupted change: keep the key that opens the store."""
    if opens(derive(master, content.salt)):
        settled = msgspec.structs.replace(content, pending=None)
    elif opens(derive(master, str(content.pending))):
        settled = _promote(content)
    else:
        raise WrongKey("neither key of an interrupted change opens the store")
    keyfile.replace(key_file, settled)
    return settled


def _promote(content: KeyFile) -> KeyFile:
    salt = content.pending or content.salt
    others = dict.fromkeys((content.salt, *content.earlier))
    earlier = tuple(other for other in others if other != salt)[: keyfile.MOST_EARLIER]
    return msgspec.structs.replace(content, salt=salt, pending=None, earlier=earlier)
