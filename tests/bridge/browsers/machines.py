"""Made-up machines: a home, a root and a registry in a temporary folder."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from edged.bridge.browsers.installing import Registration
from edged.bridge.browsers.kinds import KINDS, Kind
from edged.bridge.browsers.system import Platform, System
from edged.config import Paths, find_paths


@dataclass
class MadeUpRegistry:
    """A registry of Windows: default values by key, and named ones by key and name."""

    values: dict[tuple[str, str], str | int] = field(default_factory=dict)

    def read(self, key: str, name: str = "") -> str | int | None:
        return self.values.get((key, name))

    def names(self, key: str) -> tuple[str, ...]:
        return tuple(name for place, name in self.values if place == key and name)

    def write(self, key: str, value: str) -> None:
        self.values[key, ""] = value

    def delete(self, key: str) -> None:
        self.values.pop((key, ""), None)


@dataclass
class Machine:
    """One of them, with what is asked of it in tests."""

    system: System
    paths: Paths
    registry: MadeUpRegistry

    def has(self, *titles: str) -> None:
        """Browsers that were started once: their folders are there."""
        from edged.bridge.browsers.places import profile

        for title in titles:
            folder = profile(self.system, kind(title))
            assert folder is not None
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "Local State").write_text("{}")

    def writes(self, path: str, text: str = "") -> Path:
        """A file below the root."""
        file = self.system.below(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    @property
    def registration(self) -> Registration:
        return Registration(self.system, self.paths)

    def files(self) -> set[str]:
        """Every file of the home but the browsers' own, relative to it."""
        return {
            str(path.relative_to(self.system.home))
            for path in self.system.home.rglob("*")
            if (path.is_file() or path.is_symlink()) and path.name != "Local State"
        }


def machine(
    folder: Path, platform: Platform = "linux", environ: Mapping[str, str] = MappingProxyType({})
) -> Machine:
    """A new one without any browser."""
    home, root = folder / "home", folder / "root"
    home.mkdir()
    root.mkdir()
    registry = MadeUpRegistry()
    system = System(
        platform=platform,
        home=home,
        environ={"PATH": str(root / "usr/bin"), **environ},
        root=root,
        registry=registry if platform == "win32" else None,
    )
    return Machine(system, find_paths({"EDGED_HOME": str(folder / "edged")}), registry)


def kind(title: str) -> Kind:
    """A browser by its title."""
    return next(one for one in KINDS if one.title == title)


def program(path: Path, text: str = "#!/bin/sh\n") -> Path:
    """An executable script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o700)
    return path
