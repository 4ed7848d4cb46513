"""This home's models as the command line sees them, without a daemon."""

import os
import pwd
import sys
from pathlib import Path

from edged.bridge import endpoint
from edged.cli.connect import Settings
from edged.config import Paths
from edged.errors import Denied, ModelMissing
from edged.messages import replies, requests
from edged.models.catalog import read_folders, shipped_folder
from edged.models.manifest import Manifest


def known(paths: Paths) -> dict[str, Manifest]:
    """Every manifest by its model's id; what is wrong with others goes to stderr."""
    manifests, problems = read_folders((shipped_folder(), paths.manifests))
    for problem in problems:
        print(f"edged: {problem}", file=sys.stderr)
    return {manifest.id: manifest for manifest in manifests}


def find(manifests: dict[str, Manifest], model: str) -> Manifest:
    """One of them.

    Raises:
        ModelMissing: there is no such model.
    """
    if model not in manifests:
        raise ModelMissing(
            f"no model is called {model}", fix="`edged models list` names all", model=model
        )
    return manifests[model]


def manifest_file(paths: Paths, model: str) -> Path:
    """Where a model's manifest lies: the user's own wins."""
    own = paths.manifests / f"{model}.toml"
    return own if own.is_file() else Path(shipped_folder(), f"{model}.toml")


def check_owner(paths: Paths) -> None:
    """Make sure that what is written to the models folder will belong to its owner.

    Raises:
        Denied: it is another user's, or under sudo it would be root's, with the command to use;
            or it cannot be written.
    """
    owner, invoker = _owner(paths.models), int(os.environ.get("SUDO_UID", "0"))
    if owner != os.geteuid():
        raise _of(owner, "the models folder belongs to another user")
    fresh = not paths.models.exists() and "EDGED_HOME" not in os.environ
    if os.geteuid() == 0 and invoker and fresh:
        raise _of(invoker, "under sudo these would be root's models, not yours")
    if not os.access(_nearest(paths.models), os.W_OK | os.X_OK):
        raise Denied(
            "the models folder cannot be written",
            fix="check the rights of the folder above `models`, or set EDGED_HOME",
        )


def _owner(folder: Path) -> int:
    """Whose a folder is, or will be: of one that is not there, the nearest above it."""
    for place in (folder, *folder.parents):
        try:
            return place.stat().st_uid if _is_ours_to_fill(place) else os.geteuid()
        except FileNotFoundError:
            continue
        except PermissionError:
            return _owner(place.parent)
    return os.geteuid()


def _nearest(folder: Path) -> Path:
    """The folder itself, or the first one above it that is there."""
    return next(place for place in (folder, *folder.parents) if os.path.lexists(place))


def _is_ours_to_fill(place: Path) -> bool:
    """A folder such as /tmp, where everybody may make their own, says nothing about its content."""
    return not place.stat().st_mode & 0o002


def _of(uid: int, message: str) -> Denied:
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = f"#{uid}"
    return Denied(
        message, fix=f"run it as the owner: sudo -u {name} edged models ... (docs/PULLING.md)"
    )


def in_memory(settings: Settings) -> set[str]:
    """The models that a running daemon has loaded; none when no daemon runs."""
    if endpoint.holder(settings.paths) is None:
        return set()
    with settings.connect() as daemon:
        found = daemon.ask(requests.ModelsPs(), replies.LoadedModels)
    return {model.id for model in found.models}
