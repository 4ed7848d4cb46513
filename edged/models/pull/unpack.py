"""Takes a pack's models in: everything is read and compared before anything changes.

A manifest that this machine has in another form is not replaced unless that is asked for; what a
manifest states binds the pack, and what it does not state binds the machine from then on.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from msgspec import Struct

from edged.config import Paths
from edged.errors import Conflict, CorruptModel, DiskFull
from edged.models.blobs import Blobs, holding, sync_folder
from edged.models.lint import lint
from edged.models.lockfile import LockFile
from edged.models.manifest import Manifest, ManifestFile, read
from edged.models.pull.pack import Index, PackedModel, Reader, Tell


class Unpacked(Struct, frozen=True, kw_only=True):
    """What an import brought: models, those whose manifest came with it, and bytes of files."""

    models: tuple[str, ...]
    manifests: tuple[str, ...]
    size_bytes: int


class _Arrival(Struct, frozen=True, kw_only=True):
    """A model of the pack, the manifest that will hold here, and its text if it is new here."""

    packed: PackedModel
    manifest: Manifest
    text: bytes | None


def unpack(
    pack: IO[bytes], paths: Paths, known: Mapping[str, Manifest], tell: Tell, *, force: bool = False
) -> Unpacked:
    """Import every model of a pack.

    Args:
        pack: open for reading, at its beginning.
        paths: whose models and manifests folders take it.
        known: this machine's manifests by id.
        tell: bytes so far and in all.
        force: replace a manifest that differs.

    Raises:
        CorruptModel: the pack is damaged or lies, or its files are not what the manifests state.
        Conflict: a manifest differs from the one that is here. VersionSkew: of a newer edged.
        ConfigError: one of its manifests is none. DiskFull: no room.
    """
    reader = Reader(pack)
    blobs, lock = Blobs(paths.models), LockFile(paths.models / "models.lock")
    with _workshop(paths.models) as folder:
        arrivals = _arrivals(reader, folder, known, force=force)
        for arrival in arrivals:
            _check_files(arrival, lock)
        _check_room(reader.index, blobs, paths.models)
        parts = _parts(reader, folder, tell)
        for sha256, part in parts.items():
            blobs.adopt(part, sha256)
        for arrival in arrivals:
            _install(arrival, paths, blobs, lock)
    return Unpacked(
        models=tuple(arrival.packed.id for arrival in arrivals),
        manifests=tuple(arrival.packed.id for arrival in arrivals if arrival.text is not None),
        size_bytes=reader.index.size_bytes,
    )


@contextmanager
def _workshop(models: Path) -> Iterator[Path]:
    partial = models / "partial"
    with (
        holding(partial),
        tempfile.TemporaryDirectory(prefix="import-", dir=partial) as folder,
    ):
        yield Path(folder)


# --- manifests ---


def _arrivals(
    reader: Reader, folder: Path, known: Mapping[str, Manifest], *, force: bool
) -> list[_Arrival]:
    texts = reader.manifests()
    return [
        _arrival(packed, texts[packed.id], folder, known.get(packed.id), force=force)
        for packed in reader.index.models
    ]


def _arrival(
    packed: PackedModel, text: bytes, folder: Path, known: Manifest | None, *, force: bool
) -> _Arrival:
    file = folder / f"{packed.id}.toml"
    file.write_bytes(text)
    brought = read(file)
    file.unlink()
    if known is not None and (brought == known or (not force and _fits(packed, known))):
        return _Arrival(packed=packed, manifest=known, text=None)
    if known is not None and not force:
        raise Conflict(
            f"this machine has another manifest of {packed.id} than the pack",
            fix="--force takes the pack's; or use the same edged here and where it was exported",
            model=packed.id,
        )
    _check_manifest(brought)
    return _Arrival(packed=packed, manifest=brought, text=text)


def _fits(packed: PackedModel, known: Manifest) -> bool:
    """Whether the files are what another manifest of the same model states, too."""
    stated = {file.name: file.hashes for file in known.files}
    return all(file.sha256 in stated.get(file.name, ()) for file in packed.files)


def _check_manifest(manifest: Manifest) -> None:
    """A manifest from elsewhere is sound, and points at no file of this machine."""
    if complaints := lint([manifest]):
        raise CorruptModel(
            f"the pack's manifest is not sound: {complaints[0]}",
            fix="correct it with `edged models lint` where it comes from, and export again",
        )
    if any(file.path for file in manifest.files):
        raise CorruptModel(
            f"the pack's manifest of {manifest.id} names a place outside the pack",
            fix="take `path` out of the manifest, and export again",
        )


# --- files ---


def _check_files(arrival: _Arrival, lock: LockFile) -> None:
    stated = {file.name: file for file in arrival.manifest.files}
    for file in arrival.packed.files:
        if file.name not in stated:
            raise _differs(arrival, file.name, "is not a file of its manifest")
        if file.sha256 not in _allowed(arrival, stated[file.name], lock, file.sha256):
            raise _differs(arrival, file.name, "has not the sha256 that holds here")


def _allowed(arrival: _Arrival, file: ManifestFile, lock: LockFile, sha256: str) -> set[str]:
    """The hashes that a file may have: stated, or recorded at the first pull, or any."""
    entry = lock.get(arrival.packed.id, file.name)
    return file.hashes or {entry.sha256 if entry else sha256}


def _differs(arrival: _Arrival, name: str, what: str) -> CorruptModel:
    model = arrival.packed.id
    return CorruptModel(
        f"{name} of {model} in the pack {what}",
        fix=f"export it again; if another content is meant here: `edged models rm {model}` first",
        model=model,
    )


def _check_room(index: Index, blobs: Blobs, models: Path) -> None:
    needed = sum(size for sha256, size in index.blobs.items() if not blobs.has(sha256))
    free = shutil.disk_usage(models).free
    if needed > free:
        raise DiskFull(
            "no room for the pack's models", fix=f"free {needed - free} bytes", needed=needed
        )


def _parts(reader: Reader, folder: Path, tell: Tell) -> dict[str, Path]:
    """Every blob of the pack, written and compared, by its hash."""
    done, parts = 0, {}
    for sha256, blocks in reader.blobs():
        parts[sha256] = folder / sha256
        with parts[sha256].open("wb") as part:
            for block in blocks:
                _write(part, block)
                done += len(block)
                tell(done, reader.index.size_bytes)
    return parts


def _write(part: IO[bytes], block: bytes) -> None:
    try:
        part.write(block)
    except OSError as error:
        raise DiskFull(f"the pack cannot be written here: {error.strerror}") from error


def _install(arrival: _Arrival, paths: Paths, blobs: Blobs, lock: LockFile) -> None:
    """Files first, the manifest last: a model appears whole."""
    unstated = {file.name for file in arrival.manifest.files if not file.hashes}
    for file in arrival.packed.files:
        if file.name in unstated:
            lock.record(
                arrival.packed.id,
                file.name,
                sha256=file.sha256,
                size_bytes=file.bytes,
                source="pack",
            )
        blobs.link(arrival.packed.id, file.name, file.sha256)
    if arrival.text is not None:
        _write_manifest(paths.manifests, arrival.packed.id, arrival.text)


def _write_manifest(folder: Path, model: str, text: bytes) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = folder / f".{model}.{os.getpid()}"
    with fresh.open("wb") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(folder / f"{model}.toml")
    sync_folder(folder)
