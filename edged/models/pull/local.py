"""Takes files from a place on this machine: a path, a USB stick, a share, an air gap's disk."""

import os
import stat
from collections.abc import Callable, Iterator
from io import FileIO
from pathlib import Path

from edged.errors import CorruptModel, SourceDown
from edged.models.blobs import hash_file
from edged.models.pull.part import Part
from edged.models.pull.wanted import Fetched, Wanted

MOST_DEPTH = 8
MOST_ENTRIES = 100_000
"""A folder that someone names by mistake (/, a home) is not searched to its end."""

_BLOCK_BYTES = 2**20

Tell = Callable[[int, int], None]
"""Takes bytes so far and bytes in all. What it raises ends the fetch."""


def fetch(
    path: Path, wanted: Wanted, into: Path, tell: Tell, *, within: Path | None = None
) -> Fetched:
    """Copy a file to a path, compared while it is copied.

    Args:
        path: the file.
        wanted: what it has to be.
        into: where to.
        tell: how far.
        within: the folder that it must not lead out of; None: anywhere.

    Raises:
        SourceDown: it is not there, or leads out. CorruptModel: it is another file.
        DiskFull: no room.
    """
    with _open(path, wanted, within) as source, Part(into, wanted) as part:
        size = os.fstat(source.fileno()).st_size
        wanted.check_size(size, "folder")
        part.restart()
        part.require_room(size)
        while block := _read(source, wanted):
            part.append(block)
            tell(part.size, size)
        fetched = part.finish()
        try:
            wanted.check(fetched, "folder")
        except CorruptModel:
            part.drop()
            raise
        part.forget()
    return fetched


def _open(path: Path, wanted: Wanted, within: Path | None) -> FileIO:
    try:
        real = Path(os.path.realpath(path, strict=True))
        if within and not real.is_relative_to(within.resolve()):
            raise SourceDown(f"{wanted.title} leads out of its folder")
        if not real.is_file():
            raise SourceDown(f"{wanted.title} is no file there")
        return open(real, "rb", buffering=0)
    except OSError as error:
        raise SourceDown(f"{wanted.title} is not there: {error.strerror}") from error


def _read(source: FileIO, wanted: Wanted) -> bytes:
    try:
        return source.read(_BLOCK_BYTES) or b""
    except OSError as error:  # a stick that was pulled out
        raise SourceDown(f"{wanted.title} cannot be read: {error.strerror}") from error


def search(folder: Path, wanted: Wanted) -> Path | None:
    """The file below a folder that is what is wanted; None: there is none.

    With a stated hash any name will do, those with the right name are looked at first. Without
    one the name has to be right. Links that lead out of the folder are not followed, nor are
    links to folders.
    """
    found = list(_candidates(folder, wanted))
    found.sort(key=lambda path: path.name not in wanted.names)
    for path in found:
        if not wanted.hashes or _hash(path) in wanted.hashes:
            return path
    return None


def _hash(path: Path) -> str:
    try:
        return hash_file(path)
    except OSError:
        return ""  # not for us to read: another one may be


def _candidates(folder: Path, wanted: Wanted) -> Iterator[Path]:
    root = folder.resolve()
    blobs = {f"sha256-{sha256}" for sha256 in wanted.hashes}
    named = {*(name.rpartition("/")[2] for name in wanted.names), *blobs}
    for path in _files(root):
        facts = _facts(path, root)
        if facts is None or (wanted.sizes and facts.st_size not in wanted.sizes):
            continue
        if path.name in named or (wanted.hashes and wanted.sizes):
            yield path


def _facts(path: Path, root: Path) -> os.stat_result | None:
    """Of a file that lies in the folder; None of anything else."""
    try:
        real = Path(os.path.realpath(path, strict=True))
        facts = real.stat()
    except OSError:
        return None  # a link to nothing, or to itself
    inside = real.is_relative_to(root)
    return facts if inside and stat.S_ISREG(facts.st_mode) else None


def _files(root: Path) -> Iterator[Path]:
    """The entries that are no folders, in order, as deep and as many as is sane."""
    seen = 0
    for place, folders, names in os.walk(root):
        deep = len(Path(place).relative_to(root).parts)
        folders[:] = sorted(folders) if deep < MOST_DEPTH else []
        for name in sorted(names):
            seen += 1
            if seen > MOST_ENTRIES:
                return
            yield Path(place, name)
