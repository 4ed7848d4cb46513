"""How far a video is, on stderr, when a person looks at it."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from edged.cli import render
from edged.cli.connect import Settings
from edged.messages.seeing import Seen

FEW = 2
"""Frames before which nothing is told: it may be a picture."""


class Watcher(Protocol):
    """Sees how it goes on."""

    def frame(self, seen: Seen) -> None:
        """One more frame."""
        ...

    def progress(self, fraction: float) -> None:
        """How far the whole is, in [0, 1]."""
        ...

    def note(self, text: str) -> None:
        """Something else is worth a line."""
        ...


@contextmanager
def watching(settings: Settings) -> Iterator[Watcher]:
    """A line on stderr that is written over when a person looks at it, silence otherwise."""
    if settings.json or not sys.stderr.isatty():
        yield Silence()
        return
    from rich.console import Console

    console = Console(stderr=True, highlight=False)
    with console.status("looking") as status:
        yield Line(status.update, console.print)


class Silence:
    """Nobody looks."""

    def frame(self, seen: Seen) -> None:
        """Say nothing."""

    def progress(self, fraction: float) -> None:
        """Say nothing."""

    def note(self, text: str) -> None:
        """Say nothing."""


class Told(Protocol):
    """What takes a text to be shown."""

    def __call__(self, text: str, /) -> None:
        """Show it."""
        ...


class Line:
    """How much of the video is done, its time, frames, and how quickly they come.

    Args:
        update: changes the line. above: prints one that stays.
    """

    def __init__(self, update: Told, above: Told) -> None:
        self._update = update
        self._above = above
        self._frames = 0
        self._share = ""
        self._began = time.monotonic()

    def frame(self, seen: Seen) -> None:
        """Move on."""
        if not self._frames:
            self._began = time.monotonic()
        self._frames += 1
        if self._frames >= FEW:
            pace = (self._frames - 1) / max(0.001, time.monotonic() - self._began)
            at = render.clock(seen.captured_at_ms)
            self._update(
                f"{self._share}{at}, {render.counted(self._frames, 'frame')}, {pace:.1f} a second"
            )

    def progress(self, fraction: float) -> None:
        """Shown with the next frame."""
        self._share = f"{fraction:.0%}, "

    def note(self, text: str) -> None:
        """Print it."""
        self._above(text)
