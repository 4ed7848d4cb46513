"""`captions`: what is said, while it is said."""

import argparse
from typing import Any

from edged.cli.families import later
from edged.messages.sessions import DeviceType

SOURCES: dict[str, DeviceType] = {
    "mic": "microphone",
    "microphone": "microphone",
    "loopback": "loopback",
}


def add(commands: "argparse._SubParsersAction[Any]", shared: argparse.ArgumentParser) -> None:
    """Add this family's command."""
    text = "live captions: of the microphone, of a running session, or (-) of audio from stdin"
    command = commands.add_parser(
        "captions",
        parents=[shared],
        help=text,
        description=f"{text}. With --json, one object a line. Ctrl-C ends it; without --session and -, "
        "the session that was started ends too, and its audio is not kept.",
    )
    command.add_argument(
        "input", nargs="?", choices=("-",), metavar="-", help="read WAV or raw PCM from stdin"
    )
    command.add_argument("--session", metavar="ID", help="follow a session that is being recorded")
    command.add_argument("--source", choices=tuple(SOURCES), default="mic")
    command.add_argument("--device", metavar="NAME", help="a name or id from `edged devices`")
    command.add_argument("--model", metavar="ID", help="by default a streaming one, if one is here")
    command.add_argument("--language", metavar="CODE")
    command.add_argument(
        "--lexicon",
        action="append",
        metavar="NAME",
        help="correct what is misheard; may be repeated",
    )
    command.add_argument("--no-store", action="store_true", help="with -: keep no text either")
    raw = command.add_argument_group("raw PCM on stdin (a WAV file says it itself)")
    raw.add_argument("--rate", type=int, default=16_000, metavar="HZ")
    raw.add_argument("--channels", type=int, default=1, metavar="N")
    raw.add_argument("--format", choices=("s16le", "f32le"), default="s16le")
    command.set_defaults(run=later("edged.cli.live_captions", "captions"))
