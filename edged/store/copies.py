"""Whole copies of the store: backup, restore, and the copy under another key.

A copy is written beside its place, synced, then renamed: after a crash there is the old file or
the new one, and never half of one.
"""

import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import apsw

from edged.errors import Busy, Conflict, Denied, DiskFull, EdgedError, NotFound, StoreCorrupt
from edged.store import engine, failpoints, schema
from edged.store.engine import Cipher, Connection

COMPANIONS = ("-wal", "-shm", ".cipher")
"""What belongs to a database file, by the ending of its name."""


def back_up(connect: Callable[[], Connection], target: Path, cipher: Cipher) -> int:
    """Copy the store as it is at this moment; return the bytes. Blocks; one at a time.

    What an earlier copy to the same place left when it was killed is removed.

    Args:
        connect: opens a read-only connection of its own to the store.
        target: where the copy goes; its seal goes beside it.
        cipher: of the store, and so of the copy.

    Raises:
        Conflict: something lies there already.
        Denied, DiskFull: it cannot be written; nothing is left behind.
    """
    if target.exists():
        raise Conflict("there is already a file with the backup's name", fix="choose another name")
    source = connect()
    partial = target.with_name(target.name + ".partial")
    try:
        partial.unlink(missing_ok=True)
        key = source.key
        _copy(source, partial, key, cipher)
        engine.write_seal(target, cipher, key)
        os.replace(partial, target)
        engine.sync_folder(target.parent)
    except OSError as error:
        raise _refused(error) from error
    finally:
        source.close()
        partial.unlink(missing_ok=True)
    return target.stat().st_size


def restore(source: Path, target: Path, key: bytes) -> Path | None:
    """Put a backup in the store's place; return where the replaced files went. Blocks.

    The caller makes sure that no daemon uses the store. What was there is kept under another name.

    Args:
        source: a file that `back_up` wrote.
        target: the store's path.
        key: the key that the store had when the backup was made.

    Raises:
        NotFound: no such backup.
        WrongKey, StoreCorrupt, StoreTooNew: the backup is not usable; nothing was changed.
        Denied, DiskFull: it cannot be written there; nothing was changed.
    """
    if not source.is_file():
        raise NotFound("there is no such backup", fix="check the path")
    cipher = engine.inspect(source, key, newest=schema.NEWEST)
    fresh = target.with_name(target.name + ".restored")
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _copy_file(source, fresh)
        _prove(fresh, key, cipher)
        failpoints.reach("restore_before_swap")
        aside = _keep_aside(target)
        failpoints.reach("restore_between")
        os.replace(fresh, target)
        engine.write_seal(target, cipher, key)
        engine.sync_folder(target.parent)
    except OSError as error:
        raise _refused(error) from error
    finally:
        fresh.unlink(missing_ok=True)
        _drop_companions(fresh)
    return aside


def copy_rekeyed(db: Connection, path: Path, new_key: bytes, cipher: Cipher) -> Path:
    """Write the store once more, under another key, beside it; return where. Writer thread.

    Raises:
        DiskFull: no room; nothing is left behind.
    """
    fresh = path.with_name(path.name + ".rekeyed")
    fresh.unlink(missing_ok=True)
    try:
        _copy(db, fresh, new_key, cipher)
    except (OSError, EdgedError) as error:
        fresh.unlink(missing_ok=True)
        raise _refused(error) from error
    failpoints.reach("rotate_copied")
    return fresh


def swap(db: Connection, fresh: Path, path: Path) -> None:
    """Close the store and put the copy in its place. Writer thread; no reader is open.

    Raises:
        Busy: another process has the store open: its WAL must not meet the new file.
    """
    db.close()
    wal = path.with_name(path.name + "-wal")
    if wal.exists() and wal.stat().st_size:
        raise Busy("another process holds the store open")
    failpoints.reach("rotate_before_swap")
    os.replace(fresh, path)
    engine.sync_folder(path.parent)
    failpoints.reach("rotate_after_swap")


def find_faults(db: Connection) -> tuple[str, ...]:
    """What is wrong with tables and search indexes; empty when nothing is.

    Raises:
        EdgedError: the engine's error translated.
    """
    try:
        found = [str(row[0]) for row in db.execute("PRAGMA integrity_check(20)")]
    except apsw.CorruptError:
        found = ["a page is damaged"]
    except apsw.Error as error:
        raise engine.translate(error, db) from error
    faults = [] if found == ["ok"] else found
    checks = {
        "segments_words": "VALUES('integrity-check', 1)",
        "segments_trigrams": "VALUES('integrity-check', 0)",
    }
    for table, values in checks.items():
        try:
            db.execute(f"INSERT INTO {table}({table}, rank) {values}")
        except apsw.Error:
            faults.append(f"the search index {table} is damaged")
    return tuple(faults)


def _copy(source: Connection, target: Path, key: bytes, cipher: Cipher) -> None:
    """Copy all pages in one step, which reads one consistent state, and sync."""
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    copy = engine.open_blank(target, key, cipher)
    try:
        with copy.backup("main", source, "main") as backup:
            backup.step(-1)
    except apsw.Error as error:
        raise engine.translate(error, copy) from error
    finally:
        copy.close()
    engine.sync_file(target)


def _copy_file(source: Path, target: Path) -> None:
    target.unlink(missing_ok=True)
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    shutil.copyfile(source, target)
    engine.sync_file(target)


def _prove(path: Path, key: bytes, cipher: Cipher) -> None:
    """Read every page of a copy before it takes anything's place."""
    db = engine.connect(path, key, cipher)
    try:
        faults = find_faults(db)
    finally:
        db.close()
    if faults:
        raise StoreCorrupt("the backup is damaged", faults=len(faults))


def _keep_aside(path: Path) -> Path | None:
    """Give a store a second name, and its WAL to that one; None when there is none.

    The first name stays, so that there is a store at every moment: none at all would make the
    next start begin a new one.
    """
    if not path.exists():
        return None
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    aside = path.with_name(f"{path.name}.replaced-{moment}")
    _link(path, aside)
    if engine.seal_path(path).exists():
        shutil.copy(engine.seal_path(path), engine.seal_path(aside))
    for ending in ("-wal", "-shm"):
        piece = path.with_name(path.name + ending)
        if piece.exists():
            os.replace(piece, aside.with_name(aside.name + ending))
    engine.sync_folder(path.parent)
    return aside


def _link(path: Path, aside: Path) -> None:
    """A second name where the file system knows such, else a copy."""
    try:
        os.link(path, aside)
    except OSError:
        _copy_file(path, aside)


def _drop_companions(path: Path) -> None:
    for ending in COMPANIONS:
        path.with_name(path.name + ending).unlink(missing_ok=True)


def _refused(error: OSError | EdgedError) -> EdgedError:
    if isinstance(error, EdgedError):
        return error
    if error.errno in engine.NO_SPACE:
        return DiskFull("no space for a copy of the store")
    return Denied(
        f"the copy cannot be written: {error.strerror}", fix="choose a folder that we may write to"
    )
