"""Keeps the daemon's manifests as their files are, without looking at them all the time."""

import asyncio
import logging
import os
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver, ObservedWatch

from edged.models.catalog import Catalog
from edged.models.manifest import Manifest

log = logging.getLogger(__name__)

CHECK_S = 10.0
"""How often the folders are looked at although nobody said that something changed."""

SETTLE_S = 0.25
"""Changes that follow each other so closely are read together."""

Adopt = Callable[[list[Manifest], list[str]], None]
"""Takes all manifests, and what is wrong with the others."""

_FOLDERS: list[type[FileSystemEvent]] = [DirCreatedEvent, DirMovedEvent, DirDeletedEvent]
_ALL: list[type[FileSystemEvent]] = [
    *_FOLDERS,
    FileCreatedEvent, FileModifiedEvent, FileMovedEvent, FileClosedEvent, FileDeletedEvent,
]  # fmt: skip

_TRIES = 5
"""A folder may come while the one above it is watched; seldom more than once."""


async def watch(
    catalog: Catalog, adopt: Adopt, *, check_s: float = CHECK_S, settle_s: float = SETTLE_S
) -> None:
    """Hand all manifests to `adopt`, on the loop, whenever one changed; until cancelled.

    What changed before it began, since the catalog was read last, is handed over too.
    """
    lookout = Lookout(catalog.folders, asyncio.get_running_loop())
    try:
        while True:
            found = await asyncio.to_thread(_read_again, catalog, lookout)
            if found is not None:
                manifests, problems = found
                log.info("%d manifests, %d problems", len(manifests), len(problems))
                adopt(manifests, problems)
            await lookout.wait(check_s, settle_s)
    finally:
        await asyncio.to_thread(lookout.close)


def _read_again(catalog: Catalog, lookout: "Lookout") -> tuple[list[Manifest], list[str]] | None:
    """None when nothing changed; what changes from now on is noticed."""
    lookout.open()
    return catalog.read() if catalog.changed() else None


class _Target(tuple[str, int, int]):
    """A folder to watch: its path, device and inode."""

    __slots__ = ()


class Lookout(FileSystemEventHandler):
    """Watches the files of folders; where a folder is not there, the nearest one above it.

    Where the kernel cannot watch, nothing is noticed, and `wait` takes as long as it is let.

    Args:
        folders: absolute; they need not exist.
        loop: of whoever waits.
    """

    def __init__(self, folders: Iterable[str], loop: asyncio.AbstractEventLoop) -> None:
        self._folders = tuple(folders)
        self._loop = loop
        self._noticed = asyncio.Event()
        self._told = False
        self._blind = False
        self._lock = threading.Lock()
        self._observer: BaseObserver | None = None
        self._watches: dict[_Target, ObservedWatch] = {}

    def open(self) -> None:
        """Watch what is there now; again after each change. Blocking, one thread at a time."""
        for _ in range(_TRIES):
            wanted = {target for folder in self._folders if (target := _nearest(folder))}
            if wanted == set(self._watches) and self._alive():
                return
            try:
                self._watch(wanted)
            except OSError as error:
                self._tell_once(error)
                self.close()
                return

    async def wait(self, longest_s: float, settle_s: float) -> None:
        """Until something may have changed and `settle_s` have passed, or until `longest_s`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(longest_s):
                await self._noticed.wait()
        if self._noticed.is_set():
            await asyncio.sleep(settle_s)
        with self._lock:
            self._told = False
            self._noticed.clear()

    def close(self) -> None:
        """Stop watching; nothing if it does not. Blocking, one thread at a time."""
        observer, self._observer = self._observer, None
        self._watches = {}
        if observer is not None:
            observer.stop()  # one that could not be started too: a part of it may run
        if observer is not None and observer.is_alive():
            observer.join()

    def dispatch(self, event: FileSystemEvent) -> None:  # type: ignore[explicit-override] # typing.override came with Python 3.12
        """Note that there was something. The observer's thread; never waits for the loop."""
        del event
        with self._lock:
            told, self._told = self._told, True
        if not told:
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self._loop.call_soon_threadsafe(self._noticed.set)

    def _watch(self, wanted: set[_Target]) -> None:
        """Start anew: seldom, and a watch whose folder is gone cannot be trusted to end alone."""
        self.close()
        observer = self._observer = Observer()
        for target in wanted:
            events = _ALL if target[0] in self._folders else _FOLDERS
            self._watches[target] = observer.schedule(self, target[0], event_filter=events)
        observer.start()

    def _tell_once(self, error: OSError) -> None:
        if not self._blind:
            self._blind = True
            log.info("folders of manifests are only looked at now and then: %s", error.strerror)

    def _alive(self) -> bool:
        observer = self._observer
        return observer is not None and all(one.is_alive() for one in observer.emitters)


def _nearest(folder: str) -> _Target | None:
    """The folder, or the nearest one above it that is there."""
    while True:
        with suppress(OSError):
            found = os.stat(folder)
            return _Target((folder, found.st_dev, found.st_ino))
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above
