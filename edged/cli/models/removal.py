"""`models rm prune`: gives disk space back."""

import argparse
import os
from pathlib import Path

from edged.cli import asking, render
from edged.cli.connect import Settings
from edged.cli.models import shelf
from edged.config import Paths
from edged.errors import Conflict, ModelMissing
from edged.models.blobs import Blobs, hash_file
from edged.models.lockfile import LockFile
from edged.models.manifest import Manifest


def remove_models(settings: Settings, arguments: argparse.Namespace) -> None:
    """Remove models' files; manifests stay."""
    paths = settings.paths
    shelf.check_owner(paths)
    known = shelf.known(paths)
    for model in arguments.ids:
        _check_here(paths, known, model)
    _check_unused(settings, arguments.ids)
    own = [name for model in arguments.ids for name in _own_files(paths, known.get(model), model)]
    if own and not arguments.yes:
        _confirm(settings, own)
    freed = sum(_remove(paths, model) for model in dict.fromkeys(arguments.ids))
    if settings.json:
        render.as_json({"removed": arguments.ids, "freed_bytes": freed})
    else:
        print(f"removed {', '.join(arguments.ids)}: {render.size(freed)} freed")


def _check_here(paths: Paths, known: dict[str, Manifest], model: str) -> None:
    """The model has a folder of files.

    Raises:
        ModelMissing: it has none, or there is no such model.
    """
    if Blobs(paths.models).place(model, "file").parent.is_dir():
        return
    manifest = shelf.find(known, model)
    wheels = sorted({file.wheel for file in manifest.files if file.wheel})
    fix = f"it comes with a package: pip uninstall {' '.join(wheels)}" if wheels else None
    raise ModelMissing(f"no files of {model} are in the models folder", fix=fix, model=model)


def _check_unused(settings: Settings, models: list[str]) -> None:
    for model in sorted(shelf.in_memory(settings) & set(models)):
        raise Conflict(
            f"the daemon has {model} in memory", fix=f"edged models unload {model}", model=model
        )


def _own_files(paths: Paths, manifest: Manifest | None, model: str) -> list[str]:
    """The files of a model's folder that no pull would bring back."""
    files = manifest.files if manifest else ()
    pulled = {file.name for file in files if file.sources or file.build or file.wheel}
    blobs = set(Blobs(paths.models).hashes())
    folder = paths.models / model
    return [
        f"{model}/{path.relative_to(folder)}"
        for path in _below(folder)
        if str(path.relative_to(folder)) not in pulled or not _is_pulled(path, blobs)
    ]


def _is_pulled(path: Path, blobs: set[str]) -> bool:
    """Whether the content is a blob's: by its links, or where the disk has none by its hash."""
    return path.stat().st_nlink > 1 or hash_file(path) in blobs


def _below(folder: Path) -> list[Path]:
    return sorted(Path(root, name) for root, _, names in os.walk(folder) for name in names)


def _confirm(settings: Settings, own: list[str]) -> None:
    listed = "\n".join(f"  {name}" for name in own)
    question = f"no pull brings these back:\n{listed}\nremove them?"
    if not asking.ask(question, quiet=settings.json):
        raise Conflict(
            f"no pull brings {', '.join(own)} back", fix="copy what you need, then give --yes"
        )


def _remove(paths: Paths, model: str) -> int:
    """Files, blobs that nobody else uses, and what was recorded at the first pull."""
    freed = Blobs(paths.models).remove(model)
    LockFile(paths.models / "models.lock").forget(model)
    return freed


def prune(settings: Settings, _: argparse.Namespace) -> None:
    """Remove what no model uses."""
    shelf.check_owner(settings.paths)
    freed = Blobs(settings.paths.models).prune()
    if settings.json:
        render.as_json({"freed_bytes": freed})
    else:
        print(f"{render.size(freed)} freed")
