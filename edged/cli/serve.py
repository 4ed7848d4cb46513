"""`serve`: run the daemon in this process."""

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from edged import config, log
from edged.cli.connect import Settings
from edged.errors import ConfigError


def add(commands: "argparse._SubParsersAction[Any]", shared: argparse.ArgumentParser) -> None:
    """Add this family's commands."""
    text = "run the daemon in the foreground, until SIGTERM, Ctrl-C or `edged shutdown`"
    command = commands.add_parser("serve", parents=[shared], help=text, description=text)
    command.add_argument("--log-file", type=Path, metavar="FILE", help="log there, not to stderr")
    command.add_argument(
        "--log-level", default="INFO", choices=("DEBUG", "INFO", "WARNING", "ERROR")
    )
    command.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting for this run, for example --set jobs.concurrency=2",
    )
    command.set_defaults(run=serve)


def serve(settings: Settings, arguments: argparse.Namespace) -> int:
    """Run the daemon until it is stopped; a wrapped key's passphrase is asked at a terminal."""
    from edged import daemon
    from edged.cli import ceremony

    journal = "JOURNAL_STREAM" in os.environ
    log.start(level=arguments.log_level, file=arguments.log_file, journal=journal)
    flags = dict(_split(given) for given in arguments.set)
    unlock = ceremony.passphrase_for(settings) if sys.stdin.isatty() else None
    return daemon.run(settings.paths, config.load(settings.paths, flags=flags), passphrase=unlock)


def _split(given: str) -> tuple[str, str]:
    """One setting of the command line.

    Raises:
        ConfigError: it is no NAME=VALUE.
    """
    name, equals, value = given.partition("=")
    if not equals or "." not in name:
        raise ConfigError("--set takes SECTION.NAME=VALUE", fix="`edged config` lists the names")
    return name, value
