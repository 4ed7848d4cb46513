"""Runs a command again once the model that it lacked was pulled."""

import argparse
from collections.abc import Callable
from typing import TypeVar

from edged.cli import asking, render
from edged.cli.connect import Settings
from edged.errors import ModelMissing

R = TypeVar("R")


def add_pull(command: argparse.ArgumentParser) -> None:
    """Add the flag that answers the question."""
    text = "fetch a model that is not here, without being asked"
    command.add_argument("--pull", action="store_true", help=text)


def with_pull(settings: Settings, arguments: argparse.Namespace, run: Callable[[], R]) -> R:
    """What `run` gives; when a model is missing that can be pulled, ask, pull it, and run again.

    Args:
        settings: of the command; with --json nobody is asked.
        arguments: of the command, with the flag that `add_pull` added.
        run: the command; called at most twice.

    Raises:
        ModelMissing: it cannot be pulled, or nobody said yes; it names size, licence and command.
    """
    try:
        return run()
    except ModelMissing as error:
        if not error.details.get("command") or not _agreed(settings, arguments, error):
            raise
        _pull(settings, str(error.details["model"]))
    return run()


def _agreed(settings: Settings, arguments: argparse.Namespace, error: ModelMissing) -> bool:
    if arguments.pull:
        return True
    size, licence = error.details.get("bytes"), error.details.get("licence")
    known = f", {render.size(float(size))}" if size else ""
    question = f"{error.details['model']} is not here ({licence}{known}). Pull it now?"
    return asking.ask(question, quiet=settings.json)


def _pull(settings: Settings, model: str) -> None:
    from edged.cli.models import pull, shelf

    manifest = shelf.find(shelf.known(settings.paths), model)
    pull.fetch(settings, [manifest], pull.Options(yes=True, token=pull.token()))
