"""`serve`: run the daemon in this process."""

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from edged import config, log
from edged.cli.connect import Settings


def add(commands: "argparse._SubParsersAction[Any]", shared: argparse.ArgumentParser) -> None:
    """Add this family's commands."""
    text = "run the daemon in the foreground, until SIGTERM, Ctrl-C or `edged shutdown`"
    command = commands.add_parser("serve", parents=[shared], help=text, description=text)
    command.add_argument("--log-file", type=Path, metavar="FILE", help="log there, not to stderr")
    command.add_argument(
        "--log-level", default="INFO", choices=("DEBUG", "INFO", "WARNING", "ERROR")
    )
    command.set_defaults(run=serve)


def serve(settings: Settings, arguments: argparse.Namespace) -> int:
    """Run the daemon until it is stopped; a wrapped key's passphrase is asked at a terminal."""
    from edged import daemon
    from edged.cli import ceremony

    journal = "JOURNAL_STREAM" in os.environ
    log.start(level=arguments.log_level, file=arguments.log_file, journal=journal)
    unlock = ceremony.passphrase_for(settings) if sys.stdin.isatty() else None
    return daemon.run(settings.paths, config.load(settings.paths), passphrase=unlock)
