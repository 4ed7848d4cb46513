"""Commands with verbs of their own: `edged jobs list`, `edged models ps`."""

import argparse
import importlib
from collections.abc import Callable
from typing import Any

from edged.cli.connect import Settings

Run = Callable[[Settings, argparse.Namespace], int | None]


class Family:
    """One noun and its verbs.

    Args:
        commands: where the noun is added.
        shared: flags that every command has.
        name: the noun.
        text: what it is about.
    """

    def __init__(
        self,
        commands: "argparse._SubParsersAction[Any]",
        shared: argparse.ArgumentParser,
        name: str,
        text: str,
    ) -> None:
        self._shared = shared
        self._parser = commands.add_parser(name, help=text, description=text)
        self._verbs = self._parser.add_subparsers(metavar="VERB", required=True)

    def add(self, verb: str, run: Run, text: str) -> argparse.ArgumentParser:
        """Add a verb and return its parser, for arguments."""
        parser: argparse.ArgumentParser = self._verbs.add_parser(
            verb, parents=[self._shared], help=text, description=text
        )
        parser.set_defaults(run=run)
        return parser


def later(module: str, function: str) -> Run:
    """A command whose module is imported when it runs: others start without waiting for it."""

    def run(settings: Settings, arguments: argparse.Namespace) -> int | None:
        command: Run = getattr(importlib.import_module(module), function)
        return command(settings, arguments)

    return run
