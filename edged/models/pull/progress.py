"""What a pull tells while it runs."""

from collections.abc import Callable
from typing import Literal

from msgspec import Struct

Stage = Literal["fetch", "verify", "build", "done"]


class PullProgress(Struct, frozen=True, kw_only=True):
    """How far one file is.

    done, total: bytes; total 0: not known yet.
    source: a host, "pypi" or "folder"; never an address, which may hold a secret.
    """

    model: str
    file: str
    stage: Stage
    done: int = 0
    total: int = 0
    source: str = ""


Tell = Callable[[PullProgress], None]
"""Called often, on the thread that pulls; what it raises ends the pull, to be resumed later."""
