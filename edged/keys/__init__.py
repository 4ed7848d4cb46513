"""The store's key: where it comes from, and how it is kept (docs/KEYS.md).

Nothing here imports cryptography or keyring: what needs them runs in a short child process
(edged.keys.wrapping), so that the daemon stays small.
"""

from edged.keys.keyfile import KeyFile, read, write_new
from edged.keys.source import candidates, create, expect, load, passphrase_from, rotate
from edged.keys.wraps import (
    add_keyring,
    add_recovery,
    recover,
    remove_recovery,
    unwrap,
    wrap,
)

__all__ = [
    "KeyFile",
    "add_keyring",
    "add_recovery",
    "candidates",
    "create",
    "expect",
    "load",
    "passphrase_from",
    "read",
    "recover",
    "remove_recovery",
    "rotate",
    "unwrap",
    "wrap",
    "write_new",
]
