"""`serve`: run the daemon in this process."""

import argparse
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
    """Run the daemon until it is stopped."""
    import os

    from edged import daemon

    journal = "JOURNAL_STREAM" in os.environ
    log.start(level=arguments.log_level, file=arguments.log_file, journal=journal)
    return daemon.run(settings.paths, config.load(settings.paths))
