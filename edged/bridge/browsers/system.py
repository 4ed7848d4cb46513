"""The machine that is looked at: its kind, its home, its root. Tests make up others."""

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from edged.bridge.browsers import registry
from edged.bridge.browsers.registry import Registry

Platform = Literal["linux", "darwin", "win32"]


@dataclass(frozen=True)
class System:
    """One machine, as one user sees it.

    platform: as `sys.platform` has it; what is neither macOS nor Windows is looked at as Linux.
    home: the user's. environ: of this process. root: below it lie /etc and /Library.
    registry: of Windows, else None.
    """

    platform: Platform
    home: Path
    environ: Mapping[str, str] = field(default_factory=dict)
    root: Path = Path("/")
    registry: Registry | None = None

    @classmethod
    def here(cls) -> "System":
        """The machine that this runs on."""
        return cls(
            platform=_platform(),
            home=Path.home(),
            environ=os.environ,
            registry=registry.here(),
        )

    def below(self, path: str) -> Path:
        """An absolute path of that machine."""
        return self.root / path.lstrip("/")

    def program(self, name: str) -> Path | None:
        """Where a program of that name lies on the PATH."""
        found = shutil.which(name, path=self.environ.get("PATH", ""))
        return Path(found) if found else None

    def folder(self, variable: str, otherwise: str) -> Path:
        """A base folder that a variable names, when it is absolute, else one below the home."""
        given = self.environ.get(variable, "")
        return Path(given) if Path(given).is_absolute() else self.home / otherwise


def _platform() -> Platform:
    if sys.platform == "darwin":
        return "darwin"
    return "win32" if sys.platform == "win32" else "linux"
