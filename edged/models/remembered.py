"""What was found out about this machine and holds until something changes: one small JSON file."""

import contextlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

import msgspec

MOST_BYTES = 2**20
"""A larger file is none of ours: it is not read, and replaced by the next finding."""

Entry = dict[str, str | int | float]


class Remembered:
    """Findings by key, in a file of the cache folder. Blocking; safe in several processes.

    A file that is missing, damaged or of another version holds nothing; that it cannot be written
    costs only the time to find out again.
    """

    VERSION = 1

    def __init__(self, path: Path) -> None:
        self._path = path

    def get(self, key: str) -> Entry | None:
        """What was found; None when nothing was, or it has to be found out anew."""
        return self._read().get(key)

    def put(self, key: str, entry: Entry) -> None:
        """Remember a finding; the others in the file stay."""
        self._write({**self._read(), key: entry})

    def add(self, key: str, entry: Mapping[str, str | int | float]) -> None:
        """Add to what is remembered under a key."""
        found = self._read()
        self._write({**found, key: {**found.get(key, {}), **entry}})

    def _read(self) -> dict[str, Entry]:
        try:
            with self._path.open("rb") as file:
                content = file.read(MOST_BYTES + 1)
        except OSError:
            return {}
        try:
            book = msgspec.json.decode(content[:MOST_BYTES], type=_Book)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return {}
        return book.found if book.version == self.VERSION else {}

    def _write(self, found: Mapping[str, Entry]) -> None:
        content = json.dumps({"version": self.VERSION, "found": found}, indent=1, sort_keys=True)
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor, fresh = tempfile.mkstemp(dir=self._path.parent, prefix=self._path.name)
            with os.fdopen(descriptor, "w") as file:
                file.write(content)
            os.replace(fresh, self._path)


class _Book(msgspec.Struct):
    version: int
    found: dict[str, Entry]
