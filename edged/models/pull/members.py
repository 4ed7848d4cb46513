"""Takes one file out of a zip, by its exact name, and nothing that only looks like a file."""

import os
import stat
import zipfile
import zlib
from pathlib import Path
from typing import IO

from edged.errors import CorruptModel, DiskFull
from edged.models.blobs import is_inside

LIMIT_BYTES = 16 * 2**30
"""No model of ours is larger; a member that says so is refused before a byte is written."""

_BLOCK_BYTES = 2**20
_ENCRYPTED = 0x1


def take(archive: Path, member: str, into: Path, *, limit: int = LIMIT_BYTES) -> None:
    """Write one member to a file; it stays only when it is whole.

    Args:
        archive: a zip, a wheel.
        member: its exact name; nothing else of the archive is looked at.
        into: written anew, readable by the owner only.
        limit: the most bytes that the member may have.

    Raises:
        CorruptModel: no zip, no such member, or one that is a link, a folder, encrypted, there
            twice, too large, or longer than it says. DiskFull: no room.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            entry = _entry(opened, member, archive.name)
            if entry.file_size > limit:
                raise _bad(archive.name, member, f"larger than {limit} bytes")
            with opened.open(entry) as source:
                _write(source, into)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        into.unlink(missing_ok=True)
        raise CorruptModel(f"{archive.name} is damaged or no zip of the usual kind") from error
    except OSError as error:
        into.unlink(missing_ok=True)
        raise DiskFull(f"{member} cannot be written: {error.strerror}") from error


def _entry(archive: zipfile.ZipFile, member: str, name: str) -> zipfile.ZipInfo:
    if not is_inside(member):
        raise _bad(name, member, "not a plain path inside the archive")
    found = [entry for entry in archive.infolist() if entry.filename == member]
    if len(found) != 1:
        raise _bad(name, member, "there twice" if found else "not in it")
    entry = found[0]
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if entry.is_dir() or kind not in {0, stat.S_IFREG}:
        raise _bad(name, member, "a link, a folder or a device, not a file")
    if entry.flag_bits & _ENCRYPTED:
        raise _bad(name, member, "encrypted")
    return entry


def _bad(archive: str, member: str, what: str) -> CorruptModel:
    return CorruptModel(
        f"{member} of {archive} is {what}",
        fix="the archive or the manifest is wrong; report it to whoever wrote the manifest",
    )


def _write(source: IO[bytes], into: Path) -> None:
    """All of it: zipfile stops at the stated size and compares the checksum."""
    into.unlink(missing_ok=True)
    with os.fdopen(os.open(into, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target:
        while block := source.read(_BLOCK_BYTES):
            target.write(block)
