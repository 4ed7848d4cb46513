"""The host's connection to the daemon: made when it is needed, lost when the daemon goes."""

import os
import socket
import stat
import struct
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from itertools import islice
from time import monotonic
from typing import NoReturn, Protocol

from edged.bridge.native import zmtp
from edged.errors import DaemonDown, Denied, EdgedError

READ_BYTES = 128 * 1024
"""Read at once from the daemon, and the most that is held of it unprocessed."""

READY_WITHIN_S = 3.0
"""From connecting to the daemon's consent. Source: its own HANDSHAKE_MS."""

START_WITHIN_S = 30.0
"""For a daemon that has to be started: its command gives up after 20 s."""

TRIES = 3
"""Connections to a daemon that ends before it agreed: the next one finds its successor, or none."""

MOST_BUFFERS = 64
"""Handed to one sendmsg."""

_CREDENTIALS = struct.Struct("3i")

NOT_OURS = "remove the runtime folder (`edged config` prints it), then `edged serve`"


class State(Enum):
    """How far it is.

    absent: no daemon, until the next request. starting: one is being started. greeting: it is there
    and has not agreed yet. ready: requests go through.
    """

    ABSENT = "absent"
    STARTING = "starting"
    GREETING = "greeting"
    READY = "ready"


class BeingStarted(Protocol):
    """A daemon on its way: edged.bridge.native.starting.Starting, or a test's."""

    def fileno(self) -> int:
        """Readable when `read` has something to do."""

    def read(self) -> bool:
        """Whether a daemon runs by now; raises the EdgedError why none could be started."""

    def close(self) -> None:
        """Wait for it no more."""


def _start() -> BeingStarted:
    """Begin to start a daemon. Imported here: most hosts find one, and it takes 3 of their 30 ms."""
    from edged.bridge.native.starting import Starting

    return Starting()


class Connection:
    """Frames to the daemon and chunks of frames from it; driven by whoever polls `fileno`.

    Args:
        path: the daemon's socket.
        start: begins to start a daemon; called when nothing listens.

    Raises from every method: EdgedError when the daemon is gone or is none of ours; the connection
    is absent then, and what was not sent is dropped.
    """

    def __init__(self, path: str, start: Callable[[], BeingStarted] = _start) -> None:
        self.state = State.ABSENT
        self._path = path
        self._start = start
        self._starting: BeingStarted | None = None
        self._socket: socket.socket | None = None
        self._wire = zmtp.Wire()
        self._unsent: deque[memoryview] = deque()
        self._scratch = bytearray(READ_BYTES)
        self._until = 0.0
        self._tries = 0

    @property
    def unsent_bytes(self) -> int:
        """What the daemon has not taken yet."""
        return sum(len(one) for one in self._unsent)

    @property
    def wants_to_send(self) -> bool:
        """Whether to poll for writing."""
        return self.state is State.READY and bool(self._unsent)

    def fileno(self) -> int:
        """What to poll: the daemon's socket, or the command that starts it; -1 when absent."""
        source = self._socket or self._starting
        return source.fileno() if source else -1

    def open(self) -> None:
        """Connect, or begin to start a daemon; `state` tells how far it is."""
        self._tries = TRIES
        self._try()

    def _try(self) -> None:
        self._tries -= 1
        self._wire = zmtp.Wire()
        try:
            self._connect()
        except (ConnectionResetError, BrokenPipeError):
            self._again()
        except (FileNotFoundError, ConnectionRefusedError):
            self._starting = self._start()
            self.state, self._until = State.STARTING, monotonic() + START_WITHIN_S
        except OSError as error:
            self._lose(DaemonDown(f"the daemon cannot be reached: {error.strerror or error}"))

    def left_s(self) -> float | None:
        """How long the state may last, at least 0; None: for ever."""
        if self.state in (State.ABSENT, State.READY):
            return None
        return max(0.0, self._until - monotonic())

    def keep_time(self) -> None:
        """Lose a daemon that took longer than it may."""
        if self.left_s() == 0:
            self._lose(DaemonDown("the daemon does not answer at its socket"))

    def send(self, frames: Iterable[zmtp.Buffer]) -> None:
        """Send a message as soon as the daemon takes it; connects when it is absent."""
        if self.state is State.ABSENT:
            self.open()
        self._unsent.extend(map(memoryview, zmtp.message(frames)))
        if self.state is State.READY:
            self.flush()

    def show_life(self) -> None:
        """Tell a daemon that is not being read that somebody is there; it drops the silent."""
        if self.state is State.READY and not self._unsent:
            self._unsent.append(memoryview(zmtp.command(zmtp.PONG)))
            self.flush()

    def flush(self) -> None:
        """Send what the daemon takes now."""
        while self._unsent and self._socket and self.state is State.READY:
            buffers = list(islice(self._unsent, MOST_BUFFERS))
            try:
                sent = self._socket.sendmsg(buffers)
            except BlockingIOError:
                return
            except OSError:
                self._lose(DaemonDown("the daemon is gone"))
            self._drop(sent)

    def receive(self) -> Iterator[zmtp.Chunk]:
        """What came, while the connection was made nothing; each chunk is valid until the next call."""
        if self._starting:
            self._started()
            return
        count = self._read()
        if not count:
            return
        with memoryview(self._scratch) as scratch:
            try:
                yield from self._wire.feed(scratch[:count])
            except EdgedError as error:
                self._lose(error)
        self._agree()

    def close(self) -> None:
        """End the connection; the daemon cancels what it does for us."""
        if self._socket:
            self._socket.close()
        if self._starting:
            self._starting.close()
        self._socket = self._starting = None
        self._unsent.clear()
        self.state = State.ABSENT

    def _connect(self) -> None:
        """Greet the daemon, and only that: the requests wait until it agreed."""
        _check_place(self._path)
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(READY_WITHIN_S)
        try:
            self._socket.connect(self._path)
            _check_peer(self._socket)
            self._socket.sendall(zmtp.GREETING + zmtp.READY)
            self._socket.settimeout(0)
        except (OSError, EdgedError):
            self._socket.close()
            self._socket = None
            raise
        self.state, self._until = State.GREETING, monotonic() + READY_WITHIN_S

    def _started(self) -> None:
        if not self._starting:
            return
        try:
            done = self._starting.read()
        except EdgedError as error:
            self._lose(error)
        if done:
            self._starting.close()
            self._starting = None
            self.state = State.ABSENT
            self.open()

    def _read(self) -> int:
        if not self._socket:
            return 0
        try:
            count = self._socket.recv_into(self._scratch)
        except BlockingIOError:
            return 0
        except OSError:
            count = 0
        if not count:
            self._again()
        return count

    def _again(self) -> None:
        """Try once more when a daemon ended that had not agreed: one that is killed listens to its last.

        What waits to be sent stays.
        """
        if self.state is State.READY or not self._tries:
            self._lose(DaemonDown("the daemon is gone"))
        if self._socket:
            self._socket.close()
            self._socket = None
        self._try()

    def _agree(self) -> None:
        """Answer the daemon's commands, and let the requests go once it is ready."""
        if self._wire.ready and self.state is State.GREETING:
            self.state = State.READY
            self.flush()
        if self._wire.answers:
            self._unsent.extend(map(memoryview, self._wire.answers))
            self._wire.answers.clear()
            self.flush()

    def _drop(self, count: int) -> None:
        while count:
            first = self._unsent.popleft()
            if count < len(first):
                self._unsent.appendleft(first[count:])
                return
            count -= len(first)

    def _lose(self, error: EdgedError) -> NoReturn:
        self.close()
        raise error


def _check_place(path: str) -> None:
    """Refuse a socket, or a folder around it, that another user put there.

    Raises:
        Denied: it is not ours.
        ConfigError: the path is too long for a socket.
        FileNotFoundError: nothing is there.
    """
    folder = os.path.dirname(path)
    for place, is_right in ((folder, stat.S_ISDIR), (path, stat.S_ISSOCK)):
        facts = os.lstat(place)
        if facts.st_uid != os.geteuid() or not is_right(facts.st_mode):
            raise Denied("the daemon's socket belongs to another user, or is none", fix=NOT_OURS)
    if stat.S_IMODE(os.lstat(folder).st_mode) & 0o022:
        raise Denied("others may write into the daemon's runtime folder", fix=NOT_OURS)


def _check_peer(connected: socket.socket) -> None:
    """Refuse a server that another user runs, whoever owns the file. Linux only.

    Raises:
        Denied: it is not ours.
    """
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return
    found = connected.getsockopt(socket.SOL_SOCKET, option, _CREDENTIALS.size)
    _, uid, _ = _CREDENTIALS.unpack(found)
    if uid != os.geteuid():
        raise Denied("what listens at the daemon's socket belongs to another user", fix=NOT_OURS)
