"""A download that is not whole yet: a locked file, its running hash, what its server said of it."""

import contextlib
import fcntl
import os
import shutil
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
from msgspec import Struct

from edged.errors import Busy, DiskFull
from edged.models.pull.hashing import Hashing
from edged.models.pull.wanted import Fetched, Wanted

MARGIN_BYTES = 64 * 2**20
"""So much of the disk stays free: the store beside it has to go on."""

_BLOCK_BYTES = 2**20
_SAFE_BYTES = 32 * 2**20
_FLUSH_BYTES = 16 * 2**20


class Mark(Struct, frozen=True, kw_only=True):
    """By what a server recognises a content.

    source: a hash of the address. etag, modified: as the server wrote them; empty without.
    """

    source: str = ""
    etag: str = ""
    modified: str = ""

    @property
    def condition(self) -> str:
        """What If-Range may hold; empty when there is nothing that it may hold.

        Source: RFC 9110, 13.1.5: no weak entity tag.
        """
        return self.etag if self.etag and not self.etag.startswith("W/") else self.modified


class Part:
    """The file at a path, opened for one download at a time; used in a `with`.

    What lies there from an earlier run is kept. It is hashed again; when nobody states the hash
    of the whole, only what was surely on the disk before the machine may have stopped is kept.

    Raises:
        Busy: another process is at it. DiskFull: it cannot be written.
    """

    def __init__(self, path: Path, wanted: Wanted) -> None:
        self._path = path
        self._notes = path.with_suffix(".json")
        self._wanted = wanted
        self._stack = contextlib.ExitStack()
        self._descriptor = -1
        self._hashing = Hashing()
        self.size = 0
        self.mark = Mark()
        self.resumed = False

    def __enter__(self) -> Self:
        self._descriptor = self._open()
        self._stack.callback(lambda: os.close(self._descriptor))
        self._hashing = self._stack.enter_context(Hashing())
        with contextlib.ExitStack() as undo:
            undo.callback(self._stack.close)
            self.mark = self._recall()
            self._take_up()
            undo.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def append(self, block: bytes) -> None:
        """Add what came.

        Raises:
            CorruptModel: that is more than the file may have. DiskFull: no room.
        """
        if self._wanted.most and self.size + len(block) > self._wanted.most:
            self._wanted.check_size(self.size + len(block), "the source")
        self._hashing.feed(block)
        self._write(block)
        before, self.size = self.size, self.size + len(block)
        if before // _FLUSH_BYTES < self.size // _FLUSH_BYTES:
            self._start_to_write()
        if not self._wanted.hashes and before // _SAFE_BYTES < self.size // _SAFE_BYTES:
            self._sync()
            self.require_room(_SAFE_BYTES)

    def restart(self) -> None:
        """Throw away what came."""
        self._hashing.end()
        self._hashing = self._stack.enter_context(Hashing())
        os.ftruncate(self._descriptor, 0)
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        self.size = 0
        self.resumed = False

    def remember(self, mark: Mark) -> None:
        """Keep what the server says of this content, for a later run."""
        if mark == self.mark:
            return
        self.mark = mark
        try:
            self._notes.write_bytes(msgspec.json.encode(mark))
        except OSError as error:
            raise self._full(error) from error

    def forget(self) -> None:
        """Remove what was remembered: the file is whole."""
        self._notes.unlink(missing_ok=True)

    def drop(self) -> None:
        """Remove the file: it is not what was wanted."""
        self._path.unlink(missing_ok=True)
        self.forget()

    def require_room(self, more: int) -> None:
        """Make sure that the disk has room for so many bytes more.

        Raises:
            DiskFull: it has not.
        """
        free = shutil.disk_usage(self._path.parent).free
        if free < more + MARGIN_BYTES:
            raise DiskFull(
                f"{self._wanted.title} needs {more + MARGIN_BYTES} bytes of disk, {free} are free",
                fix="free space, `edged models prune` may find some, then pull again",
                needed=more + MARGIN_BYTES,
                free=free,
            )

    def finish(self) -> Fetched:
        """What came, its hash made; nothing can be added afterwards."""
        return Fetched(path=self._path, sha256=self._hashing.end(), bytes=self.size)

    def _open(self) -> int:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            descriptor = os.open(self._path, flags, 0o600)
        except OSError as error:
            raise self._full(error) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(descriptor)
            raise Busy(f"another pull fetches {self._wanted.title} just now") from error
        return descriptor

    def _recall(self) -> Mark:
        try:
            return msgspec.json.decode(self._notes.read_bytes(), type=Mark)
        except (OSError, msgspec.DecodeError):
            return Mark()

    def _take_up(self) -> None:
        """Go to the end of what is worth keeping, and hash it."""
        there = os.fstat(self._descriptor).st_size
        if not self._wanted.hashes:
            there = max(0, there // _SAFE_BYTES - 1) * _SAFE_BYTES
        if self._wanted.most and there > self._wanted.most:
            there = 0
        os.ftruncate(self._descriptor, there)
        while block := os.read(self._descriptor, _BLOCK_BYTES):
            self._hashing.feed(block)
            self.size += len(block)
        self.resumed = self.size > 0

    def _write(self, block: bytes) -> None:
        rest = memoryview(block)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError as error:
            raise self._full(error) from error

    def _start_to_write(self) -> None:
        """Let the disk begin now, or the fsync at the end waits for all of it at once.

        Measured 2026-11, 2 vCPU: 0.01 s instead of 0.17 s for the last fsync of 500 MB.
        """
        if sys.platform == "linux":
            start = max(0, self.size - 2 * _FLUSH_BYTES)
            os.posix_fadvise(self._descriptor, start, self.size - start, os.POSIX_FADV_DONTNEED)

    def _sync(self) -> None:
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            raise self._full(error) from error

    def _full(self, error: OSError) -> DiskFull:
        return DiskFull(f"{self._wanted.title} cannot be written: {error.strerror}")
