"""Commands about a voice that are answered with one reply: ask the daemon, wait, print."""

import argparse
import sys
from collections.abc import Sequence
from typing import Any, TypeVar

from edged.cli import render
from edged.cli.connect import Settings
from edged.cli.missing import add_pull, with_pull
from edged.cli.voice.asking import add_file
from edged.errors import BadRequest
from edged.messages import replies
from edged.messages.requests import AnyRequest

R = TypeVar("R")


def command(
    commands: "argparse._SubParsersAction[Any]",
    shared: argparse.ArgumentParser,
    name: str,
    text: str,
) -> argparse.ArgumentParser:
    """A command that takes a FILE, and a model that may be pulled."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name, parents=[shared], help=text, description=text
    )
    add_file(parser)
    add_pull(parser)
    return parser


def ask(
    settings: Settings,
    arguments: argparse.Namespace,
    request: AnyRequest,
    parts: Sequence[memoryview],
    reply: type[R],
) -> R:
    """The answer, with a line on stderr while a model is loaded; a missing model may be pulled.

    Raises:
        BadRequest: the daemon answers with something else.
    """

    def run() -> R:
        with settings.connect() as daemon:
            for found, _ in daemon.stream(request, parts):
                if isinstance(found, reply):
                    return found
                _tell(settings, found)
        raise BadRequest("the daemon answered with something else")

    return with_pull(settings, arguments, run)


def _tell(settings: Settings, found: replies.AnyReply) -> None:
    if isinstance(found, replies.Loading) and not settings.json:
        print(f"loading {found.model}, about {render.ago(found.expected_ms)}", file=sys.stderr)
