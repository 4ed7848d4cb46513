"""The daemon's manifests follow their files; what it costs when nothing happens is nothing."""

import asyncio
import contextlib
import errno
import os
import shutil
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from watchdog.observers.api import BaseObserver

from edged.models import lookout
from edged.models.catalog import Catalog
from edged.models.manifest import Manifest

DEADLINE_S = 10
NEVER_S = 60.0
SETTLE_S = 0.05

MANIFEST = """
id = "{name}"
task = "infer"
engine = "onnx"
description = "{about}"
license = "MIT"
memory_bytes = 1000
"""


def put(folder: Path, name: str, about: str = "good") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.toml").write_text(MANIFEST.format(name=name, about=about))


class Taker:
    """Stands for the pool."""

    def __init__(self) -> None:
        self.taken: list[dict[str, str]] = []
        self.problems: list[str] = []
        self.threads: set[int] = set()
        self._changed = asyncio.Event()

    def adopt(self, manifests: list[Manifest], problems: list[str]) -> None:
        self.taken.append({one.id: one.description for one in manifests})
        self.problems = problems
        self.threads.add(threading.get_ident())
        self._changed.set()

    async def until(self, is_so: Callable[[dict[str, str]], bool]) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not (self.taken and is_so(self.taken[-1])):
                self._changed.clear()
                await self._changed.wait()

    async def until_watching(self, folder: Path) -> None:
        """A first manifest proves that it looks."""
        put(folder, "first")
        await self.until(lambda found: "first" in found)


@contextlib.asynccontextmanager
async def watched(*folders: Path, check_s: float = NEVER_S) -> AsyncIterator[Taker]:
    """A catalog of the folders, kept up to date."""
    catalog = Catalog(folders)
    catalog.read()
    taker = Taker()
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(
            lookout.watch(catalog, taker.adopt, check_s=check_s, settle_s=SETTLE_S)
        )
        try:
            yield taker
        finally:
            task.cancel()


def observers() -> list[str]:
    return [one.name for one in threading.enumerate() if "watchdog" in type(one).__module__]


def test_a_new_a_changed_and_a_removed_manifest_are_handed_over_on_the_loop(
    tmp_path: Path,
) -> None:
    async def main() -> tuple[set[int], int]:
        async with watched(tmp_path) as taker:
            await taker.until_watching(tmp_path)
            put(tmp_path, "first", "changed a lot")
            await taker.until(lambda found: found == {"first": "changed a lot"})
            (tmp_path / "first.toml").unlink()
            await taker.until(lambda found: found == {})
            return taker.threads, threading.get_ident()

    threads, loop_thread = asyncio.run(main())

    assert threads == {loop_thread}


def test_a_broken_edit_is_a_problem_until_it_is_mended(tmp_path: Path) -> None:
    async def main() -> tuple[list[str], list[str]]:
        async with watched(tmp_path) as taker:
            await taker.until_watching(tmp_path)
            with (tmp_path / "first.toml").open("a") as file:
                file.write("wrong = 1\n")
            await taker.until(lambda _: bool(taker.problems))
            broken = taker.problems
            assert taker.taken[-1] == {"first": "good"}
            put(tmp_path, "first", "mended")
            await taker.until(lambda found: found == {"first": "mended"})
            return broken, taker.problems

    broken, mended = asyncio.run(main())

    assert "first.toml, line 8" in broken[0]
    assert mended == []


def test_a_folder_that_comes_later_is_noticed_with_those_above_it(tmp_path: Path) -> None:
    folder = tmp_path / "config" / "edged" / "manifests"

    async def main() -> None:
        async with watched(tmp_path, folder) as taker:
            await taker.until_watching(tmp_path)
            put(folder, "a")
            await taker.until(lambda found: "a" in found)
            put(folder, "b")
            await taker.until(lambda found: "b" in found)

    asyncio.run(main())


def test_a_folder_that_is_replaced_is_watched_again(tmp_path: Path) -> None:
    folder = tmp_path / "manifests"

    async def main() -> None:
        async with watched(folder) as taker:
            await taker.until_watching(folder)
            shutil.rmtree(folder)
            await taker.until(lambda found: found == {})
            put(folder, "a")
            await taker.until(lambda found: found == {"a": "good"})
            put(folder, "b")
            await taker.until(lambda found: set(found) == {"a", "b"})

    asyncio.run(main())


def test_a_manifest_that_is_moved_over_another_counts_as_editors_do_it(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "manifests", tmp_path / "elsewhere"

    async def main() -> None:
        async with watched(folder) as taker:
            await taker.until_watching(folder)
            put(elsewhere, "first", "moved")
            os.replace(elsewhere / "first.toml", folder / "first.toml")
            await taker.until(lambda found: found == {"first": "moved"})

    asyncio.run(main())


def test_many_changes_are_read_together(tmp_path: Path) -> None:
    async def main() -> int:
        async with watched(tmp_path) as taker:
            await taker.until_watching(tmp_path)
            before = len(taker.taken)
            for number in range(100):
                put(tmp_path, f"m{number}")
            await taker.until(lambda found: len(found) == 101)
            return len(taker.taken) - before

    assert asyncio.run(main()) <= 10


def test_what_changed_before_the_watch_began_is_handed_over(tmp_path: Path) -> None:
    async def main() -> list[dict[str, str]]:
        catalog = Catalog([tmp_path])
        catalog.read()
        put(tmp_path, "early")
        taker = Taker()
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(lookout.watch(catalog, taker.adopt))
            await taker.until(lambda found: "early" in found)
            task.cancel()
        return taker.taken

    assert asyncio.run(main()) == [{"early": "good"}]


def test_a_touch_without_a_change_of_content_is_harmless(tmp_path: Path) -> None:
    async def main() -> list[dict[str, str]]:
        async with watched(tmp_path) as taker:
            await taker.until_watching(tmp_path)
            os.utime(tmp_path / "first.toml", ns=(1, 1))
            put(tmp_path, "last")
            await taker.until(lambda found: "last" in found)
            return taker.taken

    assert asyncio.run(main())[-1] == {"first": "good", "last": "good"}


def test_where_the_kernel_cannot_watch_the_folders_are_looked_at_now_and_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: BaseObserver) -> None:
        raise OSError(errno.EMFILE, "too many")

    async def main() -> None:
        async with watched(tmp_path, check_s=0.05) as taker:
            put(tmp_path, "a")
            await taker.until(lambda found: found == {"a": "good"})

    monkeypatch.setattr(BaseObserver, "start", refuse)

    asyncio.run(main())

    assert observers() == []


def test_it_ends_with_its_threads(tmp_path: Path) -> None:
    async def main() -> list[str]:
        async with watched(tmp_path, tmp_path / "missing") as taker:
            await taker.until_watching(tmp_path)
            return observers()

    assert asyncio.run(main())
    assert observers() == []
