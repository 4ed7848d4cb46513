"""All manifests of this machine: ours, and the user's, which replace ours of the same id."""

import os
from collections.abc import Iterable

import edged
from edged.errors import ConfigError
from edged.models.manifest import Manifest, read


def shipped_folder() -> str:
    """Where our own manifests lie: in the wheel, or at the top of a source checkout."""
    package = os.path.dirname(os.path.abspath(edged.__file__))
    inside = os.path.join(package, "model_manifests")
    beside = os.path.join(os.path.dirname(package), "model_manifests")
    return inside if os.path.isdir(inside) else beside


def read_folders(folders: Iterable[str | os.PathLike[str]]) -> tuple[list[Manifest], list[str]]:
    """The manifests of several folders, and what is wrong with those that cannot be used.

    A later folder's manifest replaces an earlier one with the same id.
    """
    found: dict[str, Manifest] = {}
    problems: list[str] = []
    for path in _manifest_files(folders):
        try:
            manifest = read(path)
        except ConfigError as error:
            problems.append(f"{error.message}; {error.fix}")
        else:
            found[manifest.id] = manifest
    return sorted(found.values(), key=lambda one: one.id), problems


def _manifest_files(folders: Iterable[str | os.PathLike[str]]) -> list[str]:
    paths: list[str] = []
    for folder in folders:
        if os.path.isdir(folder):
            names = sorted(name for name in os.listdir(folder) if name.endswith(".toml"))
            paths += [os.path.join(folder, name) for name in names]
    return paths
