"""`align`: when each word and phone of a known text is spoken."""

import argparse
import sys
from typing import Any

from edged.cli import render
from edged.cli.connect import Settings
from edged.cli.voice import answering
from edged.cli.voice.asking import audio_of
from edged.errors import BadRequest
from edged.messages.voice import Align, Aligned


def add(commands: "argparse._SubParsersAction[Any]", shared: argparse.ArgumentParser) -> None:
    """Add this command."""
    text = "when each word and phone of a known text is spoken in a file"
    command = answering.command(commands, shared, "align", text)
    given = command.add_mutually_exclusive_group(required=True)
    given.add_argument("--text", metavar="T", help="what is said, word for word")
    given.add_argument("--text-file", metavar="PATH", help="a file with it, UTF-8")
    command.add_argument("--language", metavar="CODE", help="of the text; by default the model's")
    command.set_defaults(run=align)


def align(settings: Settings, arguments: argparse.Namespace) -> None:
    """Align one file and print words and phones."""
    fields, parts = audio_of(arguments)
    request = Align(**fields, text=_text(arguments), language=arguments.language)
    found = answering.ask(settings, arguments, request, parts, Aligned)
    if settings.json:
        render.as_json(found)
        return
    rows = [
        [
            render.clock(word.start_ms),
            render.clock(word.end_ms),
            word.text,
            _phones(found, word.start_ms, word.end_ms),
            f"{word.confidence:.0%}",
        ]
        for word in found.words
    ]
    render.table("", [">from", ">to", "word", "phones", ">sure"], rows)
    print(
        f"{render.clock(found.audio_ms)} of audio in {found.processing_time_ms} ms, "
        f"{found.model}, {found.language}"
    )


def _text(arguments: argparse.Namespace) -> str:
    if arguments.text is not None:
        return str(arguments.text)
    try:
        with open(arguments.text_file, encoding="utf-8") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise BadRequest(
            "the text file cannot be read", fix="give a readable file in UTF-8"
        ) from error


def _phones(found: Aligned, start_ms: int, end_ms: int) -> str:
    inner = [one for one in found.phonemes if start_ms <= one.start_ms < end_ms]
    encoding = sys.stdout.encoding or "ascii"
    signs = " ".join(one.ipa or one.phoneme for one in inner)
    try:
        signs.encode(encoding)
    except UnicodeEncodeError:
        return " ".join(one.phoneme for one in inner)
    return signs
