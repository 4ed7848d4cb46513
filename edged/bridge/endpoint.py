"""The socket's place on disk: a private folder, a lock, and the options every socket has.

libzmq unlinks and steals an existing socket file without a word, so a lock file decides who may
bind. Source of the options: measured, and the reasons are in ARCHITECTURE.md, decision 3.
"""

import fcntl
import os
import secrets
import stat
import sys
import time
from pathlib import Path
from typing import NamedTuple

import zmq

from edged.bridge.curve_keys import ClientKeys, read_client
from edged.config import Paths, find_paths
from edged.errors import AlreadyRunning, ConfigError, DaemonDown, Denied, NotPaired

PRIVATE = 0o700
"""Only we may enter."""

LONGEST_SOCKET_PATH = 107
"""Bytes. Source: sockaddr_un.sun_path on Linux, 108 with its NUL (103 on macOS)."""

OWNER_TOKEN = "owner-token"  # noqa: S105 a file's name
LOCK_ATTEMPTS = 10
LOCK_PAUSE_S = 0.01

LINGER_MS = 500
HANDSHAKE_MS = 3_000
HEARTBEAT_MS = 5_000
HEARTBEAT_TIMEOUT_MS = 15_000
HIGH_WATER_MARK = 64
"""Messages per peer and direction; bytes are bounded by the frame size and by back-pressure."""


class Lock:
    """Who may bind, and who may write the store: held until close, or given back by the kernel.

    Two files, since the runtime folder depends on the session (XDG_RUNTIME_DIR) and the store does not:
    a program without that variable would else start a second daemon over the same store.
    """

    def __init__(self, paths: Paths) -> None:
        """Make the folders private and take the locks.

        Raises:
            AlreadyRunning: another daemon holds one.
            Denied: a folder belongs to someone else.
        """
        make_private(paths.runtime)
        make_private(paths.state)
        self._files = [_taken(paths.lock_file, "another daemon runs in this home")]
        try:
            self._files.append(_taken(paths.store_lock_file, "another daemon has this store open"))
        except AlreadyRunning:
            self.close()
            raise

    def close(self) -> None:
        """Let the next daemon in."""
        for file in self._files:
            os.close(file)


def _taken(path: Path, otherwise: str) -> int:
    """The locked file, which says our pid."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    if not _locked(file):
        os.close(file)
        raise AlreadyRunning(otherwise)
    os.truncate(file, 0)
    os.write(file, f"{os.getpid()}\n".encode())
    return file


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
    """The pid of the daemon that answers at the socket, or None when none does."""
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
        raise Denied(
            "the folder of the socket or store belongs to another user",
            fix="choose another EDGED_HOME",
        )
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
    bound = router(context, frame_bytes=frame_bytes)
    bound.setsockopt(zmq.IPC_FILTER_UID, os.geteuid())
    mask = os.umask(0o177)
    try:
        bound.bind(paths.endpoint)
    finally:
        os.umask(mask)
    return bound


def router(context: zmq.Context[zmq.Socket[bytes]], *, frame_bytes: int) -> zmq.Socket[bytes]:
    """A daemon's ROUTER that is not bound yet."""
    fresh = context.socket(zmq.ROUTER)
    _bound(fresh, frame_bytes=frame_bytes)
    fresh.setsockopt(zmq.ROUTER_MANDATORY, 1)
    fresh.setsockopt(zmq.BACKLOG, 128)
    return fresh


def connect(
    context: zmq.Context[zmq.Socket[bytes]], endpoint: str, keys: ClientKeys | None = None
) -> zmq.Socket[bytes]:
    """A client's DEALER. Connecting is silent: whether a daemon answers shows with the first reply.

    Args:
        context: of the socket.
        endpoint: where the daemon listens.
        keys: for TCP.
    """
    dealer = context.socket(zmq.DEALER)
    _bound(dealer, frame_bytes=-1)
    if keys is not None:
        dealer.setsockopt(zmq.CURVE_PUBLICKEY, keys.public_key.encode())
        dealer.setsockopt(zmq.CURVE_SECRETKEY, keys.secret_key.encode())
        dealer.setsockopt(zmq.CURVE_SERVERKEY, keys.server_key.encode())
        dealer.setsockopt(zmq.IPV6, int("[" in endpoint))
    dealer.setsockopt(zmq.RECONNECT_IVL, 20)
    dealer.setsockopt(zmq.RECONNECT_IVL_MAX, 1_000)
    dealer.connect(endpoint)
    return dealer


class OtherEnd(NamedTuple):
    """Where a daemon listens, and what it is reached with."""

    endpoint: str
    keys: ClientKeys | None


def other_end(endpoint: str | None, key_file: Path | str | None) -> OtherEnd:
    """What a client was told about the daemon, or this user's own.

    Raises:
        ConfigError: an endpoint of TCP without keys, or a key file that is none.
        Denied: the key file cannot be read, or others can read it.
    """
    if key_file is not None:
        keys = read_client(key_file)
        return OtherEnd(endpoint or keys.endpoint, keys)
    if endpoint is not None and endpoint.startswith("tcp://"):
        raise ConfigError("tcp needs keys", fix="give the file of `edged clients keygen` as keys")
    return OtherEnd(endpoint or find_paths().endpoint, None)


def watch(dealer: zmq.Socket[bytes]) -> zmq.Socket[bytes]:
    """A socket that becomes readable when the daemon at the other end is gone, or refuses our key.

    ZeroMQ connects again by itself, but the daemon knows the new connection as another client:
    replies to what was asked before never come. `unwatch` closes it, `why_lost` reads it.
    """
    return dealer.get_monitor_socket(
        zmq.EVENT_DISCONNECTED
        | zmq.EVENT_HANDSHAKE_FAILED_AUTH
        | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
    )


def why_lost(monitor: zmq.Socket[bytes]) -> NotPaired | DaemonDown:
    """What the next message of `watch` says; NotPaired is for ever, ZeroMQ tries no more."""
    event = int.from_bytes(monitor.recv_multipart()[0][:2], sys.byteorder)
    if event == zmq.EVENT_HANDSHAKE_FAILED_AUTH:
        return NotPaired(
            "the daemon does not know this key, or it was revoked",
            fix="make the key known: `edged clients keygen` on the daemon's machine",
        )
    if event == zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL:
        return DaemonDown(
            "the other end is not the daemon that the key file names",
            fix="compare address and server key with those of `edged clients keygen`",
        )
    return DaemonDown("the daemon closed the connection before its answer")


def make_owner_token(paths: Paths) -> str:
    """What the user's own programs will show; the same one as before where there is one. Blocks.

    The lock must be held. Who can read the file is the user, and could do all that the user can:
    it keeps out programs that do not look for it.
    """
    if known := owner_token(paths.endpoint):
        return known
    paths.owner_token_file.unlink(missing_ok=True)
    token = secrets.token_hex(32)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with os.fdopen(os.open(paths.owner_token_file, flags, 0o600), "w") as file:
        file.write(f"{token}\n")
    return token


def owner_token(endpoint: str) -> str:
    """What shows that we act for the user where `access.local_clients` is `pair`; else empty.

    The daemon writes it beside its socket, for its own user's eyes only.
    """
    if not endpoint.startswith("ipc://"):
        return ""
    try:
        path = Path(endpoint.removeprefix("ipc://")).with_name(OWNER_TOKEN)
        return path.read_text("ascii").strip()
    except (OSError, ValueError):
        return ""


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
