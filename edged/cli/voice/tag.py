"""`tag`: what is heard when, speech or anything else."""

import argparse
from typing import Any

from edged.cli import render
from edged.cli.connect import Settings
from edged.cli.voice import answering
from edged.cli.voice.asking import audio_of
from edged.messages.voice import AudioTag, SoundTags


def add(commands: "argparse._SubParsersAction[Any]", shared: argparse.ArgumentParser) -> None:
    """Add this command."""
    command = answering.command(commands, shared, "tag", "what is heard when in a file")
    command.add_argument(
        "--min-score", type=float, default=0.3, metavar="S", help="labels from here on (0.3)"
    )
    command.add_argument(
        "--label", metavar="L", action="append", default=[], help="only this one; repeat for more"
    )
    command.set_defaults(run=tag)


def tag(settings: Settings, arguments: argparse.Namespace) -> None:
    """Print the stretches of every label."""
    fields, parts = audio_of(arguments)
    request = AudioTag(
        **fields,
        min_score=arguments.min_score,
        labels=tuple(arguments.label),
    )
    found = answering.ask(settings, arguments, request, parts, SoundTags)
    if settings.json:
        render.as_json(found)
        return
    rows = [
        [render.clock(one.start_ms), render.clock(one.end_ms), one.label, f"{one.score:.2f}"]
        for one in found.tags
    ]
    render.table("", [">from", ">to", "label", ">score"], rows)
