"""The program that a browser starts: a few lines that lead to this Python, or to the frozen binary.

A manifest can give no arguments, and a browser that was started from a menu does not know the shell's variables. So
the manifest names a launcher in the state folder, which knows both; after an upgrade only the launcher changes.
"""

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from edged.bridge.browsers.system import Platform
from edged.config import Paths

MARK: Final = "written by `edged browser install`"
"""How a launcher of ours is known."""

HOST_FLAG: Final = "--edged-native-host"
"""What makes the frozen binary the host; edged.__main__ looks at it before all else."""

_ENTRY: Final = "import sys; from edged.bridge.native.host import main; sys.exit(main())"


def launcher_path(paths: Paths, platform: Platform) -> Path:
    """Where the launcher lies."""
    return paths.state / ("native-host.bat" if platform == "win32" else "native-host")


def launcher_text(platform: Platform, environ: Mapping[str, str]) -> bytes:
    """The launcher for this Python and this home.

    Args:
        platform: a shell script, or a batch file for Windows.
        environ: its EDGED_HOME is kept, so that browser and command line mean the same daemon.
    """
    home = environ.get("EDGED_HOME", "")
    if platform == "win32":
        return _batch(command(), home)
    return _script(command(), str(Path(home).expanduser().absolute()) if home else "")


def command() -> list[str]:
    """How this installation's host is started, without a launcher."""
    if getattr(sys, "frozen", False):
        return [sys.executable, HOST_FLAG]
    return [sys.executable, "-P", "-c", _ENTRY]


def _script(words: list[str], home: str) -> bytes:
    lines = ["#!/bin/sh", f"# {MARK}; changed by the next one"]
    if home:
        lines.append(f"export EDGED_HOME={shlex.quote(home)}")
    lines.append(f'exec {shlex.join(words)} "$@"')
    return ("\n".join(lines) + "\n").encode(errors="surrogateescape")


def _batch(words: list[str], home: str) -> bytes:
    """Not run by us. A percent sign is doubled, for a batch file would take it for a variable's."""
    lines = ["@echo off", f"rem {MARK}; changed by the next one"]
    if home:
        lines.append(f'set "EDGED_HOME={_doubled(home)}"')
    quoted = " ".join(f'"{_doubled(word)}"' if " " in word else _doubled(word) for word in words)
    lines.append(f"{quoted} %*")
    return ("\r\n".join(lines) + "\r\n").encode(errors="surrogateescape")


def _doubled(text: str) -> str:
    return text.replace("%", "%%")
