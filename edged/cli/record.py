"""`record`: a session from this machine's microphone, what it plays, cameras and screens, until Ctrl-C."""

import argparse
from typing import Any, get_args

from edged.cli.families import later
from edged.cli.sessions import add_work
from edged.messages import seeing
from edged.messages import sessions as wire


def add(commands: "argparse._SubParsersAction[Any]", shared: argparse.ArgumentParser) -> None:
    """Add the command."""
    text = "record, with live captions; Ctrl-C ends it, then speakers are told apart"
    command = commands.add_parser("record", parents=[shared], help=text, description=text)
    command.add_argument(
        "--for", type=float, metavar="SECONDS", dest="seconds", help="end by itself"
    )
    command.add_argument(
        "--source",
        choices=("mic", "loopback", "both", "none"),
        help="of sound (default: mic; with --video: none)",
    )
    command.add_argument("--device", metavar="NAME", help="name or id from `edged devices`")
    command.add_argument(
        "--loopback-device", metavar="NAME", help="likewise, of the second source with `both`"
    )
    command.add_argument("--codec", choices=get_args(wire.Codec), default="opus")
    command.add_argument("--sample-rate", type=int, default=16_000, metavar="HZ")
    command.add_argument("--channels", type=int, default=1, choices=(1, 2))
    command.add_argument("--name", default="", help="what the session is called")
    command.add_argument(
        "--group", default="", metavar="NAME", help="sessions that belong together"
    )
    command.add_argument(
        "--discard-audio", action="store_true", help="delete the audio when the work is done"
    )
    command.add_argument("--no-live", action="store_true", help="no captions while recording")
    command.add_argument(
        "--no-wait", action="store_true", help="do not wait for the work after the end"
    )
    _add_sight(command)
    add_work(command)
    command.set_defaults(run=later("edged.cli.recording", "record"))


def _add_sight(command: argparse.ArgumentParser) -> None:
    """What is seen, beside what is heard."""
    sight = command.add_argument_group("what is seen")
    for flag, text in (
        ("--pose", "keep the landmarks of bodies"),
        ("--face", "keep the landmarks of faces"),
        ("--hands", "keep the landmarks of hands"),
        ("--objects", "keep from when to when objects were seen"),
        ("--gestures", "tell when a hand makes another gesture (experimental; with --hands)"),
        ("--blinks", "see whether eyes are shut (experimental; with --face alone)"),
        ("--motion", "leave out frames in which nothing moved"),
    ):
        sight.add_argument(flag, action="store_true", help=text)
    sight.add_argument(
        "--camera", nargs="?", const="", metavar="NAME",
        help="name, id or named pipe; without it the default one, when something is to be seen",
    )  # fmt: skip
    sight.add_argument(
        "--screen", nargs="?", const="", metavar="NAME",
        help="keep a picture whenever the screen has changed",
    )  # fmt: skip
    sight.add_argument(
        "--deny", action="append", default=[], metavar="TITLE",
        help="part of the title of a window that is never looked at; may be repeated",
    )  # fmt: skip
    sight.add_argument("--video", metavar="PATH", help="watch a file, as fast as it goes")
    sight.add_argument("--fps", type=float, default=15.0, help="frames a second at most")
    sight.add_argument("--complexity", choices=get_args(seeing.Complexity), default="full")
    sight.add_argument("--min-detection-confidence", type=float, default=0.5, metavar="X")
    sight.add_argument("--min-tracking-confidence", type=float, default=0.5, metavar="X")
