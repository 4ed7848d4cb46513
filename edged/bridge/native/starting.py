"""Starts a daemon in the background when none runs, through the command line that knows how."""

import json
import os
import subprocess
import sys

from edged.errors import DaemonDown, EdgedError, from_code

MOST_SAID = 64 * 1024
"""Bytes of what the command prints that are kept."""


class Starting:
    """`edged status` in a process of its own: it starts a daemon when none runs and waits for it.

    A child, so that the host need not load what the command line does. It and the daemon have a
    session of their own: what the browser does to its hosts does not reach them.
    """

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [*_edged(), "status", "--json"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
        )
        self._said = b""

    def fileno(self) -> int:
        """Readable when the command said something, or ended."""
        if self._process.stdout is None:
            raise DaemonDown("the command that starts the daemon has no output")
        return self._process.stdout.fileno()

    def read(self) -> bool:
        """Take what was said; whether the command is done and a daemon runs.

        Raises:
            EdgedError: why none could be started.
        """
        more = os.read(self.fileno(), MOST_SAID)
        self._said = (self._said + more)[:MOST_SAID]
        if more:
            return False
        status = self._process.wait()
        self.close()
        if status:
            raise _problem(self._said)
        return True

    def close(self) -> None:
        """Listen no more; the command goes on."""
        if self._process.stdout is not None:
            self._process.stdout.close()


def _edged() -> list[str]:
    """How to run the command line: a frozen host is the frozen edged with a flag."""
    if getattr(sys, "frozen", False):
        return [sys.executable]
    return [sys.executable, "-P", "-m", "edged"]


def _problem(said: bytes) -> EdgedError:
    try:
        problem = json.loads(said)["error"]
        return from_code(problem["code"], problem["message"], fix=problem["fix"])
    except (ValueError, KeyError, TypeError):
        return DaemonDown("the daemon did not start", fix="`edged status` in a terminal says why")
