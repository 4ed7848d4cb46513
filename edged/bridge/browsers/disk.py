"""Writes and removes the small files that browsers read; never through a link, never half."""

import contextlib
import os
import secrets
import stat
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from edged.errors import Denied

READABLE: Final = 0o644
EXECUTABLE: Final = 0o700
_PRIVATE: Final = 0o700


def content(path: Path, *, most_bytes: int) -> bytes | None:
    """A regular file's bytes; None when nothing is there.

    Raises:
        Denied: it is a link, a folder, longer than that, or may not be read.
    """
    try:
        facts = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise Denied(f"a file cannot be read: {error.strerror}") from error
    if not stat.S_ISREG(facts.st_mode):
        raise _foreign("something is there that is no file of ours, perhaps a link")
    if facts.st_size > most_bytes:
        raise _foreign("a file is there that is too long to be ours")
    try:
        return path.read_bytes()
    except OSError as error:
        raise Denied(f"a file cannot be read: {error.strerror}") from error


def put(path: Path, text: bytes, *, mode: int) -> bool:
    """Make a file what it should be, whole or not at all; whether it had to be written.

    Raises:
        Denied: its folder is another user's or open to all, a link lies in its place, or the
            system does not let us.
    """
    try:
        make_folder(path.parent)
        check_place(path)
        if _same(path, text, mode):
            return False
        _replace(path, text, mode)
    except OSError as error:
        raise Denied(f"a file cannot be written: {error.strerror}", fix=_OWN_FOLDER) from error
    return True


def make_folder(folder: Path) -> tuple[Path, ...]:
    """Make a folder and those above it, for the owner only, as the browsers do; those that were made.

    Raises:
        Denied: the system does not let us.
    """
    if folder.is_dir():
        return ()
    made = make_folder(folder.parent)
    try:
        folder.mkdir(mode=_PRIVATE)
    except FileExistsError:
        return made
    except OSError as error:
        raise Denied(f"a folder cannot be made: {error.strerror}", fix=_OWN_FOLDER) from error
    return (*made, folder)


def check_owner(folder: Path) -> None:
    """Refuse to make a folder within another user's, as root under sudo would.

    Raises:
        Denied: the innermost folder that is there is not ours.
    """
    there = next((one for one in (folder, *folder.parents) if one.is_dir()), None)
    if sys.platform != "win32" and there is not None and there.stat().st_uid != os.geteuid():
        raise Denied("the folder belongs to another user", fix=_OWN_FOLDER)


def check_place(path: Path) -> None:
    """Refuse a place where somebody else could put a file, or has put a link.

    Raises:
        Denied: as said; OSError is left to the caller.
    """
    check_owner(path.parent)
    if path.parent.stat().st_mode & stat.S_IWOTH:
        raise Denied("everybody may write into the folder", fix="chmod o-w it")
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISREG(path.lstat().st_mode):
            raise _foreign("something is there that is no file of ours, perhaps a link")


def remove(path: Path) -> None:
    """Remove a file; it may be gone already.

    Raises:
        Denied: the system does not let us.
    """
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise Denied(f"a file cannot be removed: {error.strerror}", fix=_OWN_FOLDER) from error


def remove_empty(folders: Iterable[Path]) -> None:
    """Remove those folders that are empty, innermost first."""
    for folder in sorted(folders, key=lambda one: len(one.parts), reverse=True):
        with contextlib.suppress(OSError):
            folder.rmdir()


_OWN_FOLDER: Final = "make the folder yours again, or run the command as its owner"


def _foreign(message: str) -> Denied:
    return Denied(message, fix="look at it, and remove it yourself if it is not wanted")


def _same(path: Path, text: bytes, mode: int) -> bool:
    try:
        return stat.S_IMODE(path.stat().st_mode) == mode and path.read_bytes() == text
    except FileNotFoundError:
        return False


def _replace(path: Path, text: bytes, mode: int) -> None:
    """A new file beside it gets its name; a link in its place would be replaced, not followed."""
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with os.fdopen(os.open(partial, _FRESH, 0o600), "wb") as file:
            file.write(text)
            file.flush()
            partial.chmod(mode)  # whatever the umask is
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


_FRESH: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL
