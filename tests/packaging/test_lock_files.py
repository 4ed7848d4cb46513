"""What is locked: every version with hashes, no address, and nothing forgotten."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent.parent
LOCKS = sorted(path for path in (ROOT / "requirements").glob("*.txt"))
PEERS = sorted((ROOT / "benchmarks" / "peers").glob("*.txt"))


def _entries(path: Path) -> dict[str, list[str]]:
    """The entries of a lock file by package, several where markers tell them apart."""
    found: dict[str, list[str]] = {}
    for entry in re.split(r"(?<!\\)\n", path.read_text().strip()):
        found.setdefault(canonicalize_name(entry.partition("==")[0]), []).append(entry)
    return found


def _lines(path: Path) -> set[str]:
    return {line.strip(" \\") for line in path.read_text().splitlines()}


@pytest.mark.parametrize("path", [*LOCKS, *PEERS], ids=lambda path: path.stem)
def test_every_locked_version_has_hashes_and_no_address(path: Path) -> None:
    for name, entries in _entries(path).items():
        for entry in entries:
            assert re.match(r"[a-z0-9][a-z0-9.-]*==\S+", entry), name
            assert "--hash=sha256:" in entry, name
    assert not re.search(r"://|^\s*-[if]\b|--(extra-)?index-url|--find-links", path.read_text())


def test_the_tools_are_locked_on_top_of_what_the_demo_runs_with() -> None:
    speech = _lines(ROOT / "requirements" / "speech.txt")
    dev = _lines(ROOT / "requirements" / "dev.txt")

    assert speech <= dev


def test_every_declared_dependency_is_locked_for_each_python() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    speech = _entries(ROOT / "requirements" / "speech.txt")
    wanted = [*project["dependencies"], *project["optional-dependencies"]["speech"]]

    for python in ("3.11", "3.12", "3.13"):
        for requirement in map(Requirement, wanted):
            if requirement.marker is None or requirement.marker.evaluate(_environment(python)):
                assert _chosen(speech[requirement.name], python), (requirement, python)


def _environment(python: str) -> dict[str, str]:
    return {"python_version": python, "python_full_version": f"{python}.1"}


def _chosen(entries: list[str], python: str) -> bool:
    """Whether one of a package's entries is for this Python."""
    markers = [entry.splitlines()[0].strip(" \\").partition(" ; ")[2] for entry in entries]
    return any(not text or Marker(text).evaluate(_environment(python)) for text in markers)
