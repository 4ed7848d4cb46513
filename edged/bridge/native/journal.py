"""The host's log: sizes, types and ids, never what a user said, saw or named; two small files."""

import os
import time
from contextlib import suppress

MOST_BYTES = 256_000
"""Of one file; the one before it is kept beside it."""


class Journal:
    """Lines at the end of a file that only the owner can read.

    A log that cannot be written stops nothing: the extension's requests matter more.
    """

    def __init__(self, path: str, *, most_bytes: int = MOST_BYTES) -> None:
        self._path = path
        self._most_bytes = most_bytes
        self._file = -1
        with suppress(OSError):
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        self._open()

    def note(self, what: str) -> None:
        """Add a line, with the time (UTC) and this process before it."""
        if self._file < 0:
            return
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        with suppress(OSError):
            self._rotate()
            os.write(self._file, f"{stamp} {os.getpid()} {what}\n".encode())

    def close(self) -> None:
        """Write no more."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _open(self) -> None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        flags |= getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
        with suppress(OSError):
            self._file = os.open(self._path, flags, 0o600)

    def _rotate(self) -> None:
        """Begin a new file when this one is full; another host may have done so already."""
        if os.fstat(self._file).st_size < self._most_bytes:
            return
        with suppress(FileNotFoundError):
            if self._is_current():
                os.replace(self._path, f"{self._path}.1")
        self.close()
        self._open()

    def _is_current(self) -> bool:
        return os.path.samestat(os.fstat(self._file), os.stat(self._path))
