"""Adds and removes ways to the master secret. The store is not touched: only 32 bytes are wrapped.

All of these block; they are for the command line.
"""

import secrets
from pathlib import Path

import msgspec

from edged.errors import BadRequest, NotFound
from edged.keys import child, keyfile, recovery
from edged.keys.keyfile import (
    AnySlot,
    KeyFile,
    KeyringSlot,
    PassphraseSlot,
    PlainSlot,
    RecoverySlot,
)
from edged.keys.source import Passphrase, open_master

SHORTEST_PASSPHRASE = 8


def wrap(key_file: Path, new_passphrase: str, *, passphrase: Passphrase | None = None) -> None:
    """Put the secret under a (new) passphrase; it lies nowhere in clear afterwards.

    A copy of the file made before still opens the store: rotate the key if there may be one.

    Args:
        key_file: the key file.
        new_passphrase: at least 8 characters.
        passphrase: the present one, asked when the key is wrapped already.

    Raises:
        BadRequest: the new passphrase is too short.
        KeyMissing, WrongKey, Denied: the present key does not open.
    """
    if len(new_passphrase) < SHORTEST_PASSPHRASE:
        raise BadRequest(f"a passphrase has at least {SHORTEST_PASSPHRASE} characters")
    content = keyfile.read(key_file)
    master = open_master(content, passphrase)
    _replace_access(key_file, content, _passphrase_slot(master, new_passphrase))


def unwrap(key_file: Path, *, passphrase: Passphrase | None = None) -> None:
    """Put the secret back into the file in clear, in place of passphrase and keyring.

    Raises:
        KeyMissing, WrongKey, Denied: the present key does not open.
    """
    content = keyfile.read(key_file)
    master = open_master(content, passphrase)
    _replace_access(key_file, content, PlainSlot(master=master.hex()))


def add_keyring(key_file: Path, backend: str, *, passphrase: Passphrase | None = None) -> str:
    """Move the secret into the named desktop keyring; return a fresh recovery code, shown once.

    Args:
        key_file: the key file.
        backend: secretservice, libsecret, kwallet, macos or windows.
        passphrase: the present one, asked when the key is wrapped.

    Raises:
        BadRequest: another backend: those that keep files in clear are never used.
        EngineMissing: keyring is not installed.
        Denied: that keyring does not work here.
    """
    content = keyfile.read(key_file)
    master = open_master(content, passphrase)
    account = secrets.token_hex(8)
    child.ask("keyring_put", backend=backend, account=account, master=master.hex())
    code, slot = _recovery_slot(master)
    others = tuple(slot for slot in content.slots if not isinstance(slot, RecoverySlot))
    content = msgspec.structs.replace(content, slots=(*others, slot))
    _replace_access(key_file, content, KeyringSlot(backend=backend, account=account))
    return code


def add_recovery(key_file: Path, *, passphrase: Passphrase | None = None) -> str:
    """Make a recovery code, in place of an older one; it is shown once and kept nowhere.

    Raises:
        KeyMissing, WrongKey, Denied: the present key does not open.
    """
    content = keyfile.read(key_file)
    code, slot = _recovery_slot(open_master(content, passphrase))
    others = tuple(slot for slot in content.slots if not isinstance(slot, RecoverySlot))
    keyfile.replace(key_file, msgspec.structs.replace(content, slots=(*others, slot)))
    return code


def remove_recovery(key_file: Path) -> None:
    """Make the recovery code worthless.

    Raises:
        NotFound: there is none.
        BadRequest: it is the only way to the key.
    """
    content = keyfile.read(key_file)
    others = tuple(slot for slot in content.slots if not isinstance(slot, RecoverySlot))
    if len(others) == len(content.slots):
        raise NotFound("there is no recovery code")
    if not others:
        raise BadRequest("the recovery code is the only way to the key")
    keyfile.replace(key_file, msgspec.structs.replace(content, slots=others))


def recover(key_file: Path, code: str, *, new_passphrase: str | None = None) -> None:
    """Open the secret with a recovery code; keep it in clear, or under a new passphrase.

    The code stays valid.

    Raises:
        BadRequest: the code is mistyped, or the passphrase too short.
        NotFound: the file has no recovery slot.
        WrongKey: the code is another file's.
    """
    typed = recovery.parse(code)
    if new_passphrase is not None and len(new_passphrase) < SHORTEST_PASSPHRASE:
        raise BadRequest(f"a passphrase has at least {SHORTEST_PASSPHRASE} characters")
    content = keyfile.read(key_file)
    slot = next((slot for slot in content.slots if isinstance(slot, RecoverySlot)), None)
    if slot is None:
        raise NotFound("the key file has no recovery slot")
    answer = child.ask(
        "open_code", code=typed, salt=slot.salt, nonce=slot.nonce, sealed=slot.sealed
    )
    master = bytes.fromhex(str(answer["master"]))
    fresh: AnySlot = PlainSlot(master=master.hex())
    if new_passphrase is not None:
        fresh = _passphrase_slot(master, new_passphrase)
    _replace_access(key_file, content, fresh)


def _passphrase_slot(master: bytes, passphrase: str) -> PassphraseSlot:
    answer = child.ask("seal_passphrase", passphrase=passphrase, master=master.hex())
    return msgspec.convert(answer, PassphraseSlot)


def _recovery_slot(master: bytes) -> tuple[str, RecoverySlot]:
    code = recovery.new_code()
    answer = child.ask("seal_code", code=recovery.parse(code), master=master.hex())
    return code, msgspec.convert(answer, RecoverySlot)


def _replace_access(key_file: Path, content: KeyFile, slot: AnySlot) -> None:
    """One everyday way to the secret, beside the recovery code."""
    kept = tuple(slot for slot in content.slots if isinstance(slot, RecoverySlot))
    keyfile.replace(key_file, msgspec.structs.replace(content, slots=(slot, *kept)))
