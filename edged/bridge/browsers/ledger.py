"""What was written for which browser, so that the same can be removed, and no more."""

from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from edged.bridge.browsers import disk
from edged.bridge.browsers.kinds import Family
from edged.bridge.browsers.renewing import LEDGER
from edged.config import Paths

_PRIVATE: Final = 0o600
_LARGEST_BYTES: Final = 256 * 1024


class Entry(Struct, frozen=True, kw_only=True):
    """One place that was written.

    path: of the manifest; with a key of the registry beside it where there is one.
    browsers: for which; several may look into the same place.
    folders: that were made for it.
    """

    path: str
    family: Family
    browsers: tuple[str, ...]
    key: str = ""
    folders: tuple[str, ...] = ()


class _Written(Struct, frozen=True, kw_only=True, tag=1, tag_field="v"):
    places: tuple[Entry, ...] = ()


def ledger_path(paths: Paths) -> Path:
    """Where it lies."""
    return paths.state / LEDGER


def read(paths: Paths) -> dict[str, Entry]:
    """What was written, by its place (`place_of`); nothing when the ledger is gone or is not ours."""
    text = disk.content(ledger_path(paths), most_bytes=_LARGEST_BYTES)
    if text is None:
        return {}
    try:
        written = msgspec.json.decode(text, type=_Written)
    except msgspec.DecodeError:
        return {}
    return {place_of(entry): entry for entry in written.places}


def write(paths: Paths, entries: dict[str, Entry]) -> None:
    """Note what is written now; without anything the ledger goes.

    Raises:
        Denied: it cannot be written.
    """
    path = ledger_path(paths)
    if not entries:
        path.unlink(missing_ok=True)
        return
    written = _Written(places=tuple(entries[place] for place in sorted(entries)))
    disk.put(path, msgspec.json.format(msgspec.json.encode(written)) + b"\n", mode=_PRIVATE)


def place_of(entry: Entry) -> str:
    """What makes it one: the key, or the file."""
    return entry.key or entry.path
