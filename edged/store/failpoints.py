"""For tests only: the process kills itself at a named commit border.

`EDGED_FAILPOINT=name[:count]`, read once at import: SIGKILL at the count-th time (1 by default)
that the name is reached. The names: before_commit, after_commit (every group of transactions),
rotate_copied, rotate_before_swap, rotate_after_swap (a change of the key), restore_before_swap,
restore_between (a restore).
"""

import os
import signal

_name, _, _count = os.environ.get("EDGED_FAILPOINT", "").partition(":")
_left = int(_count or 1)


def reach(name: str) -> None:
    """Die here if the environment asked for it."""
    global _left  # noqa: PLW0603 one counter for one process, and it dies of it
    if name != _name:
        return
    _left -= 1
    if _left <= 0:
        os.kill(os.getpid(), signal.SIGKILL)
