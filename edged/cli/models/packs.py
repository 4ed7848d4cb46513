"""`models export import`: models in one file, for machines that never see a network."""

import argparse
import os
import sys
import tomllib
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO

import msgspec

from edged.cli import render
from edged.cli.connect import Settings
from edged.cli.models import shelf
from edged.cli.models.progress import counting
from edged.config import Paths
from edged.errors import BadRequest, Conflict, CorruptModel, DiskFull
from edged.models.files import ModelFiles
from edged.models.lockfile import LockFile
from edged.models.manifest import Manifest, read
from edged.models.pull import pack
from edged.models.pull.unpack import unpack

SUFFIX = ".edgedpack"


def export_models(settings: Settings, arguments: argparse.Namespace) -> None:
    """Write a pack."""
    if not arguments.out.endswith(SUFFIX):
        raise BadRequest(
            f"a pack's name ends with {SUFFIX}", fix=f"edged models export ID... FILE{SUFFIX}"
        )
    out = Path(arguments.out)
    if out.exists():
        raise BadRequest("the file exists", fix="choose another name")
    known = shelf.known(settings.paths)
    manifests = [shelf.find(known, model) for model in dict.fromkeys(arguments.ids)]
    packings = [_packing(settings.paths, manifest) for manifest in manifests]
    index = _write(settings, out, packings)
    _check(settings.paths, out, index, manifests)
    _say(settings, {"exported": [one.id for one in packings]}, out)


def _packing(paths: Paths, manifest: Manifest) -> pack.Packing:
    found = ModelFiles(paths.models, paths.cache).verified(manifest)
    own = {
        file.name: Path(found[file.name])
        for file in manifest.files
        if file.path or Path(found[file.name]).is_relative_to(paths.models)
    }
    if not own:
        raise Conflict(
            f"{manifest.id} comes with an installed package; there is nothing to export",
            fix="install the same package on the other machine",
            model=manifest.id,
        )
    text = _portable(shelf.manifest_file(paths, manifest.id), manifest)
    return pack.Packing(id=manifest.id, manifest=text, files=own)


def _portable(file: Path, manifest: Manifest) -> bytes:
    """A manifest's text without the places on this machine that its files are taken from.

    Raises:
        Conflict: they cannot be taken out.
    """
    if read(file) == manifest and not any(one.path for one in manifest.files):
        return file.read_bytes()
    kept, table = [], ""
    for line in file.read_text().splitlines(keepends=True):
        table = line.strip() if line.startswith("[") else table
        if table != "[[files]]" or not line.lstrip().startswith("path "):
            kept.append(line)
    text = "".join(kept)
    files = tuple(msgspec.structs.replace(one, path="") for one in manifest.files)
    wanted = msgspec.structs.replace(manifest, files=files)
    if msgspec.convert(tomllib.loads(text), Manifest) != wanted:
        raise Conflict(
            f"the manifest of {manifest.id} names places on this machine",
            fix="give each `path` of its files a line of its own, or remove it",
            model=manifest.id,
        )
    return text.encode()


def _write(settings: Settings, out: Path, packings: list[pack.Packing]) -> pack.Index:
    """Write beside the target and rename: half a pack has never its name."""
    part = out.with_name(f"{out.name}.part")
    try:
        with part.open("wb") as file, counting(settings, out.name) as tell:
            index = pack.write(file, packings, tell)
            file.flush()
            os.fsync(file.fileno())
        part.replace(out)
    except OSError as error:
        raise DiskFull(f"the pack cannot be written: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)
    return index


def _check(paths: Paths, out: Path, index: pack.Index, manifests: list[Manifest]) -> None:
    """What was packed is what the manifests, or models.lock, say; looked at again from the bytes."""
    lock = LockFile(paths.models / "models.lock")
    stated = {(one.id, file.name): file for one in manifests for file in one.files}
    for model in index.models:
        for file in model.files:
            entry = lock.get(model.id, file.name)
            right = stated[model.id, file.name].hashes or ({entry.sha256} if entry else set())
            if right and file.sha256 not in right:
                out.unlink()
                raise CorruptModel(
                    f"{file.name} of {model.id} differs from its sha256",
                    fix=f"`edged models rm {model.id}`, then pull it again",
                )


def import_pack(settings: Settings, arguments: argparse.Namespace) -> None:
    """Take a pack's models in."""
    shelf.check_owner(settings.paths)
    known = shelf.known(settings.paths)
    with _open(arguments.pack) as file, counting(settings, "import") as tell:
        brought = unpack(file, settings.paths, known, tell, force=arguments.force)
    if settings.json:
        render.as_json({"imported": brought.models, "manifests": brought.manifests})
        return
    for model in brought.models:
        print(f"{model} is here{', with its manifest' if model in brought.manifests else ''}")
    print(f"{render.size(brought.size_bytes)}, every byte verified")


def _open(pack_file: str) -> AbstractContextManager[IO[bytes]]:
    if pack_file == "-":
        return nullcontext(sys.stdin.buffer)
    try:
        return Path(pack_file).open("rb")
    except OSError as error:
        raise BadRequest(f"the pack cannot be read: {error.strerror}") from error


def _say(settings: Settings, document: dict[str, object], out: Path) -> None:
    size = out.stat().st_size
    if settings.json:
        render.as_json({**document, "size_bytes": size})
    else:
        print(f"{render.size(size)} written; there: edged models import {out.name}")
