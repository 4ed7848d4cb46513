"""All lexicons of this machine: ours, and the user's, which replace ours of the same name."""

import asyncio
import os
from collections.abc import Iterable, Iterator

from msgspec import Struct

import edged
from edged.errors import ConfigError, EdgedError, NotFound
from edged.messages.people import LexiconSummary
from edged.messages.records import Problem
from edged.pipeline import lexicon_files
from edged.speech.lexicon import Active, Lexicon, choose

_State = tuple[int, int, int]
"""mtime in ns, size and inode: while they stay the same, so does the content."""


class _Entry(Struct, frozen=True):
    """A file as it was read last: its lexicon, or what is wrong with it."""

    state: _State
    own: bool
    lexicon: Lexicon | None = None
    problem: ConfigError | None = None


class Lexicons:
    """Reads lexicons when they are used, and again only when their files changed.

    Args:
        own: the user's folder; it need not exist.
        configured: names of those that are active where nobody says others, with spaces between.
    """

    def __init__(self, own: str | os.PathLike[str], configured: str = "") -> None:
        self._own = os.fspath(own)
        self._files: dict[str, _Entry] = {}
        self.configured = tuple(configured.split())

    async def active(self, names: Iterable[str] | None) -> Active:
        """The named lexicons; with None those configured ones that can be used; () is none at all.

        Raises:
            NotFound: no lexicon, or no category of one, has that name.
            ConfigError: a named one is wrong; it says where.
        """
        if names is None:
            return (await self.usable(None))[0]
        asked = tuple(names)
        return _choose(asked, await self._read() if asked else {})

    async def usable(self, names: Iterable[str] | None) -> tuple[Active, tuple[Problem, ...]]:
        """As `active`, without those that cannot be used, and what is wrong with them.

        For work that must go on: what is recorded was asked for when all was well.
        """
        asked = self.configured if names is None else tuple(names)
        entries = await self._read() if asked else {}
        good: list[str] = []
        problems: list[Problem] = []
        for name in asked:
            try:
                _choose((name,), entries)
            except EdgedError as error:
                problems.append(Problem(code=error.code, message=error.message, fix=error.fix))
            else:
                good.append(name)
        return _choose(tuple(good), entries), tuple(problems)

    async def get(self, name: str) -> tuple[Lexicon, bool]:
        """One lexicon, and whether it is the user's own.

        Raises:
            NotFound: there is none of that name.
            ConfigError: it is wrong; it says where.
        """
        entries = await self._read()
        _choose((name,), entries)
        entry = entries[name]
        return entry.lexicon or Lexicon(name=name), entry.own

    async def summaries(self) -> tuple[LexiconSummary, ...]:
        """Every lexicon by name, also those that are wrong, and configured ones that are not there."""
        entries = await self._read()
        found = [_summary(name, entry, self.configured) for name, entry in sorted(entries.items())]
        return (*found, *self._absent(entries))

    def _absent(self, entries: dict[str, _Entry]) -> Iterator[LexiconSummary]:
        """What the settings name, and nobody has; of a category too."""
        for name in self.configured:
            try:
                _choose((name,), entries)
            except NotFound as error:
                problem = f"{error.message}; the settings name it"
                yield LexiconSummary(
                    name=name, description="", language="", corrections=0, categories={},
                    active=True, problem=problem,
                )  # fmt: skip
            except ConfigError:
                continue  # its own line says it

    async def _read(self) -> dict[str, _Entry]:
        return await asyncio.to_thread(self._look)

    def _look(self) -> dict[str, _Entry]:
        """All files by the name of their lexicon; only what changed is read. On any thread."""
        files: dict[str, _Entry] = {}
        for folder, own in ((shipped_folder(), False), (self._own, True)):
            for path, state in _states(folder):
                known = self._files.get(path)
                same = known is not None and known.state == state
                files[path] = known if known and same else _entry(path, state, own=own)
        self._files = files
        return {os.path.basename(path).removesuffix(".toml"): one for path, one in files.items()}


def shipped_folder() -> str:
    """Where our own lexicons lie."""
    return os.path.join(os.path.dirname(os.path.abspath(edged.__file__)), "lexicons")


def _choose(names: tuple[str, ...], entries: dict[str, _Entry]) -> Active:
    for name in names:
        entry = entries.get(name.removeprefix("-").partition(".")[0])
        if entry is not None and entry.problem is not None:
            problem = entry.problem
            raise ConfigError(problem.message, fix=problem.fix, **problem.details)
    return choose(names, {name: one.lexicon for name, one in entries.items() if one.lexicon})


def _states(folder: str) -> Iterator[tuple[str, _State]]:
    """Every lexicon's file with its state; nothing of a folder that is not there."""
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return
    for name in names:
        path = os.path.join(folder, name)
        if not name.endswith(".toml") or name.startswith("."):
            continue
        try:
            found = os.stat(path)
        except OSError:
            continue  # gone since, or a link to nothing
        yield path, (found.st_mtime_ns, found.st_size, found.st_ino)


def _entry(path: str, state: _State, *, own: bool) -> _Entry:
    try:
        return _Entry(state, own, lexicon=lexicon_files.read(path))
    except ConfigError as error:
        return _Entry(state, own, problem=error)


def _summary(name: str, entry: _Entry, configured: tuple[str, ...]) -> LexiconSummary:
    lexicon = entry.lexicon or Lexicon(name=name)
    problem = entry.problem
    return LexiconSummary(
        name=name,
        description=lexicon.description,
        language=lexicon.language,
        corrections=len(lexicon.corrections),
        categories={category: len(words) for category, words in lexicon.categories.items()},
        active=name in configured,
        own=entry.own,
        problem=f"{problem.message}; {problem.fix}" if problem else "",
    )
