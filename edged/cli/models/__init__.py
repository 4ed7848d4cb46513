"""`models`: what can run here, where it comes from, and what is in memory."""

import argparse
from typing import Any

from edged.cli.families import Family
from edged.cli.models import listing, making, measuring, memory, offline

PARTS = (listing, memory, offline, making, measuring)


def add(commands: "argparse._SubParsersAction[Any]", shared: argparse.ArgumentParser) -> None:
    """Add this family's commands."""
    models = Family(commands, shared, "models", "what can run here, and what is in memory")
    for part in PARTS:
        part.add(models)
