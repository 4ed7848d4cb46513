"""Tells browsers where the host lies, and takes it back: `edged browser install` and `uninstall`.

What is ours: a regular file of our name in a place of the ledger, or one that leads to our launcher.
A manifest of another edged home is left alone by all but `install`.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from edged.bridge.browsers import disk, ledger, manifests
from edged.bridge.browsers.identity import HOST_NAME
from edged.bridge.browsers.kinds import Family, Kind, named
from edged.bridge.browsers.launching import MARK, launcher_path, launcher_text
from edged.bridge.browsers.ledger import Entry, place_of
from edged.bridge.browsers.manifests import LARGEST_BYTES, OWN_ID, Manifest
from edged.bridge.browsers.places import places, presence
from edged.bridge.browsers.system import System
from edged.config import Paths
from edged.errors import BadRequest, Denied, EdgedError, NotFound, SandboxedBrowser

log = logging.getLogger(__name__)

Did = Literal["written", "unchanged", "removed", "refused", "skipped", "kept"]

SANDBOXED_FIX: Final = "see `edged browser doctor`, or use the distribution's own package of it"


class Outcome(Struct, frozen=True, kw_only=True):
    """What became of one browser. code: of the error that kept us from it; place: where."""

    browser: str
    title: str
    did: Did
    place: str = ""
    code: str = ""
    text: str = ""
    fix: str = ""


@dataclass(frozen=True)
class Registration:
    """What browsers are told on this machine, for one home.

    Args:
        system: the machine.
        paths: of the home; its state folder holds launcher and ledger.
        user_data_dir: a folder that a Chromium browser is started with, in place of its own.
    """

    system: System
    paths: Paths
    user_data_dir: Path | None = None

    @property
    def launcher(self) -> Path:
        """What browsers start."""
        return launcher_path(self.paths, self.system.platform)

    def install(self, browser: str, extension_ids: Iterable[str] = ()) -> list[Outcome]:
        """Write launcher and manifests, for browsers that are here; ids that were there stay.

        Args:
            browser: one of `kinds.CHOICES`, or `all`.
            extension_ids: of extensions beside our own.

        Raises:
            BadRequest: one is no id, or the browser looks into no --user-data-dir.
            NotFound: the browser is not here. SandboxedBrowser: only shut in.
            Denied: the launcher cannot be written.
        """
        ids = _by_family(extension_ids)
        kinds = self._wanted(browser)
        if not kinds:
            return []
        disk.make_folder(self.paths.state)
        self.write_launcher()
        entries = ledger.read(self.paths)
        outcomes = [one for kind in kinds for one in self._install(kind, ids, entries)]
        ledger.write(self.paths, entries)
        return outcomes

    def uninstall(self, browser: str) -> list[Outcome]:
        """Remove what was written for these browsers; the launcher goes with the last.

        Raises:
            Denied: the ledger cannot be written.
        """
        entries = ledger.read(self.paths)
        names = {kind.name for kind in named(browser)}
        outcomes = []
        for place, entry in list(entries.items()):
            if names & set(entry.browsers) and self._is_meant(entry):
                outcomes.append(self._take_back(entries, place, names))
        outcomes += self._strays(browser, set(entries))
        ledger.write(self.paths, entries)
        if not entries:
            self._remove_launcher()
        return outcomes

    def refresh(self) -> int:
        """Make launcher and manifests lead here again after an upgrade or a move; how many were written.

        Only what this home once wrote is touched, and nothing is made that somebody removed.
        Called at the daemon's start, in a thread.

        Raises:
            Denied: the launcher cannot be written.
        """
        entries = ledger.read(self.paths)
        if not entries:
            return 0
        written = int(self.write_launcher())
        for entry in entries.values():
            try:
                written += self._refresh(entry)
            except EdgedError as error:
                log.info("a browser's manifest was left as it is: %s", error.message)
        return written

    def write_launcher(self) -> bool:
        """Write the launcher; whether it differed.

        Raises:
            Denied: it cannot be written.
        """
        text = launcher_text(self.system.platform, self.system.environ)
        return disk.put(self.launcher, text, mode=disk.EXECUTABLE)

    def ours(self, path: Path, family: Family, *, noted: bool) -> Manifest | None:
        """The manifest there, when it is ours; None when there is none.

        Args:
            path: of the file.
            family: of the browser.
            noted: the ledger says that we wrote it.

        Raises:
            Denied: what is there is somebody else's.
        """
        text = disk.content(path, most_bytes=LARGEST_BYTES)
        if text is None:
            return None
        manifest = manifests.parse(text, family)
        if manifest is None or not self._leads_here(manifest, noted=noted):
            raise Denied(
                "the manifest there is not of this home", fix="`edged browser install` replaces it"
            )
        return manifest

    def _leads_here(self, manifest: Manifest, *, noted: bool) -> bool:
        """To our launcher, or to nothing any more, where we wrote it."""
        if manifests.same_path(manifest.path, str(self.launcher)):
            return True
        return noted and not Path(manifest.path).exists()

    def _wanted(self, browser: str) -> list[Kind]:
        """The browsers that are here; one that was named has to be."""
        kinds = list(named(browser))
        if self.user_data_dir is not None:
            return _that_follow(kinds, browser)
        found = [(kind, presence(self.system, kind)) for kind in kinds]
        here = [kind for kind, its in found if its.plain or self._behind_portal(kind, its.confined)]
        if here or browser == "all":
            return here
        if any(its.confined for _, its in found):
            raise SandboxedBrowser(
                f"{browser} is here as a Snap or Flatpak only", fix=SANDBOXED_FIX
            )
        raise NotFound(f"{browser} is not on this machine", fix="install it, or start it once")

    def _behind_portal(self, kind: Kind, confined: Sequence[str]) -> bool:
        """Whether a portal looks into the places of the system in the browser's stead."""
        return kind.family == "firefox" and bool(confined)

    def _install(
        self, kind: Kind, ids: dict[Family, set[str]], entries: dict[str, Entry]
    ) -> Iterator[Outcome]:
        """One outcome; several on Windows for a browser that reads several keys."""
        for entry in self._targets(kind):
            try:
                yield self._enter(kind, entry, ids[kind.family], entries)
            except Denied as error:
                yield _refused(kind.name, kind.title, place_of(entry), error)

    def _enter(self, kind: Kind, entry: Entry, ids: set[str], entries: dict[str, Entry]) -> Outcome:
        known = entries.get(place_of(entry), entry)
        path = Path(entry.path)
        there = disk.content(path, most_bytes=LARGEST_BYTES)
        before = manifests.parse(there, kind.family) if there is not None else None
        if there is not None and before is None and place_of(entry) not in entries:
            raise Denied("a manifest is there that cannot be read", fix="look at it and remove it")
        disk.check_owner(path.parent)
        made = disk.make_folder(path.parent)
        kept = (*before.ids, *ids) if before else ids
        text = manifests.text_of(kind.family, str(self.launcher), kept)
        written = disk.put(path, text, mode=disk.READABLE) | self._write_key(entry)
        entries[place_of(entry)] = _joined(known, kind, made)
        foreign = before is not None and not self._leads_here(before, noted=True)
        return Outcome(
            browser=kind.name,
            title=kind.title,
            did="written" if written else "unchanged",
            place=place_of(entry),
            text="in place of another home's" if foreign else "",
        )

    def _targets(self, kind: Kind) -> Iterator[Entry]:
        """What is to be written for a browser: one file, or on Windows a key for each it reads."""
        own = [one for one in places(self.system, kind, self.user_data_dir) if one.scope == "user"]
        for place in own:
            file = place.path if place.kind == "file" else str(self._manifest_of(kind.family))
            key = place.path if place.kind == "key" else ""
            yield Entry(path=file, family=kind.family, browsers=(kind.name,), key=key)

    def _manifest_of(self, family: Family) -> Path:
        """Where the keys of the registry lead: one file for each family."""
        return self.paths.state / "browsers" / family / f"{HOST_NAME}.json"

    def _write_key(self, entry: Entry) -> bool:
        registry = self.system.registry
        if not entry.key or registry is None or registry.read(entry.key) == entry.path:
            return False
        registry.write(entry.key, entry.path)
        return True

    def _is_meant(self, entry: Entry) -> bool:
        """With --user-data-dir only what lies in there."""
        return self.user_data_dir is None or Path(entry.path).is_relative_to(self.user_data_dir)

    def _take_back(self, entries: dict[str, Entry], place: str, names: set[str]) -> Outcome:
        entry = entries[place]
        left = tuple(one for one in entry.browsers if one not in names)
        said = ", ".join(one for one in entry.browsers if one in names)
        if left:
            entries[place] = replace(entry, browsers=left)
            text = f"{', '.join(left)} looks there too"
            return Outcome(browser=said, title=said, did="kept", place=place, text=text)
        try:
            self._erase(entry, entries)
        except Denied as error:
            if Path(entry.path).is_file() and not Path(entry.path).is_symlink():
                del entries[place]  # it is another home's now: not ours to remember
            return _refused(said, said, place, error)
        del entries[place]
        return Outcome(browser=said, title=said, did="removed", place=place)

    def _erase(self, entry: Entry, entries: dict[str, Entry]) -> None:
        """The key, and the file unless another key leads to it."""
        path = Path(entry.path)
        self.ours(path, entry.family, noted=True)
        registry = self.system.registry
        if entry.key and registry is not None and registry.read(entry.key) == entry.path:
            registry.delete(entry.key)
        if sum(one.path == entry.path for one in entries.values()) == 1:
            disk.remove(path)
            disk.remove_empty(Path(folder) for folder in entry.folders)

    def _strays(self, browser: str, noted: set[str]) -> Iterator[Outcome]:
        """Manifests that lead to our launcher although the ledger was lost."""
        for kind in named(browser):
            for entry in self._targets(kind):
                path = Path(entry.path)
                if entry.key or place_of(entry) in noted or not path.is_file() or path.is_symlink():
                    continue
                found = manifests.parse(path.read_bytes()[:LARGEST_BYTES], kind.family)
                if found is not None and self._leads_here(found, noted=False):
                    disk.remove(path)
                    yield Outcome(
                        browser=kind.name, title=kind.title, did="removed", place=entry.path
                    )

    def _remove_launcher(self) -> None:
        """Only one that we wrote."""
        text = disk.content(self.launcher, most_bytes=LARGEST_BYTES)
        if text is not None and MARK.encode() in text:
            disk.remove(self.launcher)

    def _refresh(self, entry: Entry) -> bool:
        path = Path(entry.path)
        manifest = self.ours(path, entry.family, noted=True)
        if manifest is None:
            return False
        text = manifests.text_of(entry.family, str(self.launcher), manifest.ids)
        return disk.put(path, text, mode=disk.READABLE)


def _by_family(extension_ids: Iterable[str]) -> dict[Family, set[str]]:
    sorted_out: dict[Family, set[str]] = {family: set() for family in OWN_ID}
    for one in extension_ids:
        sorted_out[manifests.family_of(one)].add(one)
    return sorted_out


def _that_follow(kinds: list[Kind], browser: str) -> list[Kind]:
    """The one browser that is meant by a --user-data-dir; without a name, Chromium."""
    following = [kind for kind in kinds if kind.follows_data_dir]
    if not following:
        raise BadRequest(
            f"{browser} does not look into its --user-data-dir", fix="leave the flag out"
        )
    wanted = "chromium" if browser == "all" else browser
    return [kind for kind in following if kind.name == wanted][:1]


def _joined(entry: Entry, kind: Kind, made: Sequence[Path]) -> Entry:
    """The entry with this browser in it, and the folders that were made for it."""
    return replace(
        entry,
        browsers=tuple(dict.fromkeys((*entry.browsers, kind.name))),
        folders=tuple(dict.fromkeys((*entry.folders, *map(str, made)))),
    )


def _refused(browser: str, title: str, place: str, error: EdgedError) -> Outcome:
    return Outcome(
        browser=browser,
        title=title,
        did="refused",
        place=place,
        code=error.code,
        text=error.message,
        fix=error.fix,
    )
