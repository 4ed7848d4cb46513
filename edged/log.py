"""Logging: what happened to whom by id, size and type; never what a user said, saw or named."""

import logging
import sys
from pathlib import Path

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
JOURNAL_FORMAT = "%(levelname)s %(name)s: %(message)s"


def start(*, level: str = "INFO", file: Path | None = None, journal: bool = False) -> None:
    """Log to stderr, or to a file of ours that only the owner can read.

    Args:
        level: a name of the logging module.
        file: appended to, mode 0600.
        journal: systemd adds the time itself.
    """
    handler: logging.Handler
    if file is None:
        handler = logging.StreamHandler(sys.stderr)
    else:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.touch(mode=0o600, exist_ok=True)
        handler = logging.FileHandler(file)
    handler.setFormatter(logging.Formatter(JOURNAL_FORMAT if journal else FORMAT))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
