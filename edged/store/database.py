"""The Store: one encrypted file, one writing thread, a pool of reading ones."""

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Self, TypeVar

import apsw

from edged.config import cores
from edged.errors import ConfigError, Denied, DiskFull, StoreCorrupt, StoreTooNew, WrongKey
from edged.store import chunks, copies, engine, recordings, schema, sessions, sights, uploads
from edged.store.ballast import Ballast
from edged.store.engine import Cipher, Connection
from edged.store.readers import Readers
from edged.store.writer import OnCommit, Writer

T = TypeVar("T")

MOST_READERS = 2
"""Measured: with two searching threads on two cores a commit's p99 is 6 ms, with one 1.4 ms."""

STEP_ROWS = 2_000
STEP_ROWS_FULL = 10
"""Rows that one step of deleting takes; few when the disk is full, for each needs WAL space."""


class Store:
    """An open store. `write` and `read` are for any event loop; the rest says where it blocks."""

    def __init__(self, path: Path, key: bytes, cipher: Cipher, writer: Writer, count: int) -> None:
        self.path = path
        self.cipher: Cipher = cipher
        self.sqlite_version = apsw.sqlite_lib_version()
        self._key = key
        self._copying = asyncio.Lock()
        self._writer = writer
        self._readers = Readers(self._connect_reader, count)

    @classmethod
    def open(
        cls,
        path: Path,
        key: bytes,
        *,
        cipher: str = "auto",
        readers: int = 0,
        ballast_bytes: int = 2**20,
        on_commit: OnCommit | None = None,
    ) -> Self:
        """Open a store, or make a new one where no file is; migrate it. Blocks.

        Args:
            path: the database; `.cipher`, `.ballast`, `-wal` and `-shm` lie beside it.
            key: 32 random bytes.
            cipher: for a new store: `auto`, `aegis` or `chacha20`; an existing one keeps its own.
            readers: reading threads; 0: as many as cores, at most two.
            ballast_bytes: kept free for deleting on a full disk; 0: none.
            on_commit: called on the writer thread after each commit that recorded events.

        Raises:
            WrongKey, StoreCorrupt, StoreTooNew: the file is not ours to open; it is untouched.
            Unsupported: this SQLite can lose commits.
            Denied, DiskFull, Busy: the system refuses.
        """
        engine.refuse_engine(apsw.sqlite_lib_version())
        ballast = Ballast(path, ballast_bytes)
        try:
            db, used = _open_writing(path, key, cipher)
        except DiskFull:
            ballast.release()  # taking up what a crash left in the WAL needs room
            db, used = _open_writing(path, key, cipher)
        writer = Writer(db, ballast, on_commit)
        return cls(path, key, used, writer, readers or min(MOST_READERS, cores()))

    @property
    def last_commit(self) -> float | None:
        """When the last commit reached the disk: time.monotonic() seconds; None before it."""
        return self._writer.last_commit

    @property
    def commits(self) -> int:
        """How many commits reached the disk since the start."""
        return self._writer.commits

    @property
    def disk_full(self) -> bool:
        """The last write failed for want of space; each further write tries again."""
        return self._writer.disk_full

    async def write(self, transaction: Callable[[Connection], T], *, makes_room: bool = False) -> T:
        """Run one transaction on the writer thread; return when it is on the disk.

        A cancelled caller may or may not have written: transactions are idempotent by key.

        Args:
            transaction: never awaits, calls back or blocks; what it raises undoes it alone.
            makes_room: it deletes little; it is tried on a full disk too.

        Raises:
            Busy: too many wait already.
            DiskFull: nothing was written.
            EdgedError: what the transaction raised, or the engine's error translated.
        """
        return await asyncio.wrap_future(self._writer.submit(transaction, makes_room=makes_room))

    async def read(self, query: Callable[[Connection], T]) -> T:
        """Run a query on a reading thread, on one consistent state that includes all writes awaited.

        Raises:
            Busy: too many wait already.
            EdgedError: what the query raised, or the engine's error translated.
        """
        return await asyncio.wrap_future(self._readers.submit(query))

    async def delete_recording(self, recording_id: str) -> None:
        """Delete a recording with all that hangs on it, in steps, also on a full disk.

        Raises:
            NotFound: no such recording.
            DiskFull: not even one small step has room.
        """
        await self._in_steps(partial(recordings.delete, recording_id=recording_id))

    async def delete_session(self, session_id: str) -> None:
        """Delete a session with its recordings and all that hangs on it, as `delete_recording`.

        Raises:
            NotFound: no such session.
            DiskFull: not even one small step has room.
        """
        found = await self.read(lambda db: sessions.recordings_of(db, session_id))
        await self._in_steps(partial(sights.delete, session_id=session_id))
        for recording_id in found:
            await self.delete_recording(recording_id)
        if not found:
            await self.write(partial(_delete_bare, session_id=session_id), makes_room=True)

    async def delete_upload(self, upload_id: str) -> None:
        """Delete an upload with what it holds, in steps, also on a full disk; an absent one is fine.

        Raises:
            DiskFull: not even one small step has room.
        """
        await self._in_steps(partial(uploads.delete, upload_id=upload_id))

    async def _in_steps(self, delete: Callable[..., bool]) -> None:
        """Delete `at_most` so many rows at once until nothing is left."""
        rows, finished = STEP_ROWS, False
        while not finished:
            if self.disk_full:
                rows = STEP_ROWS_FULL
            step = partial(delete, at_most=rows)
            try:
                finished = await self.write(step, makes_room=True)
            except DiskFull:
                if rows == STEP_ROWS_FULL:
                    raise
                rows = STEP_ROWS_FULL

    async def delete_audio(self, session_id: str) -> None:
        """Delete a session's audio in steps; its transcripts stay.

        Raises:
            NotFound: no such session.
            DiskFull: not even one small step has room.
        """
        step = partial(chunks.delete_audio, session_id=session_id)
        while not await self.write(step, makes_room=self.disk_full):
            continue

    async def scrub(self) -> None:
        """Fold the WAL into the file now: what was deleted before is then in neither of them.

        A query that goes on longer than 5 s puts it off to the next time; what the WAL holds is
        encrypted as everything else.
        """
        await asyncio.wrap_future(self._writer.submit(lambda _: self._writer.fold(), alone=True))

    async def backup(self, target: Path) -> int:
        """Write a consistent copy with the same key while work goes on; return its bytes.

        Raises:
            Conflict: something lies at `target` already.
            Denied, DiskFull: it cannot be written there; nothing is left behind.
        """
        async with self._copying:
            return await asyncio.to_thread(
                copies.back_up, self._connect_reader, target, self.cipher
            )

    async def check(self) -> tuple[str, ...]:
        """What an integrity check of tables and search indexes finds wrong; slow on large stores."""
        return await asyncio.wrap_future(self._writer.submit(copies.find_faults, alone=True))

    async def rotate_key(self, new_key: bytes) -> None:
        """Encrypt the store with another key: pause, copy, swap, resume.

        The file is at any moment a whole store under the old or the new key. Keep both keys on
        the disk until this returns (docs/KEYS.md), and take whichever opens the store.

        Raises:
            DiskFull: no room for a second copy; the old key stays.
            Busy: a query does not end; the old key stays.
        """
        engine.check_key(new_key)
        await asyncio.wrap_future(
            self._writer.submit(lambda db: self._rotate(db, new_key), alone=True)
        )

    def close(self) -> None:
        """Finish what is queued, fold the WAL into the file, close. Blocks."""
        self._readers.close()
        self._writer.close()

    def _rotate(self, db: Connection, new_key: bytes) -> None:
        """On the writer thread; nothing else is written meanwhile."""
        fresh = copies.copy_rekeyed(db, self.path, new_key, self.cipher)
        key = self._key
        try:
            self._readers.pause()
            copies.swap(db, fresh, self.path)
            key = new_key
            with suppress(OSError):  # the seal's mark is only a hint
                engine.write_seal(self.path, self.cipher, key)
        finally:
            fresh.unlink(missing_ok=True)
            self._reopen(key)

    def _reopen(self, key: bytes) -> None:
        """Go on with this key: the new one, or the old one when the change failed."""
        self._key = key
        self._writer.replace(engine.connect(self.path, key, self.cipher))
        self._readers.resume()

    def _connect_reader(self) -> Connection:
        return engine.connect(self.path, self._key, self.cipher, readonly=True)


def opens(path: Path, key: bytes) -> bool:
    """Whether a key opens an existing store; nothing is written. Blocks."""
    try:
        engine.inspect(path, key, newest=schema.NEWEST)
    except StoreTooNew:
        return True
    except (WrongKey, StoreCorrupt):
        return False
    return True


def _delete_bare(db: Connection, session_id: str) -> None:
    sessions.delete(db, sessions.row_id(db, session_id))


def _open_writing(path: Path, key: bytes, wanted: str) -> tuple[Connection, Cipher]:
    """The writing connection to an existing store, or to a new one."""
    engine.check_key(key)
    if path.exists() and path.stat().st_size:
        cipher = engine.inspect(path, key, newest=schema.NEWEST)
    else:
        cipher = _new_cipher(wanted)
        _make_file(path)
    engine.write_seal(path, cipher, key)
    db = engine.connect(path, key, cipher)
    try:
        schema.migrate(db)
    except apsw.Error as error:
        failure = engine.translate(error, db)
        db.close()
        raise failure from error
    return db, cipher


def _new_cipher(wanted: str) -> Cipher:
    if wanted == "auto":
        return engine.choose_cipher()
    for cipher in engine.CIPHERS:
        if cipher == wanted:
            return cipher
    raise ConfigError(f"store.cipher is not one of auto, {', '.join(engine.CIPHERS)}")


def _make_file(path: Path) -> None:
    """An empty file that only we can read, in a folder that only we can enter."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise Denied(f"the store cannot be made: {error.strerror}") from error
