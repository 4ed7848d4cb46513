"""One file that carries models to machines that never see a network: `.edgedpack`.

An uncompressed tar in which everything is known beforehand: first `index.json`, then the manifests
it names, then the blobs it names, in its order, with its sizes, and nothing else. So the same
models give the same bytes, `tar tf` lists it, and reading needs no trust: what the index does not
say next is refused.
"""

import hashlib
import tarfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Annotated

import msgspec
from msgspec import Meta, Struct

from edged.errors import CorruptModel, VersionSkew
from edged.messages.wire import ModelId
from edged.models.blobs import is_inside

VERSION = 1
INDEX = "index.json"
INDEX_LIMIT_BYTES = 2**20
MANIFEST_LIMIT_BYTES = 2**20

_BLOCK_BYTES = 2**20
_END = bytes(2 * tarfile.BLOCKSIZE)

Tell = Callable[[int, int], None]
"""Takes bytes so far and bytes in all; what it raises ends the work."""

_Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
_Size = Annotated[int, Meta(ge=0, le=2**53)]


class PackedFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of a model; `name` as its manifest has it."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    bytes: _Size
    sha256: _Sha256


class PackedModel(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One model: its manifest's size and hash, and its files."""

    id: ModelId
    manifest_bytes: Annotated[int, Meta(ge=1, le=MANIFEST_LIMIT_BYTES)]
    manifest_sha256: _Sha256
    files: Annotated[tuple[PackedFile, ...], Meta(max_length=1000)]


class Index(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is in a pack; models by id, files by name."""

    version: int
    models: Annotated[tuple[PackedModel, ...], Meta(min_length=1, max_length=1000)]

    @property
    def blobs(self) -> dict[str, int]:
        """The sizes of all blobs by their hash, in the order in which they lie in the pack."""
        found = {file.sha256: file.bytes for model in self.models for file in model.files}
        return dict(sorted(found.items()))

    @property
    def size_bytes(self) -> int:
        """All blobs together."""
        return sum(self.blobs.values())


class _Version(Struct, frozen=True):
    """All that is read of an index before its version is known."""

    version: int = 0


class Packing(Struct, frozen=True, kw_only=True):
    """A model to be packed: its manifest's text, and where its files lie."""

    id: str
    manifest: bytes
    files: dict[str, Path]


# --- writing ---


def write(out: IO[bytes], models: Sequence[Packing], tell: Tell) -> Index:
    """Write a pack; the files are hashed first, and again while they are copied.

    Raises:
        CorruptModel: a file changed meanwhile.
    """
    ordered = sorted(models, key=lambda model: model.id)
    index = Index(version=VERSION, models=tuple(_packed(model) for model in ordered))
    places = {
        file.sha256: model.files[file.name]
        for model, packed in zip(ordered, index.models, strict=True)
        for file in packed.files
    }
    _write_entry(out, INDEX, msgspec.json.encode(index))
    for model in ordered:
        _write_entry(out, f"manifests/{model.id}.toml", model.manifest)
    done = 0
    for sha256, size in index.blobs.items():
        _write_header(out, _blob(sha256), size)
        for block in _checked(_blocks(places[sha256]), sha256, size):
            out.write(block)
            done += len(block)
            tell(done, index.size_bytes)
        out.write(_padding(size))
    out.write(_END)
    return index


def _packed(model: Packing) -> PackedModel:
    return PackedModel(
        id=model.id,
        manifest_bytes=len(model.manifest),
        manifest_sha256=hashlib.sha256(model.manifest).hexdigest(),
        files=tuple(_hashed(name, path) for name, path in sorted(model.files.items())),
    )


def _hashed(name: str, path: Path) -> PackedFile:
    digest, size = hashlib.sha256(), 0
    for block in _blocks(path):
        digest.update(block)
        size += len(block)
    return PackedFile(name=name, bytes=size, sha256=digest.hexdigest())


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            yield block


def _write_entry(out: IO[bytes], name: str, content: bytes) -> None:
    _write_header(out, name, len(content))
    out.write(content + _padding(len(content)))


def _write_header(out: IO[bytes], name: str, size: int) -> None:
    """No time, owner or mode of this machine: the same models give the same bytes."""
    entry = tarfile.TarInfo(name)
    entry.size = size
    entry.mode = 0o444
    out.write(entry.tobuf(tarfile.GNU_FORMAT))


def _padding(size: int) -> bytes:
    return bytes(-size % tarfile.BLOCKSIZE)


def _blob(sha256: str) -> str:
    return f"blobs/sha256-{sha256}"


def _checked(blocks: Iterable[bytes], sha256: str, size: int) -> Iterator[bytes]:
    """The same blocks; after the last one, that they were what the index says.

    Raises:
        CorruptModel: they were not.
    """
    digest, seen = hashlib.sha256(), 0
    for block in blocks:
        digest.update(block)
        seen += len(block)
        yield block
    if seen != size or digest.hexdigest() != sha256:
        raise CorruptModel(
            f"the content of blob {sha256[:12]} is not what its hash says",
            fix="export the pack again; `edged models verify` there says which file is damaged",
        )


# --- reading ---


class Reader:
    """Reads a pack from its beginning to its end, once.

    Args:
        pack: open for reading; need not be seekable.

    Raises:
        CorruptModel: it is no pack, or damaged. VersionSkew: a newer edged wrote it.
    """

    def __init__(self, pack: IO[bytes]) -> None:
        self._pack = pack
        name, size = self._header()
        if name != INDEX or size > INDEX_LIMIT_BYTES:
            raise _bad("does not begin with an index")
        self.index = _read_index(self._small(size))

    def manifests(self) -> dict[str, bytes]:
        """Every manifest's text by its model; to be read first."""
        found: dict[str, bytes] = {}
        for model in self.index.models:
            self._expect(f"manifests/{model.id}.toml", model.manifest_bytes)
            text = self._small(model.manifest_bytes)
            if hashlib.sha256(text).hexdigest() != model.manifest_sha256:
                raise _bad(f"has a damaged manifest of {model.id}")
            found[model.id] = text
        return found

    def blobs(self) -> Iterator[tuple[str, Iterator[bytes]]]:
        """Every blob's hash and content; each content is to be read to its end.

        A content that is not what its hash says raises after its last block.
        """
        for sha256, size in self.index.blobs.items():
            self._expect(_blob(sha256), size)
            yield sha256, _checked(self._content(size), sha256, size)
        if self._exactly(len(_END)) != _END or self._pack.read(1):
            raise _bad("goes on after its end")

    def _header(self) -> tuple[str, int]:
        block = self._exactly(tarfile.BLOCKSIZE)
        try:
            entry = tarfile.TarInfo.frombuf(block, "utf-8", "strict")
        except (tarfile.HeaderError, UnicodeDecodeError) as error:
            raise _bad("is no pack of ours, or damaged") from error
        if entry.type != tarfile.REGTYPE or entry.size < 0:
            raise _bad("holds something other than plain files")
        return entry.name, entry.size

    def _expect(self, name: str, size: int) -> None:
        if self._header() != (name, size):
            raise _bad(f"does not hold {name} where its index says")

    def _small(self, size: int) -> bytes:
        return b"".join(self._content(size))

    def _content(self, size: int) -> Iterator[bytes]:
        left = size
        while left:
            block = self._exactly(min(left, _BLOCK_BYTES))
            left -= len(block)
            yield block
        self._exactly(len(_padding(size)))

    def _exactly(self, size: int) -> bytes:
        found = self._pack.read(size)
        if len(found) != size:
            raise _bad("is cut off")
        return found


def _read_index(text: bytes) -> Index:
    try:
        version = msgspec.json.decode(text, type=_Version).version
        if version != VERSION:
            raise VersionSkew(
                f"the pack has version {version}, this edged reads version {VERSION}",
                fix="upgrade edged here, or export with the edged of this machine",
            )
        index = msgspec.json.decode(text, type=Index)
    except msgspec.DecodeError as error:
        raise _bad("has a damaged index") from error
    _check_index(index)
    return index


def _check_index(index: Index) -> None:
    ids = [model.id for model in index.models]
    if ids != sorted(set(ids)):
        raise _bad("names a model twice, or not in order")
    for model in index.models:
        names = [file.name for file in model.files]
        if names != sorted(set(names)) or not all(map(is_inside, names)):
            raise _bad(f"names the files of {model.id} in a way that no export does")
    sizes = {(file.sha256, file.bytes) for model in index.models for file in model.files}
    if len(sizes) != len(index.blobs):
        raise _bad("gives two sizes to one blob")


def _bad(what: str) -> CorruptModel:
    return CorruptModel(f"the pack {what}", fix="copy it again, or export it again")
