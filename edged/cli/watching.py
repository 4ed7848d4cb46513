"""What a person sees while the daemon works: bars on a terminal, silence otherwise."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from edged.cli.connect import Settings
from edged.messages import replies
from edged.messages.records import Segment


class Watcher(Protocol):
    """Sees how a transcription goes on."""

    def progress(self, progress: replies.Progress) -> None:
        """The work is so far."""

    def note(self, text: str) -> None:
        """Something else is worth a line."""

    def segments(self, segments: tuple[Segment, ...]) -> None:
        """These are committed."""


@contextmanager
def watching(settings: Settings) -> Iterator[Watcher]:
    """A bar on stderr when a person looks at it, silence otherwise."""
    if settings.json or not sys.stderr.isatty():
        yield Silence()
        return
    from edged.cli.bars import Bar

    with Bar() as bar:
        yield bar


class Silence:
    """Nobody looks."""

    def progress(self, progress: replies.Progress) -> None:
        """Say nothing."""

    def note(self, text: str) -> None:
        """Say nothing."""

    def segments(self, segments: tuple[Segment, ...]) -> None:
        """Say nothing."""
