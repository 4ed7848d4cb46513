"""`models verify`: every byte on disk against the hash that holds for it."""

import argparse
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from edged.cli import render
from edged.cli.connect import Settings
from edged.cli.models import shelf
from edged.cli.models.progress import counting
from edged.config import Paths
from edged.errors import CorruptModel, ModelMissing
from edged.models.blobs import Blobs, hash_file
from edged.models.files import ModelFiles
from edged.models.lockfile import LockFile
from edged.models.manifest import Manifest, ManifestFile


class Finding(Struct, frozen=True, kw_only=True):
    """A file that is not what it should be, and what to do."""

    file: str
    problem: str
    fix: str


class Due(Struct, frozen=True, kw_only=True):
    """A file to be hashed; `right` is empty when no hash of it is known."""

    name: str
    path: Path
    size: int
    right: frozenset[str]
    fix: str

    @property
    def key(self) -> tuple[int, int]:
        """What all names of one file share."""
        facts = self.path.stat()
        return facts.st_dev, facts.st_ino


def verify(settings: Settings, arguments: argparse.Namespace) -> int:
    """Hash again; the exit status is that of a corrupt model when a file differs."""
    paths = settings.paths
    known = shelf.known(paths)
    chosen = [shelf.find(known, model) for model in arguments.ids] or list(known.values())
    findings: list[Finding] = []
    due = list(_files(paths, chosen, findings))
    if not arguments.ids:
        due += _blobs(paths)
    with counting(settings, "hashing") as tell:
        findings += _compare(due, tell)
    unknown = [one.name for one in due if not one.right]
    _report(settings, due, findings, unknown)
    return CorruptModel.exit_status if findings else 0


def _files(paths: Paths, manifests: Iterable[Manifest], findings: list[Finding]) -> Iterator[Due]:
    """Every file of these models that is on this machine."""
    files, lock = ModelFiles(paths.models, paths.cache), LockFile(paths.models / "models.lock")
    for manifest in manifests:
        for file in manifest.files:
            name, fix = f"{manifest.id}/{file.name}", _fix(manifest, file)
            try:
                found = files.locate(msgspec.structs.replace(manifest, files=(file,)))
            except (ModelMissing, CorruptModel) as error:
                if isinstance(error, CorruptModel) or (paths.models / name).exists():
                    findings.append(Finding(file=name, problem=error.message, fix=error.fix))
                continue
            entry = lock.get(manifest.id, file.name)
            right = file.hashes or ({entry.sha256} if entry else set())
            path = Path(found[file.name])
            size = path.stat().st_size
            yield Due(name=name, path=path, size=size, right=frozenset(right), fix=fix)


def _fix(manifest: Manifest, file: ManifestFile) -> str:
    if file.sources or file.build:
        return f"edged models pull {manifest.id}"
    if file.wheel:
        return f"pip install --force-reinstall {file.wheel}"
    return "copy the file again from where it came"


def _blobs(paths: Paths) -> Iterator[Due]:
    blobs = Blobs(paths.models)
    for sha256 in blobs.hashes():
        path = blobs.path(sha256)
        users = sorted({name.partition("/")[0] for name in blobs.users(sha256)})
        fix = f"edged models pull {' '.join(users)}" if users else "edged models prune"
        size = path.stat().st_size
        yield Due(
            name=f"blobs/{path.name}", path=path, size=size, right=frozenset({sha256}), fix=fix
        )


def _compare(due: list[Due], tell: Callable[[int, int], None]) -> Iterator[Finding]:
    """What differs; a file with several names is read once."""
    hashes: dict[tuple[int, int], str] = {}
    total, done = size_bytes(due), 0
    for one in due:
        key = one.key
        if key not in hashes:
            hashes[key] = hash_file(one.path)
            done += one.size
            tell(done, total)
        if one.right and hashes[key] not in one.right:
            yield Finding(
                file=one.name, problem="its content is not what its sha256 says", fix=one.fix
            )


def size_bytes(due: list[Due]) -> int:
    """All files together; one with several names counts once."""
    return sum({one.key: one.size for one in due}.values())


def _report(
    settings: Settings, due: list[Due], findings: list[Finding], unknown: list[str]
) -> None:
    size = size_bytes(due)
    if settings.json:
        document = {"files": len(due), "size_bytes": size, "problems": findings, "unknown": unknown}
        render.as_json(document)
        return
    for name in unknown:
        print(f"{name}: no hash of it is known; a pull records one")
    for finding in findings:
        print(f"{finding.file}: {finding.problem}\n  fix: {finding.fix}")
    verdict = (
        f"{len(findings)} of them not as it should be" if findings else "all as they should be"
    )
    print(f"{len(due)} files, {render.size(size)}: {verdict}")
