"""A file that is given up when the disk is full, so that deleting has room to work.

Deleting needs space itself (in the WAL). Recipe, measured 2026-10 on a full file system: remove
the ballast, truncate the WAL, delete few rows and truncate again, and so on; then put it back.
"""

import os
from pathlib import Path


class Ballast:
    """One file of a fixed size beside the database. Writer thread only."""

    def __init__(self, database: Path, size_bytes: int) -> None:
        self._path = database.with_name(database.name + ".ballast")
        self._size = size_bytes

    def restore(self) -> bool:
        """Put the file there in full; False when the disk has no room for it."""
        try:
            if self._path.exists() and self._path.stat().st_size == self._size:
                return True
            self._fill()
        except OSError:
            self.release()
            return False
        return True

    def release(self) -> None:
        """Give its space up."""
        self._path.unlink(missing_ok=True)

    def _fill(self) -> None:
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            _allocate(descriptor, self._size)
        finally:
            os.close(descriptor)


def _allocate(descriptor: int, size: int) -> None:
    """Really take the space; a sparse file would hold none."""
    if size and hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)
        return
    block = bytes(2**16)
    for start in range(0, size, len(block)):
        os.write(descriptor, block[: size - start])
