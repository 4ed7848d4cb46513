"""Asks the sources of a file in turn until one gives what was wanted."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from edged.config import Paths
from edged.errors import (
    Busy,
    CorruptModel,
    DiskFull,
    EdgedError,
    LicenceRequired,
    SourceDown,
)
from edged.models import catalog
from edged.models.blobs import hash_file
from edged.models.manifest import Archive, Folder, Https, Local, Pypi, Source
from edged.models.pull import addresses, archive, local, pypi
from edged.models.pull.https import Web, name_of
from edged.models.pull.wanted import Fetched, Wanted

Tell = Callable[[str, int, int], None]
"""Takes who gives, bytes so far and bytes in all. What it raises ends the fetch."""

_FINAL = (DiskFull, Busy)
"""Another source would not help."""


def label(source: Source) -> str:
    """Who gives, for people, logs and models.lock: a host, "pypi" or "folder"."""
    if isinstance(source, (Https, Archive)):
        return addresses.host(source.url)
    return "pypi" if isinstance(source, Pypi) else "folder"


def names(name: str, sources: Iterable[Source]) -> tuple[str, ...]:
    """What a file may be called in somebody's folder: as here, or as at its sources."""
    found = [name]
    for source in sources:
        match source:
            case Https():
                found.append(name_of(source.url))
            case Pypi() | Archive():
                found.append(source.member.rpartition("/")[2])
    return tuple(dict.fromkeys(one for one in found if one))


class Sources:
    """Those of one pull; an archive is fetched once for all its members.

    Args:
        paths: where the models and the manifests are.
        web: the network.
        folders: the user's own, searched before any source is asked.
    """

    def __init__(self, paths: Paths, web: Web, folders: Sequence[Path]) -> None:
        self._partial = paths.models / "partial"
        self._wheels = paths.models / "wheels"
        self._manifests = (paths.manifests, Path(catalog.shipped_folder()))
        self._web = web
        self._folders = tuple(folders)
        self._archives: dict[str, Fetched] = {}

    def fetch(
        self, wanted: Wanted, sources: Sequence[Source], tell: Tell
    ) -> tuple[Fetched, str] | None:
        """What was wanted, in the partial folder, and who gave it; None: nobody is named.

        Raises:
            EdgedError: the leaf of the last source, or the one that tells the user most, with the
                reasons of all of them.
        """
        into = self.part(wanted)
        into.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if brought := self._brought(wanted, into, tell):
            return brought, "folder"
        errors: list[tuple[str, EdgedError]] = []
        for source in sources:
            try:
                return self._ask(source, wanted, into, tell), label(source)
            except _FINAL:
                raise
            except EdgedError as error:
                errors.append((label(source), error))
        if errors:
            raise _all_of(errors, wanted)
        return None

    def part(self, wanted: Wanted) -> Path:
        """Where an interrupted download of it waits for the next pull."""
        if len(wanted.hashes) == 1:
            return self._partial / f"{min(wanted.hashes)}.part"
        key = hashlib.sha256(f"{wanted.model}/{wanted.names[0]}".encode()).hexdigest()
        return self._partial / f"name-{key[:32]}.part"

    def clear(self, model: str, sources: Iterable[Source]) -> None:
        """Remove the archives, of an earlier pull too: all that was wanted of them is here."""
        for source in sources:
            if isinstance(source, Archive):
                part = self.part(_whole(source, Wanted(model=model, names=())))
                part.unlink(missing_ok=True)
                part.with_suffix(".json").unlink(missing_ok=True)

    def _brought(self, wanted: Wanted, into: Path, tell: Tell) -> Fetched | None:
        """From one of the user's own folders."""
        for folder in self._folders:
            if path := local.search(folder, wanted):
                return local.fetch(path, wanted, into, _from("folder", tell), within=folder)
        return None

    def _ask(self, source: Source, wanted: Wanted, into: Path, tell: Tell) -> Fetched:
        told = _from(label(source), tell)
        match source:
            case Https():
                return self._web.fetch(source.url, wanted, into, told)
            case Pypi():
                pypi.fetch(source, into, wheels=self._wheels, tell=told, folders=self._folders)
                fetched = Fetched(path=into, sha256=hash_file(into), bytes=into.stat().st_size)
                return _checked(fetched, wanted, "pypi")
            case Archive():
                whole = self._archive(source, wanted, tell)
                fetched = archive.take(whole.path, source.member, wanted, into)
                return _checked(fetched, wanted, "the archive")
            case Local():
                path, within = self._named(source.path)
                return local.fetch(path, wanted, into, told, within=within)
            case Folder():
                folder, within = self._named(source.path)
                return self._search(folder, within, wanted, into, tell)

    def _archive(self, source: Archive, wanted: Wanted, tell: Tell) -> Fetched:
        if source.url not in self._archives:
            whole = _whole(source, wanted)
            into = self.part(whole)
            self._archives[source.url] = self._brought(whole, into, tell) or self._web.fetch(
                source.url, whole, into, _from(label(source), tell)
            )
        return self._archives[source.url]

    def _search(
        self, folder: Path, within: Path | None, wanted: Wanted, into: Path, tell: Tell
    ) -> Fetched:
        if within and not folder.resolve().is_relative_to(within.resolve()):
            raise SourceDown(f"the folder for {wanted.title} leads out of the manifest's")
        if path := local.search(folder, wanted):
            return local.fetch(path, wanted, into, _from("folder", tell), within=folder)
        raise SourceDown(f"{wanted.title} is not in the folder that the manifest names")

    def _named(self, path: str) -> tuple[Path, Path | None]:
        """A manifest's path, and the folder that it must stay in: its own, if it is relative."""
        if Path(path).is_absolute():
            return Path(path), None
        places = [folder for folder in self._manifests if (folder / path).exists()]
        folder = places[0] if places else self._manifests[0]
        return folder / path, folder


def _whole(source: Archive, member: Wanted) -> Wanted:
    """The archive of a member."""
    return Wanted(
        model=member.model,
        names=(name_of(source.url) or "archive",),
        sizes=frozenset({source.bytes} if source.bytes else ()),
        hashes=frozenset({source.sha256} if source.sha256 else ()),
        gated=member.gated,
        page=member.page,
    )


def _from(who: str, tell: Tell) -> Callable[[int, int], None]:
    return lambda done, total: tell(who, done, total)


def _checked(fetched: Fetched, wanted: Wanted, source: str) -> Fetched:
    try:
        wanted.check(fetched, source)
    except CorruptModel:
        fetched.path.unlink(missing_ok=True)
        raise
    return fetched


def _all_of(errors: Sequence[tuple[str, EdgedError]], wanted: Wanted) -> EdgedError:
    """One error for several; a licence to accept is what the user can do something about."""
    gated = [error for _, error in errors if isinstance(error, LicenceRequired)]
    last = gated[-1] if gated else errors[-1][1]
    if len(errors) == 1:
        return last
    reasons = "; ".join(f"{who}: {error.message}" for who, error in errors)
    message = f"no source gave {wanted.title}: {reasons}"
    return type(last)(message, fix=last.fix, **last.details)
