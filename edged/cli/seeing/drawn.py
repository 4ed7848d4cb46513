"""Where frames are drawn, if anywhere; what draws them is imported only then."""

import argparse
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from edged.bridge.framing import Buffer
from edged.errors import EngineMissing
from edged.messages.seeing import See, Seen


class Canvas(Protocol):
    """Where frames are drawn."""

    def add(self, seen: Seen, parts: Sequence[Buffer]) -> None:
        """Draw one more frame.

        Raises:
            BadRequest, BadMedia: it cannot be drawn there.
        """
        ...

    def keep(self) -> None:
        """All frames are drawn: the file gets its name."""
        ...


def canvas(
    arguments: argparse.Namespace, request: See | None, parts: Sequence[Buffer] = ()
) -> AbstractContextManager[Canvas]:
    """Where to draw; nowhere, unless the command line says so. request: None of a camera.

    Raises:
        EngineMissing: what draws is not installed.
        BadRequest: the file exists, cannot be made, or is of another kind than what is seen.
    """
    if arguments.draw is None:
        return nullcontext(Blank())
    try:
        from edged.cli.seeing import canvases  # its libraries take longer than everything else
    except ImportError as error:
        raise EngineMissing(
            f"drawing needs {error.name}, which is not installed", fix="pip install 'edged[vision]'"
        ) from error
    return canvases.opened(arguments.draw, request, b"".join(parts), force=arguments.force)


class Blank:
    """Nothing is drawn."""

    def add(self, seen: Seen, parts: Sequence[Buffer]) -> None:
        """Leave it."""

    def keep(self) -> None:
        """There is nothing to keep."""
