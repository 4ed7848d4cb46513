"""`key init|rotate|wrap|recovery`: the store's key and the ways to it (docs/KEYS.md)."""

import argparse
from pathlib import Path
from typing import Any

from edged.cli.connect import Settings
from edged.cli.families import Family


def add(commands: "argparse._SubParsersAction[Any]", shared: argparse.ArgumentParser) -> None:
    """Add this family's commands."""
    family = Family(commands, shared, "key", "the store's key and the ways to it")
    init = family.add("init", _init, "make a key file; the daemon does it at its first start too")
    init.add_argument("--passphrase-file", type=Path, metavar="FILE", help="wrap it at once")
    family.add("show", _show, "which ways lead to the key; never the key itself")
    family.add("rotate", _rotate, "encrypt the store with a new key; old backups stay readable")
    wrap = family.add("wrap", _wrap, "put the key under a passphrase, a keyring, or in the clear")
    wrap.add_argument("--new-passphrase-file", type=Path, metavar="FILE", help="else it is asked")
    wrap.add_argument("--keyring", metavar="BACKEND", help="secretservice, libsecret, kwallet, ...")
    wrap.add_argument("--none", action="store_true", help="take the passphrase off again")
    recovery = family.add("recovery", _recover, "make a recovery code, or use one")
    recovery.add_argument(
        "--use", action="store_true", help="read a code from stdin and open the key"
    )
    recovery.add_argument("--remove", action="store_true", help="make the code worthless")
    recovery.add_argument("--new-passphrase-file", type=Path, metavar="FILE")


def _init(settings: Settings, arguments: argparse.Namespace) -> None:
    from edged.cli import ceremony

    ceremony.init_key(settings, arguments)


def _show(settings: Settings, arguments: argparse.Namespace) -> None:
    from edged.cli import ceremony

    ceremony.show(settings, arguments)


def _rotate(settings: Settings, arguments: argparse.Namespace) -> None:
    from edged.cli import ceremony

    ceremony.rotate(settings, arguments)


def _wrap(settings: Settings, arguments: argparse.Namespace) -> None:
    from edged.cli import ceremony

    ceremony.wrap_key(settings, arguments)


def _recover(settings: Settings, arguments: argparse.Namespace) -> None:
    from edged.cli import ceremony

    ceremony.recover(settings, arguments)
