"""Where this user's things lie, as plain text: what the native host needs before it has time for more.

`edged.config` makes its `Paths` of this. Measured: importing that module takes 25 ms.
"""

import os
from collections.abc import Mapping
from typing import NamedTuple


class Places(NamedTuple):
    """Absolute folders; nothing is created by looking. `edged.config.Paths` says what lies where."""

    config: str
    state: str
    runtime: str
    cache: str

    @property
    def socket(self) -> str:
        """The ipc endpoint's file."""
        return os.path.join(self.runtime, "requests")


def find_places(environ: Mapping[str, str] = os.environ) -> Places:
    """The folders for this user: EDGED_HOME, else systemd's, else the XDG base directories.

    Source: XDG Base Directory Specification 0.8; systemd.exec(5) *DIRECTORY variables.
    """
    if home := environ.get("EDGED_HOME"):
        root = os.path.join(os.getcwd(), os.path.expanduser(home))
        return Places(*(os.path.join(root, name) for name in ("config", "state", "run", "cache")))
    user = environ.get("HOME") or os.path.expanduser("~")
    state = os.path.join(user, ".local/state")
    return Places(
        config=_folder(environ, "CONFIGURATION_DIRECTORY", "XDG_CONFIG_HOME")
        or os.path.join(user, ".config/edged"),
        state=_folder(environ, "STATE_DIRECTORY", "XDG_STATE_HOME") or os.path.join(state, "edged"),
        # Without XDG_RUNTIME_DIR (ssh without a session, cron): a private folder beside the state.
        runtime=_folder(environ, "RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR")
        or os.path.join(state, "edged/run"),
        cache=_folder(environ, "CACHE_DIRECTORY", "XDG_CACHE_HOME")
        or os.path.join(user, ".cache/edged"),
    )


def _folder(environ: Mapping[str, str], systemd: str, xdg: str) -> str:
    """The folder that a variable names; systemd's already name one of ours. Empty: none does."""
    if given := environ.get(systemd):
        return given.split(":", maxsplit=1)[0]
    base = environ.get(xdg, "")
    return os.path.join(base, "edged") if base.startswith("/") else ""
