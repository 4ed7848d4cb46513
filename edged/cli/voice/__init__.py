"""`align`, `emotion`, `keywords`, `tag`, `language`, `separate`, `denoise`, `speak`: everything a voice says beyond its words."""

import argparse
from typing import Any, Protocol

from edged.cli.voice import align, denoise, emotion, keywords, language, separate, speak, tag


class Part(Protocol):
    """A module with one command."""

    def add(
        self, commands: "argparse._SubParsersAction[Any]", shared: argparse.ArgumentParser
    ) -> None:
        """Add its command."""
        ...


PARTS: tuple[Part, ...] = (align, emotion, keywords, tag, language, separate, denoise, speak)


def add(commands: "argparse._SubParsersAction[Any]", shared: argparse.ArgumentParser) -> None:
    """Add this family's commands."""
    for part in PARTS:
        part.add(commands, shared)
