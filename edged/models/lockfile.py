"""models.lock: the hashes that nobody states, as they were at the first pull.

Who pulls a file without a stated hash trusts what comes at that moment, and no later one: the
puller writes down what came, and every later pull and load is held to it.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from edged.errors import CorruptModel
from edged.models.blobs import sync_folder

_FIX = "restore models.lock from a backup; removing it means to trust every unhashed file anew"


class Entry(Struct, frozen=True, kw_only=True):
    """What came at the first pull.

    source: a host, "pypi" or "folder". first_seen: UTC, to the second, as in RFC 3339.
    """

    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    bytes: Annotated[int, Meta(ge=0)]
    source: str = ""
    first_seen: str = ""


class _Content(Struct, frozen=True, kw_only=True):
    version: Annotated[int, Meta(ge=1, le=1)] = 1
    files: dict[str, Entry] = {}


class LockFile:
    """One file's hashes by <model>/<name>. Blocking; any thread and process.

    Every method raises CorruptModel when the file is there and cannot be understood: to go on
    without it would mean to trust what it no longer vouches for.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def get(self, model: str, name: str) -> Entry | None:
        """What was recorded for a file; None: it was never pulled without a stated hash."""
        return self._read().files.get(f"{model}/{name}")

    def record(self, model: str, name: str, *, sha256: str, size_bytes: int, source: str) -> Entry:
        """Keep a file's first hash, and give what is kept from now on.

        Raises:
            CorruptModel: another one was recorded before.
        """
        now = datetime.now(UTC).isoformat(timespec="seconds")
        entry = Entry(sha256=sha256, bytes=size_bytes, source=source, first_seen=now)
        with self._alone():
            files = dict(self._read().files)
            kept = files.setdefault(f"{model}/{name}", entry)
            if kept.sha256 != sha256:
                raise CorruptModel(
                    f"upstream replaced {name} of {model}: it differs from its first pull",
                    fix=f"if that is meant: `edged models rm {model}`, then pull it again",
                    model=model,
                )
            if kept is entry:
                self._write(files)
        return kept

    def forget(self, model: str) -> int:
        """Drop all that was recorded for a model, so that it is trusted anew; how many files."""
        with self._alone():
            files = self._read().files
            kept = {key: entry for key, entry in files.items() if not key.startswith(f"{model}/")}
            if len(kept) < len(files):
                self._write(kept)
        return len(files) - len(kept)

    def _read(self) -> _Content:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=_Content)
        except FileNotFoundError:
            return _Content()
        except (OSError, msgspec.DecodeError) as error:
            raise CorruptModel("models.lock cannot be read", fix=_FIX) from error

    def _write(self, files: dict[str, Entry]) -> None:
        content = msgspec.json.encode(_Content(files=dict(sorted(files.items()))))
        fresh = self._path.with_name(f"{self._path.name}.new")
        with open(fresh, "wb") as file:
            file.write(msgspec.json.format(content, indent=1) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, self._path)
        sync_folder(self._path.parent)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the folder's lock: two pulls may end at the same moment."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)
