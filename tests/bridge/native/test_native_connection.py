"""The way to the daemon: only to one of our own, started when none runs."""

import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import msgpack
import pytest
from native_port import DaemonSide

from edged.bridge.native import connection as connections
from edged.bridge.native.connection import BeingStarted, Connection, State
from edged.errors import DaemonDown, Denied, EdgedError, KeyMissing, VersionSkew

NOBODY = 65_534


@pytest.fixture
def path(home: Path) -> Path:
    """Where the daemon listens; its folder is ours."""
    (home / "run").mkdir(mode=0o700)
    return home / "run" / "requests"


class FakeStarting:
    """The command that starts a daemon, which does what the test says when it is read."""

    def __init__(self, then: Callable[[], bool]) -> None:
        self._then = then
        self._ends = os.pipe()
        self.closed = False

    def fileno(self) -> int:
        return self._ends[0]

    def read(self) -> bool:
        return self._then()

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            for end in self._ends:
                os.close(end)


def _must_not_start() -> BeingStarted:
    raise AssertionError("a daemon was to be started")


def _listening(path: Path) -> socket.socket:
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen()
    return server


def test_it_is_ready_when_the_daemon_agreed(path: Path) -> None:
    daemon = DaemonSide(path)
    connection = Connection(str(path), _must_not_start)

    connection.open()
    connection.send([b"early"])
    while connection.state is State.GREETING:
        list(connection.receive())

    assert connection.state is State.READY
    assert connection.unsent_bytes == 0
    connection.close()
    assert connection.fileno() == -1
    daemon.close()


def test_when_nothing_listens_a_daemon_is_started_and_used(path: Path) -> None:
    _listening(path).close()  # a socket that a killed daemon left behind
    daemons: list[DaemonSide] = []

    def become_ready() -> bool:
        path.unlink()
        daemons.append(DaemonSide(path))
        return True

    starting = FakeStarting(become_ready)
    connection = Connection(str(path), lambda: starting)

    connection.open()
    assert connection.fileno() == starting.fileno()
    while connection.state is not State.READY:
        list(connection.receive())

    assert starting.closed
    connection.close()
    daemons[0].close()


def test_a_daemon_that_cannot_be_started_is_told_with_its_own_error(path: Path) -> None:
    def fail() -> bool:
        raise KeyMissing("no passphrase")

    starting = FakeStarting(fail)
    connection = Connection(str(path), lambda: starting)
    connection.open()

    with pytest.raises(KeyMissing):
        list(connection.receive())

    assert connection.state is State.ABSENT
    assert starting.closed


def test_one_that_does_not_agree_in_time_is_down(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "READY_WITHIN_S", 0.01)
    with _listening(path):
        connection = Connection(str(path), _must_not_start)
        connection.open()

        with pytest.raises(DaemonDown, match="does not answer"):
            while True:
                connection.keep_time()

    assert connection.state is State.ABSENT


def test_one_that_closes_at_once_is_down(path: Path) -> None:
    with _listening(path) as server:
        connection = Connection(str(path), _must_not_start)
        connection.open()
        closed = 0

        with pytest.raises(DaemonDown):
            while True:
                server.accept()[0].close()
                closed += 1
                list(connection.receive())

    assert closed == connections.TRIES
    assert connection.state is State.ABSENT


def test_one_that_ends_before_it_agreed_is_left_for_the_next_with_what_was_asked(
    path: Path,
) -> None:
    with _listening(path) as dying:
        connection = Connection(str(path), _must_not_start)
        connection.send([msgpack.packb({"id": "1"})])
        path.unlink()
        daemon = DaemonSide(path)
        dying.accept()[0].close()

        while connection.state is State.GREETING:
            list(connection.receive())

    assert connection.state is State.READY
    assert daemon.take() == ({"id": "1"}, [])
    connection.close()
    daemon.close()


def test_one_that_speaks_something_else_is_left(path: Path) -> None:
    with _listening(path) as server:
        connection = Connection(str(path), _must_not_start)
        connection.open()
        peer, _ = server.accept()
        peer.sendall(b"HTTP/1.1 200 OK\r\n\r\n")

        with pytest.raises(VersionSkew):
            while True:
                list(connection.receive())

        assert peer.recv(4096)  # our greeting, and no request
        peer.close()


def _squat_socket(path: Path) -> None:
    os.chown(path, NOBODY, NOBODY)


def _squat_folder(path: Path) -> None:
    os.chown(path.parent, NOBODY, NOBODY)


def _open_folder(path: Path) -> None:
    path.parent.chmod(0o777)


def _link_folder(path: Path) -> None:
    path.parent.rename(path.parent.with_name("elsewhere"))
    path.parent.symlink_to("elsewhere")


def _plain_file(path: Path) -> None:
    path.unlink()
    path.touch()


@pytest.mark.parametrize(
    "squat", [_squat_socket, _squat_folder, _open_folder, _link_folder, _plain_file]
)
def test_a_place_that_another_could_have_made_is_refused(
    squat: Callable[[Path], None], path: Path
) -> None:
    with _listening(path) as server:
        server.setblocking(False)
        try:
            squat(path)
        except PermissionError:
            pytest.skip("only root may give files away")
        connection = Connection(str(path), _must_not_start)

        with pytest.raises(Denied):
            connection.open()
        with pytest.raises(BlockingIOError):
            server.accept()

    assert connection.state is State.ABSENT


def test_a_server_of_another_user_is_refused_though_the_socket_looks_like_ours(path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can be somebody else")
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    bound = threading.Thread(target=_listen_as_nobody, args=[server])
    bound.start()
    bound.join()
    connection = Connection(str(path), _must_not_start)

    with server, pytest.raises(Denied, match="what listens"):
        connection.open()


def _listen_as_nobody(server: socket.socket) -> None:
    """Listen with another uid, of this thread alone: the kernel notes whose listen() it was."""
    import ctypes

    set_uids = 117  # setresuid(2) on x86-64; the C library's own would change all threads
    if os.uname().machine == "aarch64":
        set_uids = 147
    library = ctypes.CDLL(None, use_errno=True)
    assert library.syscall(set_uids, NOBODY, NOBODY, NOBODY) == 0
    server.listen()


def test_a_path_that_is_too_long_is_an_error_with_a_code(home: Path) -> None:
    folder = home / ("x" * 120)
    folder.mkdir(mode=0o700)
    (folder / "short").touch()
    server = socket.socket(socket.AF_UNIX)
    os.chdir(folder)
    server.bind("requests")
    os.chdir("/")

    with server, pytest.raises(EdgedError):
        Connection(str(folder / "requests"), _must_not_start).open()
