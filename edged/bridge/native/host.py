"""`edged-native-host`: what a browser starts for an extension; it speaks on stdin and stdout.

Chromium gives the extension's origin as the first argument, Firefox its manifest's path and the
add-on's id. Nobody else may choose in whose name is asked: without an origin it refuses.
"""

import os
import re
import sys

from edged import __version__
from edged.bridge.native import replies
from edged.bridge.native.connection import Connection
from edged.bridge.native.framing import MOST_BYTES, framed
from edged.bridge.native.journal import Journal
from edged.bridge.native.relay import Ends, Relay
from edged.errors import EdgedError, OriginDenied, Unsupported
from edged.places import find_places

BYTES_VARIABLE = "EDGED_NATIVE_BYTES"
"""Another bound for a message of the browser, in bytes."""

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it."""

_CHROMIUM = re.compile(r"chrome-extension://[a-p]{32}/")
_FIREFOX = re.compile(r"[A-Za-z0-9_.+{}@-]{1,80}")
_MANIFEST_AND_ADD_ON = 2


def main() -> int:
    """Relay between the browser that started this process and the daemon; returns the exit status."""
    reading, writing = _protect()
    journal = Journal(os.path.join(find_places().state, "native-host.log"))
    try:
        ends = Ends(reading, writing, _origin(sys.argv[1:]), __version__)
        _check_platform()
    except EdgedError as error:
        journal.note(f"refused: {error.code}")
        refusal = {"host": {"type": "refused", "error": replies.fields(error)}}
        os.write(writing, framed(replies.text(refusal)))
        return error.exit_status
    journal.note(f"started for {ends.origin}")
    _keep_from_waiting(reading, writing)
    relay = Relay(ends, Connection(find_places().socket), journal, most_bytes=_most_bytes())
    try:
        relay.run()
    except KeyboardInterrupt:  # of the terminal that the browser was started from
        return INTERRUPTED
    return 0


def _protect() -> tuple[int, int]:
    """Descriptors to read from and to write to; whatever prints from now on goes to stderr.

    One stray line on stdout is a length of 1.8 GB to the browser, which closes the port.
    """
    if sys.platform == "win32":
        import msvcrt

        for stream in (0, 1):
            msvcrt.setmode(stream, os.O_BINARY)
    writing = os.dup(1)
    os.dup2(2, 1)
    return 0, writing


def _keep_from_waiting(reading: int, writing: int) -> None:
    """Make reading and writing return at once; a terminal is left alone, its shell needs it after us."""
    for end in (reading, writing):
        if not os.isatty(end):
            os.set_blocking(end, False)


def _origin(arguments: list[str]) -> str:
    """Which extension asks, as its browser says. Windows adds `--parent-window=N`, which says nothing.

    Raises:
        OriginDenied: nobody whom a browser would start this for.
    """
    named = [one for one in arguments if not one.startswith("--")]
    if named and _CHROMIUM.fullmatch(named[0]):
        return named[0]
    of_firefox = len(named) == _MANIFEST_AND_ADD_ON and named[0].endswith(".json")
    if of_firefox and _FIREFOX.fullmatch(named[1]):
        return named[1]
    raise OriginDenied(
        "no browser started this for an extension",
        fix="a browser starts it: `edged browser doctor`",
    )


def _check_platform() -> None:
    """Refuse where the daemon's socket cannot be reached.

    Raises:
        Unsupported: no unix sockets here.
    """
    if sys.platform == "win32":
        raise Unsupported("the daemon does not run on Windows yet")


def _most_bytes() -> int:
    given = os.environ.get(BYTES_VARIABLE, "")
    return int(given) if given.isdecimal() and int(given) else MOST_BYTES
