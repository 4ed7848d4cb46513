"""`search`: finding again what was said."""

import argparse
from typing import Any

import msgspec

from edged.cli import render
from edged.cli.connect import Settings
from edged.messages import replies, requests
from edged.messages.records import Hit, Pending


def add(commands: "argparse._SubParsersAction[Any]", shared: argparse.ArgumentParser) -> None:
    """Add this command."""
    text = "find words in all transcripts, newest first"
    command = commands.add_parser("search", parents=[shared], help=text, description=text)
    command.add_argument("query", metavar="WORDS", nargs="+")
    command.add_argument("--limit", type=int, default=20)
    command.add_argument("--recording", metavar="ID")
    command.add_argument("--session", metavar="ID")
    command.add_argument("--group", metavar="NAME", help="sessions that belong together")
    command.add_argument("--speaker", metavar="WHO", help="id, label, or a person's name")
    command.add_argument("--since", metavar="TIME", help="said then or later: 2026-11-21[T08:00]")
    command.add_argument(
        "--until", metavar="TIME", help="said before; times are UTC or with +01:00"
    )
    command.add_argument("--language", metavar="CODE")
    command.add_argument("--emotion", metavar="NAME", help="how it sounded: happy, angry, ...")
    command.set_defaults(run=search)


def search(settings: Settings, arguments: argparse.Namespace) -> None:
    """Print what was found, newest first, and what is still to be recognised."""
    request = requests.TranscriptsSearch(
        query=" ".join(arguments.query),
        limit=arguments.limit,
        recording_id=arguments.recording,
        session_id=arguments.session,
        group=arguments.group,
        speaker=arguments.speaker,
        since=arguments.since,
        until=arguments.until,
        language=arguments.language,
        emotion=arguments.emotion,
    )
    with settings.connect() as daemon:
        found = daemon.ask(request, replies.Hits)
    if settings.json:
        hits = [msgspec.to_builtins(hit) for hit in found.hits]
        render.as_json({"hits": hits, "pending": found.pending})
        return
    _print(found.hits, found.pending)


def _print(hits: tuple[Hit, ...], pending: tuple[Pending, ...]) -> None:
    if hits:
        columns = ["recording", ">at", "speaker", "text"]
        speakers = any(hit.speaker for hit in hits)
        rows = [
            [hit.name or hit.recording_id, render.clock(hit.start_ms), hit.speaker, hit.snippet]
            for hit in hits
        ]
        if not speakers:
            columns.pop(2)
            rows = [[*row[:2], row[3]] for row in rows]
        render.table("", columns, rows)
    else:
        print("nothing found")
    for one in pending:
        stretch = f"{render.clock(one.start_ms)} to {render.clock(one.end_ms)}"
        print(f"not recognised yet: {stretch} of session {one.session_id}")
