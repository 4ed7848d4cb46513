"""`config`: every setting, its value, and where it comes from."""

import argparse
from typing import Any

from edged import config
from edged.cli import render
from edged.cli.connect import Settings


def add(commands: "argparse._SubParsersAction[Any]", shared: argparse.ArgumentParser) -> None:
    """Add this family's commands."""
    text = "print every setting with its value, and where files lie"
    command = commands.add_parser("config", parents=[shared], help=text, description=text)
    command.set_defaults(run=show)


def show(settings: Settings, _: argparse.Namespace) -> None:
    """Print settings and folders; needs no daemon."""
    paths = settings.paths
    values = config.settings(config.load(paths))
    defaults = config.settings(config.Config())
    if settings.json:
        folders = {name: str(getattr(paths, name)) for name in paths.__struct_fields__}
        render.as_json({"settings": values, "folders": folders})
        return
    for name, value in values.items():
        changed = "" if defaults.get(name) == value else "  (changed)"
        print(f"{name:28} {value}{changed}")
    print(f"\nsettings file  {paths.config_file}")
    for name in paths.__struct_fields__:
        print(f"{name:14} {getattr(paths, name)}")
