"""Tells which locked packages have no wheel for Linux on aarch64, by asking the package index.

`python packaging/wheels.py LOCK_FILE` prints one line per Python version. The exit status is 1 when
a package has no wheel for any of the versions; 0 otherwise, also when the index cannot be asked.
A package that is plain Python in a source archive on every platform is named and not counted.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

PYTHONS = ("3.11", "3.12", "3.13")
MACHINE = "aarch64"
NEWEST_GLIBC = 28
"""manylinux_2_28: Debian 11, Ubuntu 20.04 and later."""
OLDEST_GLIBC = 17
SOURCE_ONLY = frozenset({"forbiddenfruit"})
"""Plain Python, published as source only: pip builds it without a compiler."""
WITHIN_S = 240
ROUNDS = 6
"""pip names one missing package at a time: so often it is asked again without it."""

_MISSING = re.compile(r"No matching distribution found for ([A-Za-z0-9._-]+)==")
_NAME = re.compile(r"^([A-Za-z0-9._-]+)==", re.MULTILINE)


class Unreachable(Exception):
    """The index could not be asked; the text says why."""


def missing(lock: str, python: str) -> set[str]:
    """Names of the locked packages without a wheel for one Python version.

    Raises:
        Unreachable: pip failed for another reason.
    """
    found: set[str] = set()
    for _ in range(ROUNDS):
        output = _resolve(_without(lock, found | SOURCE_ONLY), python)
        if output is None:
            return found
        names = _MISSING.findall(output)
        if not names:
            raise Unreachable(output.strip()[-500:])
        found.update(names)
    return found


def _without(lock: str, names: set[str] | frozenset[str]) -> str:
    """A lock file less some packages; an entry goes on while its lines end in a backslash."""
    entries = re.split(r"(?<!\\)\n", lock)
    return "\n".join(entry for entry in entries if entry.partition("==")[0] not in names)


def _resolve(lock: str, python: str) -> str | None:
    """What pip complains of; None when it finds a wheel for everything. Downloads no package."""
    tags = [f"manylinux_2_{glibc}_{MACHINE}" for glibc in range(OLDEST_GLIBC, NEWEST_GLIBC + 1)]
    platforms = [f"--platform={tag}" for tag in (*tags, f"manylinux2014_{MACHINE}")]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lock.txt"
        path.write_text(lock, encoding="utf-8")
        options = ["--only-binary=:all:", "--implementation=cp", f"--python-version={python}"]
        target = ["--dry-run", "--ignore-installed", "--no-deps", f"--target={folder}/nothing"]
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        command = [*pip, *target, *options, *platforms, "--require-hashes", "-r", str(path)]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=WITHIN_S, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise Unreachable(f"no answer in {WITHIN_S} s") from error
    return None if done.returncode == 0 else done.stderr


def main() -> int:
    """Print the findings; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("lock", type=Path)
    lock = parser.parse_args().lock.read_text(encoding="utf-8")
    everywhere = set(_NAME.findall(lock))
    for python in PYTHONS:
        try:
            found = missing(lock, python)
        except Unreachable as error:
            print(f"aarch64, Python {python}: not checked ({error})")
            return 0
        print(f"aarch64, Python {python}: without a wheel: {', '.join(sorted(found)) or 'none'}")
        everywhere &= found
    if everywhere:
        print(f"no wheel for aarch64 at all: {', '.join(sorted(everywhere))}")
    return 1 if everywhere else 0


if __name__ == "__main__":
    sys.exit(main())
