"""Reaches the daemon for a command, and starts one when none runs."""

import json
import os
import pwd
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from edged.bridge import endpoint
from edged.bridge.link import ANSWER_WITHIN_S, SyncClient
from edged.config import Paths, find_paths
from edged.errors import DaemonDown, Denied, EdgedError, from_code

START_WITHIN_S = 20.0
POLL_S = 0.02


@dataclass(frozen=True)
class Settings:
    """What every command was told."""

    json: bool
    start: bool

    @cached_property
    def paths(self) -> Paths:
        """Where this user's things lie."""
        return find_paths()

    def connect(self, *, answer_within_s: float = ANSWER_WITHIN_S) -> SyncClient:
        """A connection to a daemon that runs; starts one if that is allowed.

        Args:
            answer_within_s: without any reply for so long, the daemon counts as down.

        Raises:
            DaemonDown: none runs and none may be started, or it does not come up.
            Denied: the daemon is another user's.
        """
        if endpoint.holder(self.paths) is None:
            check_owner(self.paths)
            if not self.start:
                raise DaemonDown("no daemon runs in this home")
            start(self.paths)
        else:
            check_owner(self.paths)
        return SyncClient(self.paths.endpoint, answer_within_s=answer_within_s)


def check_owner(paths: Paths) -> None:
    """Say so when the daemon would drop us silently, or when sudo hides the user's own daemon.

    Raises:
        Denied: with the command that acts as the owner.
    """
    owner = _owner(paths.runtime)
    if owner != os.geteuid():
        raise _of(owner, "the daemon belongs to another user and answers only its owner")
    invoker = int(os.environ.get("SUDO_UID", "0"))
    if os.geteuid() == 0 and invoker and endpoint.holder(paths) is None:
        if "EDGED_HOME" in os.environ:
            return
        raise _of(invoker, "under sudo this would be root's daemon, not yours")


def _owner(folder: Path) -> int:
    """Whose a folder is: of one that we may not even see, the owner of what hides it."""
    try:
        return folder.stat().st_uid
    except PermissionError:
        return _owner(folder.parent)
    except OSError:
        return os.geteuid()


def _of(uid: int, message: str) -> Denied:
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = f"#{uid}"
    return Denied(message, fix=f"run it as the owner: sudo -u {name} edged ...")


def start(paths: Paths) -> subprocess.Popen[bytes]:
    """Start a daemon in the background, wait until one answers, and return the process that was started.

    Raises:
        EdgedError: the leaf it ended with, or DaemonDown when it does not answer in time.
    """
    print("edged: starting the daemon", file=sys.stderr)
    paths.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    command = [sys.executable, *_itself(), "serve", "--json", "--log-file", str(paths.log_file)]
    with open(os.devnull, "r+b") as null, tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            command, stdin=null, stdout=said, stderr=null, start_new_session=True, cwd="/"
        )
        deadline = time.monotonic() + START_WITHIN_S
        while time.monotonic() < deadline:
            ended = process.poll() is not None
            holder = endpoint.holder(paths)
            if ended and holder is None:
                said.seek(0)
                raise _ended_with(process.returncode, said.read())
            # Of two that are started at once the later one ends at the lock: the other one will do.
            if holder is not None and (ended or holder == process.pid) and paths.socket.exists():
                return process
            time.sleep(POLL_S)
    raise DaemonDown(f"the daemon does not answer within {START_WITHIN_S:.0f} s")


def _itself() -> list[str]:
    """How to start this program again: a frozen binary is its own interpreter."""
    return [] if getattr(sys, "frozen", False) else ["-P", "-m", "edged"]


def _ended_with(status: int, said: bytes) -> EdgedError:
    """The error that a daemon ended with while it started."""
    try:
        problem = json.loads(said)["error"]
        return from_code(problem["code"], problem["message"], fix=problem["fix"])
    except (ValueError, KeyError, TypeError):
        return DaemonDown(
            f"the daemon ended with status {status} while starting", fix="look into state/edged.log"
        )
