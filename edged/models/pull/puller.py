"""Brings a model's files to this machine: asks their sources in turn, believes none of them.

Every file ends under its hash in the blobs' folder, and under its name in the model's. What is
interrupted waits in partial/ and goes on at the next pull; a kill at any moment leaves a whole
file or none.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from msgspec import Struct

from edged.config import Paths
from edged.config import Pull as Settings
from edged.errors import CorruptModel, EdgedError, ModelMissing, Untrusted
from edged.models import build
from edged.models.blobs import Blobs, hash_file
from edged.models.files import ModelFiles
from edged.models.lockfile import LockFile
from edged.models.manifest import Build, Ingredient, Manifest, ManifestFile, Source
from edged.models.pull.https import Web
from edged.models.pull.pace import Wait
from edged.models.pull.progress import PullProgress, Stage, Tell
from edged.models.pull.sources import Sources, label, names
from edged.models.pull.wanted import Fetched, Wanted

Trust = Callable[[Manifest, ManifestFile], bool]
"""Whether to take a file whose hash nobody states, and to hold every later one to it."""

_NOBODY: Mapping[str, str] = MappingProxyType({})
_TELL_S = 0.05


class Pulled(Struct, frozen=True, kw_only=True):
    """A model that is here, every file compared.

    fetched_bytes: of its files that were brought now; 0: all of them were here.
    files: absolute paths by name.
    """

    model: str
    fetched_bytes: int
    files: dict[str, str]


class Puller:
    """Pulls one model after the other; blocking, for the thread of a short-lived process.

    Args:
        paths: where models and manifests are.
        settings: tries, time limit, rate.
        tell: what to do with progress; what it raises ends the pull.
        trust: asked once for each file whose hash nobody states.
        tokens: by host name; each goes to its host only.
        folders: searched before any source is asked.
        wait: how to sleep between tries, and under a rate limit.
    """

    def __init__(  # noqa: PLR0913 - the six things a pull is told
        self,
        paths: Paths,
        settings: Settings,
        *,
        tell: Tell,
        trust: Trust,
        tokens: Mapping[str, str] = _NOBODY,
        folders: Sequence[Path] = (),
        wait: Wait = time.sleep,
    ) -> None:
        self._paths = paths
        self._tell = _Calm(tell)
        self._trust = trust
        self._web = Web(settings, tokens=tokens, wait=wait)
        self._folders = folders
        self._files = ModelFiles(paths.models, paths.cache)
        self._blobs = Blobs(paths.models)
        self._lock = LockFile(paths.models / "models.lock")

    def pull(self, manifest: Manifest) -> Pulled:
        """Bring what is missing, and compare all of it.

        Raises:
            Untrusted: a hash is not stated, and `trust` said no. LicenceRequired: a page has to
                be accepted. CorruptModel: a source gives another file than the one that is
                stated, or was recorded. SourceDown: no source answers. DiskFull: no room.
            ModelMissing: a file has no source. Busy: another process pulls the same file.
        """
        sources = Sources(self._paths, self._web, self._folders)
        try:
            fetched = sum(self._bring(manifest, file, sources) for file in manifest.files)
        finally:
            self._web.close()
        sources.clear(manifest.id, _all_sources(manifest))
        files = self._files.verified(manifest)
        self._tell(PullProgress(model=manifest.id, file="", stage="done", done=fetched))
        return Pulled(model=manifest.id, fetched_bytes=fetched, files=files)

    def _bring(self, manifest: Manifest, file: ManifestFile, sources: Sources) -> int:
        """Make sure that one file is here; the bytes that were fetched for it."""
        try:
            self._files.verified_file(manifest, file)
        except (ModelMissing, CorruptModel) as error:
            return self._replace(manifest, file, sources, error)
        return 0

    def _replace(
        self, manifest: Manifest, file: ManifestFile, sources: Sources, absent: EdgedError
    ) -> int:
        wanted = self._wanted(manifest, file)
        if sha256 := self._kept(wanted):
            self._blobs.link(manifest.id, file.name, sha256)
            return 0
        got = self._obtain(manifest, file, sources)
        if got is None and file.build:
            got = self._build(manifest, file, file.build, sources), "build"
        if got is None:
            self._record_by_hand(manifest, file, absent)
            return 0
        fetched, who = got
        self._report(manifest, file, "verify", fetched.bytes)
        self._record(manifest, file, fetched, who)
        self._blobs.adopt(fetched.path, fetched.sha256)
        path = self._blobs.link(manifest.id, file.name, fetched.sha256)
        self._files.vouch(str(path), fetched.sha256)
        return fetched.bytes

    def _wanted(self, manifest: Manifest, file: ManifestFile) -> Wanted:
        """What the manifest says of a file, or else models.lock."""
        sizes, hashes = file.sizes, file.hashes
        if not hashes and (entry := self._lock.get(manifest.id, file.name)):
            sizes, hashes = {entry.bytes}, {entry.sha256}
        return Wanted(
            model=manifest.id,
            names=names(file.name, file.sources),
            sizes=frozenset(sizes),
            hashes=frozenset(hashes),
            gated=manifest.gated,
            page=manifest.license_url,
        )

    def _kept(self, wanted: Wanted) -> str:
        """The hash of a blob that will do; one that is damaged is fetched again."""
        for sha256 in sorted(wanted.hashes):
            if self._blobs.has(sha256) and self._blobs.verify(sha256):
                return sha256
        return ""

    def _obtain(
        self, manifest: Manifest, file: ManifestFile, sources: Sources
    ) -> tuple[Fetched, str] | None:
        """A file from a folder or a source; None: neither has it, and no source is named."""
        wanted = self._wanted(manifest, file)
        if not file.sources and not self._folders:
            return None
        if not wanted.hashes and not self._is_held(file):
            self._require_trust(manifest, file)
        return sources.fetch(
            wanted,
            file.sources,
            lambda who, done, total: self._report(manifest, file, "fetch", done, total, who),
        )

    def _is_held(self, file: ManifestFile) -> bool:
        """Whether the stated hash of its archive or wheel speaks for it; in a folder it may lie bare."""
        return file.pinned and not self._folders

    def _require_trust(self, manifest: Manifest, file: ManifestFile) -> None:
        if self._trust(manifest, file):
            return
        size = f"{file.bytes} bytes" if file.bytes else "of unknown size"
        who = label(file.sources[0]) if file.sources else "folder"
        raise Untrusted(
            f"nobody states the sha256 of {file.name} of {manifest.id} ({size}, from {who})",
            model=manifest.id,
            bytes=file.bytes,
            source=who,
        )

    def _record(self, manifest: Manifest, file: ManifestFile, fetched: Fetched, who: str) -> None:
        """Hold every later pull and load to what came, unless the manifest does."""
        if not file.hashes:
            self._lock.record(
                manifest.id, file.name, sha256=fetched.sha256, size_bytes=fetched.bytes, source=who
            )

    def _record_by_hand(self, manifest: Manifest, file: ManifestFile, absent: EdgedError) -> None:
        """Take a file that somebody put there, and whose hash nobody states, as it is now."""
        path = self._files.by_hand(manifest, file)
        if not path or file.hashes or self._lock.get(manifest.id, file.name):
            raise absent
        if not file.sources and not self._folders:  # else it was asked for before
            self._require_trust(manifest, file)
        here = Path(path)
        fetched = Fetched(path=here, sha256=hash_file(here), bytes=here.stat().st_size)
        self._record(manifest, file, fetched, "folder")

    # --- files that are made ---

    def _build(
        self, manifest: Manifest, file: ManifestFile, plan: Build, sources: Sources
    ) -> Fetched:
        """Fetch what a builder needs, and let it make the file."""
        build.check(plan)  # before anything is fetched for it
        parts = {
            one.name: self._ingredient(manifest, file, one, sources) for one in plan.ingredients
        }
        wanted = self._wanted(manifest, file)
        into = sources.part(wanted)
        into.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._report(manifest, file, "build", 0, file.bytes, "build")
        build.make(plan, parts, into)
        made = Fetched(path=into, sha256=hash_file(into), bytes=into.stat().st_size)
        wanted.check(made, "the builder")
        for path in parts.values():
            if path.parent == into.parent:
                path.unlink(missing_ok=True)
        return made

    def _ingredient(
        self, manifest: Manifest, file: ManifestFile, part: Ingredient, sources: Sources
    ) -> Path:
        name = f"{file.name}#{part.name}"
        alone = ManifestFile(name=name, bytes=part.bytes, sha256=part.sha256, sources=part.sources)
        if sha256 := self._kept(self._wanted(manifest, alone)):
            return self._blobs.path(sha256)
        got = self._obtain(manifest, alone, sources)
        if got is None:
            raise ModelMissing(
                f"{part.name}, of which {file.name} of {manifest.id} is made, has no source",
                model=manifest.id,
            )
        self._record(manifest, alone, *got)
        return got[0].path

    def _report(
        self,
        manifest: Manifest,
        file: ManifestFile,
        stage: Stage,
        done: int,
        total: int = 0,
        source: str = "",
    ) -> None:
        self._tell(
            PullProgress(
                model=manifest.id,
                file=file.name,
                stage=stage,
                done=done,
                total=total or file.bytes,
                source=source,
            )
        )


def _all_sources(manifest: Manifest) -> Iterator[Source]:
    for file in manifest.files:
        yield from file.sources
        for part in file.build.ingredients if file.build else ():
            yield from part.sources


class _Calm:
    """Tells at most 20 times a second, and always what is new or at its end."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._last = (0.0, "", "")

    def __call__(self, progress: PullProgress) -> None:
        moment, file, stage = self._last
        now = time.monotonic()
        fresh = (file, stage) != (progress.file, progress.stage)
        if fresh or progress.done == progress.total or now - moment >= _TELL_S:
            self._last = (now, progress.file, progress.stage)
            self._tell(progress)
