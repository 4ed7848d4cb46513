"""Browsers that run now with a --user-data-dir: they look for hosts in there, and nowhere else of the user's."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from edged.bridge.browsers.system import System

_FLAG: Final = "--user-data-dir="
_LARGEST_BYTES: Final = 128 * 1024


def user_data_dirs(system: System) -> tuple[Path, ...]:
    """The folders, of processes of this user that we may look at; none outside Linux."""
    if system.platform != "linux":
        return ()
    return tuple(sorted({Path(one) for one in _given(system.below("/proc"))}))


def _given(proc: Path) -> Iterator[str]:
    try:
        processes = [one for one in proc.iterdir() if one.name.isdecimal()]
    except OSError:
        return
    for process in processes:
        for word in _words(process):
            if word.startswith(_FLAG) and len(word) > len(_FLAG):
                yield word.removeprefix(_FLAG)


def _words(process: Path) -> list[str]:
    """Its command line; Chromium writes it anew with spaces, so that it is cut there too."""
    try:
        if process.stat().st_uid != os.geteuid():
            return []
        with (process / "cmdline").open("rb") as file:
            text = os.fsdecode(file.read(_LARGEST_BYTES))
    except OSError:
        return []
    words = [word for word in text.split("\0") if word]
    return words[0].split(" ") if len(words) == 1 else words
