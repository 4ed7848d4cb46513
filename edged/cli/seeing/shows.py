"""Where the frames of a file go: one JSON object, a line each, or words for people."""

from collections.abc import Sequence
from typing import Protocol, TextIO

from edged.bridge.framing import Buffer
from edged.cli import render
from edged.cli.seeing import documents, words
from edged.messages.seeing import Looked, Seen, Stretch

EMBEDDED = "{} dimensions; --json prints them"


class Show(Protocol):
    """Takes the frames of a picture or of a video, then its end."""

    def frame(self, seen: Seen, parts: Sequence[Buffer]) -> None:
        """One more frame."""
        ...

    def end(self, looked: Looked) -> None:
        """There are no more."""
        ...


def show(*, as_json: bool, lines: bool, out: TextIO) -> Show:
    """What was asked for on the command line."""
    if lines:
        return Lines(out)
    return Document(out) if as_json else Words(out)


def is_picture(looked: Looked, last: Seen) -> bool:
    """Whether it was a picture: that has its time of the clock, and a video its time from 0."""
    return looked.frames == 1 and last.captured_at_ms > looked.duration_ms


class Lines:
    """A JSON object a frame, at once; nothing else."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def frame(self, seen: Seen, parts: Sequence[Buffer]) -> None:
        """Print it."""
        line = documents.line(documents.of_frame(seen, parts))
        print(line, file=self._out, flush=True)

    def end(self, looked: Looked) -> None:
        """Every frame is printed already."""


class Document:
    """One JSON object: of a picture what it shows, of a video its figures."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._last: tuple[Seen, Sequence[Buffer]] | None = None

    def frame(self, seen: Seen, parts: Sequence[Buffer]) -> None:
        """Keep the last one: nobody knows yet whether it is the only one."""
        self._last = seen, parts

    def end(self, looked: Looked) -> None:
        """Print the object."""
        if self._last is not None and is_picture(looked, self._last[0]):
            found = documents.of_frame(*self._last)
        else:
            found = documents.of_video(looked, None if self._last is None else self._last[0])
        print(documents.line(found), file=self._out)


class Words:
    """Tables: of a picture what it shows, of a video when which things were seen."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._last: tuple[Seen, Sequence[Buffer]] | None = None

    def frame(self, seen: Seen, parts: Sequence[Buffer]) -> None:
        """Keep the last one."""
        self._last = seen, parts

    def end(self, looked: Looked) -> None:
        """Print all that there is to say."""
        if self._last is None:
            print("there was no frame", file=self._out)
        elif is_picture(looked, self._last[0]):
            self._picture(*self._last)
        else:
            self._video(looked, self._last[0])

    def _picture(self, seen: Seen, parts: Sequence[Buffer]) -> None:
        found = words.tables(seen, parts)
        for table in found:
            render.table("", table.columns, table.rows)
        if seen.vector:
            print(EMBEDDED.format(seen.vector), file=self._out)
        elif not found:
            print("nothing found", file=self._out)
        took = f"{seen.processing_time_ms:.1f} ms"
        print(
            f"{seen.width} x {seen.height}, {took}, {seen.model} on {seen.device}", file=self._out
        )

    def _video(self, looked: Looked, last: Seen) -> None:
        if looked.tracks:
            columns = ["what", ">from", ">to", ">frames", ">at once"]
            render.table("", columns, [_row(one) for one in looked.tracks])
        share = looked.detected / looked.frames if looked.frames else 0.0
        print(
            f"{render.counted(looked.frames, 'frame')}, something in {looked.detected:,} "
            f"({share:.0%}){_lost(looked)}, {looked.fps:.1f} frames a second, {last.model} on {last.device}",
            file=self._out,
        )


def _lost(looked: Looked) -> str:
    return f", {looked.lost:,} lost with a worker" if looked.lost else ""


def _row(track: Stretch) -> list[str]:
    return [
        track.of,
        render.clock(track.start_ms),
        render.clock(track.end_ms),
        f"{track.frames:,}",
        str(track.most),
    ]
