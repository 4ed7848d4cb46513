"""The audio of a voice command: a file, or `-` for a file's bytes on stdin."""

import argparse
import os
import sys
from typing import Any

from edged.bridge.framing import split
from edged.errors import BadRequest


def add_file(command: argparse.ArgumentParser) -> None:
    """Add the audio's argument and the choice of a model."""
    command.add_argument("file", metavar="FILE", help="`-` reads the file from stdin")
    command.add_argument("--model", metavar="ID", help="by default the best that fits")


def audio_of(arguments: argparse.Namespace) -> tuple[dict[str, Any], tuple[memoryview, ...]]:
    """The fields of a request that name the audio and the model, and its parts.

    Raises:
        BadRequest: nothing came on stdin.
    """
    if arguments.file != "-":
        return {"path": os.path.abspath(arguments.file), "model": arguments.model}, ()
    data = sys.stdin.buffer.read()
    if not data:
        raise BadRequest("stdin held no bytes")
    return {"model": arguments.model}, split(data, None)
