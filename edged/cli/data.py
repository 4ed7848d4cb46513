"""`backup` and `restore`: copies of the encrypted store."""

import argparse
import os
from typing import Any

from edged.cli import render
from edged.cli.connect import Settings
from edged.messages import replies, requests


def add(commands: "argparse._SubParsersAction[Any]", shared: argparse.ArgumentParser) -> None:
    """Add this family's commands."""
    text = "write an encrypted copy of the store while the daemon works on (same key)"
    command = commands.add_parser("backup", parents=[shared], help=text, description=text)
    command.add_argument("file", metavar="FILE", help="a file that does not exist yet")
    command.set_defaults(run=backup)
    text = "put a backup in the store's place; the daemon must be stopped, the old store is kept"
    command = commands.add_parser("restore", parents=[shared], help=text, description=text)
    command.add_argument("file", metavar="FILE")
    command.set_defaults(run=restore)


def backup(settings: Settings, arguments: argparse.Namespace) -> None:
    """Ask the daemon for a copy."""
    request = requests.Backup(path=os.path.abspath(arguments.file))
    with settings.connect() as daemon:
        found = daemon.ask(request, replies.BackedUp)
    if settings.json:
        render.as_json({"path": found.path, "size_bytes": found.size_bytes})
    else:
        print(f"{render.size(found.size_bytes)} written; it opens with the present key only")


def restore(settings: Settings, arguments: argparse.Namespace) -> None:
    """Check a copy and put it in the store's place; needs no daemon."""
    from edged.cli import ceremony

    ceremony.restore(settings, arguments)
