"""A watched folder gives every file once it is complete, and nothing else."""

import asyncio
import errno
import os
import shutil
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver
from watchdog.observers.polling import PollingObserver

from edged.capture.folder import FolderWatch, OpenObserver, StableFile, is_wanted
from edged.messages.records import Problem

SETTLE_MS = 60
DEADLINE_S = 10


class Reader:
    """Reads a watch in a task and lets tests wait for what it gave."""

    def __init__(self, folder: Path, watch: FolderWatch, problems: list[Problem | None]) -> None:
        self.folder = folder
        self.watch = watch
        self.problems = problems
        self.files: list[StableFile] = []
        self._changed = asyncio.Event()

    @property
    def names(self) -> list[str]:
        return [os.path.relpath(file.path, self.folder) for file in self.files]

    async def read(self) -> None:
        async for file in self.watch.files():
            self.files.append(file)
            self._changed.set()

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not is_so():
                self._changed.clear()
                try:
                    async with asyncio.timeout(0.02):
                        await self._changed.wait()
                except TimeoutError:
                    continue

    async def until_watching(self) -> None:
        """The first file proves that the observer runs."""
        (self.folder / "first.wav").write_bytes(b"1")
        await self.until(lambda: "first.wav" in self.names)
        self.files.clear()

    async def until_quiet(self) -> None:
        """A last file comes after everything that was there before it."""
        (self.folder / "last.wav").write_bytes(b"1")
        await self.until(lambda: "last.wav" in self.names)


@asynccontextmanager
async def watching(
    folder: Path,
    *,
    recursive: bool = True,
    observers: Sequence[OpenObserver] = (Observer,),
) -> AsyncIterator[Reader]:
    problems: list[Problem | None] = []
    watch = FolderWatch(
        folder,
        settle_ms=SETTLE_MS,
        recursive=recursive,
        report=problems.append,
        observers=observers,
        check_s=0.1,
    )
    reader = Reader(folder, watch, problems)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(reader.read(), name="read")
        yield reader
        task.cancel()


def run(scenario: Awaitable[None]) -> None:
    async def main() -> None:
        await scenario

    asyncio.run(main())
    for thread in threading.enumerate():
        if thread.name.startswith("edged-watch"):
            thread.join(5)


def test_what_came_while_nobody_watched_is_found_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "a.wav").write_bytes(b"abc")
    (tmp_path / "deep" / "er" / "b.MP3").write_bytes(b"b")

    async def scenario() -> None:
        async with watching(tmp_path) as reader:
            await reader.until(lambda: len(reader.files) == 2)

        found = next(file for file in reader.files if file.path.endswith("a.wav"))
        facts = os.stat(tmp_path / "a.wav")
        assert found == StableFile(
            str(tmp_path), str(tmp_path / "a.wav"), 3, facts.st_mtime_ns, facts.st_ino
        )
        assert sorted(reader.names) == ["a.wav", "deep/er/b.MP3"]

    run(scenario())


def test_new_moved_in_and_renamed_files_are_given_once(tmp_path: Path) -> None:
    folder, outside = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    outside.mkdir()
    (outside / "moved.wav").write_bytes(b"1")
    (outside / "album").mkdir()
    (outside / "album" / "song.mp3").write_bytes(b"1")

    async def scenario() -> None:
        async with watching(folder) as reader:
            await reader.until_watching()
            (folder / "new.flac").write_bytes(b"1")
            (outside / "moved.wav").rename(folder / "moved.wav")
            (folder / "download.wav.part").write_bytes(b"1")
            (folder / "download.wav.part").rename(folder / "download.wav")
            (outside / "album").rename(folder / "album")
            await reader.until(lambda: len(reader.files) >= 4)
            await reader.until_quiet()

        assert sorted(reader.names) == [
            "album/song.mp3", "download.wav", "last.wav", "moved.wav", "new.flac",
        ]  # fmt: skip

    run(scenario())


def test_a_file_counts_only_when_it_stopped_changing(tmp_path: Path) -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        async with watching(tmp_path) as reader:
            await reader.until_watching()
            written = 0
            stop = loop.time() + 5 * SETTLE_MS / 1000
            with (tmp_path / "growing.wav").open("wb", buffering=0) as file:
                while loop.time() < stop:
                    written += file.write(b"x" * 100)
                    await asyncio.sleep(0)
            await reader.until(lambda: reader.names == ["growing.wav"])

        assert reader.files[0].size_bytes == written

    run(scenario())


def test_a_file_that_changes_later_is_given_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with watching(tmp_path) as reader:
            await reader.until_watching()
            (tmp_path / "a.wav").write_bytes(b"1")
            await reader.until(lambda: len(reader.files) == 1)
            (tmp_path / "a.wav").write_bytes(b"22")
            await reader.until(lambda: len(reader.files) == 2)

        assert [file.size_bytes for file in reader.files] == [1, 2]

    run(scenario())


def test_links_fifos_hidden_unfinished_and_empty_files_are_left_alone(tmp_path: Path) -> None:
    folder, outside = tmp_path / "in", tmp_path / "out"
    (folder / ".hidden").mkdir(parents=True)
    outside.mkdir()
    (outside / "secret.wav").write_bytes(b"1")

    def tempt(prefix: str) -> None:
        (folder / f"{prefix}link.wav").symlink_to(outside / "secret.wav")
        (folder / f"{prefix}linked").symlink_to(outside, target_is_directory=True)
        os.mkfifo(folder / f"{prefix}fifo.wav")
        (folder / f".{prefix}hidden.wav").write_bytes(b"1")
        (folder / ".hidden" / f"{prefix}in.wav").write_bytes(b"1")
        (folder / f"{prefix}empty.wav").touch()
        (folder / f"{prefix}folder.wav").mkdir()
        for name in ("a.wav.part", "a.mp3.crdownload", "a.wav.tmp", "a.wav~", "~a.wav", "a.txt"):
            (folder / f"{name[0]}{prefix}{name[1:]}").write_bytes(b"1")

    async def scenario() -> None:
        tempt("before")
        async with watching(folder) as reader:
            await reader.until_watching()
            tempt("after")
            await reader.until_quiet()

        assert reader.names == ["last.wav"]
        assert (outside / "secret.wav").exists()

    run(scenario())


def test_folders_below_are_left_alone_unless_asked_for(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "a.wav").write_bytes(b"1")

    async def scenario() -> None:
        async with watching(tmp_path, recursive=False) as reader:
            await reader.until_watching()
            (tmp_path / "below" / "b.wav").write_bytes(b"1")
            (tmp_path / "new").mkdir()
            (tmp_path / "new" / "c.wav").write_bytes(b"1")
            await reader.until_quiet()

        assert reader.names == ["last.wav"]

    run(scenario())


def test_a_folder_that_vanishes_is_reported_and_watched_again_when_it_is_back(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()

    async def scenario() -> None:
        async with watching(folder) as reader:
            await reader.until_watching()
            shutil.rmtree(folder)
            await reader.until(lambda: reader.watch.problem is not None)
            folder.mkdir()
            await reader.until(lambda: reader.watch.problem is None)
            (folder / "back.wav").write_bytes(b"1")
            await reader.until(lambda: "back.wav" in reader.names)

        (gone, back) = reader.problems
        assert gone is not None
        assert gone.code == "not_found"
        assert str(folder) not in gone.message
        assert back is None

    run(scenario())


def test_a_folder_that_is_moved_away_is_reported(tmp_path: Path) -> None:
    """The kernel says nothing of it; the look at the folder itself finds out."""
    folder = tmp_path / "in"
    folder.mkdir()

    async def scenario() -> None:
        async with watching(folder) as reader:
            await reader.until_watching()
            folder.rename(tmp_path / "elsewhere")
            await reader.until(lambda: reader.watch.problem is not None)

    run(scenario())


def test_a_folder_that_is_not_there_yet_is_awaited(tmp_path: Path) -> None:
    folder = tmp_path / "later"

    async def scenario() -> None:
        async with watching(folder) as reader:
            await reader.until(lambda: reader.watch.problem is not None)
            folder.mkdir()
            (folder / "a.wav").write_bytes(b"1")
            await reader.until(lambda: reader.names == ["a.wav"])

    run(scenario())


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EMFILE])
def test_without_inotify_watches_the_folder_is_polled_and_that_is_said(
    number: int, tmp_path: Path
) -> None:
    def exhausted() -> BaseObserver:
        raise OSError(number, os.strerror(number))

    polling = partial(PollingObserver, timeout=0.05)

    async def scenario() -> None:
        async with watching(tmp_path, observers=(exhausted, polling)) as reader:
            await reader.until_watching()
            (tmp_path / "a.wav").write_bytes(b"1")
            await reader.until(lambda: reader.names == ["a.wav"])

        (problem,) = reader.problems
        assert problem is not None
        assert "polled" in problem.message
        assert "max_user_watches" in problem.fix

    run(scenario())


def test_more_files_than_are_remembered_at_once_all_come(tmp_path: Path) -> None:
    for number in range(3_000):
        (tmp_path / f"{number}.wav").write_bytes(b"1")

    async def scenario() -> None:
        async with watching(tmp_path) as reader:
            await reader.until(lambda: len(reader.files) >= 3_000)
            assert len(set(reader.names)) == 3_000

    run(scenario())


def test_more_hints_than_the_inbox_holds_lose_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edged.capture.folder._INBOX_PATHS", 3)
    monkeypatch.setattr("edged.capture.folder._PENDING_FILES", 300)

    async def scenario() -> None:
        async with watching(tmp_path) as reader:
            await reader.until_watching()
            for number in range(500):
                (tmp_path / f"{number}.wav").write_bytes(b"1")
            await reader.until(lambda: len(set(reader.names) - {"first.wav"}) == 500)

    run(scenario())


def test_closing_stops_the_observer(tmp_path: Path) -> None:
    before = set(threading.enumerate())

    async def scenario() -> None:
        async with watching(tmp_path) as reader:
            await reader.until_watching()

    run(scenario())

    assert set(threading.enumerate()) <= before


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("a.wav", True),
        ("A.B.FLAC", True),
        ("\N{FAMILY}\N{ZERO WIDTH JOINER}.opus.ogg", True),
        (".a.wav", False),
        ("a.opus", True),
        ("wav", False),
        ("a.wav.part", False),
        ("a\udcff.wav", False),
    ],
)
def test_names_tell_what_may_be_media(name: str, wanted: bool) -> None:
    assert is_wanted(name) == wanted
