"""Takes members, by their exact names, out of archives that lie on this machine.

Nothing is unpacked to a place that the archive chooses, and nothing but the wanted member is
written. What a small archive may grow to is bounded.
"""

import bz2
import gzip
import importlib
import lzma
import tarfile
import zlib
from pathlib import Path
from typing import IO, BinaryIO, Protocol, cast

from edged.errors import CorruptModel, Unsupported
from edged.models.blobs import hash_file, is_inside
from edged.models.pull import members
from edged.models.pull.part import Part
from edged.models.pull.wanted import Fetched, Wanted

GROWTH = 100
"""A tar that unpacks to more than so many times its size is no model's: theirs is about 1.1."""

SPARE_BYTES = 64 * 2**20
"""What any archive may grow to."""

MOST_MEMBERS = 100_000
_HEAD_BYTES = 2**20
_BLOCK_BYTES = 2**18
_XZ_MEMORY_BYTES = 256 * 2**20

_BROKEN = (tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError)


class _Stream(Protocol):
    """What a tar is read from."""

    def read(self, count: int, /) -> bytes:
        """So many bytes, fewer at the end."""
        ...


def take(archive: Path, member: str, wanted: Wanted, into: Path) -> Fetched:
    """Write a member to a path, and give its hash, not compared yet.

    Args:
        archive: a zip, or a tar, plain or packed with gz, bz2, xz, or zst where Python has it.
        member: its name in there; a leading ./ of the archive's own names does not count.
        wanted: says how large it may be.
        into: where to.

    Raises:
        CorruptModel: there is no such file in it, it is a link or a device, it is larger than
            stated, or the archive is damaged. Unsupported: this Python cannot read its kind.
        DiskFull: no room.
    """
    if not is_inside(member):
        raise _refuse(member, "has no plain name")
    if _starts(archive) == b"PK":
        return _from_zip(archive, member, wanted, into)
    return _from_tar(archive, member, wanted, into)


def _from_zip(archive: Path, member: str, wanted: Wanted, into: Path) -> Fetched:
    most = wanted.most or _bound(archive)
    members.take(archive, member, into, limit=min(most, members.LIMIT_BYTES))
    return Fetched(path=into, sha256=hash_file(into), bytes=into.stat().st_size)


def _from_tar(archive: Path, member: str, wanted: Wanted, into: Path) -> Fetched:
    try:
        with open(archive, "rb") as packed:
            # TarFile reads and goes forward only, which is all that _Bounded can do.
            bounded = cast("IO[bytes]", _Bounded(_unpacked(packed), _bound(archive)))
            with tarfile.TarFile(fileobj=bounded, mode="r") as opened:
                return _write(opened, _find(opened, member), wanted, into)
    except _BROKEN as error:
        raise _refuse(member, "is in an archive that is damaged or none") from error


def _starts(archive: Path) -> bytes:
    with open(archive, "rb") as file:
        return file.read(2)


def _bound(archive: Path) -> int:
    return SPARE_BYTES + GROWTH * archive.stat().st_size


def _unpacked(packed: BinaryIO) -> _Stream:
    """The tar inside, by how its packing begins."""
    head = packed.read(6)
    packed.seek(0)
    if head.startswith(b"BZh"):
        return bz2.BZ2File(packed)
    if head.startswith(b"\x1f\x8b"):
        return gzip.GzipFile(fileobj=packed)
    if head.startswith(b"\xfd7zXZ"):
        return _Xz(packed)
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        return _zstandard(packed)
    return packed


def _zstandard(packed: BinaryIO) -> _Stream:
    try:
        zstd = importlib.import_module("compression.zstd")  # since Python 3.14
    except ModuleNotFoundError as error:
        raise Unsupported(
            "this Python cannot unpack zstandard", fix="use Python 3.14, or another source"
        ) from error
    return cast("_Stream", zstd.ZstdFile(packed))


class _Xz:
    """Unpacks xz with a bound on the memory that its head may ask for; LZMAFile has none."""

    def __init__(self, packed: BinaryIO) -> None:
        self._packed = packed
        self._engine = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY_BYTES)

    def read(self, count: int, /) -> bytes:
        """So many bytes, fewer at the end."""
        out = bytearray()
        while len(out) < count and not self._engine.eof:
            feed = self._packed.read(_BLOCK_BYTES) if self._engine.needs_input else b""
            if self._engine.needs_input and not feed:
                raise EOFError("the xz ends before its end")
            out += self._engine.decompress(feed, count - len(out))
        return bytes(out)


class _Bounded:
    """A stream that goes forward only, to a bound, and gives no part that is absurdly large.

    tarfile takes a head's word for how long the text after it is, and reads that into memory.
    """

    def __init__(self, stream: _Stream, most: int) -> None:
        self._stream = stream
        self._left = most
        self._place = 0

    def read(self, count: int) -> bytes:
        """The next bytes."""
        if not 0 <= count <= _HEAD_BYTES:
            raise tarfile.ReadError("a head of the archive is too long")
        block = self._stream.read(count)
        self._place += len(block)
        self._left -= len(block)
        if self._left < 0:
            raise tarfile.ReadError("the archive grows without end")
        return block

    def tell(self) -> int:
        """How far it was read."""
        return self._place

    def seek(self, place: int) -> int:
        """Read on to a place."""
        if place < self._place:
            raise tarfile.ReadError("the archive leads backwards")
        while self._place < place:
            if not self.read(min(_BLOCK_BYTES, place - self._place)):
                raise tarfile.ReadError("the archive ends before its end")
        return self._place


def _find(archive: tarfile.TarFile, member: str) -> tarfile.TarInfo:
    for count, entry in enumerate(iter(archive.next, None)):
        archive.members = []  # type: ignore[attr-defined]  # else it keeps all that were passed
        if entry.name.removeprefix("./") == member:
            if entry.type not in {tarfile.REGTYPE, tarfile.AREGTYPE}:
                raise _refuse(member, "is a link, a folder or a device, not a file")
            return entry
        if count >= MOST_MEMBERS:
            break
    raise _refuse(member, "is not there")


def _write(archive: tarfile.TarFile, entry: tarfile.TarInfo, wanted: Wanted, into: Path) -> Fetched:
    wanted.check_size(entry.size, "archive")
    source = archive.extractfile(entry)
    if source is None:
        raise _refuse(entry.name, "is not a file")
    with Part(into, wanted) as part:
        part.restart()
        part.require_room(entry.size)
        while block := source.read(_BLOCK_BYTES):
            part.append(block)
        if part.size != entry.size:
            raise _refuse(entry.name, "is cut")
        return part.finish()


def _refuse(member: str, what: str) -> CorruptModel:
    return CorruptModel(
        f"{member}, a member of an archive, {what}",
        fix="the archive or the manifest is wrong; report it to the manifest's author",
    )
