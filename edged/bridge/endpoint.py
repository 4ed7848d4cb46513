"""The socket's place on disk: a private folder, a lock, and the options every socket has.

libzmq unlinks and steals an existing socket file without a word, so a lock file decides who may
bind. Source of the options: measured, and the reasons are in ARCHITECTURE.md, decision 3.
"""

import fcntl
import os
import stat
import time
from pathlib import Path

import zmq

from edged.config import Paths
from edged.errors import AlreadyRunning, ConfigError, Denied

PRIVATE = 0o700
"""Only we may enter."""

LONGEST_SOCKET_PATH = 107
"""Bytes. Source: sockaddr_un.sun_path on Linux, 108 with its NUL (103 on macOS)."""

LOCK_ATTEMPTS = 10
LOCK_PAUSE_S = 0.01

LINGER_MS = 500
HANDSHAKE_MS = 3_000
HEARTBEAT_MS = 5_000
HEARTBEAT_TIMEOUT_MS = 15_000
HIGH_WATER_MARK = 64
"""Messages per peer and direction; bytes are bounded by the frame size and by back-pressure."""


class Lock:
    """Who may bind: held from open to close, given back by the kernel if the process dies."""

    def __init__(self, paths: Paths) -> None:
        """Make the runtime folder private and take the lock.

        Raises:
            AlreadyRunning: another daemon holds it.
            Denied: the folder belongs to someone else.
        """
        make_private(paths.runtime)
        self._file = os.open(paths.lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if not _locked(self._file):
            os.close(self._file)
            raise AlreadyRunning("another daemon runs in this home")
        os.truncate(self._file, 0)
        os.write(self._file, f"{os.getpid()}\n".encode())

    def close(self) -> None:
        """Let the next daemon in."""
        os.close(self._file)


def _locked(file: int) -> bool:
    """Whether the lock is ours now; asks again for a moment, since `holder` takes it to look."""
    for _ in range(LOCK_ATTEMPTS):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(LOCK_PAUSE_S)
        else:
            return True
    return False


def holder(paths: Paths) -> int | None:
    """The pid of the daemon that holds the lock, or None when none does."""
    try:
        with paths.lock_file.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(file.read() or b"0") or None
    except (OSError, ValueError):
        return None
    return None


def make_private(folder: Path) -> None:
    """Create a folder that only we can enter, or make sure that it is one.

    Raises:
        Denied: it belongs to another user, or is no folder.
    """
    folder.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
    facts = folder.lstat()
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.geteuid():
        raise Denied("the runtime folder belongs to another user", fix="choose another EDGED_HOME")
    if stat.S_IMODE(facts.st_mode) != PRIVATE:
        folder.chmod(PRIVATE)


def bind(
    context: zmq.Context[zmq.Socket[bytes]], paths: Paths, *, frame_bytes: int
) -> zmq.Socket[bytes]:
    """The daemon's ROUTER, bound. The lock must be held.

    Raises:
        ConfigError: the path is too long for a socket.
    """
    check_length(paths)
    router = context.socket(zmq.ROUTER)
    _bound(router, frame_bytes=frame_bytes)
    router.setsockopt(zmq.ROUTER_MANDATORY, 1)
    router.setsockopt(zmq.IPC_FILTER_UID, os.geteuid())
    router.setsockopt(zmq.BACKLOG, 128)
    mask = os.umask(0o177)
    try:
        router.bind(paths.endpoint)
    finally:
        os.umask(mask)
    return router


def connect(context: zmq.Context[zmq.Socket[bytes]], endpoint: str) -> zmq.Socket[bytes]:
    """A client's DEALER. Connecting is silent: whether a daemon answers shows with the first reply."""
    dealer = context.socket(zmq.DEALER)
    _bound(dealer, frame_bytes=-1)
    dealer.setsockopt(zmq.RECONNECT_IVL, 20)
    dealer.setsockopt(zmq.RECONNECT_IVL_MAX, 1_000)
    dealer.connect(endpoint)
    return dealer


def watch(dealer: zmq.Socket[bytes]) -> zmq.Socket[bytes]:
    """A socket that becomes readable when the daemon at the other end is gone.

    ZeroMQ connects again by itself, but the daemon knows the new connection as another client:
    replies to what was asked before never come. `unwatch` closes it.
    """
    return dealer.get_monitor_socket(zmq.EVENT_DISCONNECTED)


def unwatch(dealer: zmq.Socket[bytes], monitor: zmq.Socket[bytes]) -> None:
    """End `watch`; without this the context would wait for the monitor for ever."""
    dealer.disable_monitor()
    monitor.close(linger=0)


def check_length(paths: Paths) -> None:
    """Refuse a socket path that the kernel would cut."""
    size = len(os.fsencode(paths.socket))
    if size > LONGEST_SOCKET_PATH:
        raise ConfigError(
            f"the socket's path has {size} bytes, {LONGEST_SOCKET_PATH} are possible",
            fix="choose a shorter EDGED_HOME or XDG_RUNTIME_DIR",
        )


def _bound(socket: zmq.Socket[bytes], *, frame_bytes: int) -> None:
    socket.setsockopt(zmq.LINGER, LINGER_MS)
    socket.setsockopt(zmq.MAXMSGSIZE, frame_bytes)
    socket.setsockopt(zmq.SNDHWM, HIGH_WATER_MARK)
    socket.setsockopt(zmq.RCVHWM, HIGH_WATER_MARK)
    socket.setsockopt(zmq.HANDSHAKE_IVL, HANDSHAKE_MS)
    socket.setsockopt(zmq.HEARTBEAT_IVL, HEARTBEAT_MS)
    socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_MS)
    socket.setsockopt(zmq.HEARTBEAT_TTL, HEARTBEAT_TIMEOUT_MS)
