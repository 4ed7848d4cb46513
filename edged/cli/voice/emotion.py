"""`emotion`: how each stretch of speech sounds."""

import argparse
from typing import Any

from edged.cli import render
from edged.cli.connect import Settings
from edged.cli.voice import answering
from edged.cli.voice.asking import audio_of
from edged.messages.voice import EmotionSpeech, SpokenEmotions


def add(commands: "argparse._SubParsersAction[Any]", shared: argparse.ArgumentParser) -> None:
    """Add this command."""
    command = answering.command(commands, shared, "emotion", "how each stretch of speech sounds")
    command.set_defaults(run=emotion)


def emotion(settings: Settings, arguments: argparse.Namespace) -> None:
    """Print the emotion of each stretch of speech."""
    fields, parts = audio_of(arguments)
    request = EmotionSpeech(**fields)
    found = answering.ask(settings, arguments, request, parts, SpokenEmotions)
    if settings.json:
        render.as_json(found)
        return
    rows = [
        [
            render.clock(one.start_ms),
            render.clock(one.end_ms),
            one.emotion,
            f"{one.confidence:.0%}",
        ]
        for one in found.emotions
    ]
    render.table("", [">from", ">to", "emotion", ">sure"], rows)
