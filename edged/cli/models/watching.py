"""A bar for what takes a while, where somebody looks at it."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from edged.cli.connect import Settings

if TYPE_CHECKING:
    from edged.cli.bars import Bar


@contextmanager
def shown(settings: Settings) -> "Generator[Bar | None, None, None]":
    """A bar on a terminal; None elsewhere, and for --json."""
    if settings.json or not sys.stderr.isatty():
        yield None
        return
    from edged.cli.bars import Bar  # it imports rich, which nobody needs without a terminal

    with Bar() as bar:
        yield bar
