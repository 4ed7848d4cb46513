"""All manifests of this machine: ours, and the user's, which replace ours of the same id."""

import os
from collections.abc import Iterable

from msgspec import Struct

import edged
from edged.errors import ConfigError
from edged.models.manifest import Manifest, read

_State = tuple[int, int, int]
"""mtime in ns, size and inode: while they stay the same, so does the content."""


class _Entry(Struct, frozen=True):
    """A manifest's file as it was read last. good: its content, or what it was before it broke."""

    state: _State
    good: Manifest | None
    problem: str = ""


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
    return Catalog(folders).read()


class Catalog:
    """The manifests of several folders; a file whose edit is broken keeps its last good content.

    Blocking, for one thread at a time; edged.models.lookout keeps it up to date.

    Args:
        folders: a later one's manifest replaces an earlier one's; they need not exist.
    """

    def __init__(self, folders: Iterable[str | os.PathLike[str]]) -> None:
        self.folders = tuple(os.fspath(folder) for folder in folders)
        self._entries: dict[str, _Entry] = {}
        self._faults: list[str] = []

    def read(self) -> tuple[list[Manifest], list[str]]:
        """All manifests by their ids, and what is wrong with others; only what changed is read."""
        states, self._faults = _look(self.folders)
        self._entries = {path: self._entry(path, state) for path, state in states.items()}
        good = {one.good.id: one.good for one in self._entries.values() if one.good}
        problems = [one.problem for one in self._entries.values() if one.problem]
        return sorted(good.values(), key=lambda one: one.id), self._faults + problems

    def changed(self) -> bool:
        """Whether a file is new, gone, or not as it was when it was read."""
        states, faults = _look(self.folders)
        return faults != self._faults or states != {
            path: entry.state for path, entry in self._entries.items()
        }

    def _entry(self, path: str, state: _State) -> _Entry:
        known = self._entries.get(path)
        if known is not None and known.state == state:
            return known
        try:
            return _Entry(state, read(path))
        except ConfigError as error:
            kept = known.good if known else None
            until = "; until then it counts as it was before" if kept else ""
            return _Entry(state, kept, f"{error.message}; {error.fix}{until}")


def _look(folders: Iterable[str]) -> tuple[dict[str, _State], list[str]]:
    """Every manifest's file with its state, in the order in which they count; and what failed."""
    states: dict[str, _State] = {}
    faults: list[str] = []
    for folder in folders:
        try:
            states |= _states(folder)
        except FileNotFoundError:
            continue  # it may come
        except OSError as error:
            faults.append(f"a folder of manifests cannot be read: {error.strerror}; put that right")
    return states, faults


def _states(folder: str) -> dict[str, _State]:
    states: dict[str, _State] = {}
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        if name.endswith(".toml") and not name.startswith("."):
            try:
                found = os.stat(path)
            except FileNotFoundError:
                continue  # gone since, or a link to nothing
            states[path] = (found.st_mtime_ns, found.st_size, found.st_ino)
    return states
