"""Watched folders: every new file that settled becomes a job, once."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import aclosing, suppress
from pathlib import Path

import msgspec

from edged.capture.folder import FolderWatch, StableFile
from edged.config import Watch as Settings
from edged.errors import Busy, Conflict, DiskFull, EdgedError, NotFound
from edged.jobs.orders import TranscribeFile
from edged.jobs.runner import STORE_TROUBLE_S, Runner
from edged.jobs.work import Work
from edged.messages.records import Problem, WatchedFolder
from edged.messages.replies import Reason
from edged.pipeline import sources
from edged.pipeline.transcription import Pipeline
from edged.store import watch
from edged.store.database import Store

CHECK_S = 3.0
"""How often a folder that vanished is looked for."""

PASSING = (Busy, DiskFull)
"""What keeps a file from being taken for a while only."""

_PASSING_CODES = frozenset(kind.code for kind in PASSING)

log = logging.getLogger(__name__)


class Intake:
    """Watches folders and fills the queue. Loop thread only.

    Args:
        store: remembers folders, and which files were taken.
        pipeline: says how a file would be transcribed.
        work: queues it. runner: is told to look.
        settings: when a file counts as complete.
        lexicons: active ones, for folders that name none.
    """

    def __init__(
        self,
        store: Store,
        pipeline: Pipeline,
        work: Work,
        runner: Runner,
        settings: Settings,
        *,
        lexicons: tuple[str, ...] = (),
    ) -> None:
        self._store = store
        self._pipeline = pipeline
        self._work = work
        self._runner = runner
        self._settings = settings
        self._lexicons = lexicons
        self._folders: dict[str, WatchedFolder] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._problems: dict[str, Problem | None] = {}
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Watch every folder of the store, and those that are added later, until cancelled."""
        await self._read()
        async with asyncio.TaskGroup() as tasks:
            while True:
                self._changed.clear()
                for path, folder in self._folders.items():
                    if path not in self._tasks:
                        self._tasks[path] = tasks.create_task(self._watch(folder), name="watch")
                for path in self._tasks.keys() - self._folders.keys():
                    self._tasks.pop(path).cancel()
                await self._changed.wait()

    async def add(
        self,
        path: str,
        *,
        recursive: bool,
        model: str | None,
        language: str | None,
        lexicons: tuple[str, ...] | None = None,
    ) -> None:
        """Watch a folder from now on; without lexicons those of the settings are active.

        Raises:
            NotFound: there is no such folder.
        """
        if not await asyncio.to_thread(Path(path).is_dir):
            raise NotFound("there is no such folder", fix="create it first, or check the path")
        await self._store.write(
            lambda db: watch.add_folder(
                db,
                path,
                recursive=recursive,
                model=model,
                language=language,
                lexicons=lexicons,
            )
        )
        if task := self._tasks.pop(path, None):
            task.cancel()
        await self._read()

    async def remove(self, path: str) -> None:
        """Stop watching a folder; jobs and recordings stay.

        Raises:
            NotFound: it is not watched.
        """
        await self._store.write(lambda db: watch.remove_folder(db, path))
        await self._read()

    async def folders(self) -> tuple[WatchedFolder, ...]:
        """Watched folders with their problems."""
        return tuple(
            msgspec.structs.replace(folder, problem=self._problems.get(path))
            for path, folder in self._folders.items()
        )

    def reasons(self) -> Iterator[Reason]:
        """Folders that cannot be watched, without their names."""
        for problem in self._problems.values():
            if problem is not None:
                message = f"a watched folder: {problem.message}"
                yield Reason(code=f"watch_{problem.code}", message=message, fix=problem.fix)

    async def _read(self) -> None:
        found = await self._store.read(watch.list_folders)
        self._folders = {folder.path: folder for folder in found}
        for path in self._problems.keys() - self._folders.keys():
            del self._problems[path]
        self._changed.set()

    async def _watch(self, folder: WatchedFolder) -> None:
        """Take a folder's files until cancelled."""

        def report(problem: Problem | None) -> None:
            self._problems[folder.path] = problem

        watched = FolderWatch(
            Path(folder.path),
            settle_ms=self._settings.settle_ms,
            recursive=folder.recursive,
            report=report,
            check_s=CHECK_S,
        )
        async with aclosing(watched.files()) as files:
            async for file in files:
                with suppress(Conflict):  # still being written: it will settle again
                    while not await self._take(folder, file):  # noqa: ASYNC110 - nothing tells of room
                        await asyncio.sleep(STORE_TROUBLE_S)

    async def _take(self, folder: WatchedFolder, file: StableFile) -> bool:
        """Queue a file that was not taken before; False when it has to be tried again."""
        try:
            if await self._store.read(lambda db: watch.is_seen(db, folder.path, _seen(file))):
                return True
            await self._submit(folder, file)
        except Conflict:
            raise
        except EdgedError as error:
            log.warning("a file in a watched folder was not taken: %s", error.code)
            if not isinstance(error, NotFound):
                self._problems[folder.path] = Problem(
                    code=error.code, message=f"a file was not taken: {error.message}", fix=error.fix
                )
            return not isinstance(error, PASSING)
        if (problem := self._problems.get(folder.path)) and problem.code in _PASSING_CODES:
            self._problems[folder.path] = None
        return True

    async def _submit(self, folder: WatchedFolder, file: StableFile) -> None:
        plan = self._pipeline.plan(model=folder.model, language=folder.language)
        source = await sources.from_path(file.path, beneath=folder.path)
        try:
            order = TranscribeFile(
                path=file.path,
                model=plan.model,
                language=plan.language,
                lexicons=self._lexicons if folder.lexicons is None else folder.lexicons,
            )
            job, _ = await self._work.submit(source, order, plan, priority="batch")
            await self._store.write(
                lambda db: watch.saw(
                    db, folder.path, _seen(file), sha256=source.sha256, job_id=job.job_id
                )
            )
        finally:
            source.close()
        self._runner.wake()


def _seen(file: StableFile) -> watch.SeenFile:
    """A settled file as the store remembers it."""
    return watch.SeenFile(
        path=file.path, size_bytes=file.size_bytes, mtime_ns=file.mtime_ns, inode=file.inode
    )
