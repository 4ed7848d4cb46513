"""Opens the encrypted database file, and turns what SQLite raises into our errors.

apsw is imported in edged.store only, and its errors are translated here only. A connection is
used by one thread at a time. Nothing here overwrites a file that it cannot read.
"""

import errno
import hashlib
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import apsw
import msgspec
from msgspec import Struct

from edged.errors import (
    Busy,
    Cancelled,
    Conflict,
    Denied,
    DiskFull,
    EdgedError,
    Internal,
    StoreCorrupt,
    StoreTooNew,
    TooLarge,
    Unsupported,
    WrongKey,
)
from edged.messages.events import StoredEvent

Cipher = Literal["aegis", "chacha20"]
CIPHERS: tuple[Cipher, ...] = ("aegis", "chacha20")
"""Both authenticate every page: 60 of 60 flipped bits were found. Measured: facts, 2026-10."""

KEY_BYTES = 32
PAGE_BYTES = 4096
APPLICATION_ID = 0x65646764
"""`edgd`: tells our files from other encrypted SQLite files."""

PLAIN_HEADER = b"SQLite format 3\x00"
BUSY_TIMEOUT_MS = 5_000
WAL_LIMIT_BYTES = 16 * 2**20
READER_CACHE_KIB = 4_096
WRITER_CACHE_KIB = 8_192

_FIXED_BACKPORTS = {(3, 44): 6, (3, 50): 7}
NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class Connection(apsw.Connection):
    """One open database, and the events that its open transaction has recorded."""

    def __init__(self, path: Path, flags: int, key: bytes) -> None:
        super().__init__(str(path), flags=flags)
        self.recorded: list[StoredEvent] = []
        self.key = key


class Seal(Struct, frozen=True, kw_only=True):
    """What lies beside the database in `.cipher`: how it is encrypted, and a mark of the key.

    key_mark: a short one-way hash of the random key; it tells a wrong key from a damaged file.
    """

    cipher: Cipher
    key_mark: str = ""


def refuse_engine(version: str) -> None:
    """Refuse the SQLite versions that can lose commits when the WAL is reset.

    Raises:
        Unsupported: 3.7.0 to 3.51.2, except 3.44.6+ and 3.50.7+ of their branches.

    Source: sqlite.org/wal.html#the_wal_reset_bug (found 2026-03-03, fixed in 3.51.3; backports
    3.50.7 and 3.44.6).
    """
    major, minor, patch, *_ = (*map(int, version.split(".")), 0, 0)
    if not (3, 7, 0) <= (major, minor, patch) <= (3, 51, 2):
        return
    fixed = _FIXED_BACKPORTS.get((major, minor))
    if fixed is None or patch < fixed:
        raise Unsupported(
            f"SQLite {version} can lose commits (WAL-reset bug)",
            fix="install apsw-sqlite3mc 3.51.3 or newer",
        )


def choose_cipher() -> Cipher:
    """AEGIS where the processor has AES instructions, ChaCha20 otherwise.

    Measured: inserts cost 1.06x plain SQLite with AEGIS, 1.27x with ChaCha20 (AES-NI, 2026-10).
    """
    try:
        words = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").split()
    except OSError:
        return "aegis" if sys.platform == "darwin" else "chacha20"
    return "aegis" if "aes" in words else "chacha20"


def seal_path(path: Path) -> Path:
    """Where the seal of a database lies."""
    return path.with_name(path.name + ".cipher")


def read_seal(path: Path) -> Seal | None:
    """The seal beside a database; None when it is lost (then both ciphers are tried)."""
    try:
        return msgspec.json.decode(seal_path(path).read_bytes(), type=Seal)
    except (FileNotFoundError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def write_seal(path: Path, cipher: Cipher, key: bytes) -> None:
    """Write the seal beside a database, all or nothing, unless it says so already."""
    seal = Seal(cipher=cipher, key_mark=key_mark(key))
    if read_seal(path) != seal:
        write_durably(seal_path(path), msgspec.json.encode(seal))


def key_mark(key: bytes) -> str:
    """A one-way mark of a random key: not enough to find the key, enough to recognise it."""
    return hashlib.blake2b(key, digest_size=8, person=b"edged-key-mark").hexdigest()


def write_durably(path: Path, content: bytes) -> None:
    """Write a private file so that after a crash it holds the old or the new content."""
    fresh = path.with_name(path.name + ".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, path)
    sync_folder(path.parent)


def sync_file(path: Path) -> None:
    """Wait until a file's content is on the disk."""
    _sync(path, os.O_RDONLY)


def sync_folder(folder: Path) -> None:
    """Wait until a folder's entries are on the disk; Windows cannot, and does not need it."""
    if sys.platform != "win32":
        _sync(folder, os.O_RDONLY | os.O_DIRECTORY)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def connect(path: Path, key: bytes, cipher: Cipher, *, readonly: bool = False) -> Connection:
    """Open one connection to an existing file and prove the key by reading; the caller closes it.

    Raises:
        WrongKey, StoreCorrupt, Denied, Busy, DiskFull: see `translate`.
    """
    check_key(key)
    flags = apsw.SQLITE_OPEN_READONLY if readonly else apsw.SQLITE_OPEN_READWRITE
    try:
        db = Connection(path, flags, key)
    except apsw.Error as error:
        raise translate(error) from error
    try:
        _prepare(db, key, cipher, readonly=readonly)
    except apsw.Error as error:
        failure = translate(error, db)
        db.close()
        raise failure from error
    return db


def open_blank(path: Path, key: bytes, cipher: Cipher) -> Connection:
    """A connection to an empty file that a copy is written into; the caller syncs it.

    Raises:
        Denied: it cannot be opened.
    """
    check_key(key)
    try:
        db = Connection(path, apsw.SQLITE_OPEN_READWRITE, key)
    except apsw.Error as error:
        raise translate(error) from error
    db.pragma("cipher", cipher)
    db.pragma("key", "raw:" + key.hex())
    db.pragma("synchronous", "OFF")
    return db


def check_key(key: bytes) -> None:
    """Refuse any other length: the engine would silently take it for a passphrase.

    Raises:
        WrongKey: it is not 32 bytes.
    """
    if len(key) != KEY_BYTES:
        raise WrongKey(f"the key has {len(key)} bytes, not {KEY_BYTES}")


def _prepare(db: Connection, key: bytes, cipher: Cipher, *, readonly: bool) -> None:
    """Key first, then a read that proves it, then everything else."""
    db.set_busy_timeout(BUSY_TIMEOUT_MS)
    db.pragma("cipher", cipher)
    db.pragma("key", "raw:" + key.hex())
    if not readonly:
        db.pragma("auto_vacuum", 2)
    db.execute("SELECT count(*) FROM sqlite_schema").get  # noqa: B018 the read is the key check
    # One at a time: a script stops at the first pragma that answers with a row.
    db.pragma("temp_store", "MEMORY")
    db.pragma("mmap_size", 0)
    db.pragma("trusted_schema", 0)
    db.pragma("foreign_keys", 1)
    db.pragma("cache_size", -(READER_CACHE_KIB if readonly else WRITER_CACHE_KIB))
    if not readonly:
        _prepare_writing(db)


def _prepare_writing(db: Connection) -> None:
    db.pragma("synchronous", "FULL")
    db.pragma("secure_delete", 1)
    mode = db.pragma("journal_mode", "wal")
    if mode != "wal":
        raise Internal(f"the store's journal mode is {mode}, not wal")
    db.pragma("journal_size_limit", WAL_LIMIT_BYTES)


def inspect(path: Path, key: bytes, *, newest: int) -> Cipher:
    """Prove that an existing file is a store of ours that this key opens; nothing is written.

    Args:
        path: the database file.
        key: 32 random bytes.
        newest: the newest schema version that this code knows.

    Raises:
        WrongKey: the key does not fit, or the file is a plain SQLite file or something else.
        StoreCorrupt: the key is the right one but the first page is damaged, or the file is cut.
        StoreTooNew: a newer edged wrote it.
    """
    check_key(key)
    if _plain(path):
        raise WrongKey("the file is a plain SQLite database, not an encrypted store")
    with _without_traces(path):
        return _fitting(path, key, newest)


@contextmanager
def _without_traces(path: Path) -> Iterator[None]:
    """Looking into a store in WAL mode makes two empty files beside it: take them away again."""
    wal, shm = (path.with_name(path.name + ending) for ending in ("-wal", "-shm"))
    were_there = wal.exists() or shm.exists()
    try:
        yield
    finally:
        if not were_there and wal.exists() and not wal.stat().st_size:
            wal.unlink(missing_ok=True)
            shm.unlink(missing_ok=True)


def _fitting(path: Path, key: bytes, newest: int) -> Cipher:
    seal = read_seal(path)
    for cipher in _ciphers(seal):
        try:
            db = connect(path, key, cipher, readonly=True)
        except WrongKey:
            continue
        try:
            _check_schema(db, newest)
        except apsw.Error as error:
            raise translate(error, db) from error
        finally:
            db.close()
        return cipher
    raise _no_fit(path, key, seal)


def _plain(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(PLAIN_HEADER)) == PLAIN_HEADER


def _ciphers(seal: Seal | None) -> Iterable[Cipher]:
    """The recorded cipher first; the other one in case the record is wrong."""
    return sorted(CIPHERS, key=lambda cipher: seal is None or cipher != seal.cipher)


def _check_schema(db: Connection, newest: int) -> None:
    version = int(db.pragma("user_version"))
    if version > newest:
        raise StoreTooNew(f"the store has version {version}, this edged knows {newest}")
    tables = int(db.execute("SELECT count(*) FROM sqlite_schema").get)
    if tables and db.pragma("application_id") != APPLICATION_ID:
        raise StoreCorrupt("the file is an encrypted database of another program")


def _no_fit(path: Path, key: bytes, seal: Seal | None) -> EdgedError:
    """Why no cipher opens the file with this key."""
    size = path.stat().st_size
    if size % PAGE_BYTES:
        return StoreCorrupt(f"the file of {size} bytes is no whole number of pages")
    if seal is not None and seal.key_mark == key_mark(key):
        return StoreCorrupt("the key is the right one, but the first page is damaged")
    return WrongKey("the key does not open the store")


def translate(error: apsw.Error, db: apsw.Connection | None = None) -> EdgedError:
    """What a caller can act on, for an error of the engine.

    Args:
        error: what apsw raised.
        db: the connection it came from; tells a full disk from a broken one.
    """
    if isinstance(error, apsw.IOError):
        return _translate_io(error, db)
    for kinds, leaf, message in _LEAVES:
        if isinstance(error, kinds):
            return leaf(message, sqlite=_code(error))
    return Internal(f"the store's engine failed ({type(error).__name__})", sqlite=_code(error))


def _translate_io(error: apsw.Error, db: apsw.Connection | None) -> EdgedError:
    number = db.system_errno if db is not None else 0
    if number in NO_SPACE:
        return DiskFull("no space to write the store", errno=number)
    if _code(error) in {apsw.SQLITE_IOERR_DATA, apsw.SQLITE_IOERR_CORRUPTFS}:
        return StoreCorrupt("a page of the store is damaged", sqlite=_code(error))
    return Internal(
        "the disk failed under the store",
        fix="look at the system's log for disk errors; restore a backup if it is broken",
        sqlite=_code(error),
        errno=number,
    )


def _code(error: apsw.Error) -> int:
    return int(getattr(error, "extendedresult", 0) or 0)


_LEAVES: tuple[tuple[tuple[type[apsw.Error], ...], type[EdgedError], str], ...] = (
    ((apsw.FullError,), DiskFull, "no space to write the store"),
    ((apsw.NotADBError,), WrongKey, "the key does not open the store, or it is no store"),
    ((apsw.CorruptError, apsw.FormatError), StoreCorrupt, "the store is damaged"),
    ((apsw.BusyError, apsw.LockedError), Busy, "another process holds the store"),
    (
        (apsw.CantOpenError, apsw.PermissionsError, apsw.ReadOnlyError, apsw.AuthError),
        Denied,
        "the store's file may not be opened or written",
    ),
    ((apsw.TooBigError,), TooLarge, "a value is too large for the store"),
    ((apsw.InterruptError, apsw.AbortError), Cancelled, "the query was interrupted"),
    ((apsw.ConstraintError,), Conflict, "the store's rules refuse that row"),
)
