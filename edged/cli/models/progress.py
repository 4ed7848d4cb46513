"""What is shown while files come: bars on a terminal, lines when piped, JSON lines for programs."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

import msgspec

from edged.cli import render
from edged.cli.connect import Settings
from edged.errors import EdgedError
from edged.models.pull.progress import PullProgress

STEP_PERCENT = 10
"""How far a file gets between two lines of a log."""

JSON_EVERY_S = 0.1
"""A program needs no more lines than that; a stage's first and last always come."""


class Watcher(Protocol):
    """Sees files come."""

    def tell(self, progress: PullProgress) -> None:
        """One file is so far."""

    def note(self, text: str) -> None:
        """Something else is worth a line."""

    def failed(self, model: str, error: EdgedError) -> None:
        """One of several models cannot be had."""

    def pause(self) -> None:
        """A person is asked now."""

    def resume(self) -> None:
        """The person has answered."""


@contextmanager
def watching(settings: Settings) -> Iterator[Watcher]:
    """What fits where stderr and stdout lead."""
    if settings.json:
        yield JsonLines()
    elif not sys.stderr.isatty():
        yield Lines()
    else:
        from edged.cli.models.bars import Bars

        with Bars() as bars:
            yield bars


@contextmanager
def counting(settings: Settings, what: str) -> Iterator[Callable[[int, int], None]]:
    """One bar for one long thing, when a person looks; takes bytes so far and in all."""
    if settings.json or not sys.stderr.isatty():
        yield _ignore
        return
    from edged.cli.models.bars import Bars

    with Bars() as bars:
        yield lambda done, total: bars.count(what, what, done, total)


def _ignore(_done: int, _total: int) -> None:
    """Nobody looks."""


class Lines:
    """A line when a file's stage begins, and every tenth of a known size."""

    def __init__(self) -> None:
        self._said: dict[tuple[str, str, str], int] = {}

    def tell(self, progress: PullProgress) -> None:
        """Print a line if the file got a step further."""
        if progress.stage == "done":
            return  # the command says so itself
        key = (progress.model, progress.file, progress.stage)
        percent = 100 * progress.done // progress.total if progress.total else 0
        step = percent - percent % STEP_PERCENT
        if self._said.get(key, -1) >= step:
            return
        first = key not in self._said
        self._said[key] = step
        self.note(_begins(progress) if first else _goes_on(progress, percent))

    def note(self, text: str) -> None:
        """Print a line."""
        print(text, file=sys.stderr)

    def failed(self, model: str, error: EdgedError) -> None:
        """Print a line."""
        self.note(f"{model} is not here: {error.message}")

    def pause(self) -> None:
        """Nothing is in the way."""

    def resume(self) -> None:
        """Nothing was in the way."""


def _begins(progress: PullProgress) -> str:
    where = f" from {progress.source}" if progress.source and progress.stage == "fetch" else ""
    size = f", {render.size(progress.total)}" if progress.total else ""
    return f"{progress.model}/{progress.file}: {progress.stage}{where}{size}"


def _goes_on(progress: PullProgress, percent: int) -> str:
    return f"{progress.model}/{progress.file}: {progress.stage} {percent}%"


class JsonLines:
    """An object a line on stdout; the last one is the command's own."""

    def __init__(self) -> None:
        self._key = ("", "", "")
        self._at = 0.0

    def tell(self, progress: PullProgress) -> None:
        """Print an object, unless one was printed just now."""
        key = (progress.model, progress.file, progress.stage)
        whole = bool(progress.total) and progress.done >= progress.total
        now = time.monotonic()
        if key == self._key and now - self._at < JSON_EVERY_S and not whole:
            return
        self._key, self._at = key, now
        print(json.dumps({"progress": msgspec.to_builtins(progress)}), flush=True)

    def note(self, text: str) -> None:
        """Programs need no notes."""

    def failed(self, model: str, error: EdgedError) -> None:
        """Print an object."""
        problem = {"model": model, "code": error.code, "message": error.message, "fix": error.fix}
        print(json.dumps({"failed": problem}), flush=True)

    def pause(self) -> None:
        """Nobody is asked."""

    def resume(self) -> None:
        """Nobody was asked."""
