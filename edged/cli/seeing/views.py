"""What is seen of a stream while it goes on: a table that lives, lines in a pipe, or JSON."""

import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

import msgspec

from edged.bridge.framing import Buffer
from edged.cli import render
from edged.cli.seeing import documents, words
from edged.cli.seeing.rates import Rates
from edged.messages.seeing import FrameCounts, Seen


class View(Protocol):
    """Takes what comes of a stream."""

    def frame(self, seen: Seen, parts: Sequence[Buffer]) -> None:
        """One more frame."""
        ...

    def note(self, text: str) -> None:
        """Something else is worth a line."""
        ...

    def end(self, counts: FrameCounts, last: Seen | None) -> None:
        """It is over. last: the frame that came last."""
        ...


def opened(*, as_json: bool, lines: bool) -> AbstractContextManager[View]:
    """A table on a terminal, a line for each change in a pipe, or JSON."""
    if lines:
        return nullcontext(Lines())
    if as_json:
        return nullcontext(Document())
    if not sys.stdout.isatty():
        return nullcontext(Log())
    from edged.cli.seeing.live_table import LiveTable

    return LiveTable()


class Lines:
    """A JSON object a frame."""

    def frame(self, seen: Seen, parts: Sequence[Buffer]) -> None:
        """Print it."""
        print(documents.line(documents.of_frame(seen, parts)), flush=True)

    def note(self, text: str) -> None:
        """On stderr."""
        print(text, file=sys.stderr, flush=True)

    def end(self, counts: FrameCounts, last: Seen | None) -> None:
        """Every frame is printed already."""


class Document:
    """One JSON object at the end."""

    def __init__(self, rates: Rates | None = None) -> None:
        self._rates = rates or Rates()

    def frame(self, seen: Seen, parts: Sequence[Buffer]) -> None:
        """Count it."""
        self._rates.add(seen, parts)

    def note(self, text: str) -> None:
        """Say nothing."""

    def end(self, counts: FrameCounts, last: Seen | None) -> None:
        """Print the object."""
        found = documents.of_video(self._rates.looked(counts), last)
        found["counts"] = msgspec.to_builtins(counts)
        print(documents.line(found))


class Log:
    """A line whenever something else is seen than before."""

    def __init__(self) -> None:
        self._first_ms: int | None = None
        self._told = ""

    def frame(self, seen: Seen, parts: Sequence[Buffer]) -> None:
        """Print what it shows, if that is new."""
        del parts
        if self._first_ms is None:
            self._first_ms = seen.captured_at_ms
        told = words.summary(seen)
        if told != self._told:
            self._told = told
            print(f"{render.clock(seen.captured_at_ms - self._first_ms)}  {told}", flush=True)

    def note(self, text: str) -> None:
        """On stderr."""
        print(text, file=sys.stderr, flush=True)

    def end(self, counts: FrameCounts, last: Seen | None) -> None:
        """Print the figures."""
        del last
        print(told_of(counts), flush=True)


def told_of(counts: FrameCounts) -> str:
    """Figures of a stream in a line: `300 frames, something in 280; left out: 3 late`."""
    left_out = [
        f"{count:,} {why}"
        for count, why in ((counts.still, "still"), (counts.late, "late"), (counts.lost, "lost"))
        if count
    ]
    rest = f"; left out: {', '.join(left_out)}" if left_out else ""
    return f"{render.counted(counts.processed, 'frame')}, something in {counts.detected:,}{rest}"
