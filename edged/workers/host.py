"""The first lines of a worker process: tied to the daemon's life before anything else happens.

Started as `python -P -m edged.workers.host FD PARENT GENERATION`, or by a frozen binary with its
worker flag. Three modules of the standard library are all that is imported above the tie.
"""

import ctypes
import os
import sys

ORPHANED = 75
"""Exit status when the daemon was gone before the tie; bodies.py, not imported so early, has it too."""

_PR_SET_PDEATHSIG = 1
_SIGKILL = 9


def main(argv: list[str]) -> int:
    """Serve calls at an inherited socket until the daemon closes it.

    Args:
        argv: the socket's descriptor, the daemon's process id, the worker's generation.
    """
    descriptor, parent, generation = (int(word) for word in argv)
    _tie_to(parent)
    from edged.workers import serving  # nothing of size is imported before the tie

    return serving.run(descriptor, generation)


def _tie_to(parent: int) -> None:
    """Die with the daemon; at once when it is dead already.

    The kernel's tie hangs on the thread that forked, so the daemon forks from its loop's thread.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, _SIGKILL)
    if os.getppid() != parent:
        os._exit(ORPHANED)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
