"""Where a browser looks for its native-messaging hosts, and whether the browser is here at all."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

from msgspec import Struct

from edged.bridge.browsers.identity import HOST_NAME
from edged.bridge.browsers.kinds import Kind
from edged.bridge.browsers.registry import CURRENT_USER, MACHINE
from edged.bridge.browsers.system import System

HOSTS: Final = "NativeMessagingHosts"
"""The folder's name, within the folder of a browser."""

_FIREFOX_LINUX: Final = "native-messaging-hosts"
_WRAPPER_BYTES: Final = 4096
_WINDOWS_32: Final = r"Software\WOW6432Node"

Confinement = Literal["snap", "flatpak"]


class Place(Struct, frozen=True, kw_only=True):
    """One place where a browser looks.

    kind: `file`: `path` is the manifest; `key`: `path` is a registry key whose value names it.
    scope: `user`: of this user, `system`: of all.
    """

    kind: Literal["file", "key"]
    scope: Literal["user", "system"]
    path: str


class Presence(Struct, frozen=True, kw_only=True):
    """What there is of a browser: itself, or one that is shut in, or both."""

    plain: bool
    confined: tuple[Confinement, ...] = ()


def places(system: System, kind: Kind, user_data_dir: Path | None = None) -> tuple[Place, ...]:
    """Where the browser looks, in its order; the first manifest that is there counts.

    Args:
        system: the machine.
        kind: the browser.
        user_data_dir: what it is started with, if anything; some do not look there.
    """
    if system.platform == "win32":
        return _keys(kind)
    own = _user_folder(system, kind, user_data_dir if kind.follows_data_dir else None)
    common = kind.system_linux if system.platform == "linux" else kind.system_mac
    folders = [("user", own), *(("system", system.below(one)) for one in common)]
    return tuple(
        Place(
            kind="file",
            scope="user" if scope == "user" else "system",
            path=str(folder / f"{HOST_NAME}.json"),
        )
        for scope, folder in folders
    )


def _keys(kind: Kind) -> tuple[Place, ...]:
    """The user's keys, then the machine's: the view of 32 bits before that of 64."""
    roots = (
        ("user", rf"{CURRENT_USER}\Software"),
        ("system", rf"{MACHINE}\{_WINDOWS_32}"),
        ("system", rf"{MACHINE}\Software"),
    )
    return tuple(
        Place(
            kind="key",
            scope="user" if scope == "user" else "system",
            path=rf"{root}\{key}\{HOSTS}\{HOST_NAME}",
        )
        for scope, root in roots
        for key in kind.keys
    )


def _user_folder(system: System, kind: Kind, user_data_dir: Path | None) -> Path:
    if user_data_dir is not None:
        return user_data_dir / HOSTS
    if system.platform == "darwin":
        return _support(system) / (kind.hosts_mac or kind.mac) / HOSTS
    if kind.family == "firefox":
        return system.home / kind.linux / _FIREFOX_LINUX
    return _config(system) / (kind.hosts_linux or kind.linux) / HOSTS


def profile(system: System, kind: Kind) -> Path | None:
    """The folder that the browser makes when it is started first; None: it has none there."""
    if system.platform == "darwin":
        return _support(system) / kind.mac if kind.mac else None
    if system.platform == "linux":
        base = system.home if kind.family == "firefox" else _config(system)
        return base / kind.linux if kind.linux else None
    roams = kind.family == "firefox" or kind.name == "opera"
    variable, otherwise = (
        ("APPDATA", "AppData/Roaming") if roams else ("LOCALAPPDATA", "AppData/Local")
    )
    if not kind.windows:
        return None
    return system.folder(variable, otherwise).joinpath(*kind.windows.split("\\"))


def presence(system: System, kind: Kind) -> Presence:
    """Whether the browser is here: it made its folder, or its program is on the PATH."""
    confined = _confined(system, kind)
    plain = any(_is_used(one) for one in _profiles(system, kind)) or _has_program(system, kind)
    return Presence(plain=plain, confined=confined)


def _profiles(system: System, kind: Kind) -> Iterator[Path]:
    """Where the browser may have made its folder."""
    folder = profile(system, kind)
    if folder is not None:
        yield folder
    if kind.family == "firefox" and system.platform == "linux":
        yield _config(system) / "mozilla"  # since Firefox 147, for new users


def _is_used(folder: Path) -> bool:
    """Whether there is more in it than folders for hosts, which programs like ours make."""
    try:
        return bool({one.name for one in folder.iterdir()} - {HOSTS, _FIREFOX_LINUX})
    except OSError:
        return False


def _has_program(system: System, kind: Kind) -> bool:
    """Whether a program of it is on the PATH that is not the door to a Snap."""
    if system.platform != "linux":
        return False
    found = (system.program(name) for name in kind.programs)
    return any(program is not None and not _leads_to_snap(program) for program in found)


def _leads_to_snap(program: Path) -> bool:
    """Whether it is Snap's own link, or Ubuntu's script that runs it."""
    if "/snap/" in str(program):
        return True
    try:
        with program.open("rb") as file:
            start = file.read(_WRAPPER_BYTES)
    except OSError:
        return False
    return start.startswith(b"#!") and b"/snap/bin/" in start


def _confined(system: System, kind: Kind) -> tuple[Confinement, ...]:
    """In which of the two it is installed."""
    if system.platform != "linux":
        return ()
    snap = bool(kind.snap) and system.below(f"/snap/{kind.snap}").is_dir()
    roots = (system.home / ".local/share/flatpak", system.below("/var/lib/flatpak"))
    flatpak = bool(kind.flatpak) and any((one / "app" / kind.flatpak).is_dir() for one in roots)
    found: list[Confinement] = []
    if snap:
        found.append("snap")
    if flatpak:
        found.append("flatpak")
    return tuple(found)


def _config(system: System) -> Path:
    """Where Chromium and its kin have their folders on Linux."""
    if "CHROME_CONFIG_HOME" in system.environ:
        return system.folder("CHROME_CONFIG_HOME", ".config")
    return system.folder("XDG_CONFIG_HOME", ".config")


def _support(system: System) -> Path:
    return system.home / "Library" / "Application Support"
