"""`language`: which language is spoken."""

import argparse
from typing import Any

from edged.cli import render
from edged.cli.connect import Settings
from edged.cli.voice import answering
from edged.cli.voice.asking import audio_of
from edged.messages.voice import LanguageIdentify, SpokenLanguages


def add(commands: "argparse._SubParsersAction[Any]", shared: argparse.ArgumentParser) -> None:
    """Add this command."""
    command = answering.command(commands, shared, "language", "which language is spoken in a file")
    command.add_argument("--top", type=int, default=5, metavar="N", help="so many languages (5)")
    command.set_defaults(run=language)


def language(settings: Settings, arguments: argparse.Namespace) -> None:
    """Print the likeliest languages."""
    fields, parts = audio_of(arguments)
    request = LanguageIdentify(**fields, top_k=arguments.top)
    found = answering.ask(settings, arguments, request, parts, SpokenLanguages)
    if settings.json:
        render.as_json(found)
        return
    rows = [[one.language, f"{one.confidence:.1%}"] for one in found.languages]
    render.table("", ["language", ">sure"], rows)
