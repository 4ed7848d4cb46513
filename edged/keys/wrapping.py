"""The child process that wraps and unwraps secrets: JSON in on stdin, JSON out on stdout.

Run as `python -P -m edged.keys.wrapping`; only here are cryptography and keyring imported.
"""

import hashlib
import importlib
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from edged.errors import BadRequest, Denied, EdgedError, EngineMissing, KeyMissing, WrongKey

Answer = dict[str, str | int]

MEMORY_KIB = 64 * 1024
PASSES = 3
LANES = 1
"""Argon2id, 115 ms here. Source: RFC 9106 section 4, second recommended option's memory."""

SERVICE = "edged"
BOUND_TO = b"edged master secret v1"

KEYRINGS = {
    "secretservice": ("keyring.backends.SecretService", "Keyring"),
    "libsecret": ("keyring.backends.libsecret", "Keyring"),
    "kwallet": ("keyring.backends.kwallet", "DBusKeyring"),
    "macos": ("keyring.backends.macOS", "Keyring"),
    "windows": ("keyring.backends.Windows", "WinVaultKeyring"),
}
"""The only backends that are used. Left to itself, keyring takes files in clear when those are
installed (keyrings.alt, priority 0.5), so it is never asked to choose. Measured: facts, 2026-10."""


def seal_passphrase(question: dict[str, Any]) -> Answer:
    """A passphrase slot for a master secret."""
    salt, nonce = secrets.token_bytes(16), secrets.token_bytes(12)
    key = _stretch(question["passphrase"], salt, MEMORY_KIB, PASSES, LANES)
    sealed = ChaCha20Poly1305(key).encrypt(nonce, bytes.fromhex(question["master"]), BOUND_TO)
    return {
        "salt": salt.hex(),
        "memory_kib": MEMORY_KIB,
        "passes": PASSES,
        "lanes": LANES,
        "nonce": nonce.hex(),
        "sealed": sealed.hex(),
    }


def open_passphrase(question: dict[str, Any]) -> Answer:
    """The master secret in a passphrase slot."""
    cost = (question["memory_kib"], question["passes"], question["lanes"])
    key = _stretch(question["passphrase"], bytes.fromhex(question["salt"]), *cost)
    return _open(key, question, "the passphrase is wrong")


def seal_code(question: dict[str, Any]) -> Answer:
    """A recovery slot for a master secret."""
    salt, nonce = secrets.token_bytes(16), secrets.token_bytes(12)
    key = _mix(question["code"], salt)
    sealed = ChaCha20Poly1305(key).encrypt(nonce, bytes.fromhex(question["master"]), BOUND_TO)
    return {"salt": salt.hex(), "nonce": nonce.hex(), "sealed": sealed.hex()}


def open_code(question: dict[str, Any]) -> Answer:
    """The master secret in a recovery slot."""
    key = _mix(question["code"], bytes.fromhex(question["salt"]))
    return _open(key, question, "the recovery code is not this key file's")


def keyring_put(question: dict[str, Any]) -> Answer:
    """Store a master secret in a desktop keyring and read it back."""
    backend = _keyring(question["backend"])
    with _translated():
        backend.set_password(SERVICE, question["account"], question["master"])
    return keyring_get(question)


def keyring_get(question: dict[str, Any]) -> Answer:
    """A master secret from a desktop keyring."""
    backend = _keyring(question["backend"])
    with _translated():
        found = backend.get_password(SERVICE, question["account"])
    if found is None:
        raise KeyMissing("the keyring has no secret for this store")
    return {"master": found}


@contextmanager
def _translated() -> Iterator[None]:
    """A keyring that is locked, gone or refuses becomes an error of ours."""
    from keyring.errors import KeyringError

    try:
        yield
    except KeyringError as error:
        raise Denied(
            f"the keyring refused ({type(error).__name__})", fix="unlock it, then try again"
        ) from error


def _stretch(passphrase: str, salt: bytes, memory_kib: int, passes: int, lanes: int) -> bytes:
    stretch = Argon2id(salt=salt, length=32, iterations=passes, lanes=lanes, memory_cost=memory_kib)
    return stretch.derive(passphrase.encode())


def _mix(code: str, salt: bytes) -> bytes:
    """A key from a code that is random already; it needs no slow function."""
    return hashlib.blake2b(
        code.encode(), salt=salt, digest_size=32, person=b"edged-recovery"
    ).digest()


def _open(key: bytes, slot: dict[str, Any], problem: str) -> Answer:
    nonce, sealed = bytes.fromhex(slot["nonce"]), bytes.fromhex(slot["sealed"])
    try:
        master = ChaCha20Poly1305(key).decrypt(nonce, sealed, BOUND_TO)
    except InvalidTag as error:
        raise WrongKey(problem, fix="try again") from error
    return {"master": master.hex()}


def _keyring(name: str) -> Any:  # noqa: ANN401 keyring has no types
    """The named backend, if it is one that keeps secrets and works here."""
    if name not in KEYRINGS:
        raise BadRequest(
            "that keyring backend is not used", fix=f"one of: {', '.join(sorted(KEYRINGS))}"
        )
    module, kind = KEYRINGS[name]
    try:
        backend = getattr(importlib.import_module(module), kind)
    except ImportError as error:
        raise EngineMissing(
            "keyring is not installed", fix="pip install 'edged[desktop]'"
        ) from error
    if not backend.viable:
        raise Denied(
            f"the {name} keyring does not work here",
            fix="log in to the desktop, or use a key file or a passphrase",
        )
    return backend()


OPERATIONS: dict[str, Callable[[dict[str, Any]], Answer]] = {
    "seal_passphrase": seal_passphrase,
    "open_passphrase": open_passphrase,
    "seal_code": seal_code,
    "open_code": open_code,
    "keyring_put": keyring_put,
    "keyring_get": keyring_get,
}


def answer(question: bytes) -> bytes:
    """The answer to one question, or the error as data."""
    try:
        asked = msgspec.json.decode(question, type=dict[str, Any])
        return msgspec.json.encode(OPERATIONS[asked["operation"]](asked))
    except EdgedError as error:
        found = {"error": error.code, "message": error.message, "fix": error.fix}
        return msgspec.json.encode(found)


def main() -> int:
    """Answer the question on stdin."""
    sys.stdout.buffer.write(answer(sys.stdin.buffer.read()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
