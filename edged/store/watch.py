"""Watched folders, and which files in them were already dealt with."""

import msgspec
from msgspec import Struct

from edged.errors import NotFound
from edged.messages.records import WatchedFolder
from edged.store.clock import stamp
from edged.store.engine import Connection

_unpack = msgspec.json.Decoder(tuple[str, ...]).decode


class SeenFile(Struct, frozen=True, kw_only=True):
    """A file as it was when it became a job; any difference makes it new.

    path: its name within the watched folder, the same every time. mtime_ns, inode: from stat.
    """

    path: str
    size_bytes: int
    mtime_ns: int
    inode: int


def add_folder(
    db: Connection,
    path: str,
    *,
    recursive: bool = True,
    model: str | None = None,
    language: str | None = None,
    lexicons: tuple[str, ...] | None = None,
) -> WatchedFolder:
    """Watch a folder; one that is watched already takes the new settings."""
    db.execute(
        "INSERT INTO watch_folders(path, recursive, model, language, lexicons, added_at) "
        "VALUES(?, ?, ?, ?, ?, ?) ON CONFLICT(path) DO UPDATE SET recursive = excluded.recursive, "
        "model = excluded.model, language = excluded.language, lexicons = excluded.lexicons",
        (path, int(recursive), model, language, _packed(lexicons), stamp()),
    )
    return next(folder for folder in list_folders(db) if folder.path == path)


def remove_folder(db: Connection, path: str) -> None:
    """Stop watching a folder and forget its files.

    Raises:
        NotFound: it is not watched.
    """
    db.execute("DELETE FROM watch_folders WHERE path = ?", (path,))
    if not db.changes():
        raise NotFound("that folder is not watched")


def list_folders(db: Connection) -> tuple[WatchedFolder, ...]:
    """All watched folders, oldest first."""
    rows = db.execute(
        "SELECT path, recursive, model, language, added_at, lexicons FROM watch_folders ORDER BY id"
    )
    return tuple(
        WatchedFolder(
            path=path,
            recursive=bool(recursive),
            model=model,
            language=language,
            added_at=added_at,
            lexicons=None if lexicons is None else _unpack(lexicons),
        )
        for path, recursive, model, language, added_at, lexicons in rows
    )


def _packed(lexicons: tuple[str, ...] | None) -> str | None:
    return None if lexicons is None else msgspec.json.encode(lexicons).decode()


def saw(
    db: Connection, folder: str, file: SeenFile, *, sha256: str = "", job_id: str | None = None
) -> None:
    """Note a file as dealt with; `file.path` names it within the folder's rows.

    Raises:
        NotFound: the folder is not watched.
    """
    db.execute(
        "INSERT OR REPLACE INTO watch_seen(folder, path, size_bytes, mtime_ns, inode, sha256, "
        "job_id, seen_at) SELECT id, ?, ?, ?, ?, ?, ?, ? FROM watch_folders WHERE path = ?",
        (file.path, file.size_bytes, file.mtime_ns, file.inode, sha256, job_id, stamp(), folder),
    )
    if not db.changes():
        raise NotFound("that folder is not watched")


def is_seen(db: Connection, folder: str, file: SeenFile) -> bool:
    """Whether this file, unchanged, was dealt with."""
    known = db.execute(
        "SELECT count(*) FROM watch_seen s JOIN watch_folders f ON f.id = s.folder "
        "WHERE f.path = ? AND s.path = ? AND s.size_bytes = ? AND s.mtime_ns = ? AND s.inode = ?",
        (folder, file.path, file.size_bytes, file.mtime_ns, file.inode),
    ).get
    return bool(known)


def forget(db: Connection, folder: str, path: str) -> None:
    """Take a file for new when it comes again."""
    db.execute(
        "DELETE FROM watch_seen WHERE path = ? "
        "AND folder = (SELECT id FROM watch_folders WHERE path = ?)",
        (path, folder),
    )
