"""`models add`: a manifest for a model that the user already has."""

import argparse
import errno
import os
import shutil
from pathlib import Path

from msgspec import structs

from edged.cli import render
from edged.cli.connect import Settings
from edged.cli.models import shelf
from edged.config import Paths
from edged.errors import BadRequest, Conflict, Denied, DiskFull
from edged.models import own
from edged.models.blobs import Blobs, hash_file
from edged.models.manifest import Manifest, ManifestFile
from edged.models.runtime import Parameter


def add_model(settings: Settings, arguments: argparse.Namespace) -> None:
    """Write and hash a manifest; a running daemon finds it by itself."""
    paths = settings.paths
    made = own.describe(
        own.Own(
            place=Path(os.path.abspath(arguments.place)),
            engine=arguments.engine,
            task=arguments.task,
            id=arguments.id or "",
            license=arguments.license,
            languages=_languages(arguments.languages),
            parameters=dict(map(_parameter, arguments.parameters or ())),
        )
    )
    _check_new(paths, made.id, force=arguments.force)
    if arguments.copy:
        shelf.check_owner(paths)
        made = structs.replace(made, files=tuple(_copy(paths, made.id, one) for one in made.files))
    try:
        target = _write(paths, made.id, own.document(made))
    except OSError as error:
        raise _cannot("the manifest", error) from error
    _report(settings, made, target)


def _languages(text: str | None) -> tuple[str, ...]:
    return tuple(one.strip() for one in (text or "").split(",") if one.strip())


def _parameter(text: str) -> tuple[str, Parameter]:
    """NAME=VALUE; what looks like a number or a truth is one."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise BadRequest("--set takes NAME=VALUE")
    if value in {"true", "false"}:
        return name, value == "true"
    for kind in (int, float):
        try:
            return name, kind(value)
        except ValueError:
            continue
    return name, value


def _check_new(paths: Paths, model: str, *, force: bool) -> None:
    """Make sure that no manifest is replaced that somebody may want.

    Raises:
        Conflict: there is a model of that id.
    """
    if not force and model in shelf.known(paths):
        raise Conflict(
            f"there is a model {model} already", fix="give another --id, or --force", model=model
        )


def _copy(paths: Paths, model: str, file: ManifestFile) -> ManifestFile:
    """The file as one of the models folder."""
    blobs = Blobs(paths.models)
    if not blobs.has(file.sha256):
        part = paths.models / "partial" / f"{file.sha256}.part"
        try:
            part.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            shutil.copyfile(file.path, part)
        except OSError as error:
            raise _cannot("the copy", error) from error
        if hash_file(part) != file.sha256:
            part.unlink()
            raise Conflict(f"{file.name} changes while it is copied", fix="try again")
        blobs.adopt(part, file.sha256)
    blobs.link(model, file.name, file.sha256)
    return structs.replace(file, path="")


def _write(paths: Paths, model: str, content: bytes) -> Path:
    target = paths.manifests / f"{model}.toml"
    part = target.with_suffix(".part")
    paths.manifests.mkdir(mode=0o700, parents=True, exist_ok=True)
    part.write_bytes(content)
    part.replace(target)
    return target


def _cannot(what: str, error: OSError) -> Denied | DiskFull:
    kind = DiskFull if error.errno == errno.ENOSPC else Denied
    return kind(f"{what} cannot be written: {error.strerror}", fix="check the folder's rights")


def _report(settings: Settings, made: Manifest, target: Path) -> None:
    if settings.json:
        facts = {
            "model": made.id, "task": made.task, "engine": made.engine, "manifest": str(target),
            "memory_bytes": made.memory_bytes, "files": made.files,
        }  # fmt: skip
        render.as_json(facts)
        return
    for file in made.files:
        where = "" if file.path else "  copied"
        print(f"{file.name}  {render.size(file.bytes)}  sha256 {file.sha256[:12]}{where}")
    print(
        f"{made.id} is known: {made.task} on {made.engine}, about {render.size(made.memory_bytes)}"
    )
    if made.license == "unknown":
        print("its licence is not stated: --license, or edit the manifest")
    print(f"manifest: {target}")
