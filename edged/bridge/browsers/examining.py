"""Examines what each browser here would find, and which of it counts: `edged browser doctor` and `list`."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from edged import __version__
from edged.bridge.browsers import manifests, trial
from edged.bridge.browsers.identity import HOST_NAME
from edged.bridge.browsers.kinds import Kind, named
from edged.bridge.browsers.manifests import LARGEST_BYTES, OWN_ID, Fault, Manifest
from edged.bridge.browsers.places import HOSTS, Place, places, presence
from edged.bridge.browsers.policies import Policies, policies
from edged.bridge.browsers.registry import MACHINE
from edged.bridge.browsers.running import user_data_dirs
from edged.bridge.browsers.system import System
from edged.bridge.browsers.trial import Trial
from edged.errors import Denied, HostNotRegistered, OriginDenied, SandboxedBrowser, VersionSkew

State = Literal["absent", "used", "shadowed", "ignored", "broken"]

_PORTAL_FIX: Final = (
    "allow it when Firefox asks; asked no more: `flatpak permission-reset` or remove "
    "~/.local/share/flatpak/db/webextensions"
)
_PROXY: Final = "/usr/share/dbus-1/services/org.freedesktop.NativeMessagingProxy.service"


class Examined(Struct, frozen=True, kw_only=True):
    """One place.

    state: used: this one counts; shadowed: an earlier one counts; ignored: a policy says so;
    broken: passed over. Measured: Firefox 153.7 goes on after a faulty manifest, though not after
    one whose host cannot be started; Chromium 156 takes the first that is there, whatever it says.
    file: the manifest, which a key of the registry names. host: what it starts. link: it is a link.
    """

    scope: Literal["user", "system"]
    place: str
    state: State
    file: str = ""
    host: str = ""
    ids: tuple[str, ...] = ()
    link: bool = False
    faults: tuple[Fault, ...] = ()


class Note(Struct, frozen=True, kw_only=True):
    """What a user should know. wrong: the extension cannot reach the daemon."""

    wrong: bool
    code: str
    text: str
    fix: str = ""


class BrowserReport(Struct, frozen=True, kw_only=True):
    """One browser. here: not shut in; confined: also, or only, here as these."""

    browser: str
    title: str
    here: bool
    confined: tuple[str, ...]
    places: tuple[Examined, ...]
    policies: Policies
    notes: tuple[Note, ...]
    trial: Trial | None = None

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not any(note.wrong for note in self.notes)


class Report(Struct, frozen=True, kw_only=True):
    """All of it. data_dirs: of browsers that run now and find nothing in there."""

    ok: bool
    browsers: tuple[BrowserReport, ...]
    data_dirs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Examination:
    """Looks at browsers for one extension.

    Args:
        system: the machine.
        extension_id: of it; None: edged's own.
        user_data_dir: what a Chromium browser is started with.
        tries: the host is started, as each kind of browser would.
        all_kinds: browsers that are not here are told of too.
    """

    system: System
    extension_id: str | None = None
    user_data_dir: Path | None = None
    tries: bool = True
    all_kinds: bool = False
    _tried: dict[tuple[str, str], Trial] = field(default_factory=dict)

    def report(self, browser: str) -> Report:
        """Look at one browser or `all`; takes as long as the host needs to answer.

        Raises:
            BadRequest: the id is none.
        """
        reports = tuple(
            self._browser(kind, by_name=browser != "all") for kind in self._wanted(browser)
        )
        found = tuple(one for one in reports if self.all_kinds or one.here or one.confined)
        if not found and browser != "all":
            found = tuple(_absent(one) for one in reports[:1])
        return Report(
            ok=all(one.ok for one in found), browsers=found, data_dirs=self._unregistered()
        )

    def _unregistered(self) -> tuple[str, ...]:
        """Folders that running browsers were given, and that hold no manifest of ours."""
        if self.user_data_dir is not None:
            return ()
        given = user_data_dirs(self.system)
        return tuple(str(one) for one in given if not (one / HOSTS / f"{HOST_NAME}.json").exists())

    def _wanted(self, browser: str) -> tuple[Kind, ...]:
        """With an id only the browsers that have such ids; with a folder only those that look there."""
        kinds = named(browser)
        if self.extension_id is not None:
            family = manifests.family_of(self.extension_id)
            kinds = tuple(kind for kind in kinds if kind.family == family)
        if self.user_data_dir is None:
            return kinds
        wanted = "chromium" if browser == "all" else browser
        following = [one for one in kinds if one.follows_data_dir and one.name == wanted]
        return tuple(following[:1])

    def _browser(self, kind: Kind, *, by_name: bool) -> BrowserReport:
        its = presence(self.system, kind)
        here = its.plain or self.user_data_dir is not None
        reaches = here or (kind.family == "firefox" and bool(its.confined))
        rules = policies(self.system, kind)
        looked = tuple(self._places(kind, rules))
        used = next((one for one in looked if one.state == "used"), None)
        tried = self._try(kind, used) if reaches and used is not None and not used.faults else None
        notes = [*_shut_in(self.system, kind, its.confined, alone=by_name and not here)]
        if reaches:
            notes += [*_of_policies(rules), *_of_places(kind, looked), *_of_trial(tried)]
        return BrowserReport(
            browser=kind.name,
            title=kind.title,
            here=here,
            confined=its.confined,
            places=looked,
            policies=rules,
            notes=tuple(notes),
            trial=tried,
        )

    def _places(self, kind: Kind, rules: Policies) -> Iterator[Examined]:
        """Every place in the browser's order; the first that is there counts."""
        counted = False
        for place in places(self.system, kind, self.user_data_dir):
            looked = self._look(place, kind)
            if looked.state == "absent":
                yield looked
            elif place.scope == "user" and not rules.user_level:
                yield replace(looked, state="ignored")
            elif counted:
                yield replace(looked, state="shadowed")
            else:
                counted = looked.state == "used"
                yield looked

    def _look(self, place: Place, kind: Kind) -> Examined:
        """The place by itself: absent, used, or broken."""
        file = self._file(place)
        text = _content(Path(file)) if file is not None else None
        if file is None or (text is None and place.kind == "file"):
            return Examined(scope=place.scope, place=place.path, state="absent")
        said = manifests.parse(text, kind.family) if isinstance(text, bytes) else None
        faults = tuple(self._faults(text, kind))
        goes_on = bool(faults) and kind.family == "firefox"
        return Examined(
            scope=place.scope,
            place=place.path,
            state="broken" if goes_on else "used",
            file=file,
            host=said.path if said else "",
            ids=said.ids if said else (),
            link=place.scope == "user" and Path(file).is_symlink(),
            faults=(*faults, *self._of_host(said)),
        )

    def _faults(self, text: bytes | Fault | None, kind: Kind) -> Iterator[Fault]:
        """Of the manifest itself: Firefox passes such a one over, but not one whose host is bad."""
        if not isinstance(text, bytes):
            yield text or _unread("the key leads to no file")
            return
        wanted = self.extension_id or OWN_ID[kind.family]
        yield from manifests.faults(text, kind.family, wanted, self.system.platform)

    def _of_host(self, said: Manifest | None) -> Iterator[Fault]:
        if said is not None:
            yield from trial.faults_of(Path(said.path), self.system.platform)

    def _file(self, place: Place) -> str | None:
        """The manifest's path; None: no key is there."""
        if place.kind == "file":
            return place.path
        value = self.system.registry.read(place.path) if self.system.registry else None
        return value if isinstance(value, str) else None

    def _try(self, kind: Kind, used: Examined) -> Trial | None:
        """Start the host; once for all browsers that would start it alike."""
        if not self.tries:
            return None
        key = (used.host, kind.family)
        if key not in self._tried:
            wanted = self.extension_id or OWN_ID[kind.family]
            words = trial.words_for(Path(used.host), kind.family, Path(used.file), wanted)
            self._tried[key] = trial.start(words)
        return self._tried[key]


def _content(path: Path) -> bytes | Fault | None:
    """A manifest's bytes as a browser reads them, through links; None: nothing is there."""
    try:
        with path.open("rb") as file:
            return file.read(LARGEST_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        return _unread("a link is there that leads to nothing") if path.is_symlink() else None
    except OSError as error:
        return _unread(f"the manifest cannot be read: {error.strerror}")


def _unread(text: str) -> Fault:
    return Fault(code=HostNotRegistered.code, text=text, fix="edged browser install")


def _of_policies(rules: Policies) -> Iterator[Note]:
    if rules.blocks:
        yield Note(
            wrong=True,
            code=OriginDenied.code,
            text="a policy (NativeMessagingBlocklist) forbids the host",
            fix="ask the administrator to add org.edged.host to NativeMessagingAllowlist",
        )
    if not rules.user_level:
        yield Note(
            wrong=False,
            code=HostNotRegistered.code,
            text="a policy (NativeMessagingUserLevelHosts) makes it look into the system's places only",
            fix="have the manifest in the system's place",
        )


def _of_places(kind: Kind, looked: tuple[Examined, ...]) -> Iterator[Note]:
    """Why no manifest counts, or what is wrong with the one that does."""
    used = [one for one in looked if one.state == "used"]
    seen = used or [one for one in looked if one.state == "broken"]
    for one in seen:
        for fault in one.faults:
            yield Note(wrong=True, code=fault.code, text=fault.text, fix=fault.fix)
    if any(one.link for one in looked):
        yield Note(
            wrong=False,
            code=Denied.code,
            text="the user's manifest is a link, which edged does not write through",
            fix="remove the link, then: edged browser install",
        )
    if not seen:
        yield Note(
            wrong=True,
            code=HostNotRegistered.code,
            text="it finds no manifest",
            fix=_to_system(looked) or f"edged browser install --browser {kind.name}",
        )


def _to_system(looked: tuple[Examined, ...]) -> str:
    """How a manifest that a policy makes the browser ignore gets to where it looks; empty: none is."""
    ignored = [one.file for one in looked if one.state == "ignored"]
    common = [one.place for one in looked if one.scope == "system"]
    if not ignored or not common or common[0].startswith(MACHINE):
        return ""
    return shlex.join(["sudo", "install", "-D", "-m", "644", ignored[0], common[0]])


def _of_trial(tried: Trial | None) -> Iterator[Note]:
    if tried is None:
        return
    if tried.fault is not None:
        fault = tried.fault
        yield Note(wrong=True, code=fault.code, text=fault.text, fix=fault.fix)
    elif tried.version != __version__:
        yield Note(
            wrong=False,
            code=VersionSkew.code,
            text=f"the host is of edged {tried.version}, this is {__version__}",
            fix="edged browser install leads the browser to this one",
        )


def _shut_in(
    system: System, kind: Kind, confined: tuple[str, ...], *, alone: bool
) -> Iterator[Note]:
    """What a Snap or Flatpak of it can do; wrong where it was asked for and there is no other."""
    for shell in confined:
        if kind.family == "firefox":
            proxy = " and a proxy" if system.below(_PROXY).exists() else ""
            yield Note(
                wrong=False,
                code=SandboxedBrowser.code,
                text=f"a {shell.title()}: it reaches the host by the desktop's portal{proxy} only",
                fix=_PORTAL_FIX,
            )
            continue
        yield Note(
            wrong=alone,
            code=SandboxedBrowser.code,
            text=f"a {shell.title()}: it cannot start programs of the system",
            fix=SandboxedBrowser.advice,
        )


def _absent(report: BrowserReport) -> BrowserReport:
    """The report of a browser that was asked for and is not here."""
    note = Note(
        wrong=True,
        code=HostNotRegistered.code,
        text="it is not on this machine, or was never started",
        fix="install it, or start it once, then: edged browser install",
    )
    return replace(report, notes=(note,))
