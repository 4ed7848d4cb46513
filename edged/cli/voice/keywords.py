"""`keywords`: when any of some words or phrases is spoken."""

import argparse
from typing import Any

from edged.cli import render
from edged.cli.connect import Settings
from edged.cli.voice import answering
from edged.cli.voice.asking import audio_of
from edged.messages.voice import Keywords, KeywordsHeard


def add(commands: "argparse._SubParsersAction[Any]", shared: argparse.ArgumentParser) -> None:
    """Add this command."""
    text = "when any of some words or phrases is spoken"
    command = answering.command(commands, shared, "keywords", text)
    command.add_argument(
        "keywords", metavar="WORD", nargs="+", help="a word, or a phrase in quotes"
    )
    text = "from 0 to 1, greater hears less; by default the model's"
    command.add_argument("--threshold", type=float, metavar="T", help=text)
    command.set_defaults(run=keywords)


def keywords(settings: Settings, arguments: argparse.Namespace) -> None:
    """Print every hit."""
    fields, parts = audio_of(arguments)
    request = Keywords(
        **fields,
        keywords=tuple(arguments.keywords),
        threshold=arguments.threshold,
    )
    found = answering.ask(settings, arguments, request, parts, KeywordsHeard)
    if settings.json:
        render.as_json(found)
        return
    if not found.hits:
        print("none of them is heard")
        return
    rows = [
        [render.clock(one.start_ms), render.clock(one.end_ms), one.keyword] for one in found.hits
    ]
    render.table("", [">from", ">to", "keyword"], rows)
