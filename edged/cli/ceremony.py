"""What `edged key` and `edged restore` do; apart, so that other commands need not load it."""

import argparse
import asyncio
import getpass
import os
import sys
from collections.abc import Callable
from pathlib import Path

from edged import config, keys
from edged.bridge import endpoint
from edged.cli import render
from edged.cli.connect import Settings
from edged.errors import BadRequest
from edged.keys import keyfile
from edged.messages import replies, requests
from edged.store import Store, copies, opens


def passphrase_for(settings: Settings) -> Callable[[], str]:
    """Reads the configured passphrase file, or asks at the terminal.

    Raises:
        BadRequest: when called without either.
    """
    from_file = keys.passphrase_from(config.load(settings.paths).keys)
    return from_file or (lambda: _ask("passphrase: "))


def init_key(settings: Settings, arguments: argparse.Namespace) -> None:
    """Make a key file where none is."""
    paths = settings.paths
    endpoint.make_private(paths.state)
    keys.create(paths.key_file)
    if arguments.passphrase_file is not None:
        keys.wrap(paths.key_file, _read(arguments.passphrase_file))
    _say(settings, "made; keep a recovery code somewhere else: edged key recovery")


def show(settings: Settings, _: argparse.Namespace) -> None:
    """Print the kinds of slots."""
    content = keyfile.read(settings.paths.key_file)
    kinds = [str(type(slot).__struct_config__.tag) for slot in content.slots]
    if settings.json:
        render.as_json({"key_file": str(settings.paths.key_file), "ways": kinds})
    else:
        print(f"{settings.paths.key_file}\nways to the key: {', '.join(kinds)}")


def rotate(settings: Settings, _: argparse.Namespace) -> None:
    """Through the daemon when one runs, else right here."""
    if endpoint.holder(settings.paths) is not None:
        with settings.connect() as daemon:
            daemon.ask(requests.RotateKey(), replies.Done)
    else:
        asyncio.run(_rotate_here(settings))
    _say(settings, "the store has a new key; backups made before open with this key file still")


async def _rotate_here(settings: Settings) -> None:
    paths = settings.paths
    chosen = config.load(paths).keys
    unlock = passphrase_for(settings)
    lock = endpoint.Lock(paths)
    try:
        key = keys.load(
            paths.key_file,
            database=paths.database,
            settings=chosen,
            opens=opens,
            passphrase=unlock,
        )
        store = Store.open(paths.database, key)
        try:
            await keys.rotate(paths.key_file, store, settings=chosen, passphrase=unlock)
        finally:
            store.close()
    finally:
        lock.close()


def wrap_key(settings: Settings, arguments: argparse.Namespace) -> None:
    """Change the everyday way to the key; the store is not encrypted anew."""
    file = settings.paths.key_file
    unlock = passphrase_for(settings)
    if arguments.none:
        keys.unwrap(file, passphrase=unlock)
        _say(settings, "the key lies in the key file; whoever reads that file has it")
    elif arguments.keyring:
        code = keys.add_keyring(file, arguments.keyring, passphrase=unlock)
        _show_code(settings, code)
    else:
        keys.wrap(file, _new_passphrase(arguments), passphrase=unlock)
        _say(settings, "wrapped; the daemon needs keys.passphrase_file, or a terminal at its start")


def recover(settings: Settings, arguments: argparse.Namespace) -> None:
    """Make, use or remove the recovery code."""
    file = settings.paths.key_file
    if arguments.remove:
        keys.remove_recovery(file)
        _say(settings, "the recovery code is worthless now")
    elif arguments.use:
        code = _ask("recovery code: ")
        given = arguments.new_passphrase_file
        keys.recover(file, code, new_passphrase=None if given is None else _read(given))
        _say(settings, "the key opens again")
    else:
        _show_code(settings, keys.add_recovery(file, passphrase=passphrase_for(settings)))


def restore(settings: Settings, arguments: argparse.Namespace) -> None:
    """Put a backup in the store's place, under the present key, holding the daemon's lock."""
    lock = endpoint.Lock(settings.paths)
    try:
        kept = _restore(settings, Path(arguments.file))
    finally:
        lock.close()
    if settings.json:
        render.as_json({"restored": arguments.file, "kept": None if kept is None else str(kept)})
    else:
        print("restored" + ("" if kept is None else f"; the store that was there is kept: {kept}"))


def _restore(settings: Settings, source: Path) -> Path | None:
    """Returns where the replaced store went.

    A backup from before a rotation is under an earlier key. The key file expects it before the
    store is swapped, so that whatever happens in between leaves a store that opens.
    """
    paths = settings.paths
    chosen = config.load(paths).keys
    unlock = passphrase_for(settings)
    present, *earlier = keys.candidates(paths.key_file, settings=chosen, passphrase=unlock)
    key = next((one for one in earlier if source.is_file() and opens(source, one)), present)
    if key != present:
        keys.expect(paths.key_file, key, settings=chosen, passphrase=unlock)
    return copies.restore(source, paths.database, key)


def _show_code(settings: Settings, code: str) -> None:
    if settings.json:
        render.as_json({"recovery_code": code})
    else:
        print(f"write this down; it is shown once and kept nowhere:\n\n    {code}\n")


def _new_passphrase(arguments: argparse.Namespace) -> str:
    if arguments.new_passphrase_file is not None:
        return _read(arguments.new_passphrase_file)
    first = _ask("new passphrase: ")
    if sys.stdin.isatty() and first != _ask("once more: "):
        raise BadRequest("the two passphrases differ")
    return first


def _ask(prompt: str) -> str:
    """One secret line from the terminal without echo, or from a pipe."""
    if sys.stdin.isatty():
        return getpass.getpass(prompt)
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise BadRequest("nothing came on stdin", fix="use a terminal, or a passphrase file")
    return line


def _read(path: Path) -> str:
    content = keyfile.read_private(path, "the passphrase file")
    return os.fsdecode(content).rstrip("\r\n")


def _say(settings: Settings, line: str) -> None:
    if settings.json:
        render.as_json({"done": True})
    else:
        print(line)
