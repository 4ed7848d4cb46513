"""`models pull`: fetches models' files in this process; the daemon finds them by itself."""

import argparse
import contextlib
import os
import shutil
import stat
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct, structs

from edged import config
from edged.cli import asking, render
from edged.cli.connect import Settings
from edged.cli.models import shelf
from edged.cli.models.progress import Watcher, watching
from edged.errors import (
    BadRequest,
    CorruptModel,
    DiskFull,
    EdgedError,
    EngineMissing,
    LicenceRequired,
    ModelMissing,
    SourceDown,
    Unsupported,
)
from edged.models import build
from edged.models.blobs import holding, is_held
from edged.models.files import ModelFiles
from edged.models.manifest import Manifest, ManifestFile
from edged.models.pull.puller import Pulled, Puller

HUGGING_FACE = "huggingface.co"
TOKEN_LIMIT_BYTES = 1000


class Options(Struct, frozen=True, kw_only=True):
    """What a pull was told.

    yes: a licence that forbids commercial use is accepted. trust: hashes that nobody states too.
    folders: looked into first. token: for Hugging Face. rate: bytes a second; None: as configured.
    """

    yes: bool = False
    trust: bool = False
    folders: tuple[Path, ...] = ()
    token: str = ""
    rate: int | None = None


def pull(settings: Settings, arguments: argparse.Namespace) -> None:
    """Fetch models and say what came."""
    known = shelf.known(settings.paths)
    if bool(arguments.ids) == arguments.defaults:
        raise BadRequest("name models, or --defaults", fix="`edged models list` names all models")
    options = Options(
        yes=arguments.yes,
        trust=arguments.trust_first_use,
        folders=tuple(_folder(name) for name in arguments.folders or ()),
        token=token(arguments.token_file),
        rate=_rate(arguments.rate),
    )
    if arguments.defaults:
        chosen = list(_defaults(settings, known.values()))
    else:
        chosen = [shelf.find(known, model) for model in dict.fromkeys(arguments.ids)]
    _report(settings, fetch(settings, chosen, options))


def _defaults(settings: Settings, known: Iterable[Manifest]) -> Iterator[Manifest]:
    """The embedded models that are not here, but for those that nothing here could run or build."""
    files = ModelFiles(settings.paths.models, settings.paths.cache)
    for manifest in known:
        if not manifest.embedded or is_here(settings, manifest):
            continue
        try:
            _check_use(files, manifest)
        except EngineMissing as error:
            print(f"edged: {manifest.id} is left out: {error.fix}, then again", file=sys.stderr)
        else:
            yield manifest


def _check_use(files: ModelFiles, manifest: Manifest) -> None:
    """Make sure that a model can be built, and run: now, or when a later version brings its engine."""
    with contextlib.suppress(Unsupported):
        files.check_engine(manifest)
    for file in manifest.files:
        if file.build is not None:
            build.check(file.build)


def is_here(settings: Settings, manifest: Manifest) -> bool:
    """Whether all files of a model are on this machine, by their sizes."""
    try:
        ModelFiles(settings.paths.models, settings.paths.cache).locate(manifest)
    except (ModelMissing, CorruptModel):
        return False
    return True


def fetch(settings: Settings, manifests: Iterable[Manifest], options: Options) -> list[Pulled]:
    """Fetch models one after the other, with bars or lines; ask where somebody can be asked.

    Raises:
        EdgedError: the leaf of the first model that cannot be fetched; what could be is here.
    """
    shelf.check_owner(settings.paths)
    pulls = config.load(settings.paths).pull
    if options.rate is not None:
        pulls = structs.replace(pulls, rate_bytes=options.rate)
    wheels = settings.paths.models / "wheels"
    with holding(wheels), watching(settings) as watcher:
        asking = _Asking(settings, options, watcher)
        puller = Puller(
            settings.paths,
            pulls,
            tell=watcher.tell,
            trust=asking.trust,
            tokens={HUGGING_FACE: options.token} if options.token else {},
            folders=options.folders,
        )
        pulled = _pull_all(settings, puller, list(manifests), asking)
    if not is_held(wheels):
        shutil.rmtree(wheels, ignore_errors=True)  # those of a pull that failed stay for the next
    return pulled


def _pull_all(
    settings: Settings, puller: Puller, manifests: list[Manifest], asking: "_Asking"
) -> list[Pulled]:
    """One after the other; what is wrong with one keeps no other from coming."""
    pulled: list[Pulled] = []
    failed: list[EdgedError] = []
    for manifest in manifests:
        if not is_here(settings, manifest):
            asking.watcher.note(_introduced(manifest))
        try:
            pulled.append(_pull_one(puller, manifest, asking))
        except (SourceDown, DiskFull):
            raise  # the others would wait for the same network, or the same disk
        except EdgedError as error:
            failed.append(error)
            if len(manifests) > 1:
                asking.watcher.failed(manifest.id, error)
    if failed:
        raise failed[0]
    return pulled


def _introduced(manifest: Manifest) -> str:
    """What is about to come; a source that does not answer at once may take its time."""
    size = f", {render.size(manifest.size_bytes)}" if manifest.size_bytes else ""
    return f"pulling {manifest.id}: {manifest.license}{size}"


def _pull_one(puller: Puller, manifest: Manifest, asking: "_Asking") -> Pulled:
    asking.accept_licence(manifest)
    try:
        return puller.pull(manifest)
    except KeyboardInterrupt:
        asking.watcher.note("stopped; what came is kept, and the same command goes on there")
        raise


class _Asking:
    """Puts questions to the person at the terminal, with the bars out of the way."""

    def __init__(self, settings: Settings, options: Options, watcher: Watcher) -> None:
        self.watcher = watcher
        self._quiet = settings.json
        self._options = options

    def accept_licence(self, manifest: Manifest) -> None:
        """Make sure that a licence which forbids commercial use is meant.

        Raises:
            LicenceRequired: nobody can be asked, or the answer was no.
        """
        if "non_commercial" not in manifest.terms or self._options.yes:
            return
        page = f" ({manifest.license_url})" if manifest.license_url else ""
        question = f"{manifest.id}: {manifest.license}{page}, not for commercial use. Pull it?"
        if not self._ask(question):
            raise LicenceRequired(
                f"{manifest.id} is not for commercial use: {manifest.license}",
                fix="if that is all right: --yes",
                model=manifest.id,
            )

    def trust(self, manifest: Manifest, file: ManifestFile) -> bool:
        """Whether a file whose hash nobody states is taken as it comes."""
        question = (
            f"{file.name} of {manifest.id}: no public source states its hash. Trust what comes now?"
        )
        return self._options.trust or self._ask(question)

    def _ask(self, question: str) -> bool:
        self.watcher.pause()
        try:
            return asking.ask(question, quiet=self._quiet)
        finally:
            self.watcher.resume()


def _folder(name: str) -> Path:
    folder = Path(name).absolute()
    if not folder.is_dir():
        raise BadRequest("--from names no folder", fix="name the folder that holds the files")
    return folder


def _rate(rate: int | None) -> int | None:
    if rate is not None and rate < 1:
        raise BadRequest("--rate is in bytes a second, at least 1")
    return rate


def token(file: str | None = None) -> str:
    """The token for Hugging Face, from a file, else from HF_TOKEN; empty: none. Never printed.

    Raises:
        BadRequest: the file cannot be read.
    """
    if file is None:
        return os.environ.get("HF_TOKEN", "").strip()
    try:
        with open(file, encoding="ascii") as opened:
            mode = os.fstat(opened.fileno()).st_mode
            found = opened.read(TOKEN_LIMIT_BYTES).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadRequest(
            "the token file cannot be read", fix="give a file with one line"
        ) from error
    if mode & (stat.S_IRGRP | stat.S_IROTH):
        print("edged: others can read the token file; chmod 600 it", file=sys.stderr)
    return found


def _report(settings: Settings, pulled: list[Pulled]) -> None:
    if settings.json:
        render.as_json({"pulled": pulled})
        return
    for one in pulled:
        came = (
            f"{render.size(one.fetched_bytes)} came" if one.fetched_bytes else "nothing was lacking"
        )
        print(f"{one.model} is here: {came}, every byte compared")
    if not pulled:
        print("all of them are here already")
