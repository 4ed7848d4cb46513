"""`transcribe`: speech to text."""

import argparse
import os
import sys
from typing import Any

from edged.bridge.framing import split
from edged.bridge.link import SyncClient
from edged.cli import render
from edged.cli.connect import Settings
from edged.cli.missing import add_pull, with_pull
from edged.cli.watching import Watcher, watching
from edged.errors import BadRequest
from edged.messages import replies, requests
from edged.messages.records import Segment


def add(commands: "argparse._SubParsersAction[Any]", shared: argparse.ArgumentParser) -> None:
    """Add this family's commands."""
    text = "turn a file's speech into text; `-` reads the file from stdin"
    command = commands.add_parser("transcribe", parents=[shared], help=text, description=text)
    command.add_argument("file", metavar="FILE")
    command.add_argument("--model", metavar="ID", help="by default the best that fits")
    command.add_argument("--language", metavar="CODE", help="en, de, ...; by default detected")
    command.add_argument("--fresh", action="store_true", help="again, even if it was done before")
    command.add_argument("--no-words", action="store_true", help="leave the words' times out")
    command.add_argument("--keep-audio", action="store_true", help="copy the audio to the store")
    command.add_argument("--diarize", action="store_true", help="say who speaks")
    command.add_argument("--speakers", type=int, metavar="N", help="how many there are, if known")
    command.add_argument(
        "--lexicon", action="append", metavar="NAME", help="correct and count; several are added up"
    )
    add_pull(command)
    command.set_defaults(run=transcribe)


def transcribe(settings: Settings, arguments: argparse.Namespace) -> None:
    """Transcribe one file and print the transcript."""
    request, parts = _request(arguments)

    def run() -> tuple[list[Segment], replies.Transcribed]:
        with settings.connect() as daemon, watching(settings) as watcher:
            return follow(daemon, request, parts, watcher)

    segments, end = with_pull(settings, arguments, run)
    if settings.json:
        render.as_json(as_document(segments, end))
        return
    print_transcript(segments, end, words=False)


def _request(arguments: argparse.Namespace) -> tuple[requests.Transcribe, tuple[memoryview, ...]]:
    piped = arguments.file == "-"
    request = requests.Transcribe(
        path=None if piped else os.path.abspath(arguments.file),
        model=arguments.model,
        language=arguments.language,
        fresh=arguments.fresh,
        words=not arguments.no_words,
        keep_audio=True if arguments.keep_audio else None,
        diarize=arguments.diarize or arguments.speakers is not None,
        speakers=arguments.speakers,
        lexicons=None if arguments.lexicon is None else tuple(arguments.lexicon),
    )
    if not piped:
        return request, ()
    data = sys.stdin.buffer.read()
    if not data:
        raise BadRequest("stdin held no bytes")
    return request, split(data, None)


def follow(
    daemon: SyncClient,
    request: requests.Transcribe,
    parts: tuple[memoryview, ...],
    watcher: Watcher,
) -> tuple[list[Segment], replies.Transcribed]:
    """Send a transcription and collect its segments until the end.

    Segments that begin at 0 again are the final ones, with speakers: they take the others' place.
    """
    segments: list[Segment] = []
    for reply, _ in daemon.stream(request, parts):
        match reply:
            case replies.Transcribed():
                return segments, reply
            case replies.Transcript():
                if segments and reply.segments and not reply.segments[0].seq:
                    segments.clear()
                segments.extend(reply.segments)
                watcher.segments(reply.segments)
            case replies.Progress():
                watcher.progress(reply)
            case replies.Loading():
                watcher.note(f"loading {reply.model}, about {render.ago(reply.expected_ms)}")
            case replies.Accepted() if reply.reused:
                watcher.note("transcribed before; --fresh does it again")
            case _:
                pass
    raise BadRequest("the daemon ended the transcription without a result")


def as_document(segments: list[Segment], end: replies.Transcribed) -> dict[str, object]:
    """What `edged transcribe --json` prints."""
    return {
        "recording_id": end.recording_id,
        "model": end.model,
        "language": end.language,
        "language_source": end.language_source,
        "audio_ms": end.audio_ms,
        "compute_ms": end.compute_ms,
        "segments": segments,
    }


def print_transcript(
    segments: list[Segment], end: replies.Transcribed, *, words: bool, title: str = ""
) -> None:
    """Print the segments as a table, with a line about model and speed below."""
    columns = [">from", ">to", "text", ">sure"]
    speakers = any(segment.speaker for segment in segments)
    if speakers:
        columns.insert(2, "speaker")
    if words:
        columns.append("words")
    rows = [_row(segment, words=words, speakers=speakers) for segment in segments]
    render.table(title, columns, rows)
    took_s = end.compute_ms / 1000
    speed = end.audio_ms / end.compute_ms if end.compute_ms else 0.0
    print(
        f"{end.recording_id}  {render.clock(end.audio_ms)} of audio in {took_s:.1f} s "
        f"({speed:.1f} times real time), {end.model}, {end.language} ({end.language_source})"
    )


def _row(segment: Segment, *, words: bool, speakers: bool) -> list[str]:
    row = [
        render.clock(segment.start_ms),
        render.clock(segment.end_ms),
        segment.text,
        f"{segment.confidence:.0%}",
    ]
    if speakers:
        row.insert(2, segment.speaker + ("+" if segment.overlap else ""))
    if words:
        row.append(" ".join(f"{word.text}@{word.start_ms / 1000:.2f}" for word in segment.words))
    return row
