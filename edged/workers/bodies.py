"""What daemon and worker tell each other beside the models' own types, and exit statuses."""

from msgspec import Struct

ORPHANED = 75
"""Exit status when the daemon was gone before the tie (EX_TEMPFAIL)."""

OUT_OF_MEMORY = 76
"""Exit status when Python could not get memory: the process ends, which gives back all it has."""


class Start(Struct, frozen=True, array_like=True):
    """The first frame: what stays open.

    read_paths: files and folders to read. device_paths: device files to read, write and control.
    scratch: a folder in which files may be made, until the daemon removes it; empty: none.
    programs: that may be started, absolute.
    """

    read_paths: tuple[str, ...]
    device_paths: tuple[str, ...] = ()
    scratch: str = ""
    programs: tuple[str, ...] = ()


class Hosted(Struct, frozen=True, array_like=True):
    """One object to load: `module.load(argument, context)`."""

    name: str
    module: str
    argument: bytes


class Trouble(Struct, frozen=True, array_like=True):
    """An error as it crosses the channel."""

    code: str
    message: str
    fix: str
    details: dict[str, str | int | float | bool | None]


class Confinement(Struct, frozen=True, array_like=True):
    """What holds a worker: Landlock's version (0: files are not held), and seccomp."""

    landlock: int
    seccomp: bool
