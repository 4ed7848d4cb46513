"""`record`: a session from this machine's microphone or from what it plays, until Ctrl-C."""

import argparse
from typing import Any, get_args

from edged.cli.families import later
from edged.cli.sessions import add_work
from edged.messages import sessions as wire


def add(commands: "argparse._SubParsersAction[Any]", shared: argparse.ArgumentParser) -> None:
    """Add the command."""
    text = "record, with live captions; Ctrl-C ends it, then speakers are told apart"
    command = commands.add_parser("record", parents=[shared], help=text, description=text)
    command.add_argument(
        "--for", type=float, metavar="SECONDS", dest="seconds", help="end by itself"
    )
    command.add_argument("--source", choices=("mic", "loopback", "both"), default="mic")
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
    add_work(command)
    command.set_defaults(run=later("edged.cli.recording", "record"))
