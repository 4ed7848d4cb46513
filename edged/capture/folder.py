"""A watched folder as a stream of files that are completely written.

Files are only looked at: never opened, moved or deleted. Symlinks, FIFOs, hidden and unfinished
files, empty files and whatever lies below a hidden or linked folder are left alone.
"""

import asyncio
import errno
import logging
import os
import stat
import threading
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from itertools import islice
from pathlib import Path, PurePath
from typing import TypeVar

from msgspec import Struct
from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver
from watchdog.observers.polling import PollingObserver

from edged.capture.parts import MEDIA_SUFFIXES
from edged.messages.records import Problem

T = TypeVar("T")
OpenObserver = Callable[[], BaseObserver]

POLL_S = 5.0
"""Seconds between two looks where the kernel cannot tell of changes."""

_CHECK_S = 10.0
"""Seconds between two looks at the folder itself: one stat, all that an idle watch does."""

_INBOX_PATHS = 4_096
"""Beyond so many unread hints the folder is scanned instead; after so many in all it is scanned
too, for the kernel's own queue may have overflowed, which nobody is told of."""

_PENDING_FILES = 1_024
_SCAN_BATCH = 256
_SCANS = 64
_GIVEN_FILES = 4_096
"""Remembered, so that a late hint does not give a file twice; a scan may, after so many."""

_EVENTS: list[type[FileSystemEvent]] = [
    FileCreatedEvent, FileModifiedEvent, FileMovedEvent, FileClosedEvent,
    DirCreatedEvent, DirMovedEvent, DirDeletedEvent,
]  # fmt: skip
logging.getLogger("watchdog").setLevel(logging.CRITICAL)  # its messages quote the user's paths

_NO_MORE_WATCHES = {errno.ENOSPC, errno.EMFILE}


class StableFile(Struct, frozen=True):
    """A file that stayed the same for the settle time.

    folder, path: absolute. mtime_ns: the file system's clock.
    """

    folder: str
    path: str
    size_bytes: int
    mtime_ns: int
    inode: int


class _Inbox:
    """Hints from the observer's threads to the loop: a bounded set of paths and a flag."""

    def __init__(self, loop: asyncio.AbstractEventLoop, folder: str) -> None:
        self._loop = loop
        self._folder = folder
        self._lock = threading.Lock()
        self._paths: set[str] = set()
        self._overflowed = False
        self._root_gone = False
        self._told = False
        self.filled = asyncio.Event()

    def put(self, path: str, *, deleted: bool = False) -> None:
        """Note a path that changed. Any thread; never waits for the loop."""
        with self._lock:
            if deleted:
                self._root_gone |= path == self._folder
            elif len(self._paths) < _INBOX_PATHS:
                self._paths.add(path)
            else:
                self._overflowed = True
            told, self._told = self._told, True
        if not told:
            with suppress(RuntimeError):  # the loop is closed: nobody reads hints any more
                self._loop.call_soon_threadsafe(self.filled.set)

    def take(self) -> tuple[set[str], bool, bool]:
        """What was put since: paths, whether some were dropped, whether the folder is gone."""
        with self._lock:
            taken = (self._paths, self._overflowed, self._root_gone)
            self._paths, self._overflowed, self._root_gone = set(), False, False
            self._told = False
            self.filled.clear()
        return taken


class _Hints(FileSystemEventHandler):
    """Runs on the observer's thread."""

    def __init__(self, inbox: _Inbox) -> None:
        self._inbox = inbox

    def dispatch(self, event: FileSystemEvent) -> None:  # type: ignore[explicit-override] # typing.override came with Python 3.12
        path = event.dest_path or event.src_path
        self._inbox.put(os.fsdecode(path), deleted=isinstance(event, DirDeletedEvent))


class _State(Struct, frozen=True):
    size_bytes: int
    mtime_ns: int
    inode: int


class _Pending(Struct, frozen=True):
    """due: when the file counts if it is still in this state; the loop's clock, seconds."""

    state: _State
    due: float


class FolderWatch:
    """Watches one folder. One reader of `files`; loop thread only.

    Args:
        folder: absolute; it need not exist yet.
        settle_ms: a file counts when size and time of change stayed the same for so long.
        recursive: folders below it too.
        report: told of a problem, and None when it is over; called on the loop.
        observers: tried in order where the kernel's limit on watches is reached.
        check_s: seconds between two looks at the folder itself.
    """

    def __init__(
        self,
        folder: Path,
        *,
        settle_ms: int = 1_000,
        recursive: bool = True,
        report: Callable[[Problem | None], None] = lambda _: None,
        observers: Sequence[OpenObserver] = (Observer, partial(PollingObserver, timeout=POLL_S)),
        check_s: float = _CHECK_S,
    ) -> None:
        self.folder = os.path.normpath(folder)
        self.problem: Problem | None = None
        self._settle_s = settle_ms / 1000
        self._recursive = recursive
        self._report = report
        self._observers = observers
        self._check_s = check_s
        self._observer: BaseObserver | None = None
        self._root: tuple[int, int] | None = None
        self._unscanned = 0
        self._scans: deque[Iterator[str]] = deque()
        self._pending: dict[str, _Pending] = {}
        self._given: OrderedDict[str, _State] = OrderedDict()

    async def files(self) -> AsyncGenerator[StableFile, None]:
        """Files as they become stable, those first that are there already; runs until closed.

        A file that changes later is given again. So may be one that has not changed, after hints
        were lost: whoever reads recognises content, not names.
        """
        self._loop = asyncio.get_running_loop()
        self._inbox = _Inbox(self._loop, self.folder)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="edged-watch")
        try:
            while True:
                await self._step()
                for file in await self._settled():
                    yield file
                await self._wait()
        finally:
            self._thread.submit(self._stop)
            self._thread.shutdown(wait=False)

    async def _step(self) -> None:
        """Take in hints and scans."""
        hinted, overflowed, root_gone = self._inbox.take()
        await self._keep_watching(restart=root_gone)
        if self._root is None:
            return
        self._unscanned += len(hinted)
        if overflowed or (self._unscanned >= _INBOX_PATHS and not self._pending):
            self._scan_all()
        files, folders = await self._run(_sort_out, hinted)
        for folder in folders:
            self._scan(folder)
        await self._note(files)
        if self._can_scan():
            await self._scan_on()

    async def _scan_on(self) -> None:
        """Take the next files of the oldest scan."""
        found = await self._run(_next_of, self._scans[0])
        if len(found) < _SCAN_BATCH:
            self._scans.popleft()
        await self._note(found)

    def _can_scan(self) -> bool:
        return bool(self._scans) and len(self._pending) <= _PENDING_FILES - _SCAN_BATCH

    def _scan(self, folder: str) -> None:
        if len(self._scans) >= _SCANS:
            self._scan_all()
        else:
            self._scans.append(_walk(folder, recursive=self._recursive))

    def _scan_all(self) -> None:
        self._unscanned = 0
        self._scans = deque([_walk(self.folder, recursive=self._recursive)])

    async def _note(self, paths: Iterable[str]) -> None:
        """Let files that are new or changed wait until they have settled."""
        due = self._loop.time() + self._settle_s
        for path, state in await self._states(paths):
            if state is None:
                self._pending.pop(path, None)
            elif path not in self._pending and len(self._pending) >= _PENDING_FILES:
                self._unscanned = _INBOX_PATHS
            elif path not in self._pending or self._pending[path].state != state:
                self._pending[path] = _Pending(state, due)

    async def _settled(self) -> list[StableFile]:
        """Take out the files whose time has come and that stayed the same."""
        now = self._loop.time()
        due = {path: wait for path, wait in self._pending.items() if wait.due <= now}
        stable: list[StableFile] = []
        for path, state in await self._states(due):
            if state is not None and state != due[path].state:
                self._pending[path] = _Pending(state, self._loop.time() + self._settle_s)
                continue
            del self._pending[path]
            if state is not None and self._given.get(path) != state:
                self._remember(path, state)
                stable.append(
                    StableFile(self.folder, path, state.size_bytes, state.mtime_ns, state.inode)
                )
        return stable

    def _remember(self, path: str, state: _State) -> None:
        self._given[path] = state
        self._given.move_to_end(path)
        if len(self._given) > _GIVEN_FILES:
            self._given.popitem(last=False)

    async def _states(self, paths: Iterable[str]) -> list[tuple[str, _State | None]]:
        known = list(paths)
        return await self._run(_states, self.folder, known, self._recursive) if known else []

    async def _wait(self) -> None:
        """Until there is a hint, a file is due, or the folder is to be looked at."""
        timeout = self._check_s
        if self._pending:
            next_due = min(wait.due for wait in self._pending.values())
            timeout = min(timeout, max(0.0, next_due - self._loop.time()))
        if self._can_scan():
            timeout = 0.0
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._inbox.filled.wait()

    async def _keep_watching(self, *, restart: bool) -> None:
        """See that the folder is there and observed; scan it when it is (again)."""
        root = await self._run(_look_at, self.folder)
        if self._root is not None and root == self._root and not restart and self._alive():
            return
        await self._run(self._stop)
        if isinstance(root, Problem):
            self._root = None
            self._pending.clear()
            self._scans.clear()
            self._tell(root)
            return
        self._root = root
        self._scan_all()
        self._tell(await self._observe())

    async def _observe(self) -> Problem | None:
        """Start the first observer that works; says so when it is not the best one.

        With none the folder is scanned at its next check, where another attempt is made.
        """
        problem: Problem | None = None
        for open_observer in self._observers:
            try:
                await self._run(self._start, open_observer)
            except OSError as error:
                problem = _unobserved(error)
            else:
                break
        return problem

    def _start(self, open_observer: OpenObserver) -> None:
        """On our thread: registering a deep tree takes long."""
        observer = open_observer()
        try:
            observer.schedule(
                _Hints(self._inbox), self.folder, recursive=self._recursive, event_filter=_EVENTS
            )
            observer.start()
        except OSError:
            observer.stop()
            raise
        self._observer = observer

    def _stop(self) -> None:
        """On our thread, after a `_start` that nobody waited for."""
        observer, self._observer = self._observer, None
        if observer is not None and observer.is_alive():
            observer.stop()
            observer.join()

    def _alive(self) -> bool:
        observer = self._observer
        if observer is None or not observer.is_alive():
            return False
        return all(emitter.is_alive() for emitter in observer.emitters)

    def _tell(self, problem: Problem | None) -> None:
        if problem != self.problem:
            self.problem = problem
            self._report(problem)

    async def _run(self, function: Callable[..., T], *arguments: object) -> T:
        return await self._loop.run_in_executor(self._thread, partial(function, *arguments))


def is_wanted(name: str) -> bool:
    """Whether a file of this name may be media: a known suffix, neither hidden nor unfinished.

    `.part`, `.crdownload`, `.tmp` and a trailing `~` are no suffixes of media. A name that is not
    UTF-8 could not be stored or sent, and is left alone too.
    """
    if name.startswith((".", "~")) or any("\ud800" <= letter <= "\udfff" for letter in name):
        return False
    return PurePath(name).suffix.lower() in MEDIA_SUFFIXES


def _walk(folder: str, *, recursive: bool) -> Iterator[str]:
    """Files with a wanted name; what cannot be read is left out."""
    for at, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if recursive and not name.startswith(".")]
        yield from (os.path.join(at, name) for name in names if is_wanted(name))


def _next_of(scan: Iterator[str]) -> list[str]:
    return list(islice(scan, _SCAN_BATCH))


def _sort_out(paths: set[str]) -> tuple[list[str], list[str]]:
    """Wanted files, and folders; both may be gone by now."""
    folders = [path for path in paths if os.path.isdir(path) and not os.path.islink(path)]
    files = paths.difference(folders)
    return [path for path in files if is_wanted(os.path.basename(path))], folders


def _states(
    folder: str, paths: list[str], recursive: bool  # noqa: FBT001 - passed through an executor
) -> list[tuple[str, _State | None]]:  # fmt: skip
    return [(path, _state(folder, path, recursive=recursive)) for path in paths]


def _state(folder: str, path: str, *, recursive: bool) -> _State | None:
    """None: not there, empty, no regular file, or not plainly inside the folder."""
    try:
        parts = PurePath(path).relative_to(folder).parts
        if any(part.startswith(".") for part in parts) or (len(parts) > 1 and not recursive):
            return None
        at = folder
        for part in parts[:-1]:
            at = os.path.join(at, part)
            if not stat.S_ISDIR(os.lstat(at).st_mode):
                return None
        found = os.lstat(path)
    except (OSError, ValueError):
        return None
    if not stat.S_ISREG(found.st_mode) or not found.st_size:
        return None
    return _State(found.st_size, found.st_mtime_ns, found.st_ino)


def _look_at(folder: str) -> tuple[int, int] | Problem:
    """Which folder this is, or why it cannot be watched."""
    try:
        with os.scandir(folder):
            found = os.stat(folder)
    except OSError as error:
        return _unobserved(error)
    return found.st_dev, found.st_ino


def _unobserved(error: OSError) -> Problem:
    if error.errno in _NO_MORE_WATCHES:
        return Problem(
            code="busy",
            message=f"the kernel's inotify limit is reached: the folder is polled every {POLL_S:g} s",
            fix="raise fs.inotify.max_user_watches and fs.inotify.max_user_instances with sysctl",
        )
    if error.errno in {errno.EACCES, errno.EPERM}:
        return Problem(
            code="denied",
            message="the daemon may not read the watched folder",
            fix="give the daemon's user the right to read it",
        )
    return Problem(
        code="not_found",
        message=f"the watched folder is not there: {error.strerror}",
        fix="put it back, or remove it with `edged watch remove`",
    )
