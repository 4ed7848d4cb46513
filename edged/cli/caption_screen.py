"""Prints captions: a partial line that is written over, texts that scroll; or one JSON object a line."""

import json
import shutil
import sys
from typing import Protocol, TextIO

import msgspec

from edged.cli import render
from edged.messages.records import Segment
from edged.messages.replies import AnyReply, Loading, Overflow, Transcript
from edged.messages.sessions import PartialText, StreamClosed, StreamOpened

CLEAR = "\r\x1b[K"


class Screen(Protocol):
    """Where captions go."""

    def show(self, reply: AnyReply) -> None:
        """Show one reply of a stream."""
        ...


def screen(*, as_json: bool, out: TextIO) -> Screen:
    """What suits the output: JSON, a terminal, or a pipe that gets only texts that stay."""
    if as_json:
        return Lines(out)
    return Scroll(out, rewrites=out.isatty())


class Lines:
    """One JSON object a line: `opened`, `partial`, `segment`, `closed`, told apart by `type`."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def show(self, reply: AnyReply) -> None:
        """Print a reply; of a transcript each segment by itself."""
        if isinstance(reply, Transcript):
            for segment in reply.segments:
                self._print({"type": "segment", **msgspec.to_builtins(segment)})
        else:
            self._print(msgspec.to_builtins(reply))

    def _print(self, line: dict[str, object]) -> None:
        print(json.dumps(line, ensure_ascii=False), file=self._out, flush=True)


class Scroll:
    """For people. rewrites: a terminal, whose last line can be written over."""

    def __init__(self, out: TextIO, *, rewrites: bool) -> None:
        self._out = out
        self._rewrites = rewrites

    def show(self, reply: AnyReply) -> None:
        """Show a reply."""
        match reply:
            case PartialText(text=text):
                self._partial(text)
            case Transcript(segments=segments):
                for segment in segments:
                    self._final(segment)
            case StreamOpened(model=model, streaming=streaming):
                how = "as it comes" if streaming else "utterance by utterance"
                self._note(f"listening; {model}, {how}; Ctrl-C ends it")
            case Loading(model=model):
                self._note(f"loading {model}")
            case Overflow(dropped=dropped):
                self._note(f"{dropped} captions were lost: this terminal is too slow")
            case StreamClosed(audio_ms=audio_ms, segment_count=count):
                self._note(f"{render.clock(audio_ms)} heard, {count} utterances")
            case _:
                pass

    def _partial(self, text: str) -> None:
        if not self._rewrites:
            return
        width = shutil.get_terminal_size().columns - 1
        text = _printable(text)
        shown = text if len(text) <= width else "…" + text[-(width - 1) :]
        print(f"{CLEAR}{shown}", end="", file=self._out, flush=True)

    def _final(self, segment: Segment) -> None:
        clear = CLEAR if self._rewrites else ""
        text = _printable(segment.text)
        print(f"{clear}{render.clock(segment.start_ms)}  {text}", file=self._out, flush=True)

    def _note(self, text: str) -> None:
        print(f"{CLEAR if self._rewrites else ''}{text}", file=sys.stderr, flush=True)


def _printable(text: str) -> str:
    """Without control characters: a model's text must not move the cursor."""
    return "".join(one if one.isprintable() else " " for one in text)
