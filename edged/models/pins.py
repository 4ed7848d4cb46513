"""Which models are to stay in memory, remembered from start to start in pins.json."""

import asyncio
import errno
import os
from pathlib import Path

import msgspec
from msgspec import Struct

from edged.errors import Denied, DiskFull
from edged.messages.wire import ModelId

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class _Remembered(Struct, kw_only=True):
    """The file."""

    version: int = 1
    models: tuple[ModelId, ...] = ()


class Pins:
    """The pinned models' ids. Loop thread only; the file is written in a thread.

    Args:
        file: need not exist. One that cannot be read counts as empty, and `problem` says so.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = asyncio.Lock()
        self.problem = ""
        self.models: frozenset[str] = frozenset()
        self._read()

    def _read(self) -> None:
        try:
            found = msgspec.json.decode(self._file.read_bytes(), type=_Remembered)
        except FileNotFoundError:
            return
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            self.problem = f"{self._file.name} cannot be read, so no model is pinned"
            return
        self.models = frozenset(found.models)

    async def put(self, model: str, *, pinned: bool) -> None:
        """Remember a model, or forget it; durable when this returns.

        Raises:
            DiskFull, Denied: the file cannot be written; what was remembered stays.
        """
        async with self._lock:
            models = self.models | {model} if pinned else self.models - {model}
            if models == self.models:
                return
            try:
                await asyncio.to_thread(self._write, models)
            except OSError as error:
                kind = DiskFull if error.errno in _FULL else Denied
                raise kind(f"{self._file.name} cannot be written: {error.strerror}") from error
            self.models = models
            self.problem = ""

    def _write(self, models: frozenset[str]) -> None:
        """Replace the file as a whole, on the disk. Blocking."""
        text = msgspec.json.encode(_Remembered(models=tuple(sorted(models))))
        part = self._file.with_suffix(".part")
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(part, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(self._file)
        folder = os.open(self._file.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
